//! Traces on their way to a collector: OTLP over HTTP, in protobuf.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{self, SdkTracerProvider, Tracer};
use secrecy::ExposeSecret;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::{Sampler, Traces};

/// How long the collector may take for a batch of spans.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last batch may take when the server stops.
pub const LAST: Duration = Duration::from_secs(5);

/// Collects spans and exports them every few seconds, on a thread of its own. What does not fit into its queue is
/// dropped: no request waits for it.
pub fn provider(traces: &Traces) -> Result<SdkTracerProvider, ExporterBuildError> {
    let headers = traces.headers.iter();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", traces.endpoint.as_str().trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .with_headers(headers.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect())
        .build()?;
    let resource = Resource::builder()
        .with_service_name(traces.service.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler(traces))
        .with_resource(resource.build())
        .build())
}

fn sampler(traces: &Traces) -> trace::Sampler {
    let by_parent = |root| trace::Sampler::ParentBased(Box::new(root));
    let part = trace::Sampler::TraceIdRatioBased(traces.ratio);
    match traces.sampler {
        Sampler::AlwaysOn => trace::Sampler::AlwaysOn,
        Sampler::AlwaysOff => trace::Sampler::AlwaysOff,
        Sampler::Ratio => part,
        Sampler::ParentOrAlwaysOn => by_parent(trace::Sampler::AlwaysOn),
        Sampler::ParentOrAlwaysOff => by_parent(trace::Sampler::AlwaysOff),
        Sampler::ParentOrRatio => by_parent(part),
    }
}

/// Makes spans of ours the collector's, with nothing that they do not say themselves.
pub fn layer<S>(provider: &SdkTracerProvider) -> OpenTelemetryLayer<S, Tracer>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("saldo"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
}
