//! P1 to P4: a durable hold and its settlement, by the ledger and in the plain way.

use std::time::Duration;

use adapters_postgres::{PostgresOptions, PostgresStore};
use adapters_sqlite::SqliteStore;

use crate::callers::{Load, run};
use crate::database::Database;
use crate::ledger::{ByLedger, open_accounts, verify};
use crate::options::Options;
use crate::plain_postgres::{PlainPostgres, Style};
use crate::plain_sqlite::{self, PlainSqlite};
use crate::report::{Section, Target};
use crate::sides::Sides;
use crate::{Result, asks};

/// The plain way without transactions: what the targets of P1 and P2 are set against.
const EACH_ALONE: &str = "a transaction per statement";
/// The plain way without transactions on SQLite: what the target of P3 is set against.
const EACH_WRITE: &str = "a transaction per write, one caller";
/// Accounts of P1, P3 and P4.
const ACCOUNTS: usize = 1000;
/// Callers of P1 to P3, and connections of the plain way's pool.
const CALLERS: usize = 64;
/// How long writers may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// P1.
pub async fn spread_accounts(options: &Options) -> Result<Section> {
    let mut section = Section::new("P1", "Hold and settle on Postgres, 64 callers, 1,000 accounts");
    let load = load(ACCOUNTS, CALLERS, options.window());
    on_postgres(options, &load, &mut section).await?.throughput(
        &mut section,
        Target::AtLeast(5.0),
        EACH_ALONE,
    );
    Ok(section)
}

/// P2.
pub async fn hot_account(options: &Options) -> Result<Section> {
    let mut section = Section::new("P2", "The same on one hot account");
    let load = load(1, CALLERS, options.window());
    on_postgres(options, &load, &mut section).await?.throughput(
        &mut section,
        Target::AtLeast(30.0),
        EACH_ALONE,
    );
    Ok(section)
}

/// P3.
pub async fn sqlite(options: &Options) -> Result<Section> {
    let mut section = Section::new("P3", "The same on SQLite (WAL, synchronous=FULL), 1,000 accounts");
    let directory = tempfile::Builder::new().prefix("saldo-benchmark-").tempdir()?;
    let [ledger_file, plain_file, alone_file] =
        ["ledger.db", "plain.db", "alone.db"].map(|name| directory.path().join(name));
    let many = load(ACCOUNTS, CALLERS, options.window());
    let one = Load { callers: 1, ..many.clone() };

    let (plain_store, plain_writer) = SqliteStore::open(&plain_file, adapters_sqlite::Options::default())?;
    open_accounts(&plain_store, &many.users).await?;
    plain_writer.shutdown(PATIENCE).await;
    let (alone_store, alone_writer) = SqliteStore::open(&alone_file, adapters_sqlite::Options::default())?;
    open_accounts(&alone_store, &many.users).await?;
    alone_writer.shutdown(PATIENCE).await;
    let (store, writer) = SqliteStore::open(&ledger_file, adapters_sqlite::Options::default())?;
    open_accounts(&store, &many.users).await?;

    let mut sides = Sides::new(&["plain, one caller", EACH_WRITE]);
    let ledger = ByLedger::new(store.clone());
    let plain = PlainSqlite::open(&plain_file, plain_sqlite::Style::EachAct)?;
    let alone = PlainSqlite::open(&alone_file, plain_sqlite::Style::EachWrite)?;
    for round in 0..=options.rounds() {
        for side in in_turns(round, 3) {
            let run = match side {
                0 => run(&ledger, &many, round, None).await?,
                1 => run(&plain, &one, round, None).await?,
                _ => run(&alone, &one, round, None).await?,
            };
            sides.add(side, round, run);
        }
    }
    writer.shutdown(PATIENCE).await;
    section.verified("the ledger's books", verify(&store, sides.done(0)).await?);
    section.verified("the plain way's books", verify(&plain_store, sides.done(1)).await?);
    section.verified("the books of a transaction per write", verify(&alone_store, sides.done(2)).await?);
    sides.throughput(&mut section, Target::AtLeast(10.0), EACH_WRITE);
    Ok(section)
}

/// P4.
pub async fn alone(options: &Options) -> Result<Section> {
    let mut section =
        Section::new("P4", "One caller alone on Postgres: latency of a hold and its settlement");
    let load = load(ACCOUNTS, 1, options.window() / 2);
    on_postgres(options, &load, &mut section).await?.latency(&mut section, Target::AtMost(1.2), "plain");
    Ok(section)
}

fn load(accounts: usize, callers: usize, window: Duration) -> Load {
    Load { users: asks::users(accounts).into(), callers, window }
}

/// The two plain styles with transactions write to one database, the one without to another, the ledger to a
/// third. The books of the one without are not verified: its journal cannot be chained.
async fn on_postgres(options: &Options, load: &Load, section: &mut Section) -> Result<Sides> {
    let (ledger_database, plain_database) = (Database::fresh().await?, Database::fresh().await?);
    let alone_database = Database::fresh().await?;
    for database in [&ledger_database, &plain_database, &alone_database] {
        let (store, writers) = PostgresStore::connect(database.url(), PostgresOptions::default()).await?;
        open_accounts(&store, &load.users).await?;
        writers.shutdown(PATIENCE).await;
        database.settle().await?;
    }
    let before = ledger_database.commits().await?;
    let (store, writers) = PostgresStore::connect(ledger_database.url(), PostgresOptions::default()).await?;
    let ledger = ByLedger::new(store.clone());
    let plain = PlainPostgres::connect(plain_database.url(), load.callers, Style::OneByOne).await?;
    let pipelined = PlainPostgres::connect(plain_database.url(), load.callers, Style::Pipelined).await?;

    let alone = PlainPostgres::connect(alone_database.url(), load.callers, Style::EachAlone).await?;

    let mut sides = Sides::new(&["plain", "plain, pipelined", EACH_ALONE]);
    let head = ledger_database.head;
    for round in 0..=options.rounds() {
        for side in in_turns(round, 4) {
            let run = match side {
                0 => run(&ledger, load, round, head).await?,
                1 => run(&plain, load, round, head).await?,
                2 => run(&pipelined, load, round, head).await?,
                _ => run(&alone, load, round, head).await?,
            };
            sides.add(side, round, run);
        }
    }
    writers.shutdown(PATIENCE).await;
    sides.commits(ledger_database.commits().await? - before);
    section.verified("the ledger's books", verify(&store, sides.done(0)).await?);
    let (plain_store, writers) =
        PostgresStore::connect(plain_database.url(), PostgresOptions::default()).await?;
    let plain_pairs = sides.done(1) + sides.done(2);
    section.verified("the plain way's books", verify(&plain_store, plain_pairs).await?);
    writers.shutdown(PATIENCE).await;
    Ok(sides)
}

/// The order of the sides in a round: each other round the other way round, so that none always comes first.
fn in_turns(round: u64, sides: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..sides).collect() } else { (0..sides).rev().collect() }
}
