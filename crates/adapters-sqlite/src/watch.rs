//! Looking over the shoulder of a connection, for tests: which statements it runs, and how.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::{Connection, InstrumentationEvent};
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use tempfile::TempDir;

use crate::connection::File;
use crate::migrations;

/// The statements of a connection: those that were run, and those that were prepared to be kept.
#[derive(Clone, Default)]
pub struct Statements {
    run: Arc<Mutex<BTreeSet<String>>>,
    kept: Arc<Mutex<BTreeSet<String>>>,
}

impl Statements {
    fn note(&self, event: &InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                let (statement, _) = text.split_once(" -- binds").unwrap_or((&text, ""));
                self.run.lock().expect("no panic").insert(statement.to_owned());
            }
            InstrumentationEvent::CacheQuery { sql, .. } => {
                self.kept.lock().expect("no panic").insert((*sql).to_owned());
            }
            _ => {}
        }
    }

    /// Those that were run.
    pub fn run(&self) -> BTreeSet<String> {
        self.run.lock().expect("no panic").clone()
    }

    /// Those that were prepared to be kept.
    pub fn kept(&self) -> BTreeSet<String> {
        self.kept.lock().expect("no panic").clone()
    }
}

/// A connection to a new file with the whole schema, and its statements from now on.
pub fn watched() -> (SqliteConnection, Statements, TempDir) {
    let directory = TempDir::new().expect("a directory");
    let file = File::new(&directory.path().join("saldo.db"), Duration::from_secs(5)).expect("a path");
    file.prepare().expect("made");
    let mut connection = file.connect().expect("connected");
    migrations::run(&mut connection, &file).expect("migrated");
    let seen = Statements::default();
    let notes = seen.clone();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| notes.note(&event));
    (connection, seen, directory)
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// How SQLite goes about a statement.
pub fn plan(connection: &mut SqliteConnection, statement: &str) -> String {
    let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {statement}"))
        .load(connection)
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
}
