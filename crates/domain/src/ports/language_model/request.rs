//! What a model is asked.

use std::sync::Arc;

use crate::tokens::Tokens;

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

/// Which of OpenAI's interfaces a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interface {
    /// `/v1/chat/completions`.
    ChatCompletions,
    /// `/v1/responses`.
    Responses,
    /// `/v1/embeddings`.
    Embeddings,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A conversation that we made.
    Conversation(Vec<Message>),
    /// A client's own request: passed on as it is, but for the model's name, the output limit, the user's pseudonym
    /// and, streamed, the wish for usage.
    Passed {
        /// Which interface it is for.
        interface: Interface,
        /// The request: a JSON object in OpenAI's wire format.
        body: Arc<str>,
    },
}

/// A completion to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionRequest {
    /// The model, as the catalogue names it: decides who is asked.
    pub model: String,
    /// The model, as its provider is to be asked for it (a pinned snapshot, for instance).
    pub provider_model: String,
    /// Whether it is a reasoning model: those take their output limit under another name.
    pub reasoning: bool,
    /// What is asked.
    pub ask: Ask,
    /// The most output tokens that the hold pays for, for each choice; the provider must be told. Means nothing for
    /// embeddings.
    pub max_output: Tokens,
    /// A stable pseudonym of the user, for the provider's abuse checks; never the user id itself.
    pub user_pseudonym: String,
}
