//! What is sent and what comes back, as JSON. Unknown fields are ignored.

use domain::ports::language_model::{Ask, Completion, CompletionRequest, Finish, ModelError, Role};
use domain::tokens::{TokenUsage, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error;

/// A request for a completion.
#[derive(Serialize)]
pub(crate) struct Request<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    /// The output limit of ordinary models; reasoning models refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    /// The output limit of reasoning models; older servers do not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    /// Whether the provider keeps the conversation for its own ends.
    store: bool,
    user: &'a str,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> From<&'a CompletionRequest> for Request<'a> {
    fn from(request: &'a CompletionRequest) -> Self {
        let limit = Some(request.max_output.get());
        let messages = match &request.ask {
            Ask::Conversation(messages) => messages.as_slice(),
            Ask::Passed { .. } => &[],
        };
        let turns = messages.iter().map(|message| Turn {
            role: match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
            },
            content: &message.text,
        });
        Self {
            model: &request.provider_model,
            messages: turns.collect(),
            max_tokens: limit.filter(|_| !request.reasoning),
            max_completion_tokens: limit.filter(|_| request.reasoning),
            store: false,
            user: &request.user_pseudonym,
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    error: Option<Value>,
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<Content>,
    refusal: Option<String>,
}

/// Text, or a list of parts as some compatible servers send it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part without text is something else than an answer, a thought for instance.
#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

/// The completion in the body of an answer with status 200. No error repeats what is `private`.
pub(crate) fn completion(body: &[u8], private: &[&str]) -> Result<Completion, ModelError> {
    // serde's message may quote the answer, so only the kind of mistake is told.
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| ModelError::Unusable(format!("{:?} error in its JSON", error.classify())))?;
    if let Some(error) = answer.error {
        return Err(error::failed(200, &error, private));
    }
    let choice = answer.choices.into_iter().flatten().next();
    let choice = choice.ok_or_else(|| ModelError::Unusable("no choices".to_owned()))?;
    Ok(Completion {
        text: choice.message.text(),
        body: Vec::new(),
        usage: answer.usage.as_ref().and_then(usage),
        finish: match choice.finish_reason.as_deref() {
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::ContentFilter,
            Some("error") => Finish::Error,
            // "stop", calls of tools that were never offered, what is yet to be invented, nothing.
            _ => Finish::Stop,
        },
    })
}

impl Said {
    /// What was said; a refusal where nothing else was.
    fn text(self) -> String {
        let text = match self.content {
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => parts.into_iter().filter_map(|part| part.text).collect(),
            None => String::new(),
        };
        if text.is_empty() { self.refusal.unwrap_or_default() } else { text }
    }
}

/// The provider's count; nothing at all where a part of it makes no sense, for then the rest is not to
/// be trusted either.
fn usage(usage: &Value) -> Option<TokenUsage> {
    let usage = TokenUsage {
        input: tokens(usage.get("prompt_tokens")?)?,
        cached_input: part(usage, "prompt_tokens_details", "cached_tokens")?,
        output: tokens(usage.get("completion_tokens")?)?,
        reasoning: part(usage, "completion_tokens_details", "reasoning_tokens")?,
    };
    Some(usage.coherent())
}

/// A part that many servers do not report: absent or null is zero.
fn part(usage: &Value, details: &str, name: &str) -> Option<Tokens> {
    match usage.get(details).and_then(|details| details.get(name)) {
        None | Some(Value::Null) => Some(Tokens::ZERO),
        Some(count) => tokens(count),
    }
}

fn tokens(count: &Value) -> Option<Tokens> {
    count.as_u64().filter(|count| *count <= Tokens::MAX.get()).map(Tokens::new)
}
