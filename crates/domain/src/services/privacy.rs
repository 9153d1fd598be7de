//! Leaving: an account is closed, and what is personal is erased.

use std::sync::Arc;

use crate::audit::{self, AuditNote, By, user_target};
use crate::clock::Clock;
use crate::ids::{IdSource, UserId};
use crate::ledger::command::{CloseRequest, Closed, Command, Receipt};
use crate::ports::Unavailable;
use crate::ports::audit::Recorder;
use crate::ports::ledger::{LedgerError, mixed_up};
use crate::ports::personal::PersonalData;

/// The most users whose erasure is ended in one turn.
const AT_ONCE: u32 = 100;

/// Closes accounts.
#[derive(Clone)]
pub struct Privacy {
    /// Closes, with an entry in the audit log.
    pub recorder: Arc<dyn Recorder>,
    /// What is personal.
    pub personal: Arc<dyn PersonalData>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of entries.
    pub ids: Arc<dyn IdSource>,
}

impl Privacy {
    /// Closes the user's account, and erases what is personal; done before, it is done. Of an account with very
    /// much to erase, the end may come a little later: [`Privacy::finish`] sees to it.
    pub async fn close(&self, by: By, user: UserId, forfeit: bool) -> Result<Closed, LedgerError> {
        let (actor, now) = (by.actor.clone(), self.clock.now());
        let about = AuditNote::of(self.ids.as_ref(), by, audit::ACCOUNT_CLOSE, user_target(user));
        let act = Command::Close(CloseRequest { user, forfeit, actor, now });
        let closed = match self.recorder.act(about, act).await? {
            Receipt::Closed(closed) => closed,
            other => return Err(mixed_up(&other)),
        };
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
