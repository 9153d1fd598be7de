//! Work on purchases in the background.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::Unavailable;
use domain::ports::billing::EventState;
use domain::services::billing::Billing;
use domain::services::billing::inbox::Worked;
use domain::services::billing::news::Verdict;
use tokio::task::JoinSet;

use super::every;
use crate::metrics::families;
use crate::wiring::App;

/// How often events are looked for that are due again, or that another server took in and did not finish. New
/// ones wake the worker.
const TICK: Duration = Duration::from_secs(1);
/// Workers of this server: an event that waits for the provider does not hold up those that need nothing of it.
const WORKERS: usize = 4;
/// How often accounts are looked for that run low.
const TOP_UP: Duration = Duration::from_secs(5);

/// Starts the jobs of a server that sells.
pub(super) fn start(jobs: &mut JoinSet<()>, app: &actix_web::web::Data<App>) {
    let Some(selling) = &app.selling else { return };
    let reconcile_every = selling.reconcile_every;
    for _ in 0..WORKERS {
        jobs.spawn(work_off(app.clone().into_inner()));
    }
    jobs.spawn(every(reconcile_every, "feed", app, |app| with(app, feed)));
    jobs.spawn(every(reconcile_every.min(Duration::from_secs(30)), "look up", app, |app| with(app, look_up)));
    jobs.spawn(every(TOP_UP, "top up", app, |app| with(app, top_up)));
}

async fn with<F>(app: Arc<App>, job: impl FnOnce(Arc<App>, Billing) -> F) -> Result<(), Unavailable>
where
    F: Future<Output = Result<(), Unavailable>>,
{
    match &app.selling {
        Some(selling) => {
            let billing = selling.billing.clone();
            job(app, billing).await
        }
        None => Ok(()),
    }
}

/// Works events off as they come.
async fn work_off(app: Arc<App>) {
    let Some(selling) = &app.selling else { return };
    let mut well = true;
    loop {
        let _ = tokio::time::timeout(TICK, app.events_came.notified()).await;
        loop {
            match selling.billing.work_off().await {
                Ok(worked) if worked.is_empty() => break well = true,
                Ok(worked) => worked.iter().for_each(|worked| log(&app, worked)),
                Err(cause) => {
                    if well {
                        tracing::warn!(%cause, "events of the payment provider could not be worked on");
                    }
                    break well = false;
                }
            }
        }
    }
}

fn log(app: &App, worked: &Worked) {
    let Worked { id, kind, state, note } = worked;
    if let Some(metrics) = &app.metrics {
        metrics.counter(&families::EVENTS, [state.as_str()]).increment(1);
    }
    let note = note.as_deref().unwrap_or_default();
    match state {
        EventState::Done | EventState::Ignored => tracing::info!(event = id, kind, note, "event taken"),
        EventState::Pending => tracing::warn!(event = id, kind, note, "event put off"),
        EventState::Parked => tracing::error!(event = id, kind, note, "event parked: a human has to look"),
    }
}

async fn feed(app: Arc<App>, billing: Billing) -> Result<(), Unavailable> {
    let missed = billing.feed().await?;
    if missed > 0 {
        tracing::warn!(missed, "events had not come by webhook");
        app.events_came.notify_one();
    }
    Ok(())
}

async fn look_up(app: Arc<App>, billing: Billing) -> Result<(), Unavailable> {
    let found = billing.look_up_open().await?;
    for (purchase, reason) in &found.parked {
        tracing::error!(purchase = %purchase.id, reason, "a purchase needs a human");
        if let Some(metrics) = &app.metrics {
            metrics.counter(&families::PURCHASES_PARKED, [""; 0]).increment(1);
        }
    }
    Ok(())
}

async fn top_up(_app: Arc<App>, billing: Billing) -> Result<(), Unavailable> {
    for (user, verdict) in billing.top_up().await? {
        match verdict {
            Verdict::Done => tracing::info!(%user, "topped up"),
            verdict => tracing::warn!(%user, ?verdict, "top-up"),
        }
    }
    Ok(())
}
