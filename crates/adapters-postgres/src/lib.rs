//! The books on PostgreSQL.
//!
//! [`PostgresStore`] implements the ports [`Ledger`](domain::ports::ledger::Ledger) (by way of
//! [`Submit`](domain::ports::ledger::Submit)), [`Statements`](domain::ports::statements::Statements),
//! [`Books`](domain::ports::books::Books), [`Reports`](domain::ports::reports::Reports),
//! [`Overview`](domain::ports::overview::Overview), [`Recorder`](domain::ports::audit::Recorder) (by way of `Submit`),
//! [`AuditBook`](domain::ports::audit::AuditBook),
//! [`Upkeep`](domain::ports::upkeep::Upkeep), [`Till`](domain::ports::billing::Till) (by way of `Submit`, too),
//! [`PurchaseBook`](domain::ports::billing::PurchaseBook), [`Inbox`](domain::ports::billing::Inbox),
//! [`ApiKeyBook`](domain::ports::api_keys::ApiKeyBook) and [`Vitals`](domain::ports::vitals::Vitals).
//! It knows no rule of credits: it loads under lock, lets `domain::ledger::batch` decide, and stores what was
//! decided, in one transaction for each batch.
//!
//! | To find | Look in |
//! |---|---|
//! | what is locked and read for a batch | `load` |
//! | what is written of it | `save` |
//! | the transaction around both; timeouts | `writer` |
//! | tables and their columns | `schema` |
//! | rows as domain values; corruption | `rows` |
//! | reads of accounts | `reads` |
//! | lists of everybody's, for admins; the audit log | `overview`, `audit` |
//! | figures over all users, and the sums that make them fast | `reports`, `fold` |
//! | everything of an account, for verification | `books` |
//! | all of that for API keys | `api_keys` |
//! | all of that for purchases, and the provider's events | `billing` |
//! | sweeping, leases, retention | `upkeep`, `partitions` |
//! | figures for operators | `vitals` |
//! | addresses, TLS, settings of a session | `connect`, `tls` |
//! | migrations | `migrate` |
//!
//! To add a column: a migration in both trees, `schema`, its row in `rows`, the statements that name it in
//! `load` and `save`.

mod api_keys;
mod audit;
mod billing;
mod books;
mod connect;
mod error;
mod fold;
mod load;
mod migrate;
mod overview;
mod partitions;
#[cfg(test)]
mod plans;
mod reads;
mod reports;
mod rows;
mod save;
mod schema;
mod statement;
mod storable;
mod store;
mod tls;
mod upkeep;
mod vitals;
mod writer;

pub use error::OpenError;
pub use migrate::{migrate, migration_names};
pub use store::{PostgresOptions, PostgresStore, Writers};
