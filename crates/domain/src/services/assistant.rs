//! The assistant: a question in, credits held, the model asked, the hold settled, an answer out.

mod held;
pub mod prompt;
pub mod question;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::catalog::{Catalogue, Model, Price};
use crate::clock::{Clock, Moment, Timestamp};
use crate::credits::Credits;
use crate::ids::{ApiKeyId, HoldId, IdSource, IdempotencyKey, InstanceId, UserId};
use crate::ledger::command::{
    AnswerBody, Content, Held, HoldRequest, KeyedRequest, Refusal, SettleRequest, StoredAnswer,
};
use crate::ledger::holds::HOLD_LIFETIME;
use crate::ledger::usage::{Outcome, RequestKind, UsageFacts};
use crate::ports::Unavailable;
use crate::ports::language_model::{
    Completion, CompletionRequest, Finish, LanguageModel, Message, ModelError, TokenCounter,
};
use crate::ports::ledger::{HoldOutcome, Ledger, LedgerError};
use crate::pricing::{self, Ceiling, ChargeRule};
use crate::tokens::{TokenUsage, Tokens};

use held::HeldCredits;
use question::{Analysis, Question};

/// Asks the model on a user's behalf and charges exactly what it took.
#[derive(Clone)]
pub struct Assistant {
    /// Credits.
    pub ledger: Arc<dyn Ledger>,
    /// The model.
    pub model: Arc<dyn LanguageModel>,
    /// Counts what is sent.
    pub counter: Arc<dyn TokenCounter>,
    /// Models, prices, rules, limits.
    pub catalogue: Arc<Catalogue>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of holds.
    pub ids: Arc<dyn IdSource>,
    /// This server.
    pub instance: InstanceId,
    /// Whether texts may be kept; if not, answers cannot be replayed.
    pub keep_texts: bool,
}

/// Who asks, and under which names.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The user.
    pub user: UserId,
    /// The API key that they came with, if they did.
    pub api_key: Option<ApiKeyId>,
    /// The client's name for the request.
    pub key: Option<IdempotencyKey>,
    /// Our name for it.
    pub request_id: String,
}

/// What the user gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The model's text.
    pub text: String,
    /// What sort of text that is.
    pub kind: AnswerKind,
    /// Tokens it took, all kinds.
    pub tokens: Tokens,
    /// What was charged for it.
    pub charged: Credits,
    /// What is available after it, from the settling write.
    pub remaining: Credits,
    /// The model that answered.
    pub model: String,
    /// The id of the request that was first answered.
    pub request_id: String,
    /// Whether this is the kept answer of an earlier request with the same key: then nothing was
    /// charged now.
    pub replayed: bool,
}

/// What sort of answer a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// Plain.
    Text,
    /// Recommends something.
    Suggestion,
    /// Analyses something.
    Insight,
}

impl AnswerKind {
    /// By the words in the text, as the seed does.
    pub fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["sugestão", "sugiro", "recomendo"]) {
            Self::Suggestion
        } else if says(&["insight", "análise"]) {
            Self::Insight
        } else {
            Self::Text
        }
    }

    /// The word that clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Suggestion => "suggestion",
            Self::Insight => "insight",
        }
    }
}

/// Why there is no answer. Nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No such model, or none with a price.
    #[error("model `{0}` is not available")]
    ModelNotAvailable(String),
    /// The conversation leaves the model no room to answer.
    #[error("the conversation is too long for the model")]
    TooLong,
    /// A business no.
    #[error(transparent)]
    Refused(Refusal),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model answered without an answer.
    #[error("the model gave no output")]
    NoOutput,
    /// The store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<LedgerError> for AskError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(refusal) => Self::Refused(refusal),
            LedgerError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

/// A request ready to be held for.
struct Prepared<'a> {
    kind: RequestKind,
    model: &'a Model,
    price: &'a Price,
    rule: ChargeRule,
    messages: Vec<Message>,
    input: Tokens,
    ceiling: Ceiling,
    /// What is kept as the request's text.
    asked: String,
}

impl Assistant {
    /// Answers a question.
    pub async fn ask(&self, asking: Asking, question: Question) -> Result<Answer, AskError> {
        let asked = question.message().to_owned();
        let model = question.model().map(str::to_owned);
        let messages = prompt::conversation(&question);
        self.run(asking, RequestKind::Assistant, model, messages, asked).await
    }

