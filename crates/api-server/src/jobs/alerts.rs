//! Notices on their way out.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::notices::{Channel, DeliveryState};
use domain::services::alerts::Delivered;
use tokio::task::JoinSet;

use crate::wiring::App;

/// How often what is due is looked for.
const TICK: Duration = Duration::from_secs(1);
/// Workers of this server for each channel: a receiver that is slow to answer does not hold up all others.
const WORKERS: usize = 2;

/// Starts the workers of every channel; those of one wait for none of another.
pub(super) fn start(jobs: &mut JoinSet<()>, app: &actix_web::web::Data<App>) {
    if app.alerts.mail.is_none() {
        tracing::info!("no e-mail is sent: SMTP_URL is not set");
    }
    for channel in Channel::ALL {
        for _ in 0..WORKERS {
            jobs.spawn(deliver(app.clone().into_inner(), channel));
        }
    }
}

async fn deliver(app: Arc<App>, channel: Channel) {
    let (mut well, mut met) = (true, channel != Channel::Webhook);
    loop {
        let result = async {
            if let (false, Some(address)) = (met, app.endpoint) {
                app.alerts.outbox.meet_endpoint(address).await?;
            }
            met = true;
            app.alerts.deliver(channel).await
        };
        match result.await {
            Ok(delivered) => {
                delivered.iter().for_each(log);
                well = true;
                if !delivered.is_empty() {
                    continue;
                }
            }
            Err(cause) => {
                if well {
                    tracing::warn!(%cause, channel = channel.as_str(), "notices could not be sent");
                }
                well = false;
            }
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Names the message, not who gets it.
fn log(delivered: &Delivered) {
    let Delivered { id, kind, channel, state, note, endpoint_disabled } = delivered;
    let (kind, channel, note) = (kind.as_str(), channel.as_str(), note.as_deref().unwrap_or_default());
    match state {
        DeliveryState::Sent => tracing::info!(id, kind, channel, "notice sent"),
        DeliveryState::Skipped => tracing::info!(id, kind, channel, note, "notice not sent"),
        DeliveryState::Waiting => tracing::warn!(id, kind, channel, note, "notice put off"),
        DeliveryState::Failed => tracing::error!(id, kind, channel, note, "notice given up"),
    }
    if *endpoint_disabled {
        tracing::error!("the webhook of notices is off until `api-server alerts enable`, or another address");
    }
}
