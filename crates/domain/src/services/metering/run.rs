//! One request whose credits are held, on its way to be settled or voided.

use super::held::HeldCredits;
use super::measure::Measured;
use super::order::{Order, Subject, pseudonym};
use super::{AskError, Asking, Bill, Meter, Metered, Terms};
use crate::clock::{Moment, Span};
use crate::ledger::command::{AnswerBody, Content, Held, SettleRequest};
use crate::ledger::usage::{Outcome, UsageFacts};
use crate::ports::Unavailable;
use crate::ports::language_model::{CompletionRequest, ModelError};
use crate::ports::ledger::{HoldOutcome, LedgerError};
use crate::pricing;
use crate::tokens::Tokens;

/// Faults of providers in the middle of an answer that an account does not pay for.
const FREE_FAULTS: u32 = 5;
/// Within so long.
const FAULT_WINDOW: Span = Span::from_secs(60 * 60);

/// A request whose credits are held. Dropped on any path, it gives them back.
pub(super) struct Run {
    pub meter: Meter,
    pub order: Order,
    asking: Asking,
    held: Held,
    guard: HeldCredits,
    begun: Moment,
    max_output: Tokens,
}

/// What holding came to.
pub(super) enum Admission {
    /// Credits are held.
    Admitted(Box<Run>),
    /// The request was answered before.
    Replay(Box<Metered>),
}

/// What a model gave.
pub(super) struct Given {
    pub measured: Measured,
    /// What is kept as the answer's text.
    pub text: String,
    /// What is kept for replays; `None` where there is no whole answer.
    pub answer: Option<Vec<u8>>,
}

impl Meter {
    /// Prices the order and holds credits for it.
    pub(super) async fn admit(&self, asking: Asking, subject: Subject) -> Result<Admission, AskError> {
        let begun = self.clock.now();
        let order = self.order(subject, begun.at)?;
        let request = self.hold_request(&asking, &order, begun);
        // The guard stands before the hold is asked for: should the answer get lost, it still voids.
        let guard = HeldCredits::new(&self.ledger, &self.clock, &request, order.unanswered(&asking));
        match self.ledger.hold(request).await {
            Ok(HoldOutcome::Held(held)) => {
                let affordable = pricing::affordable_output(
                    &order.model,
                    &order.price,
                    &order.tariff,
                    &order.extent,
                    held.amount,
                );
                let max_output = order.ceiling.max_output.min(affordable);
                let meter = self.clone();
                Ok(Admission::Admitted(Box::new(Run {
                    meter,
                    order,
                    asking,
                    held,
                    guard,
                    begun,
                    max_output,
                })))
            }
            Ok(HoldOutcome::Replay(stored)) => {
                guard.nothing_held();
                Ok(Admission::Replay(Box::new(Metered::replayed(stored))))
            }
            Err(LedgerError::Refused(refusal)) => {
                guard.nothing_held();
                Err(AskError::Refused(refusal))
            }
            Err(LedgerError::Unavailable(cause)) => Err(cause.into()),
        }
    }
}

impl Run {
    /// What the model is asked.
    pub fn request(&self) -> CompletionRequest {
        CompletionRequest {
            model: self.order.model.id.clone(),
            provider_model: self.order.provider_model.clone(),
            reasoning: self.order.model.reasoning,
            ask: self.order.ask.clone(),
            max_output: self.max_output,
            user_pseudonym: pseudonym(&self.asking.user),
        }
    }

    /// What is known now that the credits are held.
    pub fn terms(&self) -> Terms {
        let wanted = self.order.wanted_output.unwrap_or(self.order.ceiling.max_output);
        let lowered_output = (self.max_output < wanted).then_some(self.max_output);
        Terms { allowances: self.held.allowances, lowered_output }
    }

    /// Returns all of the hold.
    pub async fn void(self, outcome: Outcome) {
        self.guard.void(outcome).await;
    }

    /// Row 7: what a provider delivers before it fails is free, but for an account that meets this all the time.
    /// Answers the bill, where there is one.
    pub async fn broke_off(self, delivered: &str) -> Option<Bill> {
        let since = self.meter.clock.now().at.before(FAULT_WINDOW);
        let faults = self.meter.statements.broken_off_since(self.asking.user, since).await;
        // A store that does not answer is no reason to charge.
        if faults.is_ok_and(|count| count >= FREE_FAULTS) {
            let measured = self.meter.estimate(&self.order, delivered);
            let given = Given { measured, text: delivered.to_owned(), answer: None };
            return self.settle(given).await.ok();
        }
        self.void(Outcome::BrokenOff).await;
        None
    }

    /// Charges what was used, and returns the rest.
    pub async fn settle(self, given: Given) -> Result<Bill, AskError> {
        let Self { meter, order, asking, held, guard, begun, .. } = self;
        let now = meter.clock.now();
        let Given { measured, text, answer } = given;
        let Measured { tokens, estimated } = measured;
        let charge = order.tariff.charge(&order.price, tokens);
        let facts = UsageFacts {
            tokens,
            cost: pricing::cost(&order.price, tokens),
            duration: now.at.since(begun.at),
            estimated,
            ..order.unanswered(&asking)
        };
        let model = order.model.id.clone();
        let answer = answer.filter(|_| meter.keep_texts).map(|body| AnswerBody {
            body,
            model: model.clone(),
            tokens: tokens.total(),
            request_id: asking.request_id.clone(),
        });
        let content = meter.keep_texts.then_some(Content { request: order.asked, response: text });
        let (user, hold, key, api_key) = (asking.user, held.hold, asking.key, asking.api_key);
        let request = SettleRequest { user, hold, charge, facts, key, api_key, answer, content, now };
        let (charged, remaining) = match meter.ledger.settle(request.clone()).await {
            Ok(settled) => (settled.charged, settled.balances.available),
            // Row 14: the work is done and the answer is the user's: deliver it, and settle from memory.
            Err(LedgerError::Unavailable(_)) => {
                meter.ledger.settle_later(request);
                let charged = charge.min(held.amount);
                let rest = held.amount.minus(charged).and_then(|rest| held.balances.available.plus(rest));
                (charged, rest.unwrap_or(held.balances.available))
            }
            Err(LedgerError::Refused(refusal)) => {
                return Err(Unavailable(format!("a hold of ours could not be settled: {refusal}")).into());
            }
        };
        guard.settled();
        let (tokens, request_id) = (tokens.total(), asking.request_id);
        Ok(Bill { tokens, charged, remaining, model, request_id, replayed: false })
    }
}

/// How a request ended that has no answer.
pub(super) fn outcome_of(error: &ModelError) -> Outcome {
    match error {
        ModelError::Unreachable(_)
        | ModelError::KeyRefused(_)
        | ModelError::Limited { .. }
        | ModelError::Resting { .. }
        | ModelError::Rejected(_)
        | ModelError::Failed { .. } => Outcome::UpstreamFailed,
        ModelError::Unusable(_) => Outcome::Unusable,
        ModelError::TimedOut | ModelError::Interrupted(_) => Outcome::Unknown,
    }
}
