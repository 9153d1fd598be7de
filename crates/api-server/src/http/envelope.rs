//! Around everything: the request's id, security headers, one line in the log without any content.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use tracing::Instrument;

use super::origin;
use crate::metrics::http::{method_name, route_name};
use crate::telemetry::spans;
use crate::wiring::App;

/// The header that names a request, in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone)]
struct RequestId(String);

/// The id of a request.
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// The layer.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = Instant::now();
    let id = caller_id(request.headers()).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    request.extensions_mut().insert(RequestId(id.clone()));
    let https = origin::of(&request).https;
    let app = request.app_data::<web::Data<App>>().cloned();
    let method = method_name(request.method());
    let span = spans::request(request.headers(), method, &id);
    let mut response = next.call(request).instrument(span.clone()).await?;
    let route = route_name(&response);
    let status = response.status().as_u16();
    let draining = app.is_some_and(|app| app.state.is_draining());
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    spans::answered(&span, method, &route, status);
    tracing::info!(request_id = %id, method, route, status, micros, trace_id = spans::trace_id(&span), "request");
    // The next request goes to another server.
    if draining {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, value);
    }
    secure(headers, https);
    Ok(response)
}

/// The id that a caller or a proxy gave, when it is fit for headers and logs.
fn caller_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let fit = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    fit.then(|| text.to_owned())
}

fn secure(headers: &mut HeaderMap, https: bool) {
    // A promise that only somebody who speaks TLS can make.
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-resource-policy", "same-site"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Strict unless a handler said otherwise: pages for people need their own style.
    for (name, value) in [
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        if !headers.contains_key(name) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
}
