//! Logs and traces. Logs go to standard error, without content; what is printed for people goes to standard output.
//! Traces ([`spans`]) go to a collector, where one is configured ([`export`]); else they cost nothing.

mod export;
pub mod spans;

use std::io::IsTerminal;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Logs, Traces};

/// Below `info`, the database's driver prints the parameters of every statement: questions, answers, addresses. It
/// stays at `info`, whatever `RUST_LOG` says. The HTTP library calls it an error when a stranger sends what is no HTTP.
const QUIET: [&str; 3] =
    ["tokio_postgres=info", "tokio_postgres::query=info", "actix_http::h1::dispatcher=off"];

/// What runs until the end of the process.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Starts logging, and tracing where it is wanted.
pub fn start(logs: &Logs, traces: Option<&Traces>) -> Result<Telemetry, Vec<String>> {
    let wrong = |error: &dyn std::fmt::Display| vec![error.to_string()];
    // Spans are for the collector: lines of the log say by themselves what they are about.
    let filter = EnvFilter::try_new(format!("{},{}=off", logs.filter, spans::TARGET));
    let quiet = QUIET.iter().filter_map(|directive| directive.parse().ok());
    let filter = quiet.fold(filter.map_err(|error| wrong(&error))?, EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = if logs.json { lines.json().boxed() } else { lines.boxed() };
    let traces = traces.map(export::provider).transpose().map_err(|error| wrong(&error))?;
    let exported = traces.as_ref().map(|provider| {
        export::layer(provider).with_filter(filter_fn(|metadata| metadata.target() == spans::TARGET))
    });
    // A second start (tests run several servers in one process) keeps the first.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).with(exported).try_init();
    Ok(Telemetry { traces })
}

impl Telemetry {
    /// Exports what is left, for a few seconds at the most.
    pub async fn finish(self) {
        let Some(provider) = self.traces else { return };
        let done = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(export::LAST));
        if let Ok(Err(error)) = done.await {
            tracing::warn!(%error, "the last traces may be lost");
        }
    }
}
