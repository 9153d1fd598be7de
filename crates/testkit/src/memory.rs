//! Books in memory: the smallest store there is, and what the others are measured by.
//!
//! It runs the same motor as they do (group commit, then load, decide, store) and rejects what their
//! constraints reject. Nothing survives the process.

mod api_keys;
mod billing;
mod constraints;
mod inbox;
mod overview;
mod reads;
mod reports;
mod tables;
mod vitals;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::billing::notice::Notice;
use domain::ledger::batch;
use domain::ledger::command::{Command, Receipt, Refusal};
use domain::ports::Unavailable;
use domain::ports::ledger::{LedgerError, Submit};
use group_commit::{Commit, Failure, Handle, Options, SubmitError, Writer};

use crate::Fixture;
use tables::Tables;

/// Books in memory. Clones are the same server on the same books. Implements every port of a store.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    handle: Handle<MemoryWriter>,
    _writer: Arc<Writer>,
}

impl MemoryStore {
    /// Empty books. Call it within a runtime: the writer is a task.
    pub fn new() -> Self {
        Self::on(Arc::default())
    }

    /// A second, independent server on the same books.
    #[must_use]
    pub fn replica(&self) -> Self {
        Self::on(Arc::clone(&self.tables))
    }

    /// Empty books with a replica, for the contract suite.
    pub fn fixture() -> Fixture {
        let store = Arc::new(Self::new());
        Fixture {
            ledger: Arc::<Self>::clone(&store),
            replica: Some(Arc::new(store.replica())),
            statements: Arc::<Self>::clone(&store),
            upkeep: Arc::<Self>::clone(&store),
            books: Arc::<Self>::clone(&store),
            reports: Arc::<Self>::clone(&store),
            overview: Arc::<Self>::clone(&store),
            recorder: Arc::<Self>::clone(&store),
            audit: Arc::<Self>::clone(&store),
            till: Arc::<Self>::clone(&store),
            purchases: Arc::<Self>::clone(&store),
            inbox: Arc::<Self>::clone(&store),
            api_keys: Arc::<Self>::clone(&store),
            vitals: store,
            guard: Box::new(()),
        }
    }

    /// The notices in the outbox, in the order that they were written.
    pub fn outbox(&self) -> Vec<Notice> {
        lock(&self.tables).outbox.clone()
    }

    fn on(tables: Arc<Mutex<Tables>>) -> Self {
        let commits = MemoryWriter { tables: Arc::clone(&tables) };
        let (handle, writer) = group_commit::spawn(commits, Options::default());
        Self { tables, handle, _writer: Arc::new(writer) }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// A failed assertion elsewhere leaves no half-done change behind: changes are made all at once.
fn lock(tables: &Mutex<Tables>) -> MutexGuard<'_, Tables> {
    tables.lock().unwrap_or_else(PoisonError::into_inner)
}

fn page_size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[async_trait]
impl Submit for MemoryStore {
    async fn submit(&self, command: Command) -> Result<Receipt, LedgerError> {
        match self.handle.submit(command).await {
            Ok(answer) => answer.map_err(LedgerError::Refused),
            Err(SubmitError::Busy) => Err(Unavailable("too many requests are waiting".to_owned()).into()),
            Err(SubmitError::Outage(reason) | SubmitError::Rejected(reason)) => {
                Err(Unavailable(reason).into())
            }
            Err(SubmitError::Stopped) => Err(Unavailable("the writer has stopped".to_owned()).into()),
        }
    }

    fn defer(&self, command: Command) {
        self.handle.defer(command);
    }
}

/// The writer's end: one transaction is one turn with the lock. Nothing is changed before everything is
/// decided and checked, so there is nothing to roll back.
struct MemoryWriter {
    tables: Arc<Mutex<Tables>>,
}

impl Commit for MemoryWriter {
    type Command = Command;
    type Answer = Result<Receipt, Refusal>;

    async fn commit(&mut self, commands: &[Command]) -> Result<Vec<Self::Answer>, Failure> {
        let mut tables = lock(&self.tables);
        let needs = batch::needs(commands);
        let loaded = tables.load(&needs, commands);
        let decided =
            batch::decide(loaded, commands).map_err(|error| Failure::Rejected(error.to_string()))?;
        constraints::check(&tables, &decided).map_err(Failure::Rejected)?;
        Ok(tables.store(&needs, commands, decided))
    }
}
