//! The spans of a request: the request itself, and in it its hold, the model's call, its settlement. They hold routes,
//! kinds, outcomes and counts; never a text, a path or a user.

use actix_web::http::header::HeaderMap;
use domain::ledger::usage::RequestKind;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// By this, spans are told apart from the log.
pub const TARGET: &str = "saldo_spans";

/// The span of a request. It belongs to the trace that the caller names in `traceparent`, if it names one.
pub fn request(headers: &HeaderMap, method: &'static str, request_id: &str) -> Span {
    let span = info_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        otel.name = method,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        saldo.request_id = request_id,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        // Refused only where nobody traces.
        let _ = span.set_parent(parent);
    }
    span
}

/// The answer of a request has begun.
pub fn answered(span: &Span, method: &str, route: &str, status: u16) {
    if span.is_disabled() {
        return;
    }
    span.context().span().update_name(format!("{method} {route}"));
    span.record("http.route", route);
    span.record("http.response.status_code", status);
    if status >= 500 {
        failed(span, "");
    }
}

/// What a span is about has failed.
pub fn failed(span: &Span, why: &'static str) {
    span.set_status(Status::error(why));
}

/// The name of a span's trace, for the log.
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// The span of asking for a hold.
pub fn hold(kind: RequestKind) -> Span {
    info_span!(target: TARGET, "hold", saldo.kind = kind.as_str(), saldo.result = Empty)
}

/// The span of settling a hold.
pub fn settle(kind: RequestKind) -> Span {
    info_span!(target: TARGET, "settle", saldo.kind = kind.as_str(), saldo.credits = Empty)
}

/// The span of voiding a hold.
pub fn void(kind: RequestKind, outcome: &'static str) -> Span {
    info_span!(target: TARGET, "void", saldo.kind = kind.as_str(), saldo.outcome = outcome)
}

/// The span of a model's call.
pub fn model_call(model: &str, mode: &'static str) -> Span {
    info_span!(
        target: TARGET,
        "model call",
        otel.kind = "client",
        gen_ai.request.model = model,
        saldo.mode = mode,
        saldo.result = Empty,
    )
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(actix_web::http::header::HeaderName::as_str).collect()
    }
}
