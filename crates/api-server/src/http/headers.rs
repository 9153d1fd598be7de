//! Headers of our own.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use domain::ids::IdempotencyKey;
use domain::services::assistant::question::FieldRule;

use super::problem::Problem;

/// What a request was charged.
pub const X_CREDITS_CHARGED: HeaderName = HeaderName::from_static("x-credits-charged");
/// What is available after it.
pub const X_CREDITS_REMAINING: HeaderName = HeaderName::from_static("x-credits-remaining");
/// The client's name for a request that must not be done twice.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// That an answer is the kept one of an earlier request.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The idempotency key, if there is one.
pub fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let wrong = || Problem::field("Idempotency-Key", FieldRule::IdempotencyKey);
    let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(wrong());
    }
    let text = value.to_str().map_err(|_| wrong())?;
    IdempotencyKey::parse(text).map(Some).map_err(|_| wrong())
}

/// The idempotency key, where one is required.
pub fn required_idempotency_key(request: &HttpRequest) -> Result<IdempotencyKey, Problem> {
    idempotency_key(request)?.ok_or_else(|| Problem::field("Idempotency-Key", FieldRule::Required))
}
