//! The guard that owns a hold while its request runs: no path can leak it.

use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::ids::{HoldId, UserId};
use crate::ledger::command::{HoldRequest, VoidRequest};
use crate::ledger::usage::{Outcome, UsageFacts};
use crate::ports::ledger::Ledger;

/// Dropped while armed, it voids the hold in the background.
pub(super) struct HeldCredits {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    user: UserId,
    hold: HoldId,
    facts: UsageFacts,
    begun: Timestamp,
    armed: bool,
}

impl HeldCredits {
    pub fn new(
        ledger: &Arc<dyn Ledger>,
        clock: &Arc<dyn Clock>,
        request: &HoldRequest,
        facts: UsageFacts,
    ) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            clock: Arc::clone(clock),
            user: request.user,
            hold: request.id,
            facts,
            begun: request.now.at,
            armed: true,
        }
    }

    /// The hold was refused: there is nothing to return.
    pub fn nothing_held(mut self) {
        self.armed = false;
    }

    /// The hold is settled, or will be from memory.
    pub fn settled(mut self) {
        self.armed = false;
    }

    /// Returns the credits now; if the store does not answer, later, by being dropped.
    pub async fn void(mut self, outcome: Outcome) {
        let request = self.request(outcome);
        if self.ledger.void(request).await.is_ok() {
            self.armed = false;
        }
    }

    fn request(&self, outcome: Outcome) -> VoidRequest {
        let now = self.clock.now();
        let facts = UsageFacts { duration: now.at.since(self.begun), ..self.facts.clone() };
        VoidRequest { user: self.user, hold: self.hold, outcome, facts, now }
    }
}

impl Drop for HeldCredits {
    fn drop(&mut self) {
        if self.armed {
            self.ledger.release(self.request(Outcome::Abandoned));
        }
    }
}
