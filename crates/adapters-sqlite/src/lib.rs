//! The ledger and its reports on SQLite: one file, one writer, any number of readers.
//!
//! | To find | Look in |
//! |---|---|
//! | the store and how it opens | [`SqliteStore`], `store`, `connection`, `migrations` |
//! | one batch in one transaction: load, decide, store | `commit`, `load`, `save` |
//! | buying: its part of a batch, its reads, the inbox of the provider's events | `billing`, `purchase_book`, `inbox` |
//! | looking API keys up | `api_key_book` |
//! | each table: its columns, reads and writes | `schema`, `rows` |
//! | what a column may hold, and what corruption is called | `cell`, `error` |
//! | the write connection and its turns | `turn` |
//! | reads, each from one snapshot | `readers`, `statements`, `books`, `overview` |
//! | figures over all users, and the sums that make them fast | `reports`, `fold` |
//! | sweeping, leases, retention | `upkeep`, `sweep` |
//! | figures for operators | `vitals` |
//!
//! No rule of the books is here: `domain::ledger::batch` decides, this crate loads and stores.
//!
//! Durability: WAL with `synchronous = FULL`; what was answered is on the disk. Every transaction that
//! writes begins `IMMEDIATE`, so that a second server on the same file waits instead of failing.
//!
//! To add a table: a migration in both trees, a `table!` in `schema`, a file in `rows`.

mod api_key_book;
mod billing;
mod books;
mod cell;
mod commit;
mod connection;
mod error;
mod fold;
mod inbox;
mod load;
mod migrations;
mod overview;
mod purchase_book;
mod readers;
mod reports;
mod rows;
mod save;
mod schema;
mod statement;
mod statements;
mod store;
mod sweep;
mod turn;
mod upkeep;
mod vitals;
#[cfg(test)]
mod watch;

pub use connection::OpenError;
pub use group_commit::Writer;
pub use migrations::{migrate, migration_names, pending};
pub use store::{Options, SqliteStore};
