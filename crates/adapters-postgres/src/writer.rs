//! The writer: one connection, one transaction for each batch.

use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection};
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
}

impl LedgerWriter {
    pub fn new(connector: Connector) -> Self {
        Self { connector, connection: None }
    }

    #[cfg(test)]
    pub fn into_connection(self) -> Option<AsyncPgConnection> {
        self.connection
    }

    async fn try_commit(&mut self, commands: &[Command]) -> Result<Vec<Answer>, StoreError> {
        commands.iter().try_for_each(storable::check)?;
        // Taken, so that a future that is dropped halfway takes its connection with it.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connector.connect(Purpose::Writing).await?,
        };
        let result = match timeout(COMMIT_BOUND, run(&mut connection, commands)).await {
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
