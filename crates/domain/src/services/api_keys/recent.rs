//! Keys that were just looked up: a program that asks often does not cost a look-up each time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api_keys::ApiKey;
use crate::clock::{Span, Timestamp};
use crate::ids::{ApiKeyId, UserId};

/// How long a key that was looked up is taken for what it was: so long may a key that another server has revoked
/// still read. (It spends nothing: the ledger looks at the key's row with every hold.)
pub const FRESH: Span = Span::from_secs(2);
/// How many keys are remembered. Beyond that, all are forgotten: they are only seconds old.
const MOST: usize = 4096;

/// Keys that were looked up less than [`FRESH`] ago.
#[derive(Clone, Debug, Default)]
pub struct RecentKeys(Arc<Mutex<Shelf>>);

#[derive(Debug, Default)]
struct Shelf {
    keys: BTreeMap<ApiKeyId, (Arc<ApiKey>, Timestamp)>,
    /// Grows with every key that is forgotten.
    generation: u64,
}

impl RecentKeys {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key, if it was looked up just now. A clock that stepped back makes it older, not younger.
    pub(super) fn get(&self, id: &ApiKeyId, now: Timestamp) -> Option<Arc<ApiKey>> {
        let shelf = self.shelf();
        let (key, since) = shelf.keys.get(id)?;
        let fresh = *since <= now && now < since.after(FRESH);
        fresh.then(|| Arc::clone(key))
    }

    /// What [`RecentKeys::put`] is to be told of the time before the look-up.
    pub(super) fn generation(&self) -> u64 {
        self.shelf().generation
    }

    /// Remembers a key that a look-up, begun at `now` and in this generation, found. If a key was revoked
    /// meanwhile, it may have been found as it was before: then it is not remembered.
    pub(super) fn put(&self, key: Arc<ApiKey>, now: Timestamp, generation: u64) {
        let mut shelf = self.shelf();
        if shelf.generation == generation {
            if shelf.keys.len() >= MOST {
                shelf.keys.clear();
            }
            shelf.keys.insert(key.id, (key, now));
        }
    }

    /// Forgets a key, because it was revoked.
    pub(super) fn forget(&self, id: &ApiKeyId) {
        let mut shelf = self.shelf();
        shelf.keys.remove(id);
        shelf.generation = shelf.generation.wrapping_add(1);
    }

    /// Forgets all keys of a user, because the account was closed.
    pub(super) fn forget_user(&self, user: UserId) {
        let mut shelf = self.shelf();
        shelf.keys.retain(|_, (key, _)| key.user != user);
        shelf.generation = shelf.generation.wrapping_add(1);
    }
}