    /// Reads figures and gives insights.
    pub async fn insights(&self, asking: Asking, analysis: Analysis) -> Result<Answer, AskError> {
        let asked = analysis.figures().to_owned();
        let messages = prompt::insights(&analysis);
        self.run(asking, RequestKind::Insights, None, messages, asked).await
    }

    async fn run(
        &self,
        asking: Asking,
        kind: RequestKind,
        model: Option<String>,
        messages: Vec<Message>,
        asked: String,
    ) -> Result<Answer, AskError> {
        let begun = self.clock.now();
        let prepared = self.prepare(kind, model, messages, asked, begun.at)?;
        let request = self.hold_request(&asking, &prepared, begun);
        let facts = unanswered(&asking, &prepared);
        // The guard stands before the hold is asked for: should the answer get lost, it still voids.
        let guard = HeldCredits::new(&self.ledger, &self.clock, &request, facts);
        let held = match self.ledger.hold(request).await {
            Ok(HoldOutcome::Held(held)) => held,
            Ok(HoldOutcome::Replay(stored)) => {
                guard.nothing_held();
                return Ok(replayed(stored));
            }
            Err(LedgerError::Refused(refusal)) => {
                guard.nothing_held();
                return Err(AskError::Refused(refusal));
            }
            Err(LedgerError::Unavailable(cause)) => return Err(cause.into()),
        };
        match self.complete(&asking, &prepared, &held).await {
            Ok(completion) => self.settle(asking, &prepared, held, guard, completion, begun).await,
            Err((outcome, error)) => {
                guard.void(outcome).await;
                Err(error)
            }
        }
    }

    fn prepare(
        &self,
        kind: RequestKind,
        model: Option<String>,
        messages: Vec<Message>,
        asked: String,
        now: Timestamp,
    ) -> Result<Prepared<'_>, AskError> {
        let id = model.unwrap_or_else(|| self.catalogue.default_model().to_owned());
        let model = self.catalogue.chat_model(&id).ok_or_else(|| AskError::ModelNotAvailable(id.clone()))?;
        let price = model.price_at(now).ok_or(AskError::ModelNotAvailable(id))?;
        let rule = self.catalogue.rule(kind);
        let input = messages.iter().fold(pricing::CONVERSATION_OVERHEAD, |sum, message| {
            let counted = self.counter.count(&model.tokenizer, &message.text);
            sum.plus(counted).plus(pricing::MESSAGE_OVERHEAD)
        });
        let ceiling = pricing::ceiling(model, &rule, input).ok_or(AskError::TooLong)?;
        Ok(Prepared { kind, model, price, rule, messages, input, ceiling, asked })
    }

    fn hold_request(&self, asking: &Asking, prepared: &Prepared<'_>, now: Moment) -> HoldRequest {
        let key = asking.key.clone();
        HoldRequest {
            id: HoldId::for_user(&asking.user, self.ids.unique()),
            user: asking.user,
            at_least: prepared.ceiling.at_least,
            at_most: prepared.ceiling.at_most,
            tokens: prepared.ceiling.tokens,
            kind: prepared.kind,
            key: key.map(|key| KeyedRequest { key, fingerprint: fingerprint(prepared) }),
            api_key: asking.api_key,
            expires_at: now.at.after(HOLD_LIFETIME),
            instance: self.instance,
            limits: Arc::clone(self.catalogue.limits()),
            now,
        }
    }

    async fn complete(
        &self,
        asking: &Asking,
        prepared: &Prepared<'_>,
        held: &Held,
    ) -> Result<Completion, (Outcome, AskError)> {
        let affordable = prepared.rule.affordable_output(held.amount, prepared.input);
        let request = CompletionRequest {
            model: prepared.model.id.clone(),
            reasoning: prepared.model.reasoning,
            messages: prepared.messages.clone(),
            max_output: prepared.ceiling.max_output.min(affordable),
            user_pseudonym: pseudonym(&asking.user),
        };
        let completion =
            self.model.complete(request).await.map_err(|error| (outcome_of(&error), error.into()))?;
        if completion.finish == Finish::Error || completion.text.trim().is_empty() {
            return Err((Outcome::NoOutput, AskError::NoOutput));
        }
        Ok(completion)
    }

    async fn settle(
        &self,
        asking: Asking,
        prepared: &Prepared<'_>,
        held: Held,
        guard: HeldCredits,
        completion: Completion,
        begun: Moment,
    ) -> Result<Answer, AskError> {
        let now = self.clock.now();
        let (tokens, estimated) = self.measure(prepared, &completion);
        let charge = prepared.rule.charge(tokens.total());
        let text = completion.text;
        let model = prepared.model.id.clone();
        let facts = UsageFacts {
            tokens,
            cost: pricing::cost(prepared.price, tokens),
            duration: now.at.since(begun.at),
            estimated,
            ..unanswered(&asking, prepared)
        };
        let answer = self.keep_texts.then(|| AnswerBody {
            body: text.clone().into_bytes(),
            model: model.clone(),
            tokens: tokens.total(),
            request_id: asking.request_id.clone(),
        });
        let content =
            self.keep_texts.then(|| Content { request: prepared.asked.clone(), response: text.clone() });
        let (user, hold, key, api_key) = (asking.user, held.hold, asking.key, asking.api_key);
        let request = SettleRequest { user, hold, charge, facts, key, api_key, answer, content, now };
        let (charged, remaining) = match self.ledger.settle(request.clone()).await {
            Ok(settled) => (settled.charged, settled.balances.available),
            // The work is done and the answer is the user's: deliver it, and settle from memory.
            Err(LedgerError::Unavailable(_)) => {
                self.ledger.settle_later(request);
                let charged = charge.min(held.amount);
                let rest = held.amount.minus(charged).and_then(|rest| held.balances.available.plus(rest));
                (charged, rest.unwrap_or(held.balances.available))
            }
            Err(LedgerError::Refused(refusal)) => {
                return Err(Unavailable(format!("a hold of ours could not be settled: {refusal}")).into());
            }
        };
        guard.settled();
        Ok(Answer {
            kind: AnswerKind::of(&text),
            text,
            tokens: tokens.total(),
            charged,
            remaining,
            model,
            request_id: asking.request_id,
            replayed: false,
        })
    }

    /// The provider's figures, or our own count where it gave none or none that can be true.
    fn measure(&self, prepared: &Prepared<'_>, completion: &Completion) -> (TokenUsage, bool) {
        let believable = |usage: &TokenUsage| {
            usage.input > Tokens::ZERO
                && usage.output > Tokens::ZERO
                && usage.total() <= prepared.model.context_window
        };
        if let Some(usage) = completion.usage.filter(believable) {
            return (usage.coherent(), false);
        }
        let output = self.counter.count(&prepared.model.tokenizer, &completion.text);
        (TokenUsage { input: prepared.input, output, ..TokenUsage::default() }, true)
    }
}

