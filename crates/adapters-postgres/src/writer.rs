//! The writer: one connection, one transaction for each batch.

use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::ledger::batch;
use domain::ledger::command::{Command, Receipt, Refusal};
use group_commit::{Commit, Failure};
use tokio::time::timeout;

use crate::connect::{Connector, Purpose};
use crate::error::StoreError;
use crate::{load, save, storable};

/// How long one commit may take. Beyond, the network or the server is taken for dead, the connection is
/// dropped, and whether the batch was committed is unknown.
const COMMIT_BOUND: Duration = Duration::from_secs(5);

/// Commits batches of commands over a connection of its own.
pub(crate) struct LedgerWriter {
    connector: Connector,
    /// Dropped after every error but those that are the batch's own; made anew when it is needed.
    connection: Option<AsyncPgConnection>,
    /// Batches tried on this connection.
    batches: u64,
}

/// Plans are made for tables as they are; on a new database these grow from nothing. So plans are forgotten
/// after 1, 2, 4, 8 batches and so on, and then after every so many. Making them anew takes milliseconds.
const PLANS_LAST: u64 = 4096;

impl LedgerWriter {
    pub fn new(connector: Connector) -> Self {
        Self { connector, connection: None, batches: 0 }
    }

    #[cfg(test)]
    pub fn into_connection(self) -> Option<AsyncPgConnection> {
        self.connection
    }

    async fn try_commit(&mut self, commands: &[Command]) -> Result<Vec<Answer>, StoreError> {
        commands.iter().try_for_each(storable::check)?;
        // Taken, so that a future that is dropped halfway takes its connection with it.
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            self.batches = 0;
            self.connector.connect(Purpose::Writing).await?
        };
        self.batches = self.batches.wrapping_add(1);
        let replan = self.batches.is_power_of_two() || self.batches.is_multiple_of(PLANS_LAST);
        let work = async {
            let answers = run(&mut connection, commands).await?;
            if replan {
                connection.batch_execute("DISCARD PLANS").await?;
            }
            Ok(answers)
        };
        let result = match timeout(COMMIT_BOUND, work).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Slow(COMMIT_BOUND.as_secs())),
        };
        if result.as_ref().err().is_none_or(StoreError::is_about_the_batch) {
            self.connection = Some(connection);
        }
        result
    }
}

/// What a command answers.
pub(crate) type Answer = Result<Receipt, Refusal>;

impl Commit for LedgerWriter {
    type Command = Command;
    type Answer = Answer;

    async fn commit(&mut self, commands: &[Command]) -> Result<Vec<Answer>, Failure> {
        Ok(self.try_commit(commands).await?)
    }
}

async fn run(connection: &mut AsyncPgConnection, commands: &[Command]) -> Result<Vec<Answer>, StoreError> {
    let needs = batch::needs(commands);
    connection
        .transaction(async |connection| {
            let loaded = load::load(connection, &needs).await?;
            let decided = batch::decide(loaded, commands)?;
            if !decided.changes_nothing() {
                save::save(connection, &decided).await?;
            }
            Ok(decided.results)
        })
        .await
}
