//! The motor on a store made of memory that fails when told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use group_commit::{
    Commit, End, Failure, Observer, Options, Queue, SubmitError, Transaction, spawn, spawn_on_thread,
};
use tokio::sync::Semaphore;

/// Counters by name; a command that names a poisoned counter is rejected with its batch.
#[derive(Clone)]
struct Counters {
    state: Arc<Mutex<State>>,
    /// One permit for each commit that may run.
    gate: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    done: BTreeSet<u64>,
    counts: BTreeMap<&'static str, u32>,
    batches: Vec<usize>,
    outages: u32,
    lost_answers: u32,
}

#[derive(Clone)]
struct Add {
    id: u64,
    to: &'static str,
}

impl Commit for Counters {
    type Command = Add;
    type Answer = u32;

    async fn commit(&mut self, commands: &[Add]) -> Result<Vec<u32>, Failure> {
        self.gate.acquire().await.unwrap().forget();
        let mut state = self.state.lock().unwrap();
        if state.outages > 0 {
            state.outages -= 1;
            return Err(Failure::Outage("away".into()));
        }
        if commands.iter().any(|add| add.to == "poison") {
            return Err(Failure::Rejected("poison".into()));
        }
        state.batches.push(commands.len());
        let answers = commands
            .iter()
            .map(|add| {
                let first = state.done.insert(add.id);
                let count = state.counts.entry(add.to).or_default();
                *count += u32::from(first);
                *count
            })
            .collect();
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(Failure::Outage("connection lost during commit".into()));
        }
        Ok(answers)
    }
}

fn counters(permits: usize) -> Counters {
    Counters { state: Arc::default(), gate: Arc::new(Semaphore::new(permits)) }
}

const MANY: usize = 10_000;

#[tokio::test]
async fn what_waits_during_a_commit_shares_the_next() {
    let store = counters(0);
    let (handle, _writer) = spawn(store.clone(), Options::default());
    let tasks: Vec<_> = (0..10)
        .map(|id| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.submit(Add { id, to: "a" }).await })
        })
        .collect();
    // One turn for every task to enqueue; the writer took some of them and waits at the gate.
    tokio::task::yield_now().await;
    store.gate.add_permits(MANY);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let state = store.state.lock().unwrap();
    assert_eq!(state.counts["a"], 10);
    assert!(state.batches.len() < 10, "batches: {:?}", state.batches);
}

#[tokio::test]
async fn a_rejected_command_is_rejected_alone() {
    let store = counters(0);
    let (handle, _writer) = spawn(store.clone(), Options::default());
    let submit = |id, to| {
        let handle = handle.clone();
        async move { handle.submit(Add { id, to }).await }
    };
    let (first, bad, last, ()) = tokio::join!(submit(1, "a"), submit(2, "poison"), submit(3, "a"), async {
        store.gate.add_permits(MANY);
    });
    assert_eq!((first, last), (Ok(1), Ok(2)));
    assert_eq!(bad, Err(SubmitError::Rejected("poison".into())));
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    let store = counters(MANY);
    store.state.lock().unwrap().outages = 3;
    let (handle, _writer) = spawn(store, Options::default());
    assert_eq!(handle.submit(Add { id: 1, to: "a" }).await, Ok(1));
}

#[tokio::test]
async fn a_lost_answer_does_not_repeat_the_act() {
    let store = counters(MANY);
    store.state.lock().unwrap().lost_answers = 1;
    let (handle, _writer) = spawn(store.clone(), Options::default());
    assert_eq!(handle.submit(Add { id: 1, to: "a" }).await, Ok(1));
    assert_eq!(store.state.lock().unwrap().counts["a"], 1);
}

#[tokio::test]
async fn a_long_outage_is_told_and_later_callers_learn_it_at_once() {
    let store = counters(MANY);
    store.state.lock().unwrap().outages = u32::MAX;
    let options = Options { patience: Duration::from_millis(50), ..Options::default() };
    let (handle, _writer) = spawn(store.clone(), options);
    assert!(matches!(handle.submit(Add { id: 1, to: "a" }).await, Err(SubmitError::Outage(_))));
    let tries_before = u32::MAX - store.state.lock().unwrap().outages;
    assert!(tries_before > 1);
    assert!(matches!(handle.submit(Add { id: 2, to: "a" }).await, Err(SubmitError::Outage(_))));
    assert_eq!(u32::MAX - store.state.lock().unwrap().outages, tries_before + 1, "tried once");
    store.state.lock().unwrap().outages = 0;
    assert_eq!(handle.submit(Add { id: 3, to: "a" }).await, Ok(1));
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let store = counters(0);
    let (handle, _writer) = spawn(store.clone(), Options { queue: 1, batch: 1, ..Options::default() });
    let (handle, mut busy) = (&handle, 0);
    let (one, two, three, four) = tokio::join!(
        handle.submit(Add { id: 1, to: "a" }),
        handle.submit(Add { id: 2, to: "a" }),
        handle.submit(Add { id: 3, to: "a" }),
        async {
            store.gate.add_permits(MANY);
            handle.submit(Add { id: 4, to: "a" }).await
        }
    );
    for result in [one, two, three, four] {
        busy += u32::from(result == Err(SubmitError::Busy));
    }
    assert_eq!(busy, 3, "one in the queue, the others refused before the writer ran");
}

