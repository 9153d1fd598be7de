//! Connections: where to, with what encryption, and how long a session may dawdle.

use std::time::Duration;

use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{OpenError, StoreError};
use crate::tls;

/// How long it may take to be connected, encrypted and let in.
const CONNECT_BOUND: Duration = Duration::from_secs(3);
/// How long the network may swallow what was sent before the connection counts as dead.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);
/// When a quiet connection is first asked whether it is alive, and how often then.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// What a connection is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Committing batches: lookups by key and nothing else.
    Writing,
    /// Reads and upkeep, and the inbox.
    Reading,
    /// Changing the schema.
    Migrating,
}

impl Purpose {
    /// Settings of the session.
    ///
    /// - A transaction whose owner is gone ends by itself, and a lock is not waited for forever.
    /// - Durability is what the ledger and the inbox promise: a server that is set to answer early is overruled.
    /// - A writer's statements are prepared once, on tables of any size, and only look up keys. Their plans
    ///   are made once and must use the indexes, even those made while the tables were still empty.
    /// - Nothing is compiled just in time: that takes a fifth of a second, and reports are read in less.
    fn settings(self) -> &'static str {
        match self {
            Self::Writing => {
                "SET idle_in_transaction_session_timeout = '10s';
                 SET lock_timeout = '4s';
                 SET statement_timeout = '5s';
                 SET default_transaction_isolation = 'read committed';
                 SET plan_cache_mode = 'force_generic_plan';
                 SET enable_seqscan = off;
                 SET enable_hashjoin = off;
                 SET enable_mergejoin = off;
                 SET enable_bitmapscan = off;
                 SET enable_material = off;
                 SET jit = off;
                 SELECT set_config('synchronous_commit', 'on', false)
                 WHERE current_setting('synchronous_commit') = 'off'"
            }
            Self::Reading => {
                "SET idle_in_transaction_session_timeout = '10s';
                 SET lock_timeout = '4s';
                 SET jit = off;
                 SET statement_timeout = '30s';
                 SELECT set_config('synchronous_commit', 'on', false)
                 WHERE current_setting('synchronous_commit') = 'off'"
            }
            Self::Migrating => {
                "SET idle_in_transaction_session_timeout = '60s';
                 SET lock_timeout = '30s';
                 SET statement_timeout = 0"
            }
        }
    }
}

/// Makes connections to one database.
#[derive(Clone)]
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl Connector {
    /// Reads the address; connects nowhere yet.
    pub fn new(url: &str) -> Result<Self, OpenError> {
        let (url, demand) = tls::take_demand(url)?;
        let mut config: tokio_postgres::Config =
            url.parse().map_err(|error| OpenError::Url(explained(&error)))?;
        if demand.encrypt {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_application_name().is_none() {
            config.application_name("saldo");
        }
        config
            .connect_timeout(CONNECT_BOUND)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES);
        Ok(Self { config, tls: MakeRustlsConnect::new(tls::client(&demand)?) })
    }

    /// A new connection, set up for its purpose, within [`CONNECT_BOUND`].
    pub async fn connect(&self, purpose: Purpose) -> Result<AsyncPgConnection, StoreError> {
        match timeout(CONNECT_BOUND, self.establish(purpose)).await {
            Ok(established) => established,
            Err(_) => Err(StoreError::NoConnection(format!("not within {} s", CONNECT_BOUND.as_secs()))),
        }
    }

    async fn establish(&self, purpose: Purpose) -> Result<AsyncPgConnection, StoreError> {
        let unreachable = |error| StoreError::NoConnection(explained(&error));
        let (client, link) = self.config.connect(self.tls.clone()).await.map_err(unreachable)?;
        let mut connection = AsyncPgConnection::try_from_client_and_connection(client, link)
            .await
            .map_err(|error| StoreError::NoConnection(error.to_string()))?;
        connection.batch_execute(purpose.settings()).await?;
        Ok(connection)
    }

    /// A pool of up to `size` connections for reads.
    pub fn pool(&self, size: usize) -> Result<Pool<AsyncPgConnection>, OpenError> {
        let mut config = ManagerConfig::default();
        // A dead connection is noticed when it dies; asking each time would double what a read costs.
        config.recycling_method = RecyclingMethod::Fast;
        let connector = self.clone();
        config.custom_setup = Box::new(move |_| {
            let connector = connector.clone();
            async move {
                connector
                    .connect(Purpose::Reading)
                    .await
                    .map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))
            }
            .boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), config);
        Pool::builder(manager)
            .max_size(size)
            .build()
            .map_err(|error| OpenError::Unreachable(error.to_string()))
    }
}

/// The client library's errors keep what matters in their source.
fn explained(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use diesel::QueryableByName;
    use diesel::sql_types::Text;
    use diesel_async::RunQueryDsl;
    use testkit::postgres::fresh_database;

    use super::*;

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        synchronous_commit: String,
    }

    #[tokio::test]
    async fn whatever_writes_is_durable_although_the_database_would_answer_early() {
        let database = fresh_database(async |url| crate::migrate(&url).await).await;
        let connector = Connector::new(&database.url).unwrap();
        let name = database.url.rsplit('/').next().unwrap().split('?').next().unwrap();
        let early = format!("ALTER DATABASE {name} SET synchronous_commit = off");
        connector.connect(Purpose::Migrating).await.unwrap().batch_execute(&early).await.unwrap();
        for purpose in [Purpose::Writing, Purpose::Reading] {
            let mut connection = connector.connect(purpose).await.unwrap();
            let found: Setting =
                diesel::sql_query("SHOW synchronous_commit").get_result(&mut connection).await.unwrap();
            assert_eq!(found.synchronous_commit, "on");
        }
    }
}
