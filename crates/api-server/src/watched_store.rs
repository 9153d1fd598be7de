//! The store as metering sees it: what comes of holds is counted and traced, where somebody looks on.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ledger::command::{Command, Receipt, Refusal};
use domain::ledger::usage::{Outcome, RequestKind, UsageFacts};
use domain::money::NanoUsd;
use domain::ports::ledger::{LedgerError, Submit};
use domain::tokens::TokenUsage;
use tracing::{Instrument, Span};

use crate::metrics::{Metrics, families};
use crate::telemetry::spans;

/// A store whose acts on holds are watched.
pub struct WatchedStore {
    store: Arc<dyn Submit>,
    metrics: Option<Arc<Metrics>>,
}

impl WatchedStore {
    /// This store, counted there if anywhere.
    pub fn new(store: Arc<dyn Submit>, metrics: Option<Arc<Metrics>>) -> Self {
        Self { store, metrics }
    }
}

#[async_trait]
impl Submit for WatchedStore {
    async fn submit(&self, command: Command) -> Result<Receipt, LedgerError> {
        let Some(act) = Act::of(&command) else { return self.store.submit(command).await };
        let span = act.span();
        let result = self.store.submit(command).instrument(span.clone()).await;
        act.tell(&span, &result);
        if let Some(metrics) = &self.metrics {
            act.count(metrics, &result);
        }
        result
    }

    fn defer(&self, command: Command) {
        if let Some(metrics) = &self.metrics {
            count_deferred(metrics, &command);
        }
        self.store.defer(command);
    }
}

/// What is remembered of a command while it is done.
enum Act {
    Hold(RequestKind),
    Settle(Noted),
    Void(RequestKind, Outcome),
}

/// What is remembered of a request while it is settled.
struct Noted {
    kind: RequestKind,
    model: String,
    tokens: TokenUsage,
    cost: NanoUsd,
}

impl Noted {
    fn of(facts: &UsageFacts) -> Self {
        let UsageFacts { kind, model, tokens, cost, .. } = facts;
        Self { kind: *kind, model: model.clone(), tokens: *tokens, cost: *cost }
    }

    fn count_settled(&self, metrics: &Metrics, charged: i64, absorbed: i64) {
        let kind = self.kind.as_str();
        metrics.counter(&families::AI_REQUESTS, [kind, Outcome::Settled.as_str()]).increment(1);
        metrics.counter(&families::CREDITS_CHARGED, [kind]).increment(amount(charged));
        metrics.counter(&families::CREDITS_ABSORBED, [kind]).increment(amount(absorbed));
        let tokens = self.tokens.coherent();
        for (word, count) in [
            ("input", tokens.input.less(tokens.cached_input)),
            ("cached_input", tokens.cached_input),
            ("output", tokens.output.less(tokens.reasoning)),
            ("reasoning", tokens.reasoning),
        ] {
            metrics.counter(&families::TOKENS, [self.model.clone(), word.to_owned()]).increment(count.get());
        }
        metrics.counter(&families::COST, [self.model.clone()]).increment(amount(self.cost.get()));
    }
}

impl Act {
    /// `None`: no act of metering.
    fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Hold(request) => Some(Self::Hold(request.kind)),
            Command::Settle(request) => Some(Self::Settle(Noted::of(&request.facts))),
            Command::Void(request) => Some(Self::Void(request.facts.kind, request.outcome)),
            _ => None,
        }
    }

    fn span(&self) -> Span {
        match self {
            Self::Hold(kind) => spans::hold(*kind),
            Self::Settle(noted) => spans::settle(noted.kind),
            Self::Void(kind, outcome) => spans::void(*kind, outcome.as_str()),
        }
    }

    fn tell(&self, span: &Span, result: &Result<Receipt, LedgerError>) {
        match (self, result) {
            (Self::Hold(_), result) => {
                span.record("saldo.result", hold_result(result));
            }
            (Self::Settle(_), Ok(Receipt::Settled(settled))) => {
                span.record("saldo.credits", settled.charged.get());
            }
            (Self::Settle(_) | Self::Void(..), _) => {}
        }
        if let Err(LedgerError::Unavailable(_)) = result {
            spans::failed(span, "unavailable");
        }
    }

    fn count(&self, metrics: &Metrics, result: &Result<Receipt, LedgerError>) {
        match (self, result) {
            (Self::Hold(kind), result) => {
                metrics.counter(&families::HOLDS, [kind.as_str(), hold_result(result)]).increment(1);
            }
            (Self::Settle(noted), Ok(Receipt::Settled(settled))) if !settled.repeated => {
                noted.count_settled(metrics, settled.charged.get(), settled.absorbed.get());
            }
            (Self::Void(kind, outcome), Ok(Receipt::Voided(true))) => {
                metrics.counter(&families::AI_REQUESTS, [kind.as_str(), outcome.as_str()]).increment(1);
            }
            (Self::Settle(_) | Self::Void(..), _) => {}
        }
    }
}

/// What is done in the background is counted now: nobody will be there when it is done.
fn count_deferred(metrics: &Metrics, command: &Command) {
    match command {
        Command::Settle(request) => {
            metrics.counter(&families::SETTLED_LATER, [""; 0]).increment(1);
            Noted::of(&request.facts).count_settled(metrics, request.charge.get(), 0);
        }
        Command::Void(_) => metrics.counter(&families::RELEASED, [""; 0]).increment(1),
        _ => {}
    }
}

fn amount(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}

fn hold_result(result: &Result<Receipt, LedgerError>) -> &'static str {
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
            Refusal::ApiKeyEnded => "api_key_ended",
            Refusal::ApiKeyCapReached { .. } => "api_key_cap_reached",
            Refusal::RateLimited { .. } => "rate_limited",
            Refusal::ExceedsLimit { .. } => "exceeds_limit",
            // What other acts are refused for, and what holds may be refused for one day.
            _ => "refused",
        },
    }
}
