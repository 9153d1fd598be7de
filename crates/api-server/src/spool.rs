//! Settlements on disk, for as long as the store is away (row 14 of the charge policy).
//!
//! An answer that was delivered while the store was away is settled later, from memory. So that a server which stops
//! in that time does not forget what it is owed, each such settlement is a file too. A job settles what it finds there;
//! settling twice is settling once. A spool that is lost costs the house those answers, never a user anything.

mod entry;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use domain::ledger::command::{Command, Receipt, SettleRequest};
use domain::ports::ledger::{Ledger, LedgerError, Submit};

use entry::Entry;

/// How a file's name ends that is whole.
const WHOLE: &str = "json";
/// How a file's name ends that was set aside.
const UNREADABLE: &str = "unreadable";
/// The most files; beyond them settlements are kept in memory only.
const MOST_FILES: usize = 10_000;

/// A directory of settlements.
#[derive(Clone, Debug)]
pub struct Spool {
    directory: PathBuf,
    /// Files older than this are deleted: they hold texts, which may not be kept longer.
    keep: Duration,
}

impl Spool {
    /// In this directory; it is made when it is first needed.
    pub fn new(directory: PathBuf, keep: Duration) -> Self {
        Self { directory, keep }
    }

    /// Whether settlements can be written there; told at start, since they would be when the store is away.
    pub fn probe(&self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let path = self.directory.join("probe.draft");
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)
    }

    /// Writes a settlement down, durably.
    fn put(&self, request: &SettleRequest) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        if self.files()?.len() >= MOST_FILES {
            return Err(io::Error::other("the spool is full"));
        }
        let path = self.directory.join(format!("{}.{WHOLE}", request.hold));
        let draft = path.with_extension("draft");
        let text = serde_json::to_vec(&Entry::of(request))?;
        // Texts of users: for nobody else's eyes.
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        self.files_ending(WHOLE)
    }

    fn files_ending(&self, ending: &str) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == ending)).collect())
    }

    /// How many settlements are there, and how many that cannot be read.
    pub fn count(&self) -> io::Result<(usize, usize)> {
        let ending = |end: &'static str| self.files_ending(end).map(|files| files.len());
        Ok((ending(WHOLE)?, ending(UNREADABLE)?))
    }

    /// Settles what is there, and deletes what is settled; stops at the first sign that the store is away. Answers how
    /// many were settled.
    pub async fn settle_all(&self, ledger: &dyn Ledger) -> io::Result<u32> {
        let mut settled = 0;
        for path in self.files()? {
            if is_older_than(&path, self.keep) {
                tracing::warn!(path = %path.display(), "a settlement is too old to be kept; it is given up");
                fs::remove_file(&path)?;
                continue;
            }
            let Some(request) = read(&path)? else {
                // Not one of ours, or damaged: left for an operator to look at.
                fs::rename(&path, path.with_extension(UNREADABLE))?;
                tracing::error!(path = %path.display(), "a settlement in the spool cannot be read; it is set aside");
                continue;
            };
            match ledger.settle(request).await {
                Ok(_) => settled += 1,
                Err(LedgerError::Refused(refusal)) => {
                    tracing::warn!(%refusal, "a settlement from the spool is refused");
                }
                Err(LedgerError::Unavailable(_)) => return Ok(settled),
            }
            fs::remove_file(&path)?;
        }
        Ok(settled)
    }
}

fn read(path: &Path) -> io::Result<Option<SettleRequest>> {
    let text = fs::read(path)?;
    Ok(serde_json::from_slice::<Entry>(&text).ok().and_then(Entry::into_request))
}

fn is_older_than(path: &Path, age: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|file| file.modified());
    modified.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|old| old > age))
}

/// A store whose later settlements are on disk too.
pub struct Spooled {
    store: Arc<dyn Submit>,
    spool: Spool,
}

impl Spooled {
    /// This store, with that spool.
    pub fn new(store: Arc<dyn Submit>, spool: Spool) -> Self {
        Self { store, spool }
    }
}

#[async_trait]
impl Submit for Spooled {
    async fn submit(&self, command: Command) -> Result<Receipt, LedgerError> {
        self.store.submit(command).await
    }

    fn defer(&self, command: Command) {
        if let Command::Settle(request) = &command
            && let Err(error) = self.spool.put(request)
        {
            tracing::warn!(%error, "a settlement could not be written to the spool; it is in memory only");
        }
        self.store.defer(command);
    }
}
