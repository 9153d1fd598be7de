//! A language model that is none.
//!
//! | To find | Look in |
//! |---|---|
//! | the words | `answers` |
//! | how tokens are counted | `tokens` |
//! | what is made of clients' own requests | `asked`; JSON that fits a schema: `schema` |
//! | the shapes of OpenAI's interfaces | `chat`, `responses`, `embeddings` |

mod answers;
mod asked;
mod chat;
mod embeddings;
mod responses;
mod schema;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::language_model::{
    AnswerStream, Ask, Completion, CompletionRequest, Finish, Interface, LanguageModel, Message, ModelError,
    Piece, Role, UpstreamHealth, UpstreamState,
};
use domain::tokens::TokenUsage;
use serde_json::Value;
use sha2::{Digest, Sha256};

use asked::Asked;

/// How the simulated model behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SandboxConfig {
    /// How long each answer takes before it begins; zero by default.
    pub delay: Duration,
    /// How long each piece of a streamed answer takes; zero by default.
    pub pace: Duration,
}

/// A language model that is none. Fails only for what no model would do.
#[derive(Clone, Debug, Default)]
pub struct SandboxModel {
    config: SandboxConfig,
    requests: Arc<AtomicU64>,
}

impl SandboxModel {
    /// A simulated model that behaves as `config` says.
    pub fn new(config: SandboxConfig) -> Self {
        Self { config, requests: Arc::default() }
    }

    async fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.config.delay.is_zero() {
            tokio::time::sleep(self.config.delay).await;
        }
    }
}

#[async_trait]
impl LanguageModel for SandboxModel {
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError> {
        self.begin().await;
        let (interface, body) = match &request.ask {
            Ask::Conversation(messages) => {
                let (text, usage, finish) = talk(messages, &request);
                return Ok(Completion { text, body: Vec::new(), usage: Some(usage), finish });
            }
            Ask::Passed { interface, body } => (*interface, object(body)?),
        };
        if interface == Interface::Embeddings {
            return embeddings::answer(&request, &body);
        }
        let asked = Asked::read(interface, &body, &request);
        let body = match interface {
            Interface::Responses => responses::body(&asked),
            _ => chat::body(&asked),
        };
        Ok(Completion {
            text: asked.said(),
            body: body.to_string().into_bytes(),
            usage: Some(asked.usage),
            finish: asked.finish,
        })
    }

    async fn stream(&self, request: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
        self.begin().await;
        let pieces = match &request.ask {
            Ask::Conversation(messages) => conversation(talk(messages, &request)),
            Ask::Passed { interface: Interface::Embeddings, .. } => {
                return Err(ModelError::Unusable("embeddings do not come in pieces".to_owned()));
            }
            Ask::Passed { interface, body } => {
                let asked = Asked::read(*interface, &object(body)?, &request);
                if *interface == Interface::Responses {
                    responses::pieces(&asked)
                } else {
                    chat::pieces(&asked)
                }
            }
        };
        Ok(Box::new(Prepared { pieces: pieces.into(), pace: self.config.pace }))
    }

    fn health(&self) -> Vec<UpstreamHealth> {
        vec![UpstreamHealth {
            name: "sandbox".to_owned(),
            state: UpstreamState::Simulated,
            requests: self.requests.load(Ordering::Relaxed),
            failures: 0,
            retry_after: None,
            last_failure: None,
            latency: None,
        }]
    }
}

/// The answer to the last question of a conversation.
fn talk(messages: &[Message], request: &CompletionRequest) -> (String, TokenUsage, Finish) {
    let question = messages.iter().rev().find(|message| message.role == Role::User);
    let answer = answers::answer(question.map_or("", |message| &message.text));
    let (text, finish) = tokens::cut(answer, request.max_output);
    let usage = tokens::usage(tokens::of_conversation(messages), tokens::tokens(&text));
    (text, usage, finish)
}

fn conversation((text, usage, finish): (String, TokenUsage, Finish)) -> Vec<Piece> {
    let said = few_words(&text).map(|words| Piece { text: words.to_owned(), ..Piece::default() });
    let finished = Piece { finish: Some(finish), ..Piece::default() };
    let end = Piece { usage: Some(usage), is_end: true, ..Piece::default() };
    said.chain([finished, end]).collect()
}

/// A text, a few words at a time.
fn few_words(text: &str) -> impl Iterator<Item = &str> {
    const WORDS: usize = 3;
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.match_indices(' ').nth(WORDS - 1).map_or(rest.len(), |(at, blank)| at + blank.len());
        let (words, more) = rest.split_at(end);
        rest = more;
        (!words.is_empty()).then_some(words)
    })
}

/// An answer that is known already, said bit by bit.
struct Prepared {
    pieces: VecDeque<Piece>,
    pace: Duration,
}

#[async_trait]
impl AnswerStream for Prepared {
    async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
        if !self.pace.is_zero() && !self.pieces.is_empty() {
            tokio::time::sleep(self.pace).await;
        }
        Ok(self.pieces.pop_front())
    }
}

fn object(body: &str) -> Result<Value, ModelError> {
    let body: Result<Value, _> = serde_json::from_str(body);
    let body = body.ok().filter(Value::is_object);
    body.ok_or_else(|| ModelError::Unusable("the request is no JSON object".to_owned()))
}

/// A name for what is made of `seed`: always the same.
fn id(prefix: &str, seed: &str) -> String {
    let digest = Sha256::digest(seed);
    digest[..12].iter().fold(format!("{prefix}-sandbox-"), |id, byte| format!("{id}{byte:02x}"))
}

/// Now, in seconds.
fn created() -> i64 {
    chrono::Utc::now().timestamp()
}
