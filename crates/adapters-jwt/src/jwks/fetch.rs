//! Asking an issuer for its keys.

use std::error::Error;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Client, Response, redirect, retry};
use url::{Host, Url};

/// How long the whole of it may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest set, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Why there is nobody to ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The address cannot be used.
    #[error("the address of the issuer's keys cannot be used: {0}")]
    Address(&'static str),
    /// TLS cannot be set up, most often for want of CA certificates.
    #[error("no client for the issuer: {0}")]
    Client(String),
}

/// Why there are no new keys. Nothing of what was answered is repeated: this is logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No answer came, or not all of it, or not in time.
    #[error("the issuer cannot be reached: {0}")]
    Unreachable(String),
    /// Another status than success; a redirect too, which is not followed.
    #[error("the issuer answered with status {0}")]
    Status(u16),
    /// The answer is too long.
    #[error("the issuer's keys are longer than 256 KiB")]
    TooLong,
    /// The answer is no set of keys.
    #[error("the issuer's answer is no set of keys: {0}")]
    NotASet(&'static str),
}

/// Where the keys are.
pub(super) struct Source {
    http: Client,
    url: Url,
}

impl Source {
    /// https, or http that does not leave this machine: whoever can change what is answered can sign.
    pub(super) fn new(url: Url) -> Result<Self, SetupError> {
        let local = is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && local) {
            return Err(SetupError::Address("it must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SetupError::Address("it must not hold a name or a password"));
        }
        let mut http = Client::builder()
            .user_agent(concat!("saldo/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(retry::never());
        if local {
            // A proxy is on another machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| SetupError::Client(chain(error)))?;
        Ok(Self { http, url })
    }

    /// Asks once.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        // The client's own timeout begins after some of its work; this one holds for everything.
        tokio::time::timeout(TIMEOUT, self.exchange())
            .await
            .unwrap_or_else(|_| Err(FetchError::Unreachable("no whole answer in 5 seconds".to_owned())))
    }

    async fn exchange(&self) -> Result<Vec<u8>, FetchError> {
        let request =
            self.http.get(self.url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            return Err(FetchError::Status(status.as_u16()));
        }
        read(response).await
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len().saturating_add(chunk.len()) > MAX_BYTES {
            return Err(FetchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // A name may come to mean another machine.
        Some(Host::Domain(_)) | None => false,
    }
}

fn unreachable(error: reqwest::Error) -> FetchError {
    FetchError::Unreachable(chain(error))
}

/// An error with its causes, without the address, which may hold a key.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
