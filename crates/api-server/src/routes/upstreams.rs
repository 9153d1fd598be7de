//! How the providers of models do.

use actix_web::{Responder, web};
use domain::ports::identity::Scope;
use domain::ports::language_model::{LanguageModel, UpstreamHealth, UpstreamState};
use serde::Serialize;

use crate::http::auth::Bearer;
use crate::http::problem::Problem;
use crate::wiring::App;

/// `GET /api/admin/upstreams`.
#[derive(Serialize)]
struct UpstreamsBody {
    data: Vec<UpstreamBody>,
}

#[derive(Serialize)]
struct UpstreamBody {
    id: String,
    state: &'static str,
    requests: u64,
    failures: u64,
    last_failure: Option<String>,
    /// When it will be asked again, in seconds from now; null while it is asked.
    retry_after: Option<i64>,
    /// Until the first byte of an answer, on average.
    latency_ms: Option<i64>,
}

impl From<UpstreamHealth> for UpstreamBody {
    fn from(health: UpstreamHealth) -> Self {
        Self {
            id: health.name,
            state: match health.state {
                UpstreamState::Healthy => "healthy",
                UpstreamState::Trying => "trying",
                UpstreamState::Broken => "broken",
                UpstreamState::Resting => "resting",
                UpstreamState::Simulated => "simulated",
            },
            requests: health.requests,
            failures: health.failures,
            last_failure: health.last_failure,
            retry_after: health.retry_after.map(domain::clock::Span::as_secs_up),
            latency_ms: health.latency.map(domain::clock::Span::as_millis),
        }
    }
}

/// The providers, as this server sees them.
pub async fn health(bearer: Bearer, app: web::Data<App>) -> Result<impl Responder, Problem> {
    bearer.with(Scope::AdminRead)?;
    let data = app.models.health().into_iter().map(UpstreamBody::from).collect();
    Ok(web::Json(UpstreamsBody { data }))
}
