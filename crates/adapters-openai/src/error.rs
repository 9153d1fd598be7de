//! What can go wrong, in the port's words. Every text here may be logged.

use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use domain::clock::Span;
use domain::ports::language_model::{Ask, CompletionRequest, ModelError, Rejection};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::retry_after::retry_after;

/// The longest text kept of an error, in characters.
const MAX_DETAIL_CHARS: usize = 300;
/// The longest text kept for a client of what the provider says of its request, in characters.
const MAX_REJECTION_CHARS: usize = 2_000;
/// An error that has this many bytes in a row in common with a private text repeats it.
const ECHO_BYTES: usize = 12;

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The provider's address cannot be used.
    #[error("the provider's address cannot be used: {0}")]
    BaseUrl(&'static str),
    /// The key has characters that no header can carry, a line break for instance.
    #[error("the provider's key has characters that cannot be sent")]
    Key,
    /// Azure's older interface was meant, but not which version of it.
    #[error("the provider needs an api_version, or a base address that ends in /openai/v1")]
    ApiVersion,
    /// TLS cannot be set up, most often for want of CA certificates.
    #[error("no client for the provider: {0}")]
    Client(String),
}

/// No answer began.
pub(crate) fn not_answered(error: reqwest::Error) -> ModelError {
    // Connecting comes first: a timeout of it is no timeout of the answer.
    if error.is_connect() || error.is_builder() {
        ModelError::Unreachable(chain(error))
    } else if error.is_timeout() {
        ModelError::TimedOut
    } else {
        ModelError::Interrupted(chain(error))
    }
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Why.
    pub(crate) error: ModelError,
    /// When the provider wants to be asked again, if it said so.
    pub(crate) retry_after: Option<Duration>,
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self { error, retry_after: None }
    }
}

/// What no error may repeat.
#[derive(Clone, Debug)]
pub(crate) struct Private {
    ask: Ask,
    key: SecretString,
}

impl Private {
    /// What is said in `request`, and the key.
    pub(crate) fn new(request: &CompletionRequest, key: &SecretString) -> Self {
        Self { ask: request.ask.clone(), key: key.clone() }
    }

    /// What was asked.
    pub(crate) fn ask(&self) -> &Ask {
        &self.ask
    }

    /// All of it.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let texts = match &self.ask {
            Ask::Conversation(messages) => messages.iter().map(|message| message.text.as_str()).collect(),
            Ask::Passed { body, .. } => vec![&**body],
        };
        texts.into_iter().chain([self.key.expose_secret()]).collect()
    }
}

/// The provider answered with a status that is no success. Nothing that is `private` is repeated, but to the client
/// whose own request is rejected.
pub(crate) fn refused(status: u16, headers: &HeaderMap, body: &[u8], private: &Private) -> Failure {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = private.texts();
    let retry_after = retry_after(headers).filter(|_| matches!(status, 429 | 503 | 529));
    let error = match status {
        // Providers repeat parts of a wrong key in the message; the code says enough.
        401 | 403 => ModelError::KeyRefused(detail(&body, &["code", "type"], &texts)),
        429 => {
            let detail = detail(&body, &["code", "type", "message"], &texts);
            ModelError::Limited { detail, retry_after: retry_after.map(span) }
        }
        400 | 413 | 422 if matches!(private.ask, Ask::Passed { .. }) => {
            ModelError::Rejected(Box::new(rejection(status, &body, private.key.expose_secret())))
        }
        _ => failed(status, &body, &texts),
    };
    Failure { error, retry_after }
}

/// In the domain's terms.
pub(crate) fn span(time: Duration) -> Span {
    Span::from_micros(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

/// What the provider says of a client's request; without a part that shows our key.
fn rejection(status: u16, body: &Value, key: &str) -> Rejection {
    let error = body.get("error").unwrap_or(body);
    let said = |name: &str| {
        let text = match error.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            // Some servers list what is wrong.
            list @ Value::Array(_) => list.to_string(),
            _ => return None,
        };
        (!repeats(&text, &[key])).then(|| line(&text, MAX_REJECTION_CHARS))
    };
    let plain = || error.as_str().filter(|text| !repeats(text, &[key]));
    let message = said("message").or_else(|| plain().map(|text| line(text, MAX_REJECTION_CHARS)));
    Rejection {
        status,
        message: message.or_else(|| said("detail")).unwrap_or_else(|| "no details".to_owned()),
        kind: said("type"),
        code: said("code"),
        param: said("param"),
    }
}

/// The provider failed and said so in `body`. Nothing that is `private` is repeated.
pub(crate) fn failed(status: u16, body: &Value, private: &[&str]) -> ModelError {
    ModelError::Failed { status, detail: detail(body, &["code", "type", "message"], private) }
}

/// An error of the transport with its causes, without the address.
pub(crate) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    line(&text, MAX_DETAIL_CHARS)
}

/// What an error object says under these names. OpenAI puts the object under `error`; others put a text
/// there, or the object at the top.
fn detail(body: &Value, names: &[&str], private: &[&str]) -> String {
    let error = body.get("error").unwrap_or(body);
    let said = names.iter().filter_map(|name| match error.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let text = error.as_str().filter(|_| names.contains(&"message")).map(str::to_owned);
    let mut parts: Vec<String> = said.chain(text).filter(|part| !repeats(part, private)).collect();
    // OpenAI's code and type are often the same word.
    parts.dedup();
    if parts.is_empty() { "no details".to_owned() } else { line(&parts.join(": "), MAX_DETAIL_CHARS) }
}

/// Whether an error repeats something private: some servers quote what they reject, and no prompt and
/// no key may reach the log.
fn repeats(said: &str, private: &[&str]) -> bool {
    let windows: HashSet<&[u8]> = said.as_bytes().windows(ECHO_BYTES).collect();
    private.iter().map(|text| text.trim()).any(|text| {
        // What is shorter than a window is looked for as a whole; one letter would be found anywhere.
        let is_short = (4..ECHO_BYTES).contains(&text.len());
        (is_short && said.contains(text))
            || text.as_bytes().windows(ECHO_BYTES).any(|window| windows.contains(window))
    })
}

/// The start of a text, on one line.
fn line(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
