//! Counting requests.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::families;
use crate::wiring::App;

/// The layer.
pub async fn count_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let app = request.app_data::<web::Data<App>>().cloned();
    let Some(metrics) = app.as_ref().and_then(|app| app.metrics.as_ref()) else {
        return next.call(request).await;
    };
    let begun = Instant::now();
    let in_flight = InFlight::of(metrics.gauge(&families::HTTP_IN_FLIGHT, [""; 0]));
    let method = method_name(request.method());
    let response = next.call(request).await?;
    drop(in_flight);
    let route = route_name(&response);
    let status = class(response.status().as_u16());
    metrics.histogram(&families::HTTP_DURATION, [route.clone(), method.to_owned()]).record(begun.elapsed());
    metrics.counter(&families::HTTP_REQUESTS, [route, method.to_owned(), status.to_owned()]).increment(1);
    Ok(response)
}

/// One request, for as long as it lives.
struct InFlight(::metrics::Gauge);

impl InFlight {
    fn of(gauge: ::metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The pattern of the route; paths hold users' ids, and there is no end of them.
pub fn route_name<B>(response: &ServiceResponse<B>) -> String {
    response.request().match_pattern().unwrap_or_else(|| "none".to_owned())
}

/// Clients may invent methods.
pub fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status {
        0..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}
