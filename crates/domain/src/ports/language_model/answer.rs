//! What a model answers.

use async_trait::async_trait;

use super::ModelError;
use crate::tokens::TokenUsage;

/// A finished completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the model said; may be empty only with a finish that says why. Of a passed request: everything that
    /// counts as output, of all choices: texts, refusals, calls of tools. Empty for embeddings.
    pub text: String,
    /// The answer as the client gets it, for a passed request; empty for a conversation.
    pub body: Vec<u8>,
    /// Tokens, as the provider counted them; `None` when it did not say, or said what cannot be.
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

/// One event of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Piece {
    /// The event as the client gets it (`data: {...}`, a blank line), for a passed request; empty where the client is
    /// to see nothing of it (usage that it did not ask for), and for a conversation.
    pub frame: Vec<u8>,
    /// The output in it: text for a conversation; for a passed request everything that counts as output.
    pub text: String,
    /// Tokens of the whole answer, where this event says them.
    pub usage: Option<TokenUsage>,
    /// How the answer ends, where this event says it.
    pub finish: Option<Finish>,
    /// Whether it tells of the end, so that a client who has it may think that everything is done: it must not leave
    /// before the request is settled. Nothing but such pieces follows.
    pub is_end: bool,
}

/// An answer that is being made. Dropping it aborts the request at the provider.
#[async_trait]
pub trait AnswerStream: Send {
    /// The next piece; `None` once the answer is complete. An answer that stops without the end that its protocol
    /// demands is [`ModelError::Interrupted`], and one that goes silent [`ModelError::TimedOut`]. After an error or
    /// `None`, not to be called again.
    ///
    /// The future may be dropped while it waits, and `next` called again: nothing gets lost.
    async fn next(&mut self) -> Result<Option<Piece>, ModelError>;
}

#[cfg(any(test, feature = "mock"))]
mockall::mock! {
    /// An answer made by a test.
    pub AnswerStream {}
    #[async_trait]
    impl AnswerStream for AnswerStream {
        async fn next(&mut self) -> Result<Option<Piece>, ModelError>;
    }
}