/// What is known of a request that has no answer yet.
fn unanswered(asking: &Asking, prepared: &Prepared<'_>) -> UsageFacts {
    UsageFacts {
        kind: prepared.kind,
        model: prepared.model.id.clone(),
        tokens: TokenUsage::default(),
        cost: crate::money::NanoUsd::ZERO,
        price_version: prepared.price.version.clone(),
        duration: crate::clock::Span::ZERO,
        estimated: false,
        request_id: asking.request_id.clone(),
    }
}

fn replayed(stored: StoredAnswer) -> Answer {
    let StoredAnswer { answer, charged, remaining } = stored;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    Answer {
        kind: AnswerKind::of(&text),
        text,
        tokens: answer.tokens,
        charged,
        remaining,
        model: answer.model,
        request_id: answer.request_id,
        replayed: true,
    }
}

fn outcome_of(error: &ModelError) -> Outcome {
    match error {
        ModelError::Unreachable(_)
        | ModelError::KeyRefused(_)
        | ModelError::Limited(_)
        | ModelError::Failed { .. } => Outcome::UpstreamFailed,
        ModelError::Unusable(_) => Outcome::Unusable,
        ModelError::TimedOut | ModelError::Interrupted(_) => Outcome::Unknown,
    }
}

/// What the same idempotency key must stand for again: kind, model and every message.
fn fingerprint(prepared: &Prepared<'_>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut field = |text: &str| {
        hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    field(prepared.kind.as_str());
    field(&prepared.model.id);
    for message in &prepared.messages {
        field(&message.text);
    }
    hasher.finalize().into()
}

/// What the provider knows the user by: a hash, so that it can tell users apart and not who they are.
fn pseudonym(user: &UserId) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"saldo user pseudonym v1\0");
    hasher.update(user.as_bytes());
    let mut short = [0; 16];
    short.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
    format!("{:032x}", u128::from_be_bytes(short))
}
