//! Looking on: figures, traces, logs.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;
use url::Url;

use super::Env;

/// How much is logged where nobody says: what matters, without the HTTP server's own greetings.
const USUAL_LOGS: &str = "info,actix_server=warn";
/// The most requests whose spans are exported, of all: 1.
const ALL: f64 = 1.0;

/// What the log looks like.
#[derive(Debug)]
pub struct Logs {
    /// `LOG_FORMAT`: whether lines are JSON.
    pub json: bool,
    /// `RUST_LOG`: how much.
    pub filter: String,
}

/// Where traces go: `OTEL_*`.
#[derive(Debug)]
pub struct Traces {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: a collector, without the path `/v1/traces`.
    pub endpoint: Url,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: sent to the collector, such as its token.
    pub headers: Vec<(String, SecretString)>,
    /// `OTEL_SERVICE_NAME`.
    pub service: String,
    /// `OTEL_TRACES_SAMPLER`.
    pub sampler: Sampler,
    /// `OTEL_TRACES_SAMPLER_ARG`: which part of the traces is exported, where the sampler asks for it.
    pub ratio: f64,
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A part, whatever the caller says.
    Ratio,
    /// As the caller says; all of those that say nothing.
    ParentOrAlwaysOn,
    /// As the caller says; none of those that say nothing.
    ParentOrAlwaysOff,
    /// As the caller says; a part of those that say nothing.
    ParentOrRatio,
}

impl FromStr for Sampler {
    type Err = UnknownSampler;

    fn from_str(word: &str) -> Result<Self, UnknownSampler> {
        Ok(match word {
            "always_on" => Self::AlwaysOn,
            "always_off" => Self::AlwaysOff,
            "traceidratio" => Self::Ratio,
            "parentbased_always_on" => Self::ParentOrAlwaysOn,
            "parentbased_always_off" => Self::ParentOrAlwaysOff,
            "parentbased_traceidratio" => Self::ParentOrRatio,
            _ => return Err(UnknownSampler),
        })
    }
}

/// No sampler has this name.
#[derive(Debug)]
pub struct UnknownSampler;

impl fmt::Display for UnknownSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is none of always_on, always_off, traceidratio, parentbased_always_on, ")?;
        f.write_str("parentbased_always_off, parentbased_traceidratio")
    }
}

/// `METRICS_ADDR`: an address and a port of this machine, not the server's own.
pub(super) fn metrics(env: &mut Env) -> Option<SocketAddr> {
    let text = env.text("METRICS_ADDR")?;
    let address = text.parse().ok();
    if address.is_none() {
        env.fault(format!("METRICS_ADDR: `{text}` is not an IP address and a port, such as 127.0.0.1:9464"));
    }
    address
}

pub(super) fn logs(env: &mut Env, production: bool) -> Logs {
    let json = match env.text("LOG_FORMAT").as_deref() {
        None => production,
        Some("json") => true,
        Some("pretty" | "text") => false,
        Some(other) => {
            env.fault(format!("LOG_FORMAT: `{other}` is neither json nor pretty"));
            false
        }
    };
    let filter = env.text("RUST_LOG").unwrap_or_else(|| USUAL_LOGS.to_owned());
    if let Err(error) = EnvFilter::try_new(&filter) {
        env.fault(format!("RUST_LOG: `{filter}`: {error}"));
    }
    Logs { json, filter }
}

/// `None`: nothing is traced.
pub(super) fn traces(env: &mut Env) -> Option<Traces> {
    let headers = headers(env);
    let sampler = env.parsed("OTEL_TRACES_SAMPLER", Sampler::ParentOrAlwaysOn);
    let ratio = env.parsed("OTEL_TRACES_SAMPLER_ARG", ALL);
    if !(0.0..=ALL).contains(&ratio) {
        env.fault(format!("OTEL_TRACES_SAMPLER_ARG: {ratio} is not a part of 1, such as 0.1"));
    }
    let endpoint = env.parsed_if_set::<Url>("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    if !matches!(endpoint.scheme(), "http" | "https") || !endpoint.has_host() {
        env.fault(format!("OTEL_EXPORTER_OTLP_ENDPOINT: `{endpoint}` is not an http or https address"));
    }
    let service = env.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "saldo".to_owned());
    Some(Traces { endpoint, headers, service, sampler, ratio })
}

/// `name=value,name=value`.
fn headers(env: &mut Env) -> Vec<(String, SecretString)> {
    let Some(text) = env.secret("OTEL_EXPORTER_OTLP_HEADERS") else { return Vec::new() };
    let parts = text.expose_secret().split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut headers = Vec::new();
    for (place, part) in (1..).zip(parts) {
        match part.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                headers.push((name.trim().to_owned(), value.trim().to_owned().into()));
            }
            // What stands there may be a secret.
            _ => env.fault(format!("OTEL_EXPORTER_OTLP_HEADERS: part {place:?} is not name=value")),
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(read: impl FnOnce(&mut Env), variables: &[(&str, &str)]) -> String {
        let mut env = Env::of(variables.iter().copied());
        read(&mut env);
        env.into_faults().join("\n")
    }

    #[test]
    fn traces_go_nowhere_unless_somebody_says_where() {
        let mut env = Env::of([("OTEL_SERVICE_NAME", "saldo")]);
        assert!(traces(&mut env).is_none());
        let mut env = Env::of([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer s3cret, x-tenant = a=b"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ]);
        let traces = traces(&mut env).unwrap();
        assert!(env.into_faults().is_empty());
        assert_eq!((traces.sampler, traces.ratio.to_bits()), (Sampler::Ratio, 0.25_f64.to_bits()));
        let headers: Vec<_> =
            traces.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        assert_eq!(headers, [("authorization", "Bearer s3cret"), ("x-tenant", "a=b")]);
        assert!(!format!("{traces:?}").contains("s3cret"));
    }

    #[test]
    fn every_fault_of_what_looks_on_is_named_and_no_secret_is() {
        let told = faults(
            |env| {
                metrics(env);
                logs(env, true);
                traces(env);
            },
            &[
                ("METRICS_ADDR", "9464"),
                ("LOG_FORMAT", "xml"),
                ("RUST_LOG", "info,,=="),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,s3cret"),
                ("OTEL_TRACES_SAMPLER", "sometimes"),
                ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ],
        );
        for name in [
            "METRICS_ADDR",
            "LOG_FORMAT",
            "RUST_LOG",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_HEADERS: part 2",
            "OTEL_TRACES_SAMPLER:",
            "OTEL_TRACES_SAMPLER_ARG",
        ] {
            assert!(told.contains(name), "{name} not in {told}");
        }
        assert!(!told.contains("s3cret"), "{told}");
    }
}
