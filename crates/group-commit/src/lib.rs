//! Group commit: drain a queue, commit many commands in one transaction, answer each caller.
//!
//! Callers [`Handle::submit`] a command and wait. One writer owns the store; it takes *everything that
//! is waiting*, commits it as one transaction, and answers all. There is no timer: an idle writer takes a
//! single command at once, so an unloaded caller pays nothing; under load, batches grow by themselves
//! while the previous commit is in flight. A caller whose future is dropped cannot leave a transaction
//! open, because the transaction is never the caller's.
//!
//! - A batch that the store rejects is split until the command at fault is found; it alone is rejected.
//! - An outage is not split: the batch is run again, whole. Commands must therefore carry ids that make
//!   a second run answer what the first did.
//! - The queue is bounded; a full one answers [`SubmitError::Busy`] at once.
//! - [`Handle::defer`] is for commands that nobody waits for and that must not get lost: they are kept in
//!   memory and retried until the store takes them.
//! - An [`Observer`] hears of batches, waiting times and rejections; a [`Queue`] says how much waits.

mod deferred;
mod observe;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use deferred::Deferred;
pub use observe::{End, Observer, Queue, Transaction};
pub use writer::{Writer, spawn, spawn_on_thread};

/// A store that commits many commands in one transaction.
pub trait Commit: Send + 'static {
    /// One command. Running it twice must do it once.
    type Command: Clone + Send + Sync + 'static;
    /// What it answers; a business refusal is an answer too.
    type Answer: Send + 'static;

    /// Runs all commands in one transaction and answers each, in order. On an error nothing may have
    /// been stored, or, after an outage, it is unknown whether it was.
    fn commit(
        &mut self,
        commands: &[Self::Command],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Failure>> + Send;
}

/// Why a batch was not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The store broke off because of what the batch says (a constraint, a corrupt row): a smaller batch
    /// may pass.
    Rejected(String),
    /// The store is away, or the connection broke: the same batch may pass later, or has passed.
    Outage(String),
}

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// Too many are waiting; this one was not taken.
    Busy,
    /// The store is away or slow; the command may have been done, or may yet be.
    Outage(String),
    /// The store rejected this very command; it was not done.
    Rejected(String),
    /// The writer has stopped; the command was not taken.
    Stopped,
}

/// Limits of a writer, and who looks on.
#[derive(Clone, Debug)]
pub struct Options {
    /// The most commands in one transaction.
    pub batch: usize,
    /// The most commands that wait.
    pub queue: usize,
    /// How long a batch is retried when the store goes away. While it stays away, later batches are
    /// tried once, so that their callers learn it promptly.
    pub patience: Duration,
    /// How long a caller waits for an answer.
    pub wait: Duration,
    /// How long a deferred command is kept.
    pub keep: Duration,
    /// Who looks on.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for Options {
    /// 256 commands in a batch, 4,096 waiting, 2 s of patience, 10 s of waiting, deferred for 15 min; nobody
    /// looks on.
    fn default() -> Self {
        Self {
            batch: 256,
            queue: 4096,
            patience: Duration::from_secs(2),
            wait: Duration::from_secs(10),
            keep: Duration::from_secs(15 * 60),
            observer: None,
        }
    }
}

/// A command with the place its answer goes to.
struct Waiting<C: Commit> {
    command: C::Command,
    answer: oneshot::Sender<Result<C::Answer, SubmitError>>,
    /// When it came, where somebody looks on.
    since: Option<Instant>,
}

/// The callers' end of a writer. Cheap to clone.
pub struct Handle<C: Commit> {
    queue: mpsc::Sender<Waiting<C>>,
    deferred: Deferred<C::Command>,
    options: Options,
}

impl<C: Commit> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), deferred: self.deferred.clone(), options: self.options.clone() }
    }
}

impl<C: Commit> Handle<C> {
    /// Does one command, durably. Dropping the future does not undo it.
    pub async fn submit(&self, command: C::Command) -> Result<C::Answer, SubmitError> {
        submit(&self.queue, command, &self.options).await
    }

    /// Enqueues a command without waiting; it is retried while the store is away, in no particular
    /// order. Safe to call from `Drop`.
    pub fn defer(&self, command: C::Command) {
        if let Some(observer) = &self.options.observer {
            observer.deferred();
        }
        self.deferred.push(command);
    }
}

async fn submit<C: Commit>(
    queue: &mpsc::Sender<Waiting<C>>,
    command: C::Command,
    options: &Options,
) -> Result<C::Answer, SubmitError> {
    let (answer, answered) = oneshot::channel();
    let observer = options.observer.as_ref();
    let since = observer.map(|_| Instant::now());
    queue.try_send(Waiting { command, answer, since }).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => {
            if let Some(observer) = observer {
                observer.turned_away();
            }
            SubmitError::Busy
        }
        mpsc::error::TrySendError::Closed(_) => SubmitError::Stopped,
    })?;
    match tokio::time::timeout(options.wait, answered).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(SubmitError::Stopped),
        Err(_) => Err(SubmitError::Outage("no answer in time".to_owned())),
    }
}
