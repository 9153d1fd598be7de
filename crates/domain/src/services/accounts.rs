//! Accounts as their owners and the admins see them, and what these set and do.

use std::sync::Arc;

use crate::audit::{self, AuditNote, By, user_target};
use crate::clock::{Clock, Timestamp};
use crate::credits::Credits;
use crate::ids::{GrantId, IdSource, IdempotencyKey, UserId};
use crate::ledger::account::{AccountView, SuspensionSource};
use crate::ledger::command::{
    AdjustRequest, Command, GrantRequest, Receipt, Refusal, ResumeRequest, SetAlertsRequest, SuspendRequest,
};
use crate::ledger::journal::note_hash;
use crate::ledger::lots::{Source, SourceKind};
use crate::ports::Unavailable;
use crate::ports::audit::Recorder;
use crate::ports::ledger::{LedgerError, mixed_up};
use crate::ports::statements::Statements;

/// The least and the most that an admin moves at once.
pub const MOST_BY_HAND: Credits = Credits::whole(1_000_000_000);

/// Reads of an account, and what its owner and admins do to it.
#[derive(Clone)]
pub struct Accounts {
    /// Changes, each with its entry in the audit log.
    pub recorder: Arc<dyn Recorder>,
    /// Reads.
    pub statements: Arc<dyn Statements>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of lots and of entries.
    pub ids: Arc<dyn IdSource>,
}

/// Credits that an admin gives (positive) or takes (negative).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualCredits {
    /// Whose.
    pub user: UserId,
    /// Signed, not zero, at most [`MOST_BY_HAND`] either way.
    pub amount: Credits,
    /// Why.
    pub reason: String,
    /// When given credits expire; later than now.
    pub expires_at: Option<Timestamp>,
    /// The name of this act: the same again does nothing again.
    pub key: IdempotencyKey,
}

/// Why credits were not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManualCreditsError {
    /// The key was used for something else.
    #[error("the idempotency key was used for another request")]
    KeyMismatch,
    /// A business no.
    #[error(transparent)]
    Refused(Refusal),
    /// The store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<LedgerError> for ManualCreditsError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(refusal) => Self::Refused(refusal),
            LedgerError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl Accounts {
    /// The account as it stands now; that of a user never seen is empty, and stays unwritten.
    pub async fn view(&self, user: UserId) -> Result<AccountView, Unavailable> {
        let now = self.clock.now().at;
        Ok(self.statements.account(user, now).await?.unwrap_or_else(AccountView::unseen))
    }

    /// Gives or takes credits, once for its key; answers the account and whether it was done before.
    pub async fn move_by_hand(
        &self,
        by: By,
        asked: ManualCredits,
    ) -> Result<(AccountView, bool), ManualCreditsError> {
        let ManualCredits { user, amount, reason, expires_at, key } = asked;
        let id = GrantId::from_bytes(self.ids.unique());
        let actor = by.actor.clone();
        let word = if amount.is_positive() { audit::CREDITS_GRANT } else { audit::CREDITS_ADJUST };
        let about = self.note(by, word, user).because(reason.clone()).keyed(&key);
        let source = Source::new(SourceKind::Manual, key.as_str());
        let now = self.clock.now();
        let expected_note = Some(note_hash(&reason));
        let note = Some(reason);
        let act = if amount.is_positive() {
            let plan = None;
            Command::Grant(GrantRequest { id, user, source, amount, expires_at, plan, actor, note, now })
        } else {
            Command::Adjust(AdjustRequest { id, user, source, amount, actor, note, now })
        };
        let posted = match self.recorder.act(about, act).await? {
            Receipt::Posted(posted) => posted,
            other => return Err(mixed_up(&other).into()),
        };
        let same = posted.amount == amount
            && posted.note_hash == expected_note
            && (posted.expires_at == expires_at || !amount.is_positive());
        if posted.repeated && !same {
            return Err(ManualCreditsError::KeyMismatch);
        }
        Ok((self.view(user).await?, posted.repeated))
    }

    /// Stops the user's spending until an admin resumes it; doing it twice does it once.
    pub async fn suspend(&self, by: By, user: UserId, reason: String) -> Result<AccountView, LedgerError> {
        let (source, now, actor) = (SuspensionSource::admin(), self.clock.now(), by.actor.clone());
        let about = self.note(by, audit::ACCOUNT_SUSPEND, user).because(reason.clone());
        let act = Command::Suspend(SuspendRequest { user, source, actor, reason, now });
        self.recorder.act(about, act).await?;
        Ok(self.view(user).await?)
    }

    /// Lifts the admin's suspension and those that are left to admins; others stay, such as an open dispute's.
    /// One of those is lifted by its name.
    pub async fn resume(
        &self,
        by: By,
        user: UserId,
        source: Option<SuspensionSource>,
    ) -> Result<AccountView, LedgerError> {
        self.resume_because(by, user, source, None).await
    }

    /// The same, with the reason why.
    pub async fn resume_because(
        &self,
        by: By,
        user: UserId,
        source: Option<SuspensionSource>,
        reason: Option<String>,
    ) -> Result<AccountView, LedgerError> {
        let (source, now) = (source.unwrap_or_else(SuspensionSource::admin), self.clock.now());
        let (actor, about) = (by.actor.clone(), self.note(by, audit::ACCOUNT_RESUME, user));
        let about = AuditNote { reason, ..about };
        self.recorder.act(about, Command::Resume(ResumeRequest { user, source, actor, now })).await?;
        Ok(self.view(user).await?)
    }

    /// Keeps when and where the user wants to be told; answers the threshold in force.
    pub async fn set_alerts(&self, by: By, asked: SetAlertsRequest) -> Result<Credits, LedgerError> {
        let about = self.note(by, audit::ALERTS_SET, asked.user);
        match self.recorder.act(about, Command::SetAlerts(asked)).await? {
            Receipt::AlertsSet(threshold) => Ok(threshold),
            other => Err(mixed_up(&other)),
        }
    }

    fn note(&self, by: By, action: &str, user: UserId) -> AuditNote {
        AuditNote::of(self.ids.as_ref(), by, action, user_target(user))
    }
}
