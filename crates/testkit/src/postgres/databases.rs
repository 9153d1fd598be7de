//! A database for each test, cloned from one that was migrated once.

use std::env;
use std::fmt::Display;
use std::time::{SystemTime, UNIX_EPOCH};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

use super::{TestServer, URL_VARIABLE};

/// Names of our databases begin so; then come the second of their creation and a unique part.
const PREFIX: &str = "saldo_test_";
/// Databases of ours that are older were left behind by a process that was killed.
const STALE_SECS: u64 = 3600;

/// A database for one test.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its URL, for as long as this value lives.
    pub url: String,
    _drop: Option<DropDatabase>,
}

/// On a server that is not ours, what we made is dropped; our own server goes as a whole.
#[derive(Debug)]
struct DropDatabase {
    maintenance: String,
    name: String,
}

/// The server of this process, with the migrated template.
struct Databases {
    /// Kept running by being kept.
    server: Option<TestServer>,
    maintenance: String,
    template: String,
    /// Two clones of one template at the same time are refused.
    cloning: Mutex<()>,
}

static DATABASES: OnceCell<Databases> = OnceCell::const_new();

/// A database of one's own, with the schema that `migrate` makes of an empty database at the URL it is
/// given. The first `migrate` of the process is run, once; later ones are taken to be the same.
///
/// Panics, with one sentence that says what to install, when there is no PostgreSQL.
pub async fn fresh_database<E: Display>(migrate: impl AsyncFnOnce(String) -> Result<(), E>) -> TestDatabase {
    let databases = DATABASES.get_or_init(async || Databases::prepare(migrate).await).await;
    databases.clone_template().await
}

impl Databases {
    async fn prepare<E: Display>(migrate: impl AsyncFnOnce(String) -> Result<(), E>) -> Self {
        let (server, maintenance) = match env::var(URL_VARIABLE) {
            Ok(url) if !url.is_empty() => (None, url),
            _ => {
                let server = TestServer::start().await;
                let url = server.url("postgres");
                (Some(server), url)
            }
        };
        let template = new_name();
        if server.is_none() {
            drop_stale(&maintenance).await;
        }
        run(&maintenance, &format!("CREATE DATABASE {template}")).await;
        if let Err(error) = migrate(with_database(&maintenance, &template)).await {
            panic!("the test database cannot be migrated: {error}");
        }
        // Cloning needs the template to itself.
        run(
            &maintenance,
            &format!(
                "ALTER DATABASE {template} WITH ALLOW_CONNECTIONS false;
                 SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}';"
            ),
        )
        .await;
        Self { server, maintenance, template, cloning: Mutex::new(()) }
    }

    async fn clone_template(&self) -> TestDatabase {
        let _turn = self.cloning.lock().await;
        let name = new_name();
        run(&self.maintenance, &format!("CREATE DATABASE {name} TEMPLATE {}", self.template)).await;
        let url = with_database(&self.maintenance, &name);
        let foreign = self.server.is_none();
        let drop = foreign.then(|| DropDatabase { maintenance: self.maintenance.clone(), name });
        TestDatabase { url, _drop: drop }
    }
}

impl Drop for DropDatabase {
    fn drop(&mut self) {
        let (url, sql) = (self.maintenance.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // On a thread of its own: the test's runtime may be shutting down.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                let _ = runtime.block_on(try_run(&url, &sql));
            }
        });
        let _ = dropping.join();
    }
}

async fn drop_stale(maintenance: &str) {
    let oldest = now_secs().saturating_sub(STALE_SECS);
    for (name, created) in ours(maintenance).await {
        if created < oldest {
            // Another process may be dropping it too.
            let _ = try_run(maintenance, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

/// The databases that test processes made, with the second of their creation.
async fn ours(maintenance: &str) -> Vec<(String, u64)> {
    use diesel::sql_types::Text;
    use diesel_async::RunQueryDsl;

    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let mut connection = connect(maintenance).await.unwrap_or_else(|error| panic!("{maintenance}: {error}"));
    let query = diesel::sql_query("SELECT datname::text AS name FROM pg_database");
    let rows: Vec<Row> =
        query.load(&mut connection).await.unwrap_or_else(|error| panic!("{maintenance}: {error}"));
    rows.into_iter()
        .filter_map(|Row { name }| {
            let created = name.strip_prefix(PREFIX)?.split('_').next()?.parse().ok()?;
            Some((name, created))
        })
        .collect()
}

/// Runs statements, each in a transaction of its own; panics when one fails.
pub(super) async fn run(url: &str, sql: &str) {
    if let Err(reason) = try_run(url, sql).await {
        panic!("{sql}: {reason}");
    }
}

async fn try_run(url: &str, sql: &str) -> Result<(), String> {
    let mut connection = connect(url).await?;
    for statement in sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        connection.batch_execute(statement).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<AsyncPgConnection, String> {
    AsyncPgConnection::establish(url).await.map_err(|error| error.to_string())
}

fn new_name() -> String {
    format!("{PREFIX}{}_{}", now_secs(), Uuid::new_v4().simple())
}

fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The URL of another database on the same server; what follows a `?` stays.
fn with_database(url: &str, database: &str) -> String {
    let (base, options) = url.split_once('?').map_or((url, None), |(base, options)| (base, Some(options)));
    let host_from = base.find("://").map_or(0, |at| at + 3);
    let host_to = base[host_from..].find('/').map_or(base.len(), |at| host_from + at);
    let server = &base[..host_to];
    options.map_or_else(|| format!("{server}/{database}"), |options| format!("{server}/{database}?{options}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_replaced_in_a_url() {
        for (url, expected) in [
            ("postgres://u:p@h:1/postgres", "postgres://u:p@h:1/x"),
            ("postgres://u@h", "postgres://u@h/x"),
            ("postgres://h/db?sslmode=disable", "postgres://h/x?sslmode=disable"),
        ] {
            assert_eq!(with_database(url, "x"), expected);
        }
    }
}
