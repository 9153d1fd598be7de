//! One request, one answer, both bounded.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::language_model::{
    AnswerStream, Completion, CompletionRequest, Interface, LanguageModel, ModelError, UpstreamHealth,
};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, redirect, retry};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use crate::answers;
use crate::config::{Endpoint, OpenAiConfig, Timeouts};
use crate::error::{self, Failure, Private, SetupError};
use crate::outbound::{self, interface};
use crate::stream::{Sse, is_stream};

/// The longest answer that is read, in bytes. The longest that models give are below 1 MiB.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// The longest list of embeddings that is read, in bytes: 2,048 of the largest take about 60 MiB.
const MAX_EMBEDDINGS_BYTES: usize = 64 * 1024 * 1024;
/// The longest error that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// A provider that speaks OpenAI's protocols.
///
/// Cheap to clone: clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct OpenAi {
    http: Client,
    endpoint: Endpoint,
    api_key: SecretString,
    timeouts: Timeouts,
}

/// A request that is ready to be sent.
pub(crate) struct Call {
    call: RequestBuilder,
    private: Private,
    timeouts: Timeouts,
}

/// An answer with a good status, of which nothing is read yet.
pub(crate) struct Begun {
    response: Response,
    private: Private,
    timeouts: Timeouts,
    /// When there must have been an end.
    ends: Instant,
    /// How long it took to begin.
    pub(crate) latency: Duration,
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
            endpoint: Endpoint::new(config)?,
            api_key: config.api_key.clone(),
            timeouts: config.timeouts,
        })
    }

    /// Makes a call of a request; nothing is sent yet.
    pub(crate) fn prepare(&self, request: &CompletionRequest, stream: bool) -> Result<Call, ModelError> {
        if stream && interface(&request.ask) == Interface::Embeddings {
            return Err(ModelError::Unusable("embeddings do not come in pieces".to_owned()));
        }
        let url = self.endpoint.url(interface(&request.ask), &request.provider_model);
        let accepted = if stream { "text/event-stream" } else { "application/json" };
        let mut call = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accepted)
            .body(outbound::body(request, stream, &self.endpoint)?);
        if let Some((name, key)) = self.endpoint.key() {
            call = call.header(name, key);
        }
        Ok(Call { call, private: Private::new(request, &self.api_key), timeouts: self.timeouts })
    }

    async fn begin(&self, request: &CompletionRequest, stream: bool) -> Result<Begun, ModelError> {
        self.prepare(request, stream)?.send().await.map_err(|failure| failure.error)
    }
}

impl Call {
    /// Sends it, and waits until the answer begins, with a status that is a success.
    pub(crate) async fn send(self) -> Result<Begun, Failure> {
        let Self { call, private, timeouts } = self;
        let begins = Instant::now();
        let ends = begins + timeouts.total;
        let response = timeout_at(ends.min(begins + timeouts.first_byte), call.send())
            .await
            .map_err(|_| ModelError::TimedOut)?
            .map_err(error::not_answered)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let begun = Begun { response, private, timeouts, ends, latency: begins.elapsed() };
        if status.is_success() {
            return Ok(begun);
        }
        // The status alone decides; what is said beside it is welcome and no more.
        let (body, private) = begun.read(MAX_ERROR_BYTES).await;
        Err(error::refused(status.as_u16(), &headers, &body.unwrap_or_default(), &private))
    }
}

impl Begun {
    /// The whole answer.
    pub(crate) async fn whole(self) -> Result<Completion, ModelError> {
        let is_embeddings = interface(self.private.ask()) == Interface::Embeddings;
        let max_bytes = if is_embeddings { MAX_EMBEDDINGS_BYTES } else { MAX_ANSWER_BYTES };
        let (body, private) = self.read(max_bytes).await;
        answers::completion(private.ask(), body?, &private.texts())
    }

    /// The answer piece by piece.
    pub(crate) async fn stream(self) -> Result<Box<dyn AnswerStream>, ModelError> {
        if is_stream(&self.response) {
            return Ok(Box::new(Sse::new(self.response, self.private, self.timeouts, self.ends)));
        }
        // Some servers answer an error with status 200.
        let (body, private) = self.read(MAX_ERROR_BYTES).await;
        let body: serde_json::Value = serde_json::from_slice(&body?).unwrap_or_default();
        Err(match body.get("error").filter(|error| !error.is_null()) {
            Some(error) => error::failed(200, error, &private.texts()),
            None => ModelError::Unusable("no stream of events".to_owned()),
        })
    }

    async fn read(mut self, max_bytes: usize) -> (Result<Vec<u8>, ModelError>, Private) {
        let body = self.body(max_bytes).await;
        (body, self.private)
    }

    async fn body(&mut self, max_bytes: usize) -> Result<Vec<u8>, ModelError> {
        let mut body = Vec::new();
        loop {
            let patience = self.ends.min(Instant::now() + self.timeouts.idle);
            let chunk = timeout_at(patience, self.response.chunk())
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
        self.begin(&request, false).await?.whole().await
    }

    async fn stream(&self, request: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
        self.begin(&request, true).await?.stream().await
    }

    fn health(&self) -> Vec<UpstreamHealth> {
        Vec::new()
    }
}
