//! Looking at everybody's books, page by page, for admins.

use async_trait::async_trait;

use super::Unavailable;
use super::billing::PageEnd;
use super::statements::{JournalLine, UsageCursor};
use crate::billing::notice::Notice;
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::ledger::account::{AccountView, Suspension};
use crate::ledger::lots::Lot;
use crate::ledger::usage::{Outcome, UsageRecord};

/// How accounts are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOrder {
    /// The newest first.
    Newest,
    /// Those first that used the most credits.
    MostUsed,
    /// Those first that have the highest balance (`total - used`).
    HighestBalance,
}

impl AccountOrder {
    /// All orders.
    pub const ALL: [Self; 3] = [Self::Newest, Self::MostUsed, Self::HighestBalance];

    /// The word that clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::MostUsed => "used",
            Self::HighestBalance => "balance",
        }
    }

    /// The order that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == word)
    }
}

/// Where a page of accounts ends: the next one begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountCursor {
    /// What the last account seen is sorted by: microseconds or credits.
    pub key: i64,
    /// Who; decides among equals.
    pub user: UserId,
}

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    /// Whose it is.
    pub user: UserId,
    /// How it stands, from its cached sums: what fell due since the last sweep, a second ago, is still in them.
    pub view: AccountView,
    /// When it appeared.
    pub created_at: Timestamp,
    /// What it is sorted by in the order asked for.
    pub key: i64,
}

/// An account, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSheet {
    /// How it stands, with what is due counted as expired.
    pub view: AccountView,
    /// When it appeared.
    pub created_at: Timestamp,
    /// Why it may not spend; oldest first.
    pub suspensions: Vec<Suspension>,
    /// Its lots with something remaining, in burn order, as they were last stored.
    pub lots: Vec<Lot>,
    /// How many holds are open.
    pub open_holds: u32,
}

/// Which usage rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Of this user.
    pub user: Option<UserId>,
    /// Of this model.
    pub model: Option<String>,
    /// Which ended so.
    pub outcome: Option<Outcome>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

/// Which journal entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Of this user.
    pub user: Option<UserId>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

/// Where a page of everybody's journals ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalCursor {
    /// Whose entry was the last.
    pub user: UserId,
    /// Its number.
    pub seq: u64,
}

/// Reads over all accounts. None of them writes.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Overview: Send + Sync {
    /// Up to `limit` accounts as they stand at `now`, in that order and then by id, highest first, behind `before`
    /// if given. An account that moves in the order while it is paged through may be seen twice or not at all.
    async fn accounts(
        &self,
        order: AccountOrder,
        before: Option<AccountCursor>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AccountLine>, Unavailable>;

    /// One account in full as it stands at `now`, from one snapshot. `None` for a user who was never seen.
    async fn sheet(&self, user: UserId, now: Timestamp) -> Result<Option<AccountSheet>, Unavailable>;

    /// Up to `limit` usage rows that the filter lets through, newest first by time and then by hold id, older than
    /// `before` if given.
    async fn latest_usage(
        &self,
        filter: UsageFilter,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable>;

    /// Up to `limit` journal entries with their texts, account by account (by lane, then by id), oldest first,
    /// behind `after` if given.
    async fn journals(
        &self,
        filter: JournalFilter,
        after: Option<JournalCursor>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable>;

    /// Up to `limit` notices of all users, admins' included, newest first by time and then by user, kind and
    /// subject, older than `before` if given. A notice's name there is `user:kind:subject`.
    async fn all_notices(&self, before: Option<PageEnd>, limit: u32) -> Result<Vec<Notice>, Unavailable>;
}
