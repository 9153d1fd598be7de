//! Migrations: embedded in the binary, run by one server at a time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connect::{Connector, Purpose};
use crate::error::{OpenError, StoreError};
use crate::statement::Statement;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
/// `saldo` in ASCII: the advisory lock that whoever migrates holds.
const LOCK: i64 = 0x73_61_6c_64_6f;
/// How long another migration is waited for.
const LOCK_PATIENCE: Duration = Duration::from_mins(1);
const LOCK_PAUSE: Duration = Duration::from_millis(100);

#[derive(diesel::QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Brings the schema up to this binary's. Servers that start at the same time take turns, and those who come
/// later find nothing to do; each migration is a transaction.
///
/// Fails when the database has migrations that this binary does not know.
pub async fn migrate(url: &str) -> Result<(), OpenError> {
    let connection = Connector::new(url)?.connect(Purpose::Migrating).await?;
    lock(&connection).await?;
    // The harness blocks, so it gets a thread that may; the connection ends there, and its lock with it.
    tokio::task::spawn_blocking(move || run(connection))
        .await
        .map_err(|error| OpenError::Migration(error.to_string()))?
}

/// Directory names of the embedded migrations, in order.
pub fn migration_names() -> Vec<String> {
    let embedded: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().unwrap_or_default();
    let mut names: Vec<String> = embedded.iter().map(|migration| migration.name().to_string()).collect();
    names.sort();
    names
}

/// Asks again and again: a statement that waits would keep a snapshot, and `CREATE INDEX CONCURRENTLY` waits
/// for those.
async fn lock(connection: &AsyncPgConnection) -> Result<(), OpenError> {
    let begun = Instant::now();
    loop {
        let locked = Statement::new("SELECT pg_try_advisory_lock($1) AS locked")
            .bind::<BigInt, _>(LOCK)
            .load::<Locked>(connection)
            .await
            .map_err(StoreError::from)?;
        if locked.iter().any(|row| row.locked) {
            return Ok(());
        }
        if begun.elapsed() > LOCK_PATIENCE {
            return Err(OpenError::MigrationLocked(LOCK_PATIENCE.as_secs()));
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

fn run(connection: AsyncPgConnection) -> Result<(), OpenError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| OpenError::Migration(error.to_string());
    let mut harness = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
    let embedded: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(failed)?;
    let known: BTreeSet<MigrationVersion<'static>> =
        embedded.iter().map(|migration| migration.name().version().as_owned()).collect();
    let applied = harness.applied_migrations().map_err(failed)?;
    if let Some(unknown) = applied.iter().find(|version| !known.contains(version)) {
        return Err(OpenError::SchemaNewer(unknown.to_string()));
    }
    for migration in harness.run_pending_migrations(MIGRATIONS).map_err(failed)? {
        tracing::info!(%migration, "migrated");
    }
    Ok(())
}
