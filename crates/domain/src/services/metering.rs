//! Metering: what every AI request goes through, whoever makes it and however it is answered.
//!
//! An order is priced (`order`), credits are held for it, the model is asked, and the hold is settled for exactly what
//! it took, or voided (`run`). Answers come whole (`whole`) or piece by piece (`live`). What a user pays in each case
//! is the published charge policy; its rows are named where they are decided.

mod drains;
mod held;
mod live;
mod measure;
mod order;
mod race;
mod run;
mod whole;

use std::sync::Arc;

pub use drains::{Drains, MOST_DRAINS, Place};
pub use live::{Ended, Live, Opened};
pub(super) use order::Subject;

use crate::catalog::LiveCatalogue;
use crate::clock::Clock;
use crate::credits::Credits;
use crate::ids::{ApiKeyId, IdSource, IdempotencyKey, InstanceId, UserId};
use crate::ledger::command::{Allowances, Refusal, StoredAnswer};
use crate::ports::Unavailable;
use crate::ports::language_model::{LanguageModel, ModelError, TokenCounter};
use crate::ports::ledger::{Ledger, LedgerError};
use crate::ports::statements::Statements;
use crate::ports::timer::Timer;
use crate::tokens::Tokens;

/// Holds, asks, measures, settles.
#[derive(Clone)]
pub struct Meter {
    /// Credits.
    pub ledger: Arc<dyn Ledger>,
    /// What an account went through lately.
    pub statements: Arc<dyn Statements>,
    /// The models.
    pub model: Arc<dyn LanguageModel>,
    /// Counts what is sent.
    pub counter: Arc<dyn TokenCounter>,
    /// Models, prices, rules, limits.
    pub catalogue: Arc<LiveCatalogue>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Waiting.
    pub timer: Arc<dyn Timer>,
    /// Ids of holds.
    pub ids: Arc<dyn IdSource>,
    /// This server.
    pub instance: InstanceId,
    /// Whether texts may be kept; if not, answers cannot be replayed.
    pub keep_texts: bool,
    /// Places for answers that are read to their end after their client left.
    pub drains: Drains,
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

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Tokens it took, all kinds.
    pub tokens: Tokens,
    /// What was charged for it.
    pub charged: Credits,
    /// What is available after it, from the settling write.
    pub remaining: Credits,
    /// The model that answered, as the catalogue names it.
    pub model: String,
    /// The id of the request that was first answered.
    pub request_id: String,
    /// Whether this is the kept answer of an earlier request with the same key: then nothing was charged now.
    pub replayed: bool,
}

impl Bill {
    /// What was charged for this very request: nothing for a replay.
    pub fn charged_now(&self) -> Credits {
        if self.replayed { Credits::ZERO } else { self.charged }
    }
}

/// What is known of a request once its credits are held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What the account's limits leave.
    pub allowances: Allowances,
    /// The output limit that was sent, where it is below what the client asked for (or, if it asked for none, below
    /// what the model can give).
    pub lowered_output: Option<Tokens>,
}

/// A whole answer with its bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// What the model said.
    pub text: String,
    /// The answer in the wire format of its interface; of a replayed stream, all of its events. Empty for a
    /// conversation.
    pub body: Vec<u8>,
    /// What it came to.
    pub bill: Bill,
    /// What was known beforehand; `None` for a replay.
    pub terms: Option<Terms>,
}

impl Metered {
    fn replayed(stored: StoredAnswer) -> Self {
        let StoredAnswer { answer, charged, remaining } = stored;
        let bill = Bill {
            tokens: answer.tokens,
            charged,
            remaining,
            model: answer.model,
            request_id: answer.request_id,
            replayed: true,
        };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Self { text, body: answer.body, bill, terms: None }
    }
}

/// Why there is no answer. Nothing was charged, unless it says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No such model, or none with a price.
    #[error("model `{0}` is not available")]
    ModelNotAvailable(String),
    /// The conversation leaves the model no room to answer.
    #[error("the conversation is too long for the model")]
    TooLong,
    /// The model sees no images, or nobody knows what they cost.
    #[error("the model takes no images")]
    NoImages,
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
