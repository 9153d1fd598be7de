//! Opening the file, and connections to it.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, ConnectionError, QueryableByName, SqliteConnection, sql_query};

use crate::error::StoreError;

/// What every SQLite file begins with.
const HEADER: &[u8] = b"SQLite format 3\0";
/// A writer touches pages all over the file: it keeps up to 32 MiB of them. What it deletes is overwritten: what is
/// erased, or past its retention, is not to be found in the file any more.
const WRITING: &str = "PRAGMA cache_size = -32768; PRAGMA secure_delete = ON;";
/// How long emptying the write-ahead log waits for those who read from it: the writer waits meanwhile.
const EMPTYING_PATIENCE: Duration = Duration::from_millis(250);
/// Between two tries to switch to write-ahead logging.
const SWITCH_PAUSE: Duration = Duration::from_millis(20);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A path that SQLite cannot be told.
    #[error("{}: not a path that SQLite takes, it must be UTF-8 and not empty", .0.display())]
    Path(PathBuf),
    /// The directory of the file cannot be made.
    #[error("{}: the directory cannot be made: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be made, read or written.
    #[error("{}: cannot be opened for reading and writing: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file was there when the store was opened and is not any more.
    #[error("{}: the file is gone", .0.display())]
    Gone(PathBuf),
    /// There is a file, but something else is in it.
    #[error("{}: not a SQLite database", .0.display())]
    NotADatabase(PathBuf),
    /// SQLite does not open it.
    #[error("{}: {source}", path.display())]
    Connect {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: ConnectionError,
    },
    /// SQLite opened it and then failed.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: diesel::result::Error,
    },
    /// The file system does not do write-ahead logging (some network file systems do not).
    #[error("{}: no write-ahead logging here, the journal mode stays {mode}", path.display())]
    NoWal {
        /// The file.
        path: PathBuf,
        /// The mode it stays in.
        mode: String,
    },
    /// A newer version of this program migrated the file.
    #[error("{}: made by a newer version: migration {version} is not known here", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version of the newest migration that is not known.
        version: String,
    },
    /// A migration failed; the file is as it was.
    #[error("{}: cannot be migrated: {reason}", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The thread that writes cannot be started.
    #[error("the writer's thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A database file, and how long its connections wait for each other.
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    /// The path as SQLite is told it: absolute, so that no name of a file reads as a URI or an option.
    name: String,
    busy_timeout: Duration,
}

impl File {
    /// Names a file; makes nothing.
    pub fn new(path: &Path, busy_timeout: Duration) -> Result<Self, OpenError> {
        let not_a_path = || OpenError::Path(path.to_owned());
        let path = std::path::absolute(path).map_err(|_| not_a_path())?;
        let name = path.to_str().filter(|name| !name.contains('\0')).ok_or_else(not_a_path)?.to_owned();
        Ok(Self { path, name, busy_timeout })
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes directory and file where they are missing, for their owner alone (SQLite gives its own
    /// files beside it the same rights), and sees to it that what is there is, or can become, a database.
    pub fn prepare(&self) -> Result<(), OpenError> {
        if let Some(directory) = self.path.parent() {
            make_directory(directory)
                .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        }
        let failed = |source| OpenError::File { path: self.path.clone(), source };
        let file = open_or_make(&self.path).map_err(failed)?;
        let mut start = Vec::with_capacity(HEADER.len());
        file.take(HEADER.len() as u64).read_to_end(&mut start).map_err(failed)?;
        if start.is_empty() || start == HEADER {
            Ok(())
        } else {
            Err(OpenError::NotADatabase(self.path.clone()))
        }
    }

    /// A connection that writes.
    pub fn connect(&self) -> Result<SqliteConnection, OpenError> {
        let mut connection = self.establish()?;
        self.switch_to_wal(&mut connection)?;
        connection.batch_execute(WRITING).map_err(|source| self.failed(source))?;
        Ok(connection)
    }

    /// A connection that cannot write.
    pub fn connect_to_read(&self) -> Result<SqliteConnection, OpenError> {
        let mut connection = self.establish()?;
        connection.batch_execute("PRAGMA query_only = ON").map_err(|source| self.failed(source))?;
        Ok(connection)
    }

    /// Moves everything out of the write-ahead log and empties it, without waiting long for those who read from it;
    /// whether it could be done.
    pub fn empty_the_log(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        use diesel::RunQueryDsl;
        let patience = |timeout: Duration| format!("PRAGMA busy_timeout = {}", timeout.as_millis());
        connection.batch_execute(&patience(EMPTYING_PATIENCE.min(self.busy_timeout)))?;
        let emptied = sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(connection);
        connection.batch_execute(&patience(self.busy_timeout))?;
        Ok(emptied?.busy == 0)
    }

    /// A connection that copies the file into another.
    pub fn connect_to_copy(&self) -> Result<SqliteConnection, OpenError> {
        self.establish()
    }

    /// The path as SQLite is told it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The error that SQLite failed on this file.
    pub fn failed(&self, source: diesel::result::Error) -> OpenError {
        OpenError::Database { path: self.path.clone(), source }
    }

    fn establish(&self) -> Result<SqliteConnection, OpenError> {
        // SQLite would make an empty database in place of one that was taken away.
        if !self.path.try_exists().unwrap_or(false) {
            return Err(OpenError::Gone(self.path.clone()));
        }
        let mut connection = SqliteConnection::establish(&self.name)
            .map_err(|source| OpenError::Connect { path: self.path.clone(), source })?;
        // `recursive_triggers`: without it a `REPLACE` deletes rows of the journal past its trigger.
        let settings = format!(
            "PRAGMA busy_timeout = {}; \
             PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; \
             PRAGMA recursive_triggers = ON;",
            self.busy_timeout.as_millis()
        );
        connection.batch_execute(&settings).map_err(|source| self.failed(source))?;
        Ok(connection)
    }

    /// The mode stays with the file. The switch alone does not wait for other connections as everything
    /// else does, so two servers that make the same file would trip over each other: it is tried again.
    #[expect(clippy::disallowed_methods, reason = "only at opening, which blocks anyway")]
    fn switch_to_wal(&self, connection: &mut SqliteConnection) -> Result<(), OpenError> {
        use diesel::RunQueryDsl;
        let begun = Instant::now();
        loop {
            match sql_query("PRAGMA journal_mode = WAL").get_result::<JournalMode>(connection) {
                Ok(JournalMode { journal_mode }) if journal_mode == "wal" => return Ok(()),
                Ok(JournalMode { journal_mode: mode }) => {
                    return Err(OpenError::NoWal { path: self.path.clone(), mode });
                }
                Err(source) if begun.elapsed() >= self.busy_timeout => return Err(self.failed(source)),
                Err(_) => thread::sleep(SWITCH_PAUSE),
            }
        }
    }
}

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = BigInt)]
    busy: i64,
}

