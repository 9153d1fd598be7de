//! What is ordered, and what must be held for it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{AskError, Asking, Meter};
use crate::catalog::{Model, Price, Purpose};
use crate::clock::{Moment, Span, Timestamp};
use crate::ids::{HoldId, UserId};
use crate::ledger::command::{HoldRequest, KeyedRequest};
use crate::ledger::holds::HOLD_LIFETIME;
use crate::ledger::usage::{RequestKind, UsageFacts};
use crate::money::NanoUsd;
use crate::ports::language_model::{Ask, Interface, Message};
use crate::pricing::{self, Ceiling, Extent, Tariff};
use crate::services::gateway::passed::{PassedRequest, Weight};
use crate::tokens::{TokenUsage, Tokens};

/// What a provider adds to a request beyond what can be seen of it, in tokens; overstated rather than under.
const PASSED_OVERHEAD: Tokens = Tokens::new(16);

/// What a request is about.
pub(in crate::services) enum Subject {
    /// A conversation that we make of a question.
    Conversation {
        /// Which question.
        kind: RequestKind,
        /// The model asked for by name.
        model: Option<String>,
        /// The conversation.
        messages: Vec<Message>,
        /// What is kept as the request's text.
        asked: String,
    },
    /// A client's own request.
    Passed(PassedRequest),
}

impl Subject {
    fn kind(&self) -> RequestKind {
        match self {
            Self::Conversation { kind, .. } => *kind,
            Self::Passed(request) => match request.interface {
                Interface::ChatCompletions => RequestKind::ChatCompletions,
                Interface::Responses => RequestKind::Responses,
                Interface::Embeddings => RequestKind::Embeddings,
            },
        }
    }

    /// What the same idempotency key must stand for again.
    fn fingerprint(&self, model: &Model) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut field = |text: &str| {
            hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        field(self.kind().as_str());
        match self {
            Self::Conversation { messages, .. } => {
                field(&model.id);
                for message in messages {
                    field(&message.text);
                }
            }
            Self::Passed(request) => field(&request.body),
        }
        hasher.finalize().into()
    }
}

/// A request ready to be held for.
pub(super) struct Order {
    pub kind: RequestKind,
    pub model: Arc<Model>,
    /// The model, as its provider is to be asked for it.
    pub provider_model: String,
    pub price: Price,
    pub tariff: Tariff,
    pub extent: Extent,
    pub ceiling: Ceiling,
    /// The output limit that the client asked for.
    pub wanted_output: Option<Tokens>,
    pub ask: Ask,
    pub fingerprint: [u8; 32],
    /// What is kept as the request's text.
    pub asked: String,
}

impl Meter {
    pub(super) fn order(&self, subject: Subject, now: Timestamp) -> Result<Order, AskError> {
        let catalogue = self.catalogue.current();
        let kind = subject.kind();
        let name = match &subject {
            Subject::Conversation { model, .. } => {
                model.as_deref().unwrap_or_else(|| catalogue.default_model())
            }
            Subject::Passed(request) => request.model.as_str(),
        };
        let purpose = if kind == RequestKind::Embeddings { Purpose::Embeddings } else { Purpose::Chat };
        let unavailable = || AskError::ModelNotAvailable(name.to_owned());
        let model = catalogue.model(name).filter(|model| model.purpose == purpose).ok_or_else(unavailable)?;
        let price = model.price_at(now).ok_or_else(unavailable)?.clone();
        let tariff = catalogue.tariff(kind);
        let extent = match &subject {
            Subject::Conversation { messages, .. } => self.extent_of_conversation(model, &tariff, messages),
            Subject::Passed(request) => self.extent_of_passed(model, &request.weight)?,
        };
        let ceiling = pricing::ceiling(model, &price, &tariff, &extent).ok_or(AskError::TooLong)?;
        let fingerprint = subject.fingerprint(model);
        let provider_model = model.provider_name(name).to_owned();
        let (ask, asked, wanted_output) = match subject {
            Subject::Conversation { messages, asked, .. } => (Ask::Conversation(messages), asked, None),
            Subject::Passed(PassedRequest { interface, body, weight, .. }) => {
                let asked = body.as_ref().to_owned();
                (Ask::Passed { interface, body }, asked, weight.max_output)
            }
        };
        let model = Arc::clone(model);
        Ok(Order {
            kind,
            model,
            provider_model,
            price,
            tariff,
            extent,
            ceiling,
            wanted_output,
            ask,
            fingerprint,
            asked,
        })
    }

    fn extent_of_conversation(&self, model: &Model, tariff: &Tariff, messages: &[Message]) -> Extent {
        let input = messages.iter().fold(pricing::CONVERSATION_OVERHEAD, |sum, message| {
            let counted = self.counter.count(&model.tokenizer, &message.text);
            sum.plus(counted).plus(pricing::MESSAGE_OVERHEAD)
        });
        let max_output = match tariff {
            Tariff::ByTokens(rule) => rule.max_output,
            Tariff::ByCost { .. } => model.max_output,
        };
        Extent::plain(input, max_output)
    }

    fn extent_of_passed(&self, model: &Model, weight: &Weight) -> Result<Extent, AskError> {
        let images = match model.images {
            Some(each) => each.most.times(weight.images).plus(each.low.times(weight.small_images)),
            None if weight.images == 0 && weight.small_images == 0 => Tokens::ZERO,
            None => return Err(AskError::NoImages),
        };
        let texts = weight
            .texts
            .iter()
            .fold(Tokens::ZERO, |sum, text| sum.plus(self.counter.count(&model.tokenizer, text)));
        let overhead = match model.purpose {
            Purpose::Chat => PASSED_OVERHEAD.plus(pricing::MESSAGE_OVERHEAD.times(weight.parts)),
            Purpose::Embeddings => Tokens::ZERO,
        };
        Ok(Extent {
            input: texts.plus(weight.tokens).plus(images).plus(overhead),
            brings_more: !weight.brings.is_empty(),
            predicted: self.counter.count(&model.tokenizer, &weight.predicted),
            choices: weight.choices.max(1),
            max_output: weight.max_output.unwrap_or(model.max_output),
        })
    }

    pub(super) fn hold_request(&self, asking: &Asking, order: &Order, now: Moment) -> HoldRequest {
        let key = asking.key.clone();
        HoldRequest {
            id: HoldId::for_user(&asking.user, self.ids.unique()),
            user: asking.user,
            at_least: order.ceiling.at_least,
            at_most: order.ceiling.at_most,
            tokens: order.ceiling.tokens,
            kind: order.kind,
            key: key.map(|key| KeyedRequest { key, fingerprint: order.fingerprint }),
            api_key: asking.api_key,
            expires_at: now.at.after(HOLD_LIFETIME),
            instance: self.instance,
            limits: Arc::clone(self.catalogue.current().limits()),
            now,
        }
    }
}

impl Order {
    /// What is known of a request that has no answer yet.
    pub fn unanswered(&self, asking: &Asking) -> UsageFacts {
        UsageFacts {
            kind: self.kind,
            model: self.model.id.clone(),
            tokens: TokenUsage::default(),
            cost: NanoUsd::ZERO,
            price_version: self.price.version.clone(),
            duration: Span::ZERO,
            estimated: false,
            request_id: asking.request_id.clone(),
        }
    }
}

/// What the provider knows the user by: a hash, so that it can tell users apart and not who they are.
pub(super) fn pseudonym(user: &UserId) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"saldo user pseudonym v1\0");
    hasher.update(user.as_bytes());
    let mut short = [0; 16];
    short.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
    format!("{:032x}", u128::from_be_bytes(short))
}
