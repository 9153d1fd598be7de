//! Work in the background, on every replica; done once, whoever does it.

mod billing;
mod figures;
mod jwks;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use domain::clock::Span;
use domain::ledger::holds::KEY_LIFETIME;
use domain::ports::Unavailable;
use domain::ports::upkeep::{LEASE, LEASE_RENEWAL};
use tokio::task::JoinSet;

use crate::http::limiter::IpLimiter;
use crate::wiring::App;

/// How often due holds and lots are looked for: short, so that the holds of a dead server are free within
/// 30 s of its death.
const SWEEP: Duration = Duration::from_secs(1);
/// How many accounts one sweep visits.
const SWEEP_LIMIT: u32 = 500;
/// How often old texts and keys are deleted.
const PURGE: Duration = Duration::from_secs(3600);
/// How often settlements on disk are looked for.
const SPOOL: Duration = Duration::from_secs(5);
/// How often usage rows are folded into sums.
const FOLD: Duration = Duration::from_secs(15);
/// How often the sums of the last day are compared with their rows.
const RECHECK: Duration = Duration::from_secs(3600);
/// How often idle addresses are forgotten.
const FORGET: Duration = Duration::from_secs(60);
/// How soon a lease that could not be renewed is tried again.
const LEASE_RETRY: Duration = Duration::from_secs(1);

/// Starts all jobs; they end when the set is dropped.
pub fn start(app: &web::Data<App>, limiter: &web::Data<IpLimiter>, retention_days: u32) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(keep_lease(app.clone().into_inner()));
    jobs.spawn(every(SWEEP, "sweep", app, sweep));
    jobs.spawn(every(PURGE, "purge", app, move |app| purge(app, retention_days)));
    jobs.spawn(every(SPOOL, "spool", app, settle_spooled));
    jobs.spawn(every(FOLD, "fold", app, fold));
    jobs.spawn(every(RECHECK, "recheck", app, recheck));
    billing::start(&mut jobs, app);
    figures::start(&mut jobs, app);
    jwks::start(&mut jobs, app);
    let limiter = limiter.clone().into_inner();
    jobs.spawn(async move {
        loop {
            tokio::time::sleep(FORGET).await;
            limiter.forget_idle();
        }
    });
    jobs
}

/// Asks the tokens' issuer for its keys, where there is one, and writes the lease once; the server does not take
/// requests before that. Without the lease it does not start; without keys it does, and says that it is not ready.
pub async fn take_lease(app: &App) -> Result<(), Unavailable> {
    // Keys first: the lease is fresh when the server begins.
    jwks::first(app).await;
    renew_lease(app).await
}

async fn renew_lease(app: &App) -> Result<(), Unavailable> {
    let until = app.clock.now().at.after(LEASE);
    app.stores.upkeep.renew_lease(app.instance, until).await?;
    app.state.set_lease(true);
    Ok(())
}

async fn keep_lease(app: Arc<App>) {
    let usual = Duration::from_micros(LEASE_RENEWAL.as_micros().unsigned_abs());
    let mut pause = usual;
    let mut renewed = app.clock.now().at;
    loop {
        tokio::time::sleep(pause).await;
        match renew_lease(&app).await {
            Ok(()) => {
                renewed = app.clock.now().at;
                pause = usual;
            }
            Err(cause) => {
                if pause == usual {
                    tracing::warn!(%cause, "the lease could not be renewed; trying again every second");
                }
                app.state.set_lease(app.clock.now().at.since(renewed) < LEASE);
                pause = LEASE_RETRY;
            }
        }
    }
}

/// Runs a job now, and again after every `period`; an outage is logged when it begins.
fn every<F>(
    period: Duration,
    name: &'static str,
    app: &web::Data<App>,
    job: impl Fn(Arc<App>) -> F + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static
where
    F: Future<Output = Result<(), Unavailable>> + Send,
{
    let app = app.clone().into_inner();
    async move {
        let mut well = true;
        loop {
            let done = job(Arc::clone(&app)).await;
            note(&app, name, done, &mut well);
            tokio::time::sleep(period).await;
        }
    }
}

/// Counts a run of a job, and logs an outage when it begins.
fn note(app: &App, name: &'static str, done: Result<(), Unavailable>, well: &mut bool) {
    if let Some(metrics) = &app.metrics {
        metrics.job(name, done.is_ok(), app.clock.now().at);
    }
    if let (Err(cause), true) = (&done, *well) {
        tracing::warn!(%cause, name, "a background job could not work");
    }
    *well = done.is_ok();
}

async fn sweep(app: Arc<App>) -> Result<(), Unavailable> {
    while app.stores.upkeep.expire_due(app.clock.now(), SWEEP_LIMIT).await? >= SWEEP_LIMIT {}
    Ok(())
}

async fn settle_spooled(app: Arc<App>) -> Result<(), Unavailable> {
    let settled = app.spool.settle_all(app.stores.ledger.as_ref()).await;
    match settled.map_err(|error| Unavailable(format!("the spool: {error}")))? {
        0 => {}
        count => tracing::info!(count, "settlements were taken in from the spool"),
    }
    Ok(())
}

async fn fold(app: Arc<App>) -> Result<(), Unavailable> {
    app.figures.fold().await.map(|_| ())
}

async fn recheck(app: Arc<App>) -> Result<(), Unavailable> {
    let hours = app.figures.recheck().await?;
    if hours > 0 {
        tracing::error!(hours, "sums of usage rows were not those of their rows; they are now");
    }
    Ok(())
}

async fn purge(app: Arc<App>, retention_days: u32) -> Result<(), Unavailable> {
    let now = app.clock.now().at;
    app.stores.upkeep.purge(now.before(retention(retention_days)), now.before(KEY_LIFETIME)).await
}

/// So many days.
pub fn retention(days: u32) -> Span {
    Span::from_micros(i64::from(days).saturating_mul(24 * 60 * 60 * 1_000_000))
}
