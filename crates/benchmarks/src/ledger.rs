//! The ledger's way: the product's own stores.

use std::sync::Arc;

use domain::ids::UserId;
use domain::ledger::limits::LimitBook;
use domain::ports::books::Books;
use domain::ports::ledger::{HoldOutcome, Ledger};
use domain::services::verification;
use futures_util::future::try_join_all;

use crate::callers::{Way, wrong};
use crate::{Result, asks};

/// A store of the product.
pub struct ByLedger<S> {
    store: S,
    limits: Arc<LimitBook>,
}

impl<S: Ledger + 'static> ByLedger<S> {
    pub fn new(store: S) -> Arc<Self> {
        Arc::new(Self { store, limits: Arc::new(LimitBook::unlimited()) })
    }
}

impl<S: Ledger + 'static> Way for ByLedger<S> {
    async fn pair(&self, _caller: usize, user: UserId) -> Result<()> {
        let HoldOutcome::Held(held) = self.store.hold(asks::hold(user, &self.limits)).await? else {
            return Err(wrong("an answer was replayed without a key"));
        };
        let settled = self.store.settle(asks::settle(user, held.hold)).await?;
        if settled.charged == asks::CHARGED && !settled.repeated {
            Ok(())
        } else {
            Err(wrong(format!("charged {} instead of {}", settled.charged, asks::CHARGED)))
        }
    }
}

/// Gives every user an account with credits.
pub async fn open_accounts(ledger: &dyn Ledger, users: &[UserId]) -> Result<()> {
    for some in users.chunks(500) {
        try_join_all(some.iter().map(|user| ledger.grant(asks::grant(*user)))).await?;
    }
    Ok(())
}

/// Checks all books; `pairs` is how many were done on them. Answers a sentence, or every fault.
pub async fn verify(books: &dyn Books, pairs: u64) -> Result<std::result::Result<String, String>> {
    let now = asks::now().at;
    let found = verification::verify(books, now, now).await?;
    if !found.is_sound() {
        return Ok(Err(found.to_string()));
    }
    // One entry for each pair, and each account's grant.
    let expected = pairs + found.accounts;
    if found.entries != expected {
        return Ok(Err(format!("{} journal entries where {expected} should be", found.entries)));
    }
    Ok(Ok(found.to_string()))
}
