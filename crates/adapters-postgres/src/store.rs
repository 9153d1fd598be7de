//! The store as its callers see it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use domain::ids::Lane;
use domain::ledger::command::{Command, Receipt};
use domain::ports::Unavailable;
use domain::ports::ledger::{LedgerError, Submit};
use futures_util::future::{BoxFuture, join_all};
use group_commit::{Handle, Queue, SubmitError, Writer};
use tokio::time::timeout;

use crate::connect::Connector;
use crate::error::{OpenError, StoreError};
use crate::writer::LedgerWriter;

/// How long a read waits for a free connection.
const POOL_PATIENCE: Duration = Duration::from_secs(3);

/// Sizes of a store.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Writers, each with one connection; they share the lanes.
    pub writers: usize,
    /// The most connections for reads.
    pub pool: usize,
    /// Batches, queues and patience of each writer.
    pub group_commit: group_commit::Options,
}

impl Default for PostgresOptions {
    /// 2 writers, 8 connections for reads.
    fn default() -> Self {
        Self { writers: 2, pool: 8, group_commit: group_commit::Options::default() }
    }
}

/// The books on PostgreSQL: a [`domain::ports::ledger::Ledger`] by way of [`Submit`], with the ports of
/// reading and upkeep. Cheap to clone.
#[derive(Clone)]
pub struct PostgresStore {
    writers: Vec<Handle<LedgerWriter>>,
    pool: Pool<AsyncPgConnection>,
}

/// The running writers: keep them to shut down in order.
#[derive(Debug)]
pub struct Writers(Vec<Writer>);

impl Writers {
    /// Lets deferred commands through, takes no more, and commits what waits; gives up after `patience`.
    pub async fn shutdown(self, patience: Duration) {
        join_all(self.0.into_iter().map(|writer| writer.shutdown(patience))).await;
    }
}

impl PostgresStore {
    /// Opens the store: starts its writers and tries one connection, so that a wrong address is found out
    /// now. The schema must be there already: see [`crate::migrate`].
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<(Self, Writers), OpenError> {
        let connector = Connector::new(url)?;
        let pool = connector.pool(options.pool.max(1))?;
        let (handles, writers) = (0..options.writers.max(1))
            .map(|_| group_commit::spawn(LedgerWriter::new(connector.clone()), options.group_commit.clone()))
            .unzip();
        let store = Self { writers: handles, pool };
        drop(store.connection().await?);
        Ok((store, Writers(writers)))
    }

    /// How much waits for each writer.
    pub fn queues(&self) -> Vec<Arc<dyn Queue>> {
        self.writers.iter().map(|writer| Arc::new(writer.clone()) as Arc<dyn Queue>).collect()
    }

    /// A lane always has the same writer, so that one process never waits for its own locks.
    fn writer(&self, lane: Lane) -> Option<&Handle<LedgerWriter>> {
        let index = usize::from(lane.get()).checked_rem(self.writers.len())?;
        self.writers.get(index)
    }

    async fn connection(&self) -> Result<Object<AsyncPgConnection>, StoreError> {
        match timeout(POOL_PATIENCE, self.pool.get()).await {
            Ok(got) => got.map_err(|error| StoreError::NoConnection(error.to_string())),
            Err(_) => {
                Err(StoreError::NoConnection(format!("none free within {} s", POOL_PATIENCE.as_secs())))
            }
        }
    }

    /// Reads over a connection of the pool, within `bound`. A connection that turns out to be dead is thrown
    /// away and the read done once more; one whose answer did not come in time is thrown away too.
    pub(crate) async fn read<T>(
        &self,
        bound: Duration,
        read: impl for<'c> Fn(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, StoreError>>,
    ) -> Result<T, Unavailable> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut connection = self.connection().await?;
            let result = match timeout(bound, read(&mut connection)).await {
                Ok(result) => result,
                Err(_) => Err(StoreError::Slow(bound.as_secs())),
            };
            match result {
                Err(error) if error.lost_the_connection() && tries == 1 => drop(Object::take(connection)),
                Err(error) => {
                    if !error.is_about_the_batch() {
                        drop(Object::take(connection));
                    }
                    return Err(error.into());
                }
                Ok(value) => return Ok(value),
            }
        }
    }
}

#[async_trait]
impl Submit for PostgresStore {
    async fn submit(&self, command: Command) -> Result<Receipt, LedgerError> {
        let Some(writer) = self.writer(command.user().lane()) else {
            return Err(Unavailable("the store has no writer".to_owned()).into());
        };
        match writer.submit(command).await {
            Ok(answer) => Ok(answer?),
            Err(error) => Err(Unavailable(unanswered(error)).into()),
        }
    }

    fn defer(&self, command: Command) {
        if let Some(writer) = self.writer(command.user().lane()) {
            writer.defer(command);
        }
    }
}

fn unanswered(error: SubmitError) -> String {
    match error {
        SubmitError::Busy => "too many commands are waiting".to_owned(),
        SubmitError::Outage(reason) => reason,
        SubmitError::Rejected(reason) => format!("the store rejected the command: {reason}"),
        SubmitError::Stopped => "the writer has stopped".to_owned(),
    }
}
