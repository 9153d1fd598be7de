//! How the books as a whole are doing, for operators.

use async_trait::async_trait;

use super::Unavailable;
use crate::clock::Timestamp;
use crate::credits::Credits;

/// Figures over all books at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Accounts that there are.
    pub accounts: u64,
    /// Credits that users have and have not spent, held ones included; at most [`Credits::MAX`].
    pub outstanding: Credits,
    /// Credits that were clawed back and had been spent already; at most [`Credits::MAX`].
    pub owed: Credits,
    /// Open holds.
    pub open_holds: u64,
    /// Credits in them; at most [`Credits::MAX`].
    pub held: Credits,
    /// The payment provider's events that are pending, by the time when they came.
    pub events: Backlog,
    /// Purchases whose next look-up has come, by the time when it came.
    pub lookups: Backlog,
    /// Notices that were not sent yet, by the time when they were written.
    pub notices: Backlog,
}

/// What waits to be worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub waiting: u64,
    /// Since when the oldest of them waits.
    pub oldest: Option<Timestamp>,
}

/// Takes figures over all books.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Vitals: Send + Sync {
    /// The figures at `now`. Reads every account: not for each request, and bounded in time.
    async fn figures(&self, now: Timestamp) -> Result<Figures, Unavailable>;
}
