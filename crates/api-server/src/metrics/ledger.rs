//! Counting what happens to credits: acts of metering, and the batches that they are written in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::ledger::command::{Receipt, Refusal, SettleRequest};
use domain::ledger::usage::{Outcome, RequestKind, UsageFacts};
use domain::money::NanoUsd;
use domain::ports::ledger::LedgerError;
use domain::tokens::TokenUsage;
use group_commit::{End, Observer, Transaction};

use super::{Metrics, families};

/// Counts acts; nothing, where nothing is counted.
#[derive(Clone, Default)]
pub struct Acts(Option<Arc<Metrics>>);

/// What is remembered of a request while it is settled.
pub struct Noted {
    kind: RequestKind,
    model: String,
    tokens: TokenUsage,
    cost: NanoUsd,
}

impl Acts {
    /// Counts there, if anywhere.
    pub fn new(metrics: Option<Arc<Metrics>>) -> Self {
        Self(metrics)
    }

    /// A hold was asked for.
    pub fn hold(&self, kind: RequestKind, result: &Result<Receipt, LedgerError>) {
        let Some(metrics) = &self.0 else { return };
        metrics.counter(&families::HOLDS, [kind.as_str(), hold_result(result)]).increment(1);
    }

    /// A hold is about to be settled.
    pub fn note(&self, facts: &UsageFacts) -> Option<Noted> {
        self.0.as_ref()?;
        let UsageFacts { kind, model, tokens, cost, .. } = facts;
        Some(Noted { kind: *kind, model: model.clone(), tokens: *tokens, cost: *cost })
    }

    /// A hold was settled, or not.
    pub fn settle(&self, noted: Option<Noted>, result: &Result<Receipt, LedgerError>) {
        if let (Some(noted), Ok(Receipt::Settled(settled))) = (noted, result)
            && !settled.repeated
        {
            self.settled(&noted, settled.charged.get(), settled.absorbed.get());
        }
    }

    /// A hold will be settled once the store is back: counted now, since nobody will be there then.
    pub fn settle_later(&self, request: &SettleRequest) {
        let (Some(metrics), Some(noted)) = (&self.0, self.note(&request.facts)) else { return };
        metrics.counter(&families::SETTLED_LATER, [""; 0]).increment(1);
        self.settled(&noted, request.charge.get(), 0);
    }

    fn settled(&self, noted: &Noted, charged: i64, absorbed: i64) {
        let Some(metrics) = &self.0 else { return };
        let kind = noted.kind.as_str();
        metrics.counter(&families::AI_REQUESTS, [kind, Outcome::Settled.as_str()]).increment(1);
        metrics.counter(&families::CREDITS_CHARGED, [kind]).increment(amount(charged));
        metrics.counter(&families::CREDITS_ABSORBED, [kind]).increment(amount(absorbed));
        let tokens = noted.tokens.coherent();
        for (word, count) in [
            ("input", tokens.input.less(tokens.cached_input)),
            ("cached_input", tokens.cached_input),
            ("output", tokens.output.less(tokens.reasoning)),
            ("reasoning", tokens.reasoning),
        ] {
            metrics.counter(&families::TOKENS, [noted.model.clone(), word.to_owned()]).increment(count.get());
        }
        metrics.counter(&families::COST, [noted.model.clone()]).increment(amount(noted.cost.get()));
    }

    /// A hold was voided, or not.
    pub fn void(&self, kind: RequestKind, outcome: Outcome, result: &Result<Receipt, LedgerError>) {
        if let (Some(metrics), Ok(Receipt::Voided(true))) = (&self.0, result) {
            metrics.counter(&families::AI_REQUESTS, [kind.as_str(), outcome.as_str()]).increment(1);
        }
    }

    /// A hold will be voided in the background.
    pub fn release(&self) {
        if let Some(metrics) = &self.0 {
            metrics.counter(&families::RELEASED, [""; 0]).increment(1);
        }
    }
}

fn amount(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}

/// A word for what came of asking for a hold.
pub fn hold_result(result: &Result<Receipt, LedgerError>) -> &'static str {
    match result {
        Ok(Receipt::Replay(_)) => "replayed",
        Ok(_) => "held",
        Err(LedgerError::Unavailable(_)) => "unavailable",
        Err(LedgerError::Refused(refusal)) => match refusal {
            Refusal::Suspended => "suspended",
            Refusal::KeyInProgress => "key_in_progress",
            Refusal::KeyMismatch => "key_mismatch",
            Refusal::AnswerNotKept => "answer_not_kept",
            Refusal::NoCredits { .. } => "no_credits",
            Refusal::InsufficientCredits { .. } => "insufficient_credits",
            Refusal::RateLimited { .. } => "rate_limited",
            Refusal::ExceedsLimit { .. } => "exceeds_limit",
            // What other acts are refused for, and what holds may be refused for one day.
            _ => "refused",
        },
    }
}

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
