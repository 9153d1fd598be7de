//! The loop that owns the store.

use std::future::Future;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::deferred::{self, Deferred};
use crate::{Commit, End, Failure, Handle, Observer, Options, SubmitError, Transaction, Waiting};

/// The first pause between two tries of the same batch; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How many turns of the runtime answered callers get before the next batch is taken.
const TURNS: usize = 4;
/// How often a writer with a thread of its own steps aside for the threads of its callers, at most.
const STEPS_ASIDE: usize = 256;

/// A running writer: keep it to shut the writer down in order.
#[derive(Debug)]
pub struct Writer {
    stop: oneshot::Sender<()>,
    stopped: Stopped,
    pending: watch::Receiver<usize>,
}

#[derive(Debug)]
enum Stopped {
    Task(JoinHandle<()>),
    Thread(oneshot::Receiver<()>),
}

impl Writer {
    /// Lets deferred commands through, takes no more, and commits those that wait; gives up after
    /// `patience`, and says so in the log.
    pub async fn shutdown(mut self, patience: Duration) {
        let done = tokio::time::timeout(patience, async {
            let _ = self.pending.wait_for(|count| *count == 0).await;
            let _ = self.stop.send(());
            match self.stopped {
                Stopped::Task(task) => drop(task.await),
                Stopped::Thread(gone) => drop(gone.await),
            }
        });
        if done.await.is_err() {
            tracing::warn!("the writer did not finish in time");
        }
    }
}

/// Runs a writer as a task of the present runtime.
pub fn spawn<C: Commit>(store: C, options: Options) -> (Handle<C>, Writer) {
    let (handle, stop, run) = prepare(store, options, Home::Shared);
    let pending = handle.deferred.pending().subscribe();
    (handle, Writer { stop, stopped: Stopped::Task(tokio::spawn(run)), pending })
}

/// Runs a writer on a thread of its own, for stores that block.
pub fn spawn_on_thread<C: Commit>(
    name: &str,
    store: C,
    options: Options,
) -> std::io::Result<(Handle<C>, Writer)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (handle, stop, run) = prepare(store, options, Home::Thread);
    let pending = handle.deferred.pending().subscribe();
    let (gone, stopped) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(run);
        let _ = gone.send(());
    })?;
    Ok((handle, Writer { stop, stopped: Stopped::Thread(stopped), pending }))
}

/// Where a writer runs.
#[derive(Clone, Copy)]
enum Home {
    /// On the runtime of its callers.
    Shared,
    /// On a thread of its own.
    Thread,
}

impl Home {
    /// Lets callers that were just answered ask again, until as many wait as there were.
    async fn step_aside<C: Commit>(self, waiting: &mpsc::Receiver<Waiting<C>>, answered: usize) {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        if let Self::Thread = self {
            for _ in 0..STEPS_ASIDE {
                if waiting.len() >= answered {
                    return;
                }
                thread::yield_now();
            }
        }
    }
}

fn prepare<C: Commit>(
    store: C,
    options: Options,
    home: Home,
) -> (Handle<C>, oneshot::Sender<()>, impl Future<Output = ()> + Send) {
    let (queue, waiting) = mpsc::channel(options.queue);
    let (deferred, later) = Deferred::new();
    let (stop, stopping) = oneshot::channel();
    let retries = deferred::run(queue.downgrade(), later, deferred.pending(), options.clone());
    let handle = Handle { queue, deferred, options: options.clone() };
    let run = async move {
        tokio::spawn(retries);
        run(store, waiting, stopping, options, home).await;
    };
    (handle, stop, run)
}

async fn run<C: Commit>(
    mut store: C,
    mut waiting: mpsc::Receiver<Waiting<C>>,
    mut stopping: oneshot::Receiver<()>,
    options: Options,
    home: Home,
) {
    let mut open = true;
    let mut healthy = true;
    loop {
        let next = tokio::select! {
            biased;
            // A `Writer` that is dropped without shutdown leaves the writer running for its handles.
            Ok(()) = &mut stopping, if open => {
                open = false;
                waiting.close();
                continue;
            }
            next = waiting.recv() => next,
        };
        let Some(first) = next else { return };
        let mut batch = vec![first];
        while batch.len() < options.batch
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        let patience = if healthy { options.patience } else { Duration::ZERO };
        let answered = batch.len();
        healthy = commit(&mut store, batch, patience, &options).await;
        // Callers that were just answered ask again at once, if they are let: a moment for them makes the next
        // batch whole, where it would be half of what could be in it. A lone caller is not kept waiting.
        if answered > 1 {
            home.step_aside(&waiting, answered).await;
        }
    }
}

/// Commits a batch and answers it; says whether the store was there.
async fn commit<C: Commit>(
    store: &mut C,
    batch: Vec<Waiting<C>>,
    patience: Duration,
    options: &Options,
) -> bool {
    let observer = options.observer.as_deref();
    if let Some(observer) = observer {
        batch.iter().filter_map(|waiting| waiting.since).for_each(|since| observer.taken(since.elapsed()));
    }
    let (commands, mut answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.command, Some(waiting.answer))).unzip();
    // Parts still to be committed; a rejected one is replaced by its halves, the first half first.
    let whole = 0..commands.len();
    let mut parts = vec![whole];
    let mut healthy = true;
    while let Some(part) = parts.pop() {
        let patience = if healthy { patience } else { Duration::ZERO };
        let results = match run_part(store, &commands[part.clone()], patience, observer).await {
            Ok(results) => results,
            Err(Failure::Rejected(reason)) if part.len() == 1 => {
                tracing::error!(%reason, "the store rejected a command");
                if let Some(observer) = observer {
                    observer.rejected();
                }
                vec![Err(SubmitError::Rejected(reason))]
            }
            Err(Failure::Rejected(_)) => {
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
                continue;
            }
            Err(Failure::Outage(reason)) => {
                healthy = false;
                part.clone().map(|_| Err(SubmitError::Outage(reason.clone()))).collect()
            }
        };
        for (index, result) in part.zip(results) {
            if let Some(answer) = answers[index].take() {
                // A caller that left does not need its answer.
                let _ = answer.send(result);
            }
        }
    }
    healthy
}

type Answers<C> = Vec<Result<<C as Commit>::Answer, SubmitError>>;

/// Runs one part, again and again through an outage until `patience` is over.
async fn run_part<C: Commit>(
    store: &mut C,
    commands: &[C::Command],
    patience: Duration,
    observer: Option<&dyn Observer>,
) -> Result<Answers<C>, Failure> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match observed(store, commands, observer).await {
            Ok(answers) if answers.len() == commands.len() => {
                return Ok(answers.into_iter().map(Ok).collect());
            }
            Ok(answers) => {
                let (given, asked) = (answers.len(), commands.len());
                return Err(Failure::Outage(format!("the store gave {given} answers to {asked} commands")));
            }
            Err(Failure::Outage(reason)) if begun.elapsed() < patience => {
                tracing::warn!(%reason, "the store is away; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Runs one transaction, and tells of it.
async fn observed<C: Commit>(
    store: &mut C,
    commands: &[C::Command],
    observer: Option<&dyn Observer>,
) -> Result<Vec<C::Answer>, Failure> {
    let Some(observer) = observer else { return store.commit(commands).await };
    let begun = Instant::now();
    let result = store.commit(commands).await;
    let end = match &result {
        Ok(_) => End::Committed,
        Err(Failure::Rejected(_)) => End::Rejected,
        Err(Failure::Outage(_)) => End::Outage,
    };
    observer.ended(Transaction { commands: commands.len(), took: begun.elapsed(), end });
    result
}
