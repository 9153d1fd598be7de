//! Figures that are taken when they are read, and those over all books, which a job reads now and then.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::language_model::{UpstreamHealth, UpstreamState};
use domain::ports::vitals::{Backlog, Figures};

use super::{Metrics, families, process};
use crate::wiring::App;

/// Figures over all books, as they were read.
#[derive(Clone, Copy)]
pub struct BookFigures {
    figures: Figures,
    /// How far the payment provider's list of events was read.
    cursor: Option<Timestamp>,
    at: Timestamp,
}

/// Reads the figures over all books.
pub async fn read_books(app: &App, metrics: &Metrics) -> Result<(), Unavailable> {
    let at = app.clock.now().at;
    let figures = app.stores.vitals.figures(at).await?;
    let cursor = match app.selling {
        Some(_) => app.stores.inbox.cursor().await?,
        None => None,
    };
    *metrics.books.lock().unwrap_or_else(PoisonError::into_inner) = Some(BookFigures { figures, cursor, at });
    Ok(())
}

/// Everything, in Prometheus' text format.
pub async fn render(app: &App, metrics: &Metrics) -> String {
    let gauge = |family, value| metrics.gauge(family, [""; 0]).set(value);
    gauge(&families::AI_RUNNING, number(app.running.len()));
    gauge(&families::LEASE, flag(app.state.has_lease()));
    gauge(&families::DRAINING, flag(app.state.is_draining()));
    let queues = &app.stores.queues;
    gauge(&families::QUEUE, queues.iter().map(|queue| number(queue.waiting())).sum());
    gauge(&families::QUEUE_CAPACITY, queues.iter().map(|queue| number(queue.capacity())).sum());
    gauge(&families::DEFERRED_NOW, queues.iter().map(|queue| number(queue.deferred())).sum());
    of_upstreams(metrics, &app.gateway.meter.model.health());
    let books = *metrics.books.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(books) = books {
        of_books(metrics, &books, app.clock.now().at);
    }
    let spool = app.spool.clone();
    if let Ok(Ok((waiting, unreadable))) = tokio::task::spawn_blocking(move || spool.count()).await {
        metrics.gauge(&families::SPOOL, ["waiting"]).set(number(waiting));
        metrics.gauge(&families::SPOOL, ["unreadable"]).set(number(unreadable));
    }
    metrics.text() + &process::render()
}

/// Requests and failures of each provider when they were last read.
pub type Seen = BTreeMap<String, [u64; 2]>;

fn of_upstreams(metrics: &Metrics, upstreams: &[UpstreamHealth]) {
    let mut all_seen = metrics.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
    for upstream in upstreams {
        let seen = all_seen.entry(upstream.name.clone()).or_default();
        let now = [upstream.requests, upstream.failures];
        for ((family, before), now) in
            [&families::UPSTREAM_REQUESTS, &families::UPSTREAM_FAILURES].into_iter().zip(seen).zip(now)
        {
            // A new catalogue counts anew.
            let grown = now.checked_sub(*before).unwrap_or(now);
            *before = now;
            metrics.counter(family, [upstream.name.clone()]).increment(grown);
        }
        of_upstream(metrics, upstream);
    }
}

fn of_upstream(metrics: &Metrics, upstream: &UpstreamHealth) {
    let name = || upstream.name.clone();
    let latency = upstream.latency.map_or(f64::NAN, |latency| seconds(latency.as_micros()));
    metrics.gauge(&families::UPSTREAM_LATENCY, [name()]).set(latency);
    let word = match upstream.state {
        UpstreamState::Healthy => "healthy",
        UpstreamState::Trying => "trying",
        UpstreamState::Broken => "broken",
        UpstreamState::Resting => "resting",
        UpstreamState::Simulated => "simulated",
    };
    for state in families::UPSTREAM_STATES {
        metrics.gauge(&families::UPSTREAM_STATE, [name(), (*state).to_owned()]).set(flag(*state == word));
    }
}

fn of_books(metrics: &Metrics, books: &BookFigures, now: Timestamp) {
    let BookFigures { figures, cursor, at } = books;
    let gauge = |family, value| metrics.gauge(family, [""; 0]).set(value);
    gauge(&families::ACCOUNTS, count(figures.accounts));
    gauge(&families::OUTSTANDING, signed(figures.outstanding.get()));
    gauge(&families::OWED, signed(figures.owed.get()));
    gauge(&families::OPEN_HOLDS, count(figures.open_holds));
    gauge(&families::HELD, signed(figures.held.get()));
    gauge(&families::FIGURES_AT, seconds(at.as_micros()));
    let age =
        |since: Option<Timestamp>| since.map_or(0.0, |since| seconds(now.since(since).as_micros()).max(0.0));
    for (backlog, waiting, oldest) in [
        (figures.events, &families::EVENTS_PENDING, &families::EVENTS_AGE),
        (figures.lookups, &families::LOOKUPS_DUE, &families::LOOKUPS_AGE),
        (figures.notices, &families::NOTICES_WAITING, &families::NOTICES_AGE),
    ] {
        let Backlog { waiting: many, oldest: since } = backlog;
        gauge(waiting, count(many));
        gauge(oldest, age(since));
    }
    gauge(&families::CURSOR_AGE, age(*cursor));
}

fn flag(so: bool) -> f64 {
    if so { 1.0 } else { 0.0 }
}

fn number(many: usize) -> f64 {
    count(u64::try_from(many).unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and nobody reads that closely")]
fn count(many: u64) -> f64 {
    many as f64
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53, which no amount of credits reaches")]
fn signed(amount: i64) -> f64 {
    amount as f64
}

/// Microseconds as seconds.
pub fn seconds(micros: i64) -> f64 {
    signed(micros) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_providers_only_grow_although_a_new_catalogue_counts_anew() {
        let metrics = Metrics::new().unwrap();
        let total = |requests| {
            let health = UpstreamHealth {
                name: "a".to_owned(),
                state: UpstreamState::Healthy,
                requests,
                failures: 0,
                retry_after: None,
                last_failure: None,
                latency: None,
            };
            of_upstreams(&metrics, &[health]);
            let text = metrics.text();
            let line = text.lines().find(|line| line.starts_with("saldo_upstream_requests_total{")).unwrap();
            line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
        };
        assert_eq!([5, 7, 7, 2, 3].map(total), [5, 7, 7, 9, 10]);
    }
}
