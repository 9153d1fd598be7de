//! How long requests took: counted in fixed slots, so that counts of hours add up to counts of years.

/// The slots' upper bounds in milliseconds, each included. What is longer than the last falls into one more slot.
///
/// Stores keep counts by the number of the slot: to change this list is to fold everything anew.
pub const BOUNDS_MS: [u32; 23] = [
    50, 100, 200, 300, 400, 500, 750, 1000, 1250, 1500, 2000, 2500, 3000, 4000, 5000, 7500, 10_000, 15_000,
    20_000, 30_000, 60_000, 120_000, 300_000,
];
/// How many slots there are.
pub const SLOTS: usize = BOUNDS_MS.len().saturating_add(1);

/// The slot that so many milliseconds fall into.
pub fn slot(duration_ms: i64) -> usize {
    BOUNDS_MS.iter().position(|bound| duration_ms <= i64::from(*bound)).unwrap_or(BOUNDS_MS.len())
}

/// Counts of requests by slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies([u64; SLOTS]);

impl Latencies {
    /// Adds requests to a slot. A slot that there is not counts as the last.
    pub fn add(&mut self, slot: usize, requests: u64) {
        let last = SLOTS.saturating_sub(1);
        if let Some(count) = self.0.get_mut(slot.min(last)) {
            *count = count.saturating_add(requests);
        }
    }

    /// The upper bound of the slot in which the request stands that so many of a thousand do not surpass: no
    /// request of that share took longer. Of the last slot, which has none, the bound before it. Zero without
    /// requests.
    pub fn bound_of(&self, per_mille: u64) -> u32 {
        let all: u64 = self.0.iter().fold(0, |sum, count| sum.saturating_add(*count));
        let rank = u128::from(all).saturating_mul(u128::from(per_mille)).div_ceil(1000);
        if all == 0 {
            return 0;
        }
        let mut seen: u128 = 0;
        for (slot, count) in self.0.iter().enumerate() {
            seen = seen.saturating_add(u128::from(*count));
            if seen >= rank.max(1) {
                return BOUNDS_MS.get(slot).or(BOUNDS_MS.last()).copied().unwrap_or(0);
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_slot() {
        assert_eq!([0, 50, 51, 300_000, 300_001, i64::MAX].map(slot), [0, 0, 1, 22, 23, 23]);
    }

    #[test]
    fn percentiles_are_bounds_of_slots() {
        let mut seen = Latencies::default();
        assert_eq!(seen.bound_of(500), 0);
        for (duration, requests) in [(40, 50), (900, 45), (1800, 4), (400_000, 1)] {
            seen.add(slot(duration), requests);
        }
        assert_eq!(
            [500, 510, 950, 990, 1000].map(|share| seen.bound_of(share)),
            [50, 1000, 1000, 2000, 300_000]
        );
    }
}
