//! A few connections that only read, off the runtime's threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::{Connection, SqliteConnection};
use domain::ports::Unavailable;
use tokio::sync::Semaphore;

use crate::connection::File;
use crate::error::StoreError;

/// Read connections, opened when first needed.
#[derive(Clone)]
pub struct Readers {
    free: Arc<Semaphore>,
    shelf: Arc<Shelf>,
}

struct Shelf {
    file: File,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    /// At most `count` connections to `file`, at least one.
    pub fn new(file: File, count: usize) -> Self {
        let shelf = Shelf { file, idle: Mutex::new(Vec::new()) };
        Self { free: Arc::new(Semaphore::new(count.max(1))), shelf: Arc::new(shelf) }
    }

    /// Does `work` on one snapshot of the file; waits while all connections are at work. Whoever drops the
    /// future loses the answer, not the connection.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let closed = |_| Unavailable("sqlite: the readers are closed".to_owned());
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(closed)?;
        let shelf = Arc::clone(&self.shelf);
        let job = tokio::task::spawn_blocking(move || {
            let result = shelf.read(work);
            drop(permit);
            result
        });
        match job.await {
            Ok(result) => Ok(result?),
            Err(error) => Err(Unavailable(format!("sqlite: a read broke off: {error}"))),
        }
    }
}

impl Shelf {
    fn read<T>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Not in one expression: the lock must not be held while a connection is opened.
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.file.connect_to_read()?,
        };
        let result = connection.transaction(work);
        if !result.as_ref().is_err_and(StoreError::is_outage) {
            self.idle().push(connection);
        }
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
