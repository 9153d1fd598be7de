//! How many answers may be read to their end after their client left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The most at once, in one process.
pub const MOST_DRAINS: usize = 64;

/// Places for answers that are read to their end in the background. Clones share them.
#[derive(Clone, Debug)]
pub struct Drains {
    free: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
}

impl Default for Drains {
    fn default() -> Self {
        Self { free: Arc::new(AtomicUsize::new(MOST_DRAINS)), closed: Arc::default() }
    }
}

impl Drains {
    /// A place, if one is free; it is free again when the place is dropped.
    pub fn place(&self) -> Option<Place> {
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(1));
        taken.is_ok().then(|| Place(Arc::clone(&self.free)))
    }

    /// Gives no place any more: the server stops.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

/// A place that is taken.
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let drains = Drains::default();
        let taken: Vec<_> = (0..MOST_DRAINS).map(|_| drains.place().unwrap()).collect();
        assert!(drains.clone().place().is_none());
        drop(taken);
        assert!(drains.place().is_some());
        drains.clone().close();
        assert!(drains.place().is_none());
    }
}