#[derive(QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn open_or_make(path: &Path) -> io::Result<fs::File> {
    for_its_owner().create(true).truncate(false).open(path)
}

/// Makes a file that was not there, for its owner alone.
pub fn make(path: &Path) -> io::Result<fs::File> {
    for_its_owner().create_new(true).open(path)
}

fn for_its_owner() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use diesel::RunQueryDsl;

    use super::*;
    use crate::migrations;

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = BigInt)]
        value: i64,
    }

    fn file(directory: &tempfile::TempDir) -> File {
        let file = File::new(&directory.path().join("saldo.db"), Duration::from_secs(5)).expect("a path");
        file.prepare().expect("made");
        migrations::run(&mut file.connect().expect("connected"), &file).expect("migrated");
        file
    }

    fn setting(connection: &mut SqliteConnection, name: &str) -> i64 {
        let query = format!("SELECT {name} AS value FROM pragma_{name}");
        let query = query.replace("SELECT busy_timeout", "SELECT timeout");
        sql_query(query).get_result::<Setting>(connection).expect("a setting").value
    }

    #[test]
    fn every_connection_is_durable_patient_and_strict() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let file = file(&directory);
        let writes = file.connect().expect("connected");
        let reads = file.connect_to_read().expect("connected");
        for (mut connection, query_only) in [(writes, 0), (reads, 1)] {
            assert_eq!(setting(&mut connection, "synchronous"), 2, "FULL");
            assert_eq!(setting(&mut connection, "foreign_keys"), 1);
            assert_eq!(setting(&mut connection, "recursive_triggers"), 1);
            assert_eq!(setting(&mut connection, "busy_timeout"), 5000);
            assert_eq!(setting(&mut connection, "query_only"), query_only);
        }
    }

    #[test]
    fn the_journal_refuses_whatever_is_not_an_addition() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let mut connection = file(&directory).connect().expect("connected");
        let columns = "INTO credit_journal (lane, user_id, seq, kind, amount, balance_after, source, actor, created_at, hash)";
        let entry =
            format!("INSERT {columns} VALUES (0, 'u', 1, 'grant', 5, 5, 'purchase:p', 'system', 0, X'00')");
        connection.batch_execute(&entry).expect("added");
        for statement in [
            "UPDATE credit_journal SET amount = 6".to_owned(),
            "DELETE FROM credit_journal".to_owned(),
            format!("REPLACE {columns} VALUES (0, 'u', 1, 'grant', 6, 6, 'purchase:p', 'system', 0, X'00')"),
            // The same source under another number meets the entry by its other unique key.
            format!(
                "INSERT OR REPLACE {columns} VALUES (0, 'u', 2, 'grant', 6, 6, 'purchase:p', 'system', 0, X'00')"
            ),
            format!(
                "INSERT {columns} VALUES (0, 'u', 1, 'grant', 6, 6, 'purchase:p', 'system', 0, X'00') \
                 ON CONFLICT DO UPDATE SET amount = 6"
            ),
        ] {
            let error = connection.batch_execute(&statement).expect_err("refused").to_string();
            assert!(error.contains("append-only"), "{statement}: {error}");
        }
        let kept = "SELECT sum(amount) AS value FROM credit_journal";
        assert_eq!(sql_query(kept).get_result::<Setting>(&mut connection).expect("a sum").value, 5);
    }

    #[test]
    fn a_reader_cannot_write() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let mut connection = file(&directory).connect_to_read().expect("connected");
        assert!(connection.batch_execute("DELETE FROM instances").is_err());
    }

    #[test]
    fn a_file_that_was_taken_away_is_not_made_anew() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let file = file(&directory);
        fs::remove_file(file.path()).expect("removed");
        assert!(matches!(file.connect(), Err(OpenError::Gone(_))));
        assert!(!file.path().exists());
    }
}
