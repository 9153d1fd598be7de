//! Looking on: who wants to know what a writer does, and how full its queue is.

use std::fmt;
use std::time::Duration;

use crate::{Commit, Handle};

/// Hears what a writer does, as it does it: every method must return at once. Without an observer, nothing is
/// measured.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A command left the queue, so long after it came.
    fn taken(&self, waited: Duration);

    /// A transaction ended.
    fn ended(&self, transaction: Transaction);

    /// A command was turned away: the queue was full.
    fn turned_away(&self);

    /// The store rejected one command for what it says.
    fn rejected(&self);

    /// A command came that nobody waits for.
    fn deferred(&self);

    /// A command that nobody waited for was given up: what it asked for is lost.
    fn given_up(&self);
}

/// One try of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its commands.
    pub commands: usize,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub end: End,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its commands are done.
    Committed,
    /// The store rejected it for what it says; it is split.
    Rejected,
    /// The store is away; it is tried again.
    Outage,
}

/// How much waits for a writer.
pub trait Queue: Send + Sync {
    /// Commands that wait with their callers.
    fn waiting(&self) -> usize;

    /// The most of them.
    fn capacity(&self) -> usize;

    /// Commands that nobody waits for and that are not done yet.
    fn deferred(&self) -> usize;
}

impl<C: Commit> Queue for Handle<C> {
    fn waiting(&self) -> usize {
        self.queue.max_capacity().saturating_sub(self.queue.capacity())
    }

    fn capacity(&self) -> usize {
        self.queue.max_capacity()
    }

    fn deferred(&self) -> usize {
        self.deferred.count()
    }
}
