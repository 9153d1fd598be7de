//! Leaving: an account is closed, and what is personal is erased.

use std::sync::Arc;

use crate::clock::Clock;
use crate::ids::UserId;
use crate::ledger::account::Actor;
use crate::ledger::command::{CloseRequest, Closed};
use crate::ports::Unavailable;
use crate::ports::ledger::{Ledger, LedgerError};
use crate::ports::personal::PersonalData;

/// The most users whose erasure is ended in one turn.
const AT_ONCE: u32 = 100;

/// Closes accounts.
#[derive(Clone)]
pub struct Privacy {
    /// Changes.
    pub ledger: Arc<dyn Ledger>,
    /// What is personal.
    pub personal: Arc<dyn PersonalData>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Privacy {
    /// Closes the user's account, and erases what is personal; done before, it is done. Of an account with very
    /// much to erase, the end may come a little later: [`Privacy::finish`] sees to it.
    pub async fn close(&self, user: UserId, forfeit: bool) -> Result<Closed, LedgerError> {
        let (actor, now) = (Actor::user(&user), self.clock.now());
        let closed = self.ledger.close_account(CloseRequest { user, forfeit, actor, now }).await?;
        // The account is closed, and that is what is answered: a store that is away just now is asked again.
        let _later = self.personal.erase_rest(user).await;
        Ok(closed)
    }

    /// Erases what closing left over, on any server; answers of how many accounts.
    pub async fn finish(&self) -> Result<u32, Unavailable> {
        let mut done: u32 = 0;
        for user in self.personal.to_erase(AT_ONCE).await? {
            self.personal.erase_rest(user).await?;
            done = done.saturating_add(1);
        }
        Ok(done)
    }
}
