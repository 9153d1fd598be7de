//! Counting the batches that acts are written in.

use std::fmt;
use std::time::Duration;

use group_commit::{End, Observer, Transaction};

use super::{Metrics, families};

/// Hears of the batches of a store.
pub struct Batches {
    waited: ::metrics::Histogram,
    commands: ::metrics::Histogram,
    committed: ::metrics::Histogram,
    split: ::metrics::Histogram,
    outage: ::metrics::Histogram,
    turned_away: ::metrics::Counter,
    rejected: ::metrics::Counter,
    deferred: ::metrics::Counter,
    given_up: ::metrics::Counter,
}

impl Batches {
    /// Counts there.
    pub fn new(metrics: &Metrics) -> Self {
        let transactions = |result| metrics.histogram(&families::TRANSACTION, [result]);
        let counter = |family| metrics.counter(family, [""; 0]);
        Self {
            waited: metrics.histogram(&families::QUEUE_WAIT, [""; 0]),
            commands: metrics.histogram(&families::BATCH, [""; 0]),
            committed: transactions("committed"),
            split: transactions("rejected"),
            outage: transactions("outage"),
            turned_away: counter(&families::TURNED_AWAY),
            rejected: counter(&families::REJECTED),
            deferred: counter(&families::DEFERRED),
            given_up: counter(&families::GIVEN_UP),
        }
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}

impl Observer for Batches {
    fn taken(&self, waited: Duration) {
        self.waited.record(waited);
    }

    fn ended(&self, transaction: Transaction) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has a few hundred commands")]
        self.commands.record(transaction.commands as f64);
        match transaction.end {
            End::Committed => self.committed.record(transaction.took),
            End::Rejected => self.split.record(transaction.took),
            End::Outage => self.outage.record(transaction.took),
        }
    }

    fn turned_away(&self) {
        self.turned_away.increment(1);
    }

    fn rejected(&self) {
        self.rejected.increment(1);
    }

    fn deferred(&self) {
        self.deferred.increment(1);
    }

    fn given_up(&self) {
        self.given_up.increment(1);
    }
}
