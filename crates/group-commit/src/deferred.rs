//! Commands that nobody waits for: kept in memory and retried until the store takes them.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::{Commit, Options, SubmitError, Waiting, submit};

/// The first pause between two tries; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The senders' end: a queue without bound, because what is in it must not be refused, and a count of
/// what is not done yet.
pub(crate) struct Deferred<T> {
    queue: mpsc::UnboundedSender<T>,
    pending: watch::Sender<usize>,
}

impl<T> Clone for Deferred<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), pending: self.pending.clone() }
    }
}

impl<T> Deferred<T> {
    pub fn new() -> (Self, mpsc::UnboundedReceiver<T>) {
        let (queue, later) = mpsc::unbounded_channel();
        (Self { queue, pending: watch::Sender::new(0) }, later)
    }

    pub fn push(&self, command: T) {
        self.pending.send_modify(|count| *count += 1);
        if self.queue.send(command).is_err() {
            self.pending.send_modify(|count| *count -= 1);
            tracing::error!("a deferred command came after the writer had stopped; it is lost");
        }
    }

    pub fn count(&self) -> usize {
        *self.pending.borrow()
    }

    pub fn pending(&self) -> watch::Sender<usize> {
        self.pending.clone()
    }
}

/// Passes deferred commands on to the writer, each retried on its own.
pub(crate) async fn run<C: Commit>(
    queue: mpsc::WeakSender<Waiting<C>>,
    mut later: mpsc::UnboundedReceiver<C::Command>,
    pending: watch::Sender<usize>,
    options: Options,
) {
    while let Some(command) = later.recv().await {
        let (queue, pending, options) = (queue.clone(), pending.clone(), options.clone());
        tokio::spawn(async move {
            if let (false, Some(observer)) = (retry(&queue, command, &options).await, &options.observer) {
                observer.given_up();
            }
            pending.send_modify(|count| *count -= 1);
        });
    }
}

/// Whether it was done.
async fn retry<C: Commit>(
    queue: &mpsc::WeakSender<Waiting<C>>,
    command: C::Command,
    options: &Options,
) -> bool {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(queue) = queue.upgrade() else {
            tracing::error!("the writer stopped before a deferred command was done");
            return false;
        };
        match submit(&queue, command.clone(), options).await {
            Ok(_) => return true,
            Err(SubmitError::Rejected(reason)) => {
                tracing::error!(%reason, "the store rejected a deferred command");
                return false;
            }
            Err(SubmitError::Stopped) => {
                tracing::error!("the writer stopped before a deferred command was done");
                return false;
            }
            Err(SubmitError::Busy | SubmitError::Outage(_)) if begun.elapsed() > options.keep => {
                tracing::error!("a deferred command was given up: the store stayed away");
                return false;
            }
            Err(SubmitError::Busy | SubmitError::Outage(_)) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
