//! Whether the server lives, and whether it can work.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::http::problem::{Kind, Problem};
use crate::wiring::App;

/// The process answers.
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// The server can work: not shutting down, lease in force, store answers, tokens can be checked. Says what is wrong
/// otherwise.
pub async fn readyz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let reasons = not_ready(&app).await;
    if reasons.is_empty() {
        Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
    } else {
        Err(Kind::NotReady(reasons).into())
    }
}

/// Why the server cannot work now.
pub async fn not_ready(app: &App) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if app.state.is_draining() {
        reasons.push("shutting down");
    }
    if !app.state.has_lease() {
        reasons.push("no lease: the store has not taken this server's heartbeat");
    }
    if let Err(cause) = app.stores.upkeep.ping().await {
        tracing::warn!(%cause, "the store does not answer");
        reasons.push("the store does not answer");
    }
    if !app.tokens.is_ready() {
        reasons.push("jwks: the keys of the tokens' issuer have not come yet");
    }
    reasons
}
