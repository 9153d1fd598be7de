//! A throw-away PostgreSQL for tests.
//!
//! With `TEST_POSTGRES_URL` set, databases are created on that server. Without, each test process
//! starts a server of its own with the `initdb` and `pg_ctl` that are installed, and stops it when the
//! process ends, however it ends. A template database is migrated once for each process and cloned for
//! each test.

mod binaries;
mod databases;
mod server;
mod watchdog;

pub use databases::{TestDatabase, fresh_database};
pub use server::TestServer;

/// The environment variable that names a server where tests may create databases.
pub const URL_VARIABLE: &str = "TEST_POSTGRES_URL";
