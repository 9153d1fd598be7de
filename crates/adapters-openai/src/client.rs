//! One request, one answer, both bounded.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::language_model::{
    AnswerStream, Ask, Completion, CompletionRequest, LanguageModel, ModelError, UpstreamHealth,
};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Response, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use url::Url;

use crate::error::{self, SetupError};
use crate::wire;

/// The longest answer that is read, in bytes. The longest that models give are below 1 MiB.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// The longest error that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Where the provider is, and how it is asked.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// What the protocol's paths are appended to: `https://api.openai.com/v1`, or any compatible server,
    /// over plain http too. A slash at the end does not matter.
    pub base_url: Url,
    /// The provider's key. Empty: no key is sent, for local servers that want none.
    pub api_key: SecretString,
    /// How long is waited for what.
    pub timeouts: Timeouts,
}

impl OpenAiConfig {
    /// This server and key, with the usual timeouts.
    pub fn new(base_url: Url, api_key: SecretString) -> Self {
        Self { base_url, api_key, timeouts: Timeouts::default() }
    }
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, name resolution and TLS included; 5 s by default.
    pub connect: Duration,
    /// From the call until the answer begins, connecting included; 60 s by default.
    pub first_byte: Duration,
    /// Between two parts of the answer; 30 s by default.
    pub idle: Duration,
    /// For everything together; 300 s by default.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_mins(1),
            idle: Duration::from_secs(30),
            total: Duration::from_mins(5),
        }
    }
}

/// A provider that speaks OpenAI's chat completions protocol.
///
/// Cheap to clone: clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct OpenAi {
    http: Client,
    completions: Url,
    authorization: Option<HeaderValue>,
    api_key: SecretString,
    timeouts: Timeouts,
}

impl OpenAi {
    /// A client for this provider. Nothing is sent yet.
    ///
    /// Fails where the address or the key cannot be used, and where the host has no CA certificates.
    pub fn new(config: &OpenAiConfig) -> Result<Self, SetupError> {
        let http = Client::builder()
            .user_agent(concat!("saldo/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timeouts.connect)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()
            .map_err(|error| SetupError::Client(error::chain(error)))?;
        Ok(Self {
            http,
            completions: completions(&config.base_url)?,
            authorization: authorization(&config.api_key)?,
            api_key: config.api_key.clone(),
            timeouts: config.timeouts,
        })
    }

    async fn exchange(&self, request: &CompletionRequest) -> Result<Completion, ModelError> {
        let mut call = self.http.post(self.completions.clone()).json(&wire::Request::from(request));
        if let Some(authorization) = &self.authorization {
            call = call.header(AUTHORIZATION, authorization.clone());
        }
        let response = timeout(self.timeouts.first_byte, call.send())
            .await
            .map_err(|_| ModelError::TimedOut)?
            .map_err(error::not_answered)?;
        let status = response.status();
        if status.is_success() {
            let body = self.read(response, MAX_ANSWER_BYTES).await?;
            return wire::completion(&body, &self.private(request));
        }
        // The status alone decides; what is said beside it is welcome and no more.
        let body = self.read(response, MAX_ERROR_BYTES).await.unwrap_or_default();
        Err(error::refused(status.as_u16(), &body, &self.private(request)))
    }

    /// What no error may repeat.
    fn private<'a>(&'a self, request: &'a CompletionRequest) -> Vec<&'a str> {
        let texts = match &request.ask {
            Ask::Conversation(messages) => messages.iter().map(|message| message.text.as_str()).collect(),
            Ask::Passed { body, .. } => vec![&**body],
        };
        texts.into_iter().chain([self.api_key.expose_secret()]).collect()
    }

    async fn read(&self, mut response: Response, max_bytes: usize) -> Result<Vec<u8>, ModelError> {
        let mut body = Vec::new();
        loop {
            let chunk = timeout(self.timeouts.idle, response.chunk())
                .await
                .map_err(|_| ModelError::TimedOut)?
                .map_err(|error| ModelError::Interrupted(error::chain(error)))?;
            let Some(chunk) = chunk else { return Ok(body) };
            if body.len().saturating_add(chunk.len()) > max_bytes {
                return Err(ModelError::Unusable(format!("longer than {max_bytes} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError> {
        timeout(self.timeouts.total, self.exchange(&request)).await.unwrap_or(Err(ModelError::TimedOut))
    }

    async fn stream(&self, _: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
        Err(ModelError::Unusable("streams are to come".to_owned()))
    }

    fn health(&self) -> Vec<UpstreamHealth> {
        Vec::new()
    }
}

/// The address of chat completions below `base`.
fn completions(base: &Url) -> Result<Url, SetupError> {
    if !matches!(base.scheme(), "http" | "https") {
        return Err(SetupError::BaseUrl("it must begin with http:// or https://"));
    }
    // They would be sent beside the key, and printed wherever the address is.
    if !base.username().is_empty() || base.password().is_some() {
        return Err(SetupError::BaseUrl("it must not hold a name or a password"));
    }
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| SetupError::BaseUrl("it has no path"))?
        .pop_if_empty()
        .extend(["chat", "completions"]);
    Ok(url)
}

/// The header that carries the key; none for an empty one.
fn authorization(key: &SecretString) -> Result<Option<HeaderValue>, SetupError> {
    let key = key.expose_secret();
    if key.is_empty() {
        return Ok(None);
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| SetupError::Key)?;
    header.set_sensitive(true);
    Ok(Some(header))
}
