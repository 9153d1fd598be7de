//! Whether the server lives, and whether it can work.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use domain::ports::language_model::{UpstreamHealth, UpstreamState};
use group_commit::Queue;
use serde_json::json;

use crate::http::problem::{Kind, Problem};
use crate::wiring::App;

/// The process answers.
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// The server can work: not shutting down, lease in force, store answers and keeps up, tokens can be checked. Says what
/// is wrong otherwise. What is wrong elsewhere, so that another server could do no better, is told and is no reason.
pub async fn readyz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let reasons = not_ready(&app).await;
    if !reasons.is_empty() {
        return Err(Kind::NotReady(reasons).into());
    }
    let mut degraded = Vec::new();
    if nobody_answers(&app.gateway.meter.model.health()) {
        degraded.push("no provider of models answers");
    }
    Ok(HttpResponse::Ok().json(json!({ "status": "ready", "degraded": degraded })))
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
    if app.stores.queues.iter().any(is_nearly_full) {
        reasons.push("too much waits for the store");
    }
    if !app.tokens.is_ready() {
        reasons.push("jwks: the keys of the tokens' issuer have not come yet");
    }
    reasons
}

/// Nine tenths: others should get the requests before they are turned away here.
fn is_nearly_full(queue: &Arc<dyn Queue>) -> bool {
    queue.waiting().saturating_mul(10) >= queue.capacity().saturating_mul(9)
}

fn nobody_answers(upstreams: &[UpstreamHealth]) -> bool {
    let silent = |upstream: &UpstreamHealth| match upstream.state {
        UpstreamState::Broken | UpstreamState::Resting => true,
        UpstreamState::Healthy | UpstreamState::Trying | UpstreamState::Simulated => false,
    };
    !upstreams.is_empty() && upstreams.iter().all(silent)
}

#[cfg(test)]
mod tests {
    use UpstreamState::{Broken, Healthy, Resting, Simulated, Trying};

    use super::*;

    struct Waiting(usize);

    impl Queue for Waiting {
        fn waiting(&self) -> usize {
            self.0
        }

        fn capacity(&self) -> usize {
            100
        }

        fn deferred(&self) -> usize {
            0
        }
    }

    #[test]
    fn a_queue_is_nearly_full_at_nine_tenths() {
        for (waiting, full) in [(0, false), (89, false), (90, true), (100, true)] {
            let queue: Arc<dyn Queue> = Arc::new(Waiting(waiting));
            assert_eq!(is_nearly_full(&queue), full, "{waiting}");
        }
    }

    #[test]
    fn one_provider_that_answers_is_enough() {
        let upstream = |state| UpstreamHealth {
            name: "a".to_owned(),
            state,
            requests: 0,
            failures: 0,
            retry_after: None,
            last_failure: None,
            latency: None,
        };
        for (states, silent) in [
            (&[][..], false),
            (&[Simulated], false),
            (&[Broken, Healthy], false),
            (&[Broken, Trying], false),
            (&[Broken, Resting], true),
        ] {
            let upstreams: Vec<_> = states.iter().map(|state| upstream(*state)).collect();
            assert_eq!(nobody_answers(&upstreams), silent, "{states:?}");
        }
    }
}
