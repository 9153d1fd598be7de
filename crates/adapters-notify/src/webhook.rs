//! Signed events to the operator's program.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat};
use domain::clock::{Span, Timestamp};
use domain::credits::Credits;
use domain::ledger::account::PlanName;
use domain::ports::notices::{Courier, CourierError, Message};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, redirect, retry};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::egress::{Egress, Resolver, is_loopback};
use crate::error::{SetupError, chain};
use crate::signature::Secret;

/// How long connecting may take, and all of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where events go.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress {
    url: Url,
    egress: Egress,
    local: bool,
}

/// Not the address: it may hold a key.
impl std::fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookAddress").field("egress", &self.egress).finish_non_exhaustive()
    }
}

impl WebhookAddress {
    /// An https address of the internet; in development, also an http one of this machine.
    pub fn parse(text: &str, egress: Egress) -> Result<Self, SetupError> {
        let wrong = |why: &str| Err(SetupError::Endpoint(why.to_owned()));
        let Ok(url) = Url::from_str(text) else { return wrong("is no address") };
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return wrong("has no host"),
        };
        let local = literal.is_some_and(is_loopback)
            || url.host_str().is_some_and(|host| host.trim_end_matches('.') == "localhost");
        match (url.scheme(), egress) {
            ("https", _) => {}
            ("http", Egress::PublicAndLoopback) if local => {}
            ("http", Egress::PublicAndLoopback) => {
                return wrong("must begin with https://, unless it is this machine");
            }
            _ => return wrong("must begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("must not hold a name or a password");
        }
        // Names are looked at when they are resolved; an address is not resolved any more.
        if literal.is_some_and(|address| !egress.allows(address)) {
            return wrong("is an address of this machine or its network");
        }
        Ok(Self { url, egress, local })
    }

    /// Whether it names this machine.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// SHA-256 of the address: by this, servers agree on which endpoint it is.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.url.as_str().as_bytes()).into()
    }
}

/// Sends events to one endpoint.
#[derive(Clone)]
pub struct Webhook {
    http: Client,
    url: Url,
    secret: Secret,
}

impl Webhook {
    /// Sends to `address`, signed with `secret`.
    pub fn new(address: &WebhookAddress, secret: Secret) -> Result<Self, SetupError> {
        let http = Client::builder()
            .user_agent(concat!("saldo/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Resolver { egress: address.egress }))
            // A proxy would resolve the name itself.
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()
            .map_err(|error| SetupError::Client(chain(&error)))?;
        Ok(Self { http, url: address.url.clone(), secret })
    }
}

#[async_trait]
impl Courier for Webhook {
    async fn send(&self, message: &Message) -> Result<(), CourierError> {
        let body = event(message);
        let secs = message.at.as_micros().div_euclid(1_000_000);
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", secs)
            .header("webhook-signature", self.secret.sign(&message.id, secs, body.as_bytes()))
            .body(body);
        // The client's own timeout begins after some of its work; this one holds for everything.
        let response = match tokio::time::timeout(TIMEOUT, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failed(unreachable(error), None)),
            Err(_) => return Err(failed("no answer in 20 seconds".to_owned(), None)),
        };
        // Status and headers say all; the body is not read.
        judge(response.status(), response.headers(), message.at)
    }
}

fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Result<(), CourierError> {
    let answered = format!("answered with status {}", status.as_u16());
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::GONE => Err(CourierError::Gone(answered)),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Err(failed(answered, retry_after(headers, now)))
        }
        _ => Err(failed(answered, None)),
    }
}

fn failed(reason: String, retry_after: Option<Span>) -> CourierError {
    CourierError::Failed { reason, retry_after }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse::<u32>() {
        return Some(Span::from_secs(secs));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_micros(i64::try_from(date.as_micros()).ok()?).since(now))
}

/// An error with its causes, without the address.
fn unreachable(error: reqwest::Error) -> String {
    chain(&error.without_url())
}

/// The event as JSON. It names the user, and tells nothing that would let anybody reach them.
fn event(message: &Message) -> String {
    let (notice, details) = (&message.notice, &message.notice.details);
    let about = (notice.user != domain::billing::notice::NOBODY).then(|| notice.user.to_string());
    json!({
        "type": notice.kind.as_str(),
        "timestamp": rfc3339(notice.at),
        "data": {
            "user_id": about,
            "audience": notice.kind.audience().as_str(),
            "subject": notice.subject,
            "plan_id": details.plan.as_ref().map(PlanName::as_str),
            "credits": details.credits.map(Credits::get),
            "amount_minor": details.minor,
            "balance": details.balance.map(Credits::get),
            "threshold": details.threshold.map(Credits::get),
            "detail": details.text,
        },
    })
    .to_string()
}

fn rfc3339(time: Timestamp) -> String {
    let time = DateTime::from_timestamp_micros(time.as_micros()).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, egress: Egress) -> Result<(), String> {
        WebhookAddress::parse(text, egress).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn in_production_an_address_is_an_https_one_of_the_internet() {
        for good in ["https://hooks.example.com/a?b=c", "https://1.1.1.1/", "https://example.com:8443"] {
            assert_eq!(parse(good, Egress::Public), Ok(()), "{good}");
        }
        for bad in [
            "",
            "nothing",
            "http://example.com",
            "http://127.0.0.1/",
            "ftp://example.com",
            "https://127.0.0.1/",
            "https://localhost.:1@example.com",
            "https://user:pw@example.com",
            "https://169.254.169.254/latest",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://[fd00:ec2::254]/",
            "https://0/",
        ] {
            assert!(parse(bad, Egress::Public).is_err(), "{bad}");
        }
    }

    #[test]
    fn in_development_this_machine_may_be_asked_in_the_clear() {
        for good in ["http://127.0.0.1:9/x", "http://localhost:9", "http://[::1]:9", "https://example.com"] {
            assert_eq!(parse(good, Egress::PublicAndLoopback), Ok(()), "{good}");
        }
        for bad in ["http://example.com", "http://10.0.0.1", "https://10.0.0.1", "http://169.254.169.254"] {
            assert!(parse(bad, Egress::PublicAndLoopback).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_does_not_show_and_has_a_fingerprint() {
        let address = |text| WebhookAddress::parse(text, Egress::Public).unwrap();
        let one = address("https://hooks.example.com/secret-key");
        assert!(!format!("{one:?}").contains("secret-key"));
        assert_eq!(one.fingerprint(), address("https://hooks.example.com/secret-key").fingerprint());
        assert_ne!(one.fingerprint(), address("https://hooks.example.com/other").fingerprint());
    }

    #[test]
    fn a_receiver_says_when_to_come_back_in_seconds_or_with_a_date() {
        let now = Timestamp::from_micros(784_111_777_000_000);
        for (text, expected) in [
            ("120", Some(Span::from_secs(120))),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(Span::from_secs(60))),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(Span::ZERO)),
            ("-5", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
    }
}
