//! The keys of the tokens' issuer, kept fresh.

use std::sync::Arc;

use adapters_jwt::JwksVerifier;
use domain::ports::identity::TokenVerifier;
use tokio::task::JoinSet;

use crate::wiring::App;

/// Starts the job of a server whose tokens an issuer signs.
pub(super) fn start(jobs: &mut JoinSet<()>, app: &actix_web::web::Data<App>) {
    if let Some(issuer) = &app.issuer {
        jobs.spawn(keep_fresh(Arc::clone(issuer)));
    }
}

/// Asks for the first keys, for 5 seconds at the most. Without them the server works, but takes no token.
pub(super) async fn first(app: &App) {
    if let Some(issuer) = &app.issuer {
        refresh(issuer, true).await;
    }
}

async fn keep_fresh(issuer: Arc<JwksVerifier>) {
    let mut well = issuer.is_ready();
    loop {
        issuer.due().await;
        well = refresh(&issuer, well).await;
    }
}

/// Whether keys came. An outage is logged when it begins and when it ends.
async fn refresh(issuer: &JwksVerifier, well: bool) -> bool {
    let had_keys = issuer.is_ready();
    match issuer.refresh().await {
        Ok(fetched) => {
            if !well || !had_keys {
                tracing::info!(keys = fetched.keys, skipped = fetched.skipped, "the issuer's keys are here");
            }
            true
        }
        Err(cause) => {
            if well {
                let meanwhile = if had_keys { "the last good ones stay in use" } else { "no token is taken" };
                tracing::warn!(%cause, meanwhile, "the issuer's keys could not be fetched");
            }
            false
        }
    }
}
