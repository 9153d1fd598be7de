//! Reading one's own books.

use async_trait::async_trait;

use super::Unavailable;
use crate::clock::Timestamp;
use crate::ids::{HoldId, UserId};
use crate::ledger::account::AccountView;
use crate::ledger::journal::JournalEntry;
#[cfg(doc)]
use crate::ledger::usage::Outcome;
use crate::ledger::usage::UsageRecord;

/// A journal entry with its free text, if that was not erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// The entry.
    pub entry: JournalEntry,
    /// Its text.
    pub note: Option<String>,
}

/// Where a page of usage ends: the next one begins with older rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageCursor {
    /// Time of the last row seen.
    pub at: Timestamp,
    /// Its hold; decides among rows of the same time.
    pub hold: HoldId,
}

/// Reads of one account. None of them writes, and none creates the account.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Statements: Send + Sync {
    /// The account as it stands at `now`, with what is due counted as expired, from one snapshot.
    /// `None` for a user who was never seen.
    async fn account(&self, user: UserId, now: Timestamp) -> Result<Option<AccountView>, Unavailable>;

    /// Up to `limit` journal entries, newest first, below number `before` if given.
    async fn journal(
        &self,
        user: UserId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable>;

    /// Up to `limit` usage rows, newest first by time and then by hold id, older than `before` if given.
    async fn usage(
        &self,
        user: UserId,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable>;

    /// How many of the account's requests broke off half-way ([`Outcome::BrokenOff`]) at or after `since`.
    async fn broken_off_since(&self, user: UserId, since: Timestamp) -> Result<u32, Unavailable>;
}
