//! What is kept of a person, to be shown to them, and to be erased when they leave.
//!
//! [`super::ledger::Ledger::close_account`] erases, in its own commit:
//!
//! | Of | What |
//! |---|---|
//! | questions and answers | all texts, and the answers kept for replays with their idempotency keys |
//! | audit log | the reasons; the entries stand |
//! | journal | the free texts; the chain has their hashes, and stands |
//! | notices to the user | all, also those on their way out |
//! | contact | address and language |
//! | suspensions | their reasons; they themselves stay in force |
//! | API keys | what the user called them; the keys themselves are revoked |
//! | holds and purchases | the idempotency keys, which were the client's own words |
//!
//! What stays are the books: amounts, times, names of models and plans, the payment provider's ids, under the
//! pseudonymous id of the user.

use async_trait::async_trait;

use super::Unavailable;
use crate::contact::Contact;
use crate::ids::{GrantId, HoldId, IdempotencyKey, UserId};
use crate::ledger::account::Suspension;
use crate::ledger::holds::KeyRecord;
use crate::ledger::lots::Lot;
use crate::ledger::usage::UsageContent;

/// The most rows of one table that closing erases in its commit, which others wait for. Of an account with more,
/// the rest is erased by [`PersonalData::erase_rest`].
pub const ERASED_AT_ONCE: u32 = 10_000;

/// Reads of what is personal, and the end of erasing it. Reads write nothing, and create no account.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait PersonalData: Send + Sync {
    /// Whether the user has closed the account.
    async fn is_closed(&self, user: UserId) -> Result<bool, Unavailable>;

    /// Where a user wants to be told; that of a newcomer when they never said.
    async fn contact(&self, user: UserId) -> Result<Contact, Unavailable>;

    /// The suspensions in force, by source.
    async fn suspensions(&self, user: UserId) -> Result<Vec<Suspension>, Unavailable>;

    /// Up to `limit` lots, by id, after `after` if given.
    async fn lots(&self, user: UserId, after: Option<GrantId>, limit: u32) -> Result<Vec<Lot>, Unavailable>;

    /// Up to `limit` texts of requests, by hold, after `after` if given.
    async fn texts(
        &self,
        user: UserId,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<Vec<UsageContent>, Unavailable>;

    /// Up to `limit` idempotency keys that are remembered, with the answers kept for them, by key, after `after` if
    /// given.
    async fn keys(
        &self,
        user: UserId,
        after: Option<IdempotencyKey>,
        limit: u32,
    ) -> Result<Vec<KeyRecord>, Unavailable>;

    /// Up to `limit` users whose account is closed and of whom it is not certain that everything is erased.
    async fn to_erase(&self, limit: u32) -> Result<Vec<UserId>, Unavailable>;

    /// Erases what closing left over of a closed account, and takes the user off that list. Of an account that is
    /// not closed it erases nothing. Where it breaks off, it can be done again.
    async fn erase_rest(&self, user: UserId) -> Result<(), Unavailable>;
}
