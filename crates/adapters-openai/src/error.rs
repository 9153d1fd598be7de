//! What can go wrong, in the port's words. Every text here may be logged.

use std::collections::HashSet;
use std::error::Error;

use domain::ports::language_model::ModelError;
use serde_json::Value;

/// The longest text kept of an error, in characters.
const MAX_DETAIL_CHARS: usize = 300;
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

/// The provider answered with a status that is no success. Nothing that is `private` is repeated.
pub(crate) fn refused(status: u16, body: &[u8], private: &[&str]) -> ModelError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match status {
        // Providers repeat parts of a wrong key in the message; the code says enough.
        401 | 403 => ModelError::KeyRefused(detail(&body, &["code", "type"], private)),
        429 => {
            let detail = detail(&body, &["code", "type", "message"], private);
            ModelError::Limited { detail, retry_after: None }
        }
        _ => failed(status, &body, private),
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
    line(&text)
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
    if parts.is_empty() { "no details".to_owned() } else { line(&parts.join(": ")) }
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
fn line(text: &str) -> String {
    text.chars().take(MAX_DETAIL_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
