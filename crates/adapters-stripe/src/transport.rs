//! One request, one answer, both bounded; repeated where that helps.

use std::sync::Arc;

use domain::clock::{Clock, Timestamp};
use domain::ports::payments::PaymentError;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use stripe_client_core::{RequestBuilder, StripeMethod};
use url::Url;

use crate::config::{Retries, StripeConfig, Timeouts};
use crate::error::{self, Answered, Failure, SetupError, unavailable};

/// The longest answer that is read, in bytes: a page of a hundred events may have some of it.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// The longest idempotency key that Stripe takes, in characters.
const MAX_KEY_CHARS: usize = 255;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

/// Sends requests to Stripe.
#[derive(Clone)]
pub(crate) struct Transport {
    http: Client,
    base_url: Url,
    authorization: HeaderValue,
    version: HeaderValue,
    secret_key: SecretString,
    timeouts: Timeouts,
    retries: Retries,
    clock: Arc<dyn Clock>,
}

/// An answer with success.
pub(crate) struct Answer {
    /// What it says.
    pub(crate) body: Vec<u8>,
    /// When it was asked for: whatever it says was so then or later.
    pub(crate) sent_at: Timestamp,
}

impl Answer {
    pub(crate) fn json(&self) -> Result<Value, PaymentError> {
        // serde's message may quote the answer, so only the kind of mistake is told.
        serde_json::from_slice(&self.body)
            .map_err(|error| unavailable(format!("Stripe: {:?} error in its JSON", error.classify())))
    }
}

impl Transport {
    pub(crate) fn new(config: &StripeConfig, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let http = Client::builder()
            .user_agent(concat!("saldo/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timeouts.connect)
            .timeout(config.timeouts.total)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()
            .map_err(|error| SetupError::Client(error::chain(error)))?;
        Ok(Self {
            http,
            base_url: base_url(&config.base_url)?,
            authorization: authorization(&config.secret_key)?,
            version: version(&config.api_version)?,
            secret_key: config.secret_key.clone(),
            timeouts: config.timeouts,
            retries: config.retries,
            clock,
        })
    }

    /// Sends a request until it has success, repeating it is of no use, or it was sent as often as it may be.
    ///
    /// `key` is what makes a request that changes something safe to be repeated: the same each time.
    pub(crate) async fn send(&self, request: RequestBuilder, key: Option<&str>) -> Result<Answer, Failure> {
        let body = request.body.map(in_order);
        let url = self.url(&request.path, request.query.as_deref());
        let mut call = self.http.request(method(request.method), url);
        call = call.header(AUTHORIZATION, self.authorization.clone()).header(VERSION, self.version.clone());
        if let Some(key) = key {
            call = call.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(body) = body {
            call = call.header(CONTENT_TYPE, FORM).body(body);
        }
        let call = call.build().map_err(Failure::silent)?;
        let mut pause = self.retries.pause;
        for _ in 1..self.retries.attempts {
            let Some(again) = call.try_clone() else { break };
            match self.attempt(again).await {
                Err(failure) if failure.is_worth_a_retry() => {
                    tracing::warn!(?failure, path = request.path, "asking Stripe again");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        self.attempt(call).await
    }

    /// Sends `plain` where `full` is not understood: not every server knows every parameter.
    pub(crate) async fn send_either(
        &self,
        full: RequestBuilder,
        plain: RequestBuilder,
        key: Option<&str>,
    ) -> Result<Answer, Failure> {
        match self.send(full, key).await {
            Err(failure) if failure.is_misunderstanding() => self.send(plain, key).await,
            outcome => outcome,
        }
    }

    async fn attempt(&self, call: reqwest::Request) -> Result<Answer, Failure> {
        let sent_at = self.clock.now().at;
        let response = self.http.execute(call).await.map_err(Failure::silent)?;
        let status = response.status();
        if status.is_success() {
            return Ok(Answer { body: read(response).await?, sent_at });
        }
        let advice = response.headers().get(SHOULD_RETRY).map(HeaderValue::as_bytes);
        let advice = match advice {
            Some(b"true") => Some(true),
            Some(b"false") => Some(false),
            _ => None,
        };
        // The status says most; what is said beside it is welcome.
        let body = read(response).await.unwrap_or_default();
        let key = self.secret_key.expose_secret();
        Err(Failure::Answered(Answered::new(status.as_u16(), &body, advice, key)))
    }

    fn url(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.base_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v1{path}"));
        url.set_query(query);
        url
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("base_url", &self.base_url.as_str())
            .field("version", &self.version)
            .field("timeouts", &self.timeouts)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// Whether a text can be an idempotency key.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=MAX_KEY_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::silent)? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER_BYTES {
            let detail = format!("its answer is longer than {MAX_ANSWER_BYTES} bytes");
            return Err(Failure::Silent { detail, again: false });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A form with its fields in order. The builders keep metadata in no order, and what is sent again must be the
/// same to the byte: who compares it need not know that the order means nothing.
fn in_order(form: String) -> String {
    let mut fields: Vec<&str> = form.split('&').collect();
    fields.sort_unstable();
    fields.join("&")
}

fn method(method: StripeMethod) -> Method {
    match method {
        StripeMethod::Get => Method::GET,
        StripeMethod::Post => Method::POST,
        StripeMethod::Delete => Method::DELETE,
    }
}

fn base_url(base: &Url) -> Result<Url, SetupError> {
    if !matches!(base.scheme(), "http" | "https") {
        return Err(SetupError::BaseUrl("it must begin with http:// or https://"));
    }
    // They would be sent beside the key, and printed wherever the address is.
    if !base.username().is_empty() || base.password().is_some() {
        return Err(SetupError::BaseUrl("it must not hold a name or a password"));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(SetupError::BaseUrl("it must end with its path"));
    }
    Ok(base.clone())
}

fn authorization(key: &SecretString) -> Result<HeaderValue, SetupError> {
    let key = key.expose_secret();
    if key.is_empty() {
        return Err(SetupError::Key);
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| SetupError::Key)?;
    header.set_sensitive(true);
    Ok(header)
}

fn version(version: &str) -> Result<HeaderValue, SetupError> {
    let header = HeaderValue::from_str(version).map_err(|_| SetupError::Version)?;
    if header.is_empty() { Err(SetupError::Version) } else { Ok(header) }
}
