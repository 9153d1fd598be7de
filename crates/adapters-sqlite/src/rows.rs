//! One file for each table of the books: its columns, what is read of it, what is written to it.
//!
//! Statements are of fixed text, so that each is prepared once for each connection. Rows are not domain
//! types: a row that cannot be one is [`crate::error::Corrupt`].

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod contacts;
pub mod endpoint;
pub mod erasures;
pub mod events;
pub mod holds;
pub mod journal;
pub mod keys;
pub mod lots;
pub mod notices;
pub mod offers;
pub mod outbox;
pub mod profiles;
pub mod purchases;
pub mod returns;
pub mod revenue;
pub mod subscriptions;
pub mod suspensions;
pub mod usage;

use domain::ids::UserId;

use crate::error::StoreError;

/// The first two columns of every per-user table's key.
pub struct Owner {
    /// The user's lane.
    pub lane: i64,
    /// The user's id.
    pub user: String,
}

impl Owner {
    /// Where the rows of `user` lie.
    pub fn of(user: UserId) -> Self {
        Self { lane: i64::from(user.lane().get()), user: user.to_string() }
    }
}

/// An unsigned count as SQLite keeps it. Counts of the domain stay far below the end of `i64`; one that
/// did not would be refused by a constraint.
fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Sees to it that an update met its row.
fn met_one(table: &'static str, rows: usize) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Vanished(table)) }
}
