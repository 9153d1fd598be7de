//! Stores on databases of their own, and a plain connection beside them.

use std::time::Duration;

use adapters_postgres::{PostgresOptions, PostgresStore, Writers, migrate};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use testkit::postgres::{TestDatabase, fresh_database};

/// A store with its database, for one test.
pub struct Opened {
    pub store: PostgresStore,
    pub database: TestDatabase,
    _writers: Writers,
}

pub async fn database() -> TestDatabase {
    fresh_database(async |url| migrate(&url).await).await
}

pub async fn open() -> Opened {
    let database = database().await;
    let (store, writers) = PostgresStore::connect(&database.url, PostgresOptions::default()).await.unwrap();
    Opened { store, database, _writers: writers }
}

impl Opened {
    /// A connection that knows nothing of the store.
    pub async fn plain(&self) -> AsyncPgConnection {
        plain(&self.database.url).await
    }
}

pub async fn plain(url: &str) -> AsyncPgConnection {
    AsyncPgConnection::establish(url).await.unwrap()
}

/// Runs statements; what went wrong as text.
pub async fn run(connection: &mut AsyncPgConnection, sql: &str) -> Result<(), String> {
    connection.batch_execute(sql).await.map_err(|error| error.to_string())
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The one number that a query answers, under the name `number`.
pub async fn number(connection: &mut AsyncPgConnection, sql: &str) -> i64 {
    let row: Number = diesel::sql_query(sql).get_result(connection).await.unwrap();
    row.number
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// The texts that a query answers, under the name `word`.
pub async fn words(connection: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Word> = diesel::sql_query(sql).load(connection).await.unwrap();
    rows.into_iter().map(|row| row.word).collect()
}

/// A new, empty database on the same server: its URL.
pub async fn empty_database(beside: &TestDatabase, name: &str) -> String {
    let (server, own) = beside.url.rsplit_once('/').unwrap();
    let (own, query) =
        own.split_once('?').map_or((own, String::new()), |(own, query)| (own, format!("?{query}")));
    let name = format!("{own}_{name}");
    run(&mut plain(&beside.url).await, &format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
    format!("{server}/{name}{query}")
}

/// What a test waits for, at most.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Tries until it works, for what comes back by itself.
pub async fn until<T, E>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let trying = async {
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, trying).await.expect("it works again in time")
}
