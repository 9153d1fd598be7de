//! The writer: one connection, one transaction for each batch.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use domain::ledger::batch;
use domain::ledger::command::{Command, Receipt, Refusal};
use group_commit::{Commit, Failure};
use tokio::time::timeout;

use crate::connect::{Connector, Purpose};
use crate::error::StoreError;
use crate::statement::Statement;
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
    /// Writes that this connection has seen.
    sent: BTreeSet<&'static str>,
}

/// Plans are made for tables as they are; on a new database these grow from nothing. So plans are forgotten
/// after 1, 2, 4, 8 batches and so on, and then after every so many. Making them anew takes milliseconds.
const PLANS_LAST: u64 = 4096;

impl LedgerWriter {
    pub fn new(connector: Connector) -> Self {
        Self { connector, connection: None, batches: 0, sent: BTreeSet::new() }
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
            self.sent.clear();
            self.connector.connect(Purpose::Writing).await?
        };
        self.batches = self.batches.wrapping_add(1);
        let replan = self.batches.is_power_of_two() || self.batches.is_multiple_of(PLANS_LAST);
        let work = async {
            let answers = run(&connection, commands, &mut self.sent).await?;
            if replan {
                connection.batch_execute("DISCARD PLANS").await?;
            }
            Ok(answers)
        };
        let result = match timeout(COMMIT_BOUND, work).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Slow(COMMIT_BOUND.as_secs())),
        };
        let ended = match &result {
            Ok(_) => true,
            Err(error) if error.is_about_the_batch() => roll_back(&connection).await,
            Err(_) => false,
        };
        if ended {
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

/// One transaction in two round trips: begin, lock and read; write and commit.
///
/// It is not the driver's transaction manager that begins and ends it, which would take three more. The
/// connection belongs to this writer alone, and goes back to it only when the transaction has ended: after an
/// error it is rolled back or the connection dropped, as it is with a future that is dropped halfway.
async fn run(
    connection: &AsyncPgConnection,
    commands: &[Command],
    sent: &mut BTreeSet<&'static str>,
) -> Result<Vec<Answer>, StoreError> {
    let loaded = load::begin(connection, &batch::needs(commands)).await?;
    let decided = batch::decide(loaded, commands)?;
    if decided.changes_nothing() {
        save::commit(connection).await?;
    } else {
        save::save_and_commit(connection, &decided, sent).await?;
    }
    Ok(decided.results)
}

/// Ends a transaction that went wrong; says whether the connection may be used again.
async fn roll_back(connection: &AsyncPgConnection) -> bool {
    let rolled_back = Statement::new("ROLLBACK").execute(connection);
    matches!(timeout(COMMIT_BOUND, rolled_back).await, Ok(Ok(_)))
}
