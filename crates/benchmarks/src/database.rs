//! A durable PostgreSQL: one of our own, or the one that was given.

use std::time::Duration;

use testkit::postgres::{TestDatabase, URL_VARIABLE, fresh_database};
use tokio_postgres::{Client, NoTls};

use crate::callers::wrong;
use crate::{Result, cpu};

/// What durability takes. Without these, commits cost nothing and the figures mean nothing.
const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];
const PAUSE: Duration = Duration::from_millis(50);
const TRIES: usize = 100;

/// A migrated, empty database. Dropped with this value.
pub struct Database {
    database: TestDatabase,
    /// The head of the server's processes, where they run on this machine.
    pub head: Option<u32>,
}

impl Database {
    pub async fn fresh() -> Result<Self> {
        let database = fresh_database(async |url| adapters_postgres::migrate(&url).await).await;
        let client = connect(&database.url).await?;
        let given = std::env::var(URL_VARIABLE).is_ok_and(|url| !url.is_empty());
        if !given {
            make_durable(&client).await?;
        }
        for setting in DURABLE {
            if show(&client, setting).await? != "on" {
                return Err(wrong(format!("the server has {setting} off: its figures would mean nothing")));
            }
        }
        let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        let head = cpu::parent_of_backend(pid.unsigned_abs());
        Ok(Self { database, head })
    }

    pub fn url(&self) -> &str {
        &self.database.url
    }

    /// A settled state to begin from, the same for both sides: no checkpoint is due from before, and
    /// statistics are there. They say that some tables are empty, as they do on a young installation.
    pub async fn settle(&self) -> Result<()> {
        let client = connect(self.url()).await?;
        client.batch_execute("VACUUM ANALYZE").await?;
        client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }

    /// How many transactions were committed in it, as far as sessions that ended are concerned.
    pub async fn commits(&self) -> Result<i64> {
        let client = connect(self.url()).await?;
        let sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        Ok(client.query_one(sql, &[]).await?.try_get(0)?)
    }

    /// `15.18`.
    pub async fn version(&self) -> Result<String> {
        let shown = show(&connect(self.url()).await?, "server_version").await?;
        Ok(shown.split_whitespace().next().unwrap_or_default().to_owned())
    }
}

pub async fn connect(url: &str) -> Result<Client> {
    let (client, link) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(link);
    Ok(client)
}

async fn show(client: &Client, setting: &str) -> Result<String> {
    Ok(client.query_one(&format!("SHOW {setting}"), &[]).await?.try_get(0)?)
}

/// A server of our own is a throw-away one of the tests, fast instead of durable; all of it can be changed
/// while it runs.
async fn make_durable(client: &Client) -> Result<()> {
    for setting in DURABLE {
        client.batch_execute(&format!("ALTER SYSTEM SET {setting} = on")).await?;
    }
    client.batch_execute("SELECT pg_reload_conf()").await?;
    for _ in 0..TRIES {
        if show(client, "fsync").await? == "on" && show(client, "full_page_writes").await? == "on" {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(wrong("the server did not become durable"))
}
