//! The language models behind the product, and how tokens are counted beforehand.
//!
//! - [`request`]: what is asked, a conversation of ours or a client's own request.
//! - [`answer`]: what comes back, whole or piece by piece.

pub mod answer;
pub mod request;

use async_trait::async_trait;

pub use answer::{AnswerStream, Completion, Finish, Piece};
pub use request::{Ask, CompletionRequest, Interface, Message, Role};

use crate::clock::Span;
use crate::tokens::Tokens;

/// Why there is no answer. The texts are for the log, never for a client, but for [`ModelError::Rejected`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No connection; nothing was sent.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// The provider refused our key (401, 403): an operator's problem, never the user's.
    #[error("the provider refused our key: {0}")]
    KeyRefused(String),
    /// The provider's rate limit or quota (429).
    #[error("the provider limits us: {detail}")]
    Limited {
        /// What it said.
        detail: String,
        /// When it may be asked again, if it said so.
        retry_after: Option<Span>,
    },
    /// Nothing was sent: every provider of the model has failed too often lately, or asked us to wait.
    #[error("every provider of the model is resting")]
    Resting {
        /// When the first of them may be asked again.
        retry_after: Span,
    },
    /// The provider says that the client's own request is wrong (400, 413, 422).
    #[error("the provider rejected the request with status {}", .0.status)]
    Rejected(Box<Rejection>),
    /// Another refusal or failure of the provider (4xx, 5xx).
    #[error("the provider failed with status {status}: {detail}")]
    Failed {
        /// HTTP status.
        status: u16,
        /// The start of what it said.
        detail: String,
    },
    /// Answered with something that is no completion.
    #[error("the provider's answer cannot be used: {0}")]
    Unusable(String),
    /// No answer in time; the provider may have worked.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// The connection broke after the request was sent; the provider may have worked.
    #[error("the connection broke before the answer was complete: {0}")]
    Interrupted(String),
}

/// What a provider says of a request that it rejects. It is about the client's own words, so it may be passed on
/// to that client, and must not be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status: 400, 413 or 422.
    pub status: u16,
    /// For people.
    pub message: String,
    /// The error object's `type`.
    pub kind: Option<String>,
    /// The error object's `code`.
    pub code: Option<String>,
    /// The field at fault.
    pub param: Option<String>,
}

/// Without the words: errors are logged.
impl std::fmt::Debug for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rejection").field("status", &self.status).finish_non_exhaustive()
    }
}

/// How a provider does, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamHealth {
    /// Its name in the catalogue.
    pub name: String,
    /// Whether requests go there.
    pub state: UpstreamState,
    /// Requests sent there since the server started.
    pub requests: u64,
    /// Those that failed by its fault.
    pub failures: u64,
    /// When it will be asked again, from now, where it is not asked at present.
    pub retry_after: Option<Span>,
    /// The last failure, in a word or two.
    pub last_failure: Option<String>,
    /// Mean time to the first byte of the latest answers.
    pub latency: Option<Span>,
}

/// Whether requests go to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    /// They do.
    Healthy,
    /// One is let through to try.
    Trying,
    /// None: it failed too often lately.
    Broken,
    /// None: it asked us to wait.
    Resting,
    /// It is simulated: no provider is asked.
    Simulated,
}

impl UpstreamState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Healthy, Self::Trying, Self::Broken, Self::Resting, Self::Simulated];

    /// The word that clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Trying => "trying",
            Self::Broken => "broken",
            Self::Resting => "resting",
            Self::Simulated => "simulated",
        }
    }
}

/// Asks language models.
///
/// Never sends a request twice once any of it may have been received, but to another provider that has not seen it,
/// after the first one answered with a failure. Bounded in time by the adapter.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The whole answer at once.
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError>;

    /// The answer piece by piece; returns when the provider has begun to answer (its status is known to be good).
    /// Embeddings cannot be streamed: [`ModelError::Unusable`].
    async fn stream(&self, request: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError>;

    /// How the providers do, in the order of the catalogue.
    fn health(&self) -> Vec<UpstreamHealth>;
}

/// Counts tokens before they are sent. Does not wait.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait TokenCounter: Send + Sync {
    /// How many tokens `text` is with this tokenizer (a name from the catalogue). May overstate for
    /// hostile text, never understate.
    fn count(&self, tokenizer: &str, text: &str) -> Tokens;

    /// Whether this tokenizer is known; the catalogue is refused when it names another.
    fn knows(&self, tokenizer: &str) -> bool;
}
