//! Folding usage rows into sums by hour.
//!
//! Rows are folded in the order in which the books got them: `coalesce(recorded_at, created_at)`, where `recorded_at`
//! is when the row was written, by the database's clock: never before its transaction began. `usage_folds.folded_to` says how far: every row
//! from before that moment is in the sums, and no other. A row's own time (`created_at`) only says which hour it is
//! added to, so rows that come late, from a server whose clock is behind or whose settlement was retried for minutes,
//! are added late and never missed.
//!
//! What could be missed is a row of a transaction that began before `folded_to` and commits after the fold has
//! looked. So a fold goes no further than
//! - `lag` before now: our transactions are ended by their timeouts long before (`connect`),
//! - the beginning of any transaction of this database that may write: one that has written, or began within a minute.
//!
//! And [`PostgresStore::recheck_hours`] compares, afterwards.

mod crowds;

use diesel::QueryableByName;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use domain::clock::{Span, Timestamp};
use domain::ports::Unavailable;
use domain::ports::reports::Folded;
use domain::reports::buckets::{HOUR, hour_of};
use futures_util::FutureExt;

use crate::error::StoreError;
use crate::reports::slot_bounds;
use crate::rows::stored_time;
use crate::statement::Statement;
use crate::storable::nearest;
use crate::store::PostgresStore;
use crate::upkeep::{PURGE_BOUND, be_patient};

/// The shortest stretch of time that is folded at once, and the first that is tried, in microseconds.
const SHORTEST: i64 = 1_000_000;

/// Whoever has the row folds; others leave it to them.
const CLAIM: &str = "SELECT folded_to AS at FROM usage_folds WHERE id = 1 FOR UPDATE SKIP LOCKED";

/// How far it is safe to fold. Sessions of other roles may be hidden from us; for those there is the lag.
const SAFE: &str = "
SELECT least(clock_timestamp() - $1 * interval '1 microsecond', min(a.xact_start)) AS at
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND (a.backend_xid IS NOT NULL OR a.xact_start > clock_timestamp() - interval '1 minute')";

const OLDEST: &str = "SELECT min(coalesce(recorded_at, created_at)) AS at FROM ai_usage_log";

/// Whether so many rows came in a stretch of time.
const MANY: &str = "
SELECT count(*) >= $1 AS answer FROM (
    SELECT 1 FROM ai_usage_log
    WHERE coalesce(recorded_at, created_at) >= $2 AND coalesce(recorded_at, created_at) < $3 LIMIT $4
) found";

/// The rows that came in a stretch of time; two parameters.
macro_rules! that_came {
    () => {
        "coalesce(recorded_at, created_at) >= $1 AND coalesce(recorded_at, created_at) < $2"
    };
}

/// The folded rows of some hours, all of which lie between the first two of the four parameters.
macro_rules! of_hours {
    () => {
        "created_at >= $1 AND created_at < $2 AND coalesce(recorded_at, created_at) < $3
        AND date_trunc('hour', created_at, 'UTC') = ANY($4)"
    };
}

pub(crate) use {of_hours, that_came};

