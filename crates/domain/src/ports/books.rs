//! Reading everything, to prove that it adds up.

use async_trait::async_trait;

use super::Unavailable;
use crate::clock::Timestamp;
use crate::ids::{Lane, UserId};
use crate::ledger::verify::AccountBooks;

/// The complete books, account by account.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Books: Send + Sync {
    /// Up to `limit` users of a lane, in the order of their ids, after `after` if given.
    async fn users(&self, lane: Lane, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable>;

    /// Everything of one account, from one snapshot. `None` when there is no such account.
    async fn account_books(&self, user: UserId) -> Result<Option<AccountBooks>, Unavailable>;

    /// Whether some server's lease is in force at `now`.
    async fn is_served(&self, now: Timestamp) -> Result<bool, Unavailable>;

    /// How many request texts are older than `before`.
    async fn content_older_than(&self, before: Timestamp) -> Result<u64, Unavailable>;
}
