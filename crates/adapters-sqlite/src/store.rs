//! The store: a handle on the writer, and the readers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::SqliteConnection;
use domain::ledger::command::{Command, Receipt};
use domain::ports::Unavailable;
use domain::ports::ledger::{LedgerError, Submit};
use group_commit::{Handle, Queue, Writer, spawn_on_thread};

use crate::commit::Batches;
use crate::connection::{File, OpenError};
use crate::error::{StoreError, ledger_error};
use crate::migrations;
use crate::readers::Readers;
use crate::turn::{Turn, WriteSide};

/// How a store runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Limits of the writer.
    pub commit: group_commit::Options,
    /// The most connections that read at the same time.
    pub readers: usize,
    /// How long a transaction waits while another process writes; then the store counts as away.
    pub busy_timeout: Duration,
}

impl Default for Options {
    /// The writer's defaults, 4 readers, 5 s.
    fn default() -> Self {
        Self { commit: group_commit::Options::default(), readers: 4, busy_timeout: Duration::from_secs(5) }
    }
}

/// The books in a SQLite file. Cheap to clone.
///
/// A second store, in this process or another, may be opened on the same file: what one has answered, the
/// other reads.
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) writer: Handle<Batches>,
    pub(crate) readers: Readers,
    turn: Turn,
}

impl SqliteStore {
    /// Opens the file at `path`, makes it where it is missing, brings it to this program's schema, and
    /// starts the thread that writes. Blocks meanwhile. Keep the [`Writer`] to shut down in order.
    pub fn open(path: &Path, options: Options) -> Result<(Self, Writer), OpenError> {
        let file = File::new(path, options.busy_timeout)?;
        file.prepare()?;
        let mut connection = file.connect()?;
        let migrated = migrations::run(&mut connection, &file)?;
        if !migrated.is_empty() {
            tracing::info!(path = %file.path().display(), migrations = ?migrated, "migrated");
        }
        let readers = Readers::new(file.clone(), options.readers);
        let turn = WriteSide::shared(file, connection);
        let batches = Batches::new(Arc::clone(&turn));
        let (handle, writer) =
            spawn_on_thread("sqlite-writer", batches, options.commit).map_err(OpenError::Thread)?;
        Ok((Self { writer: handle, readers, turn }, writer))
    }

    /// How much waits for the writer.
    pub fn queues(&self) -> Vec<Arc<dyn Queue>> {
        vec![Arc::new(self.writer.clone())]
    }

    /// Does `work` in a short transaction of its own, beside the commands.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let mut side = Arc::clone(&self.turn).lock_owned().await;
        match tokio::task::spawn_blocking(move || side.transact(work)).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(Unavailable(format!("sqlite: a write broke off: {error}"))),
        }
    }
}

#[async_trait]
impl Submit for SqliteStore {
    async fn submit(&self, command: Command) -> Result<Receipt, LedgerError> {
        match self.writer.submit(command).await {
            Ok(answer) => Ok(answer?),
            Err(error) => Err(ledger_error(&error)),
        }
    }

    fn defer(&self, command: Command) {
        self.writer.defer(command);
    }
}
