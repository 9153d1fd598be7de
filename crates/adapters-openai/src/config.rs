//! Where a provider is, how it is asked, and how long is waited for what.

use std::time::Duration;

use domain::ports::language_model::Interface;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::SetupError;

/// Where the provider is, and how it is asked.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// What the protocol's paths are appended to: `https://api.openai.com/v1`, or any compatible server,
    /// over plain http too. A slash at the end does not matter.
    pub base_url: Url,
    /// The provider's key. Empty: no key is sent, for local servers that want none.
    pub api_key: SecretString,
    /// Which dialect it speaks.
    pub kind: Kind,
    /// How long is waited for what.
    pub timeouts: Timeouts,
}

/// Which dialect of the protocol a provider speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// OpenAI's, as all compatible servers do.
    #[default]
    OpenAi,
    /// Azure's: another header for the key, and the name of a deployment instead of a model. A base address that ends
    /// in `/openai/v1` is Azure's present interface; any other is the resource's, with the deployment in the path, and
    /// needs a version.
    Azure {
        /// `api-version`.
        api_version: Option<String>,
    },
}

impl OpenAiConfig {
    /// This server and key, with the usual timeouts, speaking OpenAI's own dialect.
    pub fn new(base_url: Url, api_key: SecretString) -> Self {
        Self { base_url, api_key, kind: Kind::default(), timeouts: Timeouts::default() }
    }
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, name resolution and TLS included; 5 s by default.
    pub connect: Duration,
    /// From the call until the answer begins, connecting included; 60 s by default. A stream's first output may take
    /// as long again.
    pub first_byte: Duration,
    /// Between two parts of the answer: of a stream, two events or comments; 30 s by default.
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

/// Where a provider's interfaces are, and with which key.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    base: Url,
    kind: Kind,
    key: Option<(HeaderName, HeaderValue)>,
}

impl Endpoint {
    /// Checks what the configuration says of it.
    pub(crate) fn new(config: &OpenAiConfig) -> Result<Self, SetupError> {
        let base = config.base_url.clone();
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(SetupError::BaseUrl("it must begin with http:// or https:// and name a host"));
        }
        // They would be sent beside the key, and printed wherever the address is.
        if !base.username().is_empty() || base.password().is_some() {
            return Err(SetupError::BaseUrl("it must not hold a name or a password"));
        }
        let endpoint = Self { base, kind: config.kind.clone(), key: key(&config.kind, &config.api_key)? };
        if endpoint.is_by_deployment() && matches!(endpoint.kind, Kind::Azure { api_version: None }) {
            return Err(SetupError::ApiVersion);
        }
        Ok(endpoint)
    }

    /// The header that carries the key.
    pub(crate) fn key(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.key.as_ref()
    }

    /// Whether it is Azure's older interface, with deployments in its paths.
    pub(crate) fn is_by_deployment(&self) -> bool {
        let path = self.base.path().trim_end_matches('/');
        matches!(self.kind, Kind::Azure { .. }) && !path.ends_with("/openai/v1")
    }

    /// Whether it is Azure at all.
    pub(crate) fn is_azure(&self) -> bool {
        matches!(self.kind, Kind::Azure { .. })
    }

    /// Where requests for this interface and model go.
    pub(crate) fn url(&self, interface: Interface, model: &str) -> Url {
        let name: &[&str] = match interface {
            Interface::ChatCompletions => &["chat", "completions"],
            Interface::Responses => &["responses"],
            Interface::Embeddings => &["embeddings"],
        };
        let mut url = self.base.clone();
        // An http address always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            if self.is_by_deployment() {
                path.push("openai");
                // Responses name their deployment in the body.
                if interface != Interface::Responses {
                    path.extend(["deployments", model]);
                }
            }
            path.extend(name);
        }
        if let Kind::Azure { api_version: Some(version) } = &self.kind {
            url.query_pairs_mut().append_pair("api-version", version);
        }
        url
    }
}

/// The header that carries the key; none for an empty one.
fn key(kind: &Kind, key: &SecretString) -> Result<Option<(HeaderName, HeaderValue)>, SetupError> {
    let key = key.expose_secret();
    if key.is_empty() {
        return Ok(None);
    }
    let (name, text) = match kind {
        Kind::OpenAi => (AUTHORIZATION, format!("Bearer {key}")),
        Kind::Azure { .. } => (HeaderName::from_static("api-key"), key.to_owned()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| SetupError::Key)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
