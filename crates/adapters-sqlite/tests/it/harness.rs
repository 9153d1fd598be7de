//! A file in a directory of its own, and the stores on it.

use std::path::PathBuf;
use std::time::Duration;

use adapters_sqlite::{Options, SqliteStore, Writer};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use domain::ids::HoldId;
use domain::ledger::command::{Held, HoldRequest};
use domain::ports::ledger::{HoldOutcome, Ledger};
use tempfile::TempDir;

/// A place for a database file; gone with the value.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }

    /// Where the file is, or will be.
    pub fn file(&self) -> PathBuf {
        self.0.path().join("saldo.db")
    }

    pub fn open(&self) -> (SqliteStore, Writer) {
        self.open_with(Options::default())
    }

    pub fn open_with(&self, options: Options) -> (SqliteStore, Writer) {
        SqliteStore::open(&self.file(), options).expect("the store opens")
    }

    /// A connection of somebody else, who knows nothing of the store's settings.
    pub fn stranger(&self) -> SqliteConnection {
        let path = self.file();
        SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("the file opens")
    }

    /// Writes what the schema would refuse.
    pub fn damage(&self, statement: &str) {
        let script = format!("PRAGMA ignore_check_constraints = ON; {statement}");
        self.stranger().batch_execute(&script).expect("the damage is done");
    }

    /// The number that a query of somebody else answers.
    pub fn count(&self, query: &str) -> i64 {
        sql_query(query).get_result::<Count>(&mut self.stranger()).expect("a number").number
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A store that gives up at once when the file is locked.
pub fn impatient() -> Options {
    Options {
        commit: group_commit::Options { patience: Duration::ZERO, ..group_commit::Options::default() },
        busy_timeout: Duration::from_millis(1),
        ..Options::default()
    }
}

/// A hold that must be made.
pub async fn held(store: &SqliteStore, request: HoldRequest) -> HoldId {
    match store.hold(request).await.expect("held") {
        HoldOutcome::Held(Held { hold, .. }) => hold,
        HoldOutcome::Replay(answer) => panic!("replayed {answer:?}"),
    }
}
