//! The language model behind the assistant, and how its tokens are counted beforehand.

use async_trait::async_trait;

use crate::tokens::{TokenUsage, Tokens};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The product: instructions.
    System,
    /// The user.
    User,
    /// The model, earlier.
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who.
    pub role: Role,
    /// What.
    pub text: String,
}

/// A completion to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionRequest {
    /// The model, as its provider names it.
    pub model: String,
    /// Whether it is a reasoning model: those take their output limit under another name.
    pub reasoning: bool,
    /// The conversation.
    pub messages: Vec<Message>,
    /// The most output tokens that the hold pays for; the provider must be told.
    pub max_output: Tokens,
    /// A stable pseudonym of the user, for the provider's abuse checks; never the user id itself.
    pub user_pseudonym: String,
}

/// A finished completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the model said; may be empty only with a finish that says why.
    pub text: String,
    /// Tokens, as the provider counted them; `None` when it did not say.
    pub usage: Option<TokenUsage>,
    /// How it ended.
    pub finish: Finish,
}

/// How a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// By itself.
    Stop,
    /// At the output limit.
    Length,
    /// Cut by the provider's content filter.
    ContentFilter,
    /// By an error of the provider after it had accepted the request.
    Error,
}

/// Why there is no completion. The texts are for the log, never for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No connection; nothing was sent.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// The provider refused our key (401, 403): an operator's problem, never the user's.
    #[error("the provider refused our key: {0}")]
    KeyRefused(String),
    /// The provider's rate limit or quota (429).
    #[error("the provider limits us: {0}")]
    Limited(String),
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

/// Makes completions.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// One completion. Never sends a request twice once any of it may have been received. Bounded in
    /// time by the adapter.
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError>;
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
