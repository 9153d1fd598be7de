//! The schema's history, embedded in the program.

use std::path::Path;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::{File, OpenError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
/// How long another process may take that migrates the same file.
const PATIENCE: Duration = Duration::from_secs(30);

/// The names of all migrations that this program knows, oldest first.
pub fn migration_names() -> Vec<String> {
    known().iter().map(|migration| migration.name().to_string()).collect()
}

/// Brings the file at `path` to this program's schema; makes it where it is missing. Several processes
/// may do so at once. Answers the names of the migrations that were run. A file with a newer schema is
/// refused and left alone.
pub fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
    let file = File::new(path, PATIENCE)?;
    file.prepare()?;
    run(&mut file.connect()?, &file)
}

/// The names of the migrations that the file at `path` still lacks, oldest first; all of them when there
/// is no file. Changes nothing.
pub fn pending(path: &Path) -> Result<Vec<String>, OpenError> {
    let file = File::new(path, PATIENCE)?;
    if !file.path().try_exists().unwrap_or(false) {
        return Ok(migration_names());
    }
    file.prepare()?;
    let applied = applied(&mut file.connect_to_read()?).map_err(|source| file.failed(source))?;
    lacking(&applied, &file)
}

/// Runs what is pending, in one transaction under the write lock: a second process that migrates waits,
/// and then finds nothing to do.
pub fn run(connection: &mut SqliteConnection, file: &File) -> Result<Vec<String>, OpenError> {
    let versions = applied(connection).map_err(|source| file.failed(source))?;
    if lacking(&versions, file)?.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |reason: String| OpenError::Migration { path: file.path().to_owned(), reason };
    let outcome =
        connection.immediate_transaction::<_, Box<dyn std::error::Error + Send + Sync>, _>(|connection| {
            // Another process may have migrated, and further than this one knows, since the look above.
            let names = match lacking(&applied(connection)?, file) {
                Ok(names) => names,
                Err(newer) => return Ok(Err(newer)),
            };
            connection.run_pending_migrations(MIGRATIONS)?;
            Ok(Ok(names))
        });
    outcome.map_err(|error| failed(error.to_string()))?
}

fn known() -> Vec<Box<dyn Migration<Sqlite>>> {
    let mut known = MigrationSource::<Sqlite>::migrations(&MIGRATIONS).unwrap_or_default();
    known.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    known
}

/// What is known and not applied, by name; an error when something is applied and not known.
fn lacking(applied: &[String], file: &File) -> Result<Vec<String>, OpenError> {
    let known = known();
    let is_known = |version: &String| known.iter().any(|it| it.name().version().to_string() == *version);
    if let Some(version) = applied.iter().filter(|version| !is_known(version)).max() {
        let (path, version) = (file.path().to_owned(), version.clone());
        return Err(OpenError::NewerSchema { path, version });
    }
    let names = known.iter().map(Migration::name);
    let lacking = names.filter(|name| !applied.contains(&name.version().to_string()));
    Ok(lacking.map(ToString::to_string).collect())
}

/// The versions that the file has. (The harness' own question makes its table, which a read may not.)
fn applied(connection: &mut SqliteConnection) -> diesel::QueryResult<Vec<String>> {
    use diesel::prelude::*;
    let tables: i64 = sqlite_schema::table
        .filter(sqlite_schema::name.eq("__diesel_schema_migrations"))
        .count()
        .get_result(connection)?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection)
}

diesel::table! {
    sqlite_schema (name) {
        name -> Text,
    }
}

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}