/// Adds up rows: the condition is on `ai_usage_log`, and its parameters are the statement's first.
macro_rules! add_up {
    ($condition:expr, $bounds:literal) => {
        concat!(
            "
WITH rows AS MATERIALIZED (
    SELECT date_trunc('hour', created_at, 'UTC') AS hour, model, request_type, plan_type, outcome,
        credits_used, absorbed_credits, cost_nano_usd, duration_ms
    FROM ai_usage_log WHERE ",
            $condition,
            "
),
hours AS (
    INSERT INTO usage_hours AS h (hour, model, request_type, plan_type, outcome, requests, credits, absorbed,
        cost_nano_usd, duration_ms)
    SELECT hour, model, request_type, plan_type, outcome, count(*), sum(credits_used), sum(absorbed_credits),
        sum(cost_nano_usd), sum(duration_ms)
    FROM rows GROUP BY hour, model, request_type, plan_type, outcome
    ON CONFLICT (hour, model, request_type, plan_type, outcome) DO UPDATE
    SET requests = h.requests + excluded.requests, credits = h.credits + excluded.credits,
        absorbed = h.absorbed + excluded.absorbed, cost_nano_usd = h.cost_nano_usd + excluded.cost_nano_usd,
        duration_ms = h.duration_ms + excluded.duration_ms
),
latency AS (
    INSERT INTO usage_latency AS l (hour, slot, requests)
    SELECT hour, width_bucket(duration_ms - 1, ",
            $bounds,
            "::bigint[]), count(*) FROM rows WHERE outcome = 'settled' GROUP BY 1, 2
    ON CONFLICT (hour, slot) DO UPDATE SET requests = l.requests + excluded.requests
)
SELECT count(*) AS rows FROM rows"
        )
    };
}

const FOLD: &str = add_up!(that_came!(), "$3");

const FOLD_ANEW: &str = add_up!(of_hours!(), "$5");

/// Hours whose sums are not those of their folded rows.
const WRONG_HOURS: &str = "
SELECT coalesce(s.hour, r.hour) AS hour
FROM (
    SELECT hour, sum(requests) AS requests, sum(credits) AS credits FROM usage_hours
    WHERE hour >= $1 AND hour < $2 GROUP BY hour
) s
FULL JOIN (
    SELECT date_trunc('hour', created_at, 'UTC') AS hour, count(*) AS requests, sum(credits_used) AS credits
    FROM ai_usage_log
    WHERE created_at >= $3 AND created_at < $4 AND coalesce(recorded_at, created_at) < $5 GROUP BY 1
) r ON r.hour = s.hour
WHERE (s.requests, s.credits) IS DISTINCT FROM (r.requests, r.credits)";

const FORGET: [&str; 3] = [
    "DELETE FROM usage_hours WHERE hour = ANY($1)",
    "DELETE FROM usage_crowds WHERE hour = ANY($1)",
    "DELETE FROM usage_latency WHERE hour = ANY($1)",
];

#[derive(QueryableByName)]
struct At {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<PgTimestamp>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct Hour {
    #[diesel(sql_type = Timestamptz)]
    hour: PgTimestamp,
}

impl PostgresStore {
    pub(crate) async fn fold_some(&self, lag: Span, rows: u32) -> Result<Folded, Unavailable> {
        self.read(PURGE_BOUND, move |connection| {
            async move {
                connection
                    .transaction(async |connection| fold(connection, lag, i64::from(rows.max(1))).await)
                    .await
            }
            .boxed()
        })
        .await
    }

    pub(crate) async fn recheck_hours(&self, from: Timestamp, to: Timestamp) -> Result<u32, Unavailable> {
        self.read(PURGE_BOUND, move |connection| {
            async move { connection.transaction(async |connection| recheck(connection, from, to).await).await }
                .boxed()
        })
        .await
    }
}

async fn fold(connection: &mut AsyncPgConnection, lag: Span, rows: i64) -> Result<Folded, StoreError> {
    be_patient(connection).await?;
    let Some(claimed) = moment(connection, Statement::new(CLAIM)).await? else {
        return Ok(Folded::default());
    };
    // Asked before the rows are read, by a statement of its own: whoever is not seen here begins later.
    let safe = Statement::new(SAFE).bind::<BigInt, _>(lag.as_micros());
    let Some(safe) = moment(connection, safe).await? else { return Ok(Folded::default()) };
    let from = match claimed {
        PgTimestamp(i64::MIN) => match moment(connection, Statement::new(OLDEST)).await? {
            Some(oldest) => oldest,
            None => safe,
        },
        folded_to => folded_to,
    };
    if from.0 >= safe.0 && claimed.0 > i64::MIN {
        return Ok(Folded::default());
    }
    // On the first fold the oldest row may be too new still: then nothing is folded, up to where it is safe.
    let to = if from.0 < safe.0 { end_of(connection, from, safe, rows).await? } else { safe };
    let stretch = |sql| Statement::new(sql).bind::<Timestamptz, _>(from).bind::<Timestamptz, _>(to);
    let sums = stretch(FOLD).bind::<Array<BigInt>, _>(slot_bounds());
    let folded = sums.load::<Rows>(connection).await?;
    crowds::fold(connection, stretch(crowds::NUMBER), stretch(crowds::VISITS)).await?;
    Statement::new("UPDATE usage_folds SET folded_to = $1 WHERE id = 1")
        .bind::<Timestamptz, _>(to)
        .execute(connection)
        .await?;
    let rows = folded.first().map_or(0, |row| row.rows.unsigned_abs());
    Ok(Folded { rows, more: to.0 < safe.0 })
}

/// The end of a stretch that begins at `from` and has about so many rows, or all that there are before `safe`.
async fn end_of(
    connection: &AsyncPgConnection,
    from: PgTimestamp,
    safe: PgTimestamp,
    rows: i64,
) -> Result<PgTimestamp, StoreError> {
    let many = async |to: i64| -> Result<bool, StoreError> {
        let asked = Statement::new(MANY)
            .bind::<BigInt, _>(rows)
            .bind::<Timestamptz, _>(from)
            .bind::<Timestamptz, _>(PgTimestamp(to))
            .bind::<BigInt, _>(rows);
        Ok(asked.load::<Answer>(connection).await?.first().is_some_and(|row| row.answer))
    };
    // Twice as long until there are enough, then as short as still has enough, to a quarter.
    let (mut few, mut length) = (0, SHORTEST);
    while from.0.saturating_add(length) < safe.0 && !many(from.0.saturating_add(length)).await? {
        (few, length) = (length, length.saturating_mul(2));
    }
    length = length.min(safe.0.saturating_sub(from.0));
    while length - few > (length / 4).max(SHORTEST) {
        let middle = few + (length - few) / 2;
        if many(from.0.saturating_add(middle)).await? {
            length = middle;
        } else {
            few = middle;
        }
    }
    Ok(PgTimestamp(from.0.saturating_add(length)))
}

async fn recheck(
    connection: &mut AsyncPgConnection,
    from: Timestamp,
    to: Timestamp,
) -> Result<u32, StoreError> {
    be_patient(connection).await?;
    let Some(folded_to) = moment(connection, Statement::new(CLAIM)).await? else { return Ok(0) };
    let (from, to) = (stored_time(hour_of(nearest(from))), stored_time(hour_after(nearest(to))));
    let wrong = Statement::new(WRONG_HOURS)
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(to)
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(to)
        .bind::<Timestamptz, _>(folded_to)
        .load::<Hour>(connection)
        .await?;
    let wrong: Vec<PgTimestamp> = wrong.into_iter().map(|row| row.hour).collect();
    if wrong.is_empty() {
        return Ok(0);
    }
    for sql in FORGET {
        Statement::new(sql).bind::<Array<Timestamptz>, _>(wrong.clone()).execute(connection).await?;
    }
    let hours = |sql| {
        Statement::new(sql)
            .bind::<Timestamptz, _>(from)
            .bind::<Timestamptz, _>(to)
            .bind::<Timestamptz, _>(folded_to)
            .bind::<Array<Timestamptz>, _>(wrong.clone())
    };
    hours(FOLD_ANEW).bind::<Array<BigInt>, _>(slot_bounds()).load::<Rows>(connection).await?;
    crowds::fold(connection, hours(crowds::NUMBER_ANEW), hours(crowds::VISITS_ANEW)).await?;
    Ok(u32::try_from(wrong.len()).unwrap_or(u32::MAX))
}

/// The end of the hour that ends at `at` or later.
fn hour_after(at: Timestamp) -> Timestamp {
    let hour = hour_of(at);
    if hour == at { at } else { hour.after(HOUR) }
}

/// The one time that a statement answers, if it answers one.
async fn moment(
    connection: &AsyncPgConnection,
    statement: Statement<'_>,
) -> Result<Option<PgTimestamp>, StoreError> {
    Ok(statement.load::<At>(connection).await?.into_iter().next().and_then(|row| row.at))
}