#[tokio::test]
async fn a_deferred_command_outlives_an_outage_and_shutdown_waits_for_it() {
    let store = counters(MANY);
    store.state.lock().unwrap().outages = 4;
    let options = Options { patience: Duration::ZERO, ..Options::default() };
    let (handle, writer) = spawn(store.clone(), options);
    handle.defer(Add { id: 1, to: "a" });
    writer.shutdown(Duration::from_secs(30)).await;
    assert_eq!(store.state.lock().unwrap().counts["a"], 1);
    assert_eq!(handle.submit(Add { id: 2, to: "a" }).await, Err(SubmitError::Stopped));
}

#[tokio::test]
async fn shutdown_commits_what_waits_on_a_thread_too() {
    let store = counters(0);
    let (handle, writer) = spawn_on_thread("counters", store.clone(), Options::default()).unwrap();
    let waiting = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(Add { id: 1, to: "a" }).await })
    };
    tokio::task::yield_now().await;
    let stop = writer.shutdown(Duration::from_secs(30));
    store.gate.add_permits(MANY);
    stop.await;
    assert_eq!(waiting.await.unwrap(), Ok(1));
}

/// Writes down what it hears.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    fn count(&self, note: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|noted| *noted == note).count()
    }
}

impl Observer for Notes {
    fn taken(&self, _: Duration) {
        self.add("taken");
    }

    fn ended(&self, transaction: Transaction) {
        let word = match transaction.end {
            End::Committed => "committed",
            End::Rejected => "rejected",
            End::Outage => "outage",
        };
        self.add(format!("{word} {}", transaction.commands));
    }

    fn turned_away(&self) {
        self.add("turned away");
    }

    fn rejected(&self) {
        self.add("rejected");
    }

    fn deferred(&self) {
        self.add("deferred");
    }

    fn given_up(&self) {
        self.add("given up");
    }
}

#[tokio::test]
async fn an_observer_hears_of_every_command_and_every_transaction() {
    let store = counters(0);
    let notes = Arc::new(Notes::default());
    let options = Options { queue: 2, observer: Some(notes.clone()), ..Options::default() };
    let (handle, _writer) = spawn(store.clone(), options);
    let submit = |id, to| handle.submit(Add { id, to });
    let (good, bad, away, ()) = tokio::join!(submit(1, "a"), submit(2, "poison"), submit(3, "a"), async {
        assert_eq!((handle.waiting(), handle.capacity(), handle.deferred()), (2, 2, 0));
        store.gate.add_permits(MANY);
    });
    assert_eq!((good, bad.is_err(), away), (Ok(1), true, Err(SubmitError::Busy)));
    // Both together were rejected, and then each was tried alone.
    for (note, times) in [
        ("taken", 2),
        ("turned away", 1),
        ("rejected 2", 1),
        ("committed 1", 1),
        ("rejected 1", 1),
        ("rejected", 1),
    ] {
        assert_eq!(notes.count(note), times, "{note}: {notes:?}");
    }
    assert_eq!(handle.waiting(), 0);
}

#[tokio::test]
async fn a_deferred_command_that_is_given_up_is_told() {
    let store = counters(MANY);
    store.state.lock().unwrap().outages = u32::MAX;
    let notes = Arc::new(Notes::default());
    let (patience, keep) = (Duration::ZERO, Duration::ZERO);
    let (handle, writer) =
        spawn(store, Options { patience, keep, observer: Some(notes.clone()), ..Options::default() });
    handle.defer(Add { id: 1, to: "a" });
    assert_eq!(handle.deferred(), 1);
    writer.shutdown(Duration::from_secs(30)).await;
    assert_eq!((notes.count("deferred"), notes.count("given up"), handle.deferred()), (1, 1, 0));
}
