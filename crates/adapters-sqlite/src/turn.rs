//! The one connection that writes, and who may use it.
//!
//! The writer and the upkeep of a server take turns, in the order that they ask: left to SQLite's busy
//! timeout, which polls, a renewal of the lease could starve behind a writer that is never idle. The
//! timeout is for servers in other processes.

use std::sync::Arc;

use diesel::SqliteConnection;
use tokio::sync::Mutex;

use crate::connection::File;
use crate::error::StoreError;

/// The write connection, shared in turns.
pub type Turn = Arc<Mutex<WriteSide>>;

/// The write connection; opened again after it failed.
pub struct WriteSide {
    file: File,
    connection: Option<SqliteConnection>,
}

impl WriteSide {
    /// Takes turns on `connection`, which leads to `file`.
    pub fn shared(file: File, connection: SqliteConnection) -> Turn {
        Arc::new(Mutex::new(Self { file, connection: Some(connection) }))
    }

    /// Does `work` in one transaction that holds the write lock from its beginning. Blocks: up to the busy
    /// timeout while another process writes, then for the disk.
    pub fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.apart(|connection, _| connection.immediate_transaction(work))
    }

    /// Moves everything out of the write-ahead log and empties it; `false` while others read from it. Blocks.
    pub fn empty_the_log(&mut self) -> Result<bool, StoreError> {
        self.apart(|connection, file| file.empty_the_log(connection))
    }

    fn apart<T>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection, &File) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.file.connect()?,
        };
        let result = work(&mut connection, &self.file);
        if !result.as_ref().is_err_and(StoreError::is_outage) {
            self.connection = Some(connection);
        }
        result
    }
}
