//! What can go wrong, in the port's words. Every text here may be logged.

use std::error::Error;

use domain::ports::Unavailable;
use domain::ports::payments::PaymentError;
use serde_json::Value;

use crate::json;

/// The longest text kept of an error, in characters.
const MAX_DETAIL_CHARS: usize = 300;
/// An error that has this many bytes in a row in common with the key repeats it.
const ECHO_BYTES: usize = 12;

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Stripe's address cannot be used.
    #[error("Stripe's address cannot be used: {0}")]
    BaseUrl(&'static str),
    /// The key is empty, or has characters that no header can carry, a line break for instance.
    #[error("Stripe's key is empty or has characters that cannot be sent")]
    Key,
    /// The API version has characters that no header can carry.
    #[error("Stripe's API version is empty or has characters that cannot be sent")]
    Version,
    /// TLS cannot be set up, most often for want of CA certificates.
    #[error("no client for Stripe: {0}")]
    Client(String),
}

/// Why text is no webhook secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret must be `whsec_` and more visible ASCII characters")]
pub struct SecretError;

/// A request without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There was no answer, or only a part of one.
    Silent {
        /// Why.
        detail: String,
        /// Whether asking again may help. Not where the time was up: who is that slow is not helped by more.
        again: bool,
    },
    /// There was one, with a status that is no success.
    Answered(Answered),
}

/// An answer whose status is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    status: u16,
    kind: String,
    code: String,
    /// What it says, with nothing of the key in it.
    detail: String,
    /// What the header `Stripe-Should-Retry` says.
    advice: Option<bool>,
}

impl Failure {
    /// No answer began, or it broke off.
    pub(crate) fn silent(error: reqwest::Error) -> Self {
        // Connecting comes first: a timeout of it is no timeout of the answer.
        let late = error.is_timeout() && !error.is_connect();
        Self::Silent { detail: if late { "timed out".to_owned() } else { chain(error) }, again: !late }
    }

    /// Whether asking again may help.
    pub(crate) fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Silent { again, .. } => *again,
            Self::Answered(answered) => answered.advice.unwrap_or(answered.is_passing()),
        }
    }

    /// Whether it says that there is no such thing, or that it does not know such requests, as a server that
    /// behaves like Stripe in part does.
    pub(crate) fn is_absence(&self) -> bool {
        let absent = |it: &Answered| matches!(it.status, 404 | 405 | 501) || it.code == "resource_missing";
        matches!(self, Self::Answered(it) if absent(it))
    }

    /// Whether it says that the request makes no sense to it, and so did nothing.
    pub(crate) fn is_misunderstanding(&self) -> bool {
        matches!(self, Self::Answered(it) if it.status == 400 && it.is_a_no()) && !self.is_absence()
    }
}

impl Answered {
    /// Nothing of `key` is repeated.
    pub(crate) fn new(status: u16, body: &[u8], advice: Option<bool>, key: &str) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = |name: &str| json::text(&body, &format!("/error/{name}")).unwrap_or_default();
        // Of a wrong key the message repeats parts; the code says enough.
        let message = if matches!(status, 401 | 403) { String::new() } else { said("message") };
        let parts = [said("type"), said("code"), said("decline_code"), message];
        let mut parts: Vec<String> =
            parts.into_iter().filter(|part| !part.is_empty() && !repeats(part, key)).collect();
        parts.dedup();
        let detail = if parts.is_empty() { "no details".to_owned() } else { line(&parts.join(": ")) };
        Self { status, kind: said("type"), code: said("code"), detail, advice }
    }

    /// Busy or broken, by its status.
    fn is_passing(&self) -> bool {
        matches!(self.status, 409 | 424 | 429 | 500..)
    }

    /// Whether it is a no of Stripe's to what was asked. The same key for another request is none: it says that
    /// the outcome of the first is what counts. Nor is a no to our key, which no request of a user's can help.
    fn is_a_no(&self) -> bool {
        let understood = !self.kind.is_empty() || !self.code.is_empty();
        matches!(self.status, 400 | 402 | 404..=499)
            && understood
            && !self.is_passing()
            && self.kind != "idempotency_error"
            && self.code != "idempotency_key_in_use"
    }
}

impl From<Failure> for PaymentError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Silent { detail, .. } => unavailable(format!("Stripe: {detail}")),
            Failure::Answered(answered) if answered.is_a_no() => Self::Refused(answered.detail),
            Failure::Answered(answered) => {
                unavailable(format!("Stripe: status {}: {}", answered.status, answered.detail))
            }
        }
    }
}

/// The provider's answer is missing or cannot be used.
pub(crate) fn unavailable(detail: impl Into<String>) -> PaymentError {
    Unavailable(detail.into()).into()
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

/// Whether a text repeats the key or a part of it. Stripe hides the middle of a key and shows its beginning.
fn repeats(said: &str, key: &str) -> bool {
    let shown = ["sk_live_", "sk_test_", "rk_live_", "rk_test_"].iter().any(|prefix| said.contains(prefix));
    let windows = key.as_bytes().windows(ECHO_BYTES.min(key.len()).max(1));
    let mut windows = windows.filter_map(|window| std::str::from_utf8(window).ok());
    shown || windows.any(|window| said.contains(window))
}

/// The start of a text, on one line.
fn line(text: &str) -> String {
    text.chars().take(MAX_DETAIL_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
