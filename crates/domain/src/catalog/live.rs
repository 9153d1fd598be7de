//! The catalogue in force: it can be replaced while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use super::Catalogue;

/// A place for the catalogue in force. Each request takes what is in force when it begins, and keeps to it.
#[derive(Debug)]
pub struct LiveCatalogue(RwLock<Arc<Catalogue>>);

impl LiveCatalogue {
    /// With this one in force.
    pub fn new(catalogue: Catalogue) -> Self {
        Self(RwLock::new(Arc::new(catalogue)))
    }

    /// The one in force.
    pub fn current(&self) -> Arc<Catalogue> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another one in force, for requests that begin from now on.
    pub fn replace(&self, catalogue: Catalogue) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
    }
}
