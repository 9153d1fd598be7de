//! The audit log: writing with the act, and reading.

use async_trait::async_trait;

use super::Unavailable;
use super::ledger::{LedgerError, Submit};
use crate::audit::{AuditEntry, AuditNote, AuditedAct, RecordRequest};
use crate::clock::Timestamp;
use crate::ids::{AuditId, UserId};
use crate::ledger::command::{Command, Receipt};

/// Does what admins do, and writes it down. Like [`super::ledger::Ledger`], and in the same transactions.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Does an act and appends an entry about it in the same commit, with the state before and after. An act that is
    /// refused, or that changes nothing because it was done before, leaves no entry.
    async fn act(&self, note: AuditNote, act: Command) -> Result<Receipt, LedgerError>;

    /// Appends an entry about something that is no act on the books, durably, once for its id.
    async fn record(&self, request: RecordRequest) -> Result<(), LedgerError>;
}

#[async_trait]
impl<S: Submit> Recorder for S {
    async fn act(&self, note: AuditNote, act: Command) -> Result<Receipt, LedgerError> {
        self.submit(Command::Audited(Box::new(AuditedAct { note, act }))).await
    }

    async fn record(&self, request: RecordRequest) -> Result<(), LedgerError> {
        match self.submit(Command::Record(Box::new(request))).await? {
            Receipt::Recorded => Ok(()),
            other => Err(super::ledger::mixed_up(&other)),
        }
    }
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Whose doing: an actor's text.
    pub actor: Option<String>,
    /// About this target.
    pub target: Option<String>,
    /// This action.
    pub action: Option<String>,
    /// About this user's account.
    pub user: Option<UserId>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

/// Where a page of the log ends: the next one begins with older entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    /// Time of the last entry seen.
    pub at: Timestamp,
    /// Its id; decides among entries of the same time.
    pub id: AuditId,
}

/// Reads of the audit log.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait AuditBook: Send + Sync {
    /// Up to `limit` entries that the filter lets through, each with its reason if that was not erased, newest
    /// first by time and then by id, older than `before` if given.
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<AuditCursor>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Unavailable>;
}
