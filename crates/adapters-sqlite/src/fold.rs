//! Folding usage rows into sums by hour.
//!
//! Rows are folded in the order of their numbers (`rowid`), which is the order in which they were committed: one
//! transaction writes at a time, and no row is ever deleted. `usage_folds.folded_to` is the number of the last row
//! that is in the sums: every row up to it is, and no other. A row's own time only says which hour it is added to, so
//! rows that come late are added late and never missed.

mod crowds;

use std::sync::LazyLock;

use diesel::sql_types::{BigInt, Nullable};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::reports::Folded;
use domain::reports::buckets::{HOUR, hour_of};
use domain::reports::latency::BOUNDS_MS;

use crate::error::StoreError;
use crate::store::SqliteStore;

/// The most rows that are folded in one transaction: callers of the ledger wait for it.
const AT_ONCE: i64 = 2000;

/// The hour of a row.
const HOUR_OF_ROW: &str = "created_at - ((created_at % 3600000000) + 3600000000) % 3600000000";

/// The slot that a row's duration falls into.
pub static SLOT: LazyLock<String> = LazyLock::new(|| {
    let bounds = BOUNDS_MS.iter().enumerate();
    let cases: Vec<String> =
        bounds.map(|(slot, bound)| format!(" WHEN duration_ms <= {bound} THEN {slot}")).collect();
    format!("CASE{} ELSE {} END", cases.concat(), BOUNDS_MS.len())
});

/// Statements that add rows up; a condition stands in place of `{rows}`.
static ADD_UP: LazyLock<[String; 2]> = LazyLock::new(|| {
    [
        format!(
            "INSERT INTO usage_hours AS h (hour, model, request_type, plan_type, outcome, requests, credits, absorbed,
                 cost_nano_usd, duration_ms)
             SELECT {HOUR_OF_ROW}, model, request_type, plan_type, outcome, count(*), sum(credits_used),
                 sum(absorbed_credits), sum(cost_nano_usd), sum(duration_ms)
             FROM ai_usage_log {{rows}} GROUP BY 1, 2, 3, 4, 5
             ON CONFLICT DO UPDATE
             SET requests = h.requests + excluded.requests, credits = h.credits + excluded.credits,
                 absorbed = h.absorbed + excluded.absorbed,
                 cost_nano_usd = h.cost_nano_usd + excluded.cost_nano_usd,
                 duration_ms = h.duration_ms + excluded.duration_ms"
        ),
        format!(
            "INSERT INTO usage_latency AS l (hour, slot, requests)
             SELECT {HOUR_OF_ROW}, {}, count(*)
             FROM ai_usage_log {{rows}} AND outcome = 'settled' GROUP BY 1, 2
             ON CONFLICT DO UPDATE SET requests = l.requests + excluded.requests",
            *SLOT
        ),
    ]
});

/// The tables of sums, all of which have a column `hour`.
const SUMS: [&str; 3] = ["usage_hours", "usage_crowds", "usage_latency"];

/// Rows by their numbers.
const NUMBERED: &str = "NOT INDEXED WHERE rowid > ? AND rowid <= ?";
/// The folded rows of an hour.
const OF_HOUR: &str =
    "INDEXED BY ai_usage_log_created_at WHERE created_at >= ? AND created_at < ? + 3600000000 AND rowid <= ?";

const STATE: &str = "
    SELECT folded_to, (SELECT max(rowid) FROM ai_usage_log) AS last FROM usage_folds WHERE id = 1";

/// Hours whose sums are not those of their folded rows.
static WRONG_HOURS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH sums AS (
             SELECT hour, sum(requests) AS requests, sum(credits) AS credits FROM usage_hours
             WHERE hour >= ?1 AND hour < ?2 GROUP BY hour
         ),
         rows AS (
             SELECT {HOUR_OF_ROW} AS hour, count(*) AS requests, sum(credits_used) AS credits
             FROM ai_usage_log INDEXED BY ai_usage_log_created_at
             WHERE created_at >= ?1 AND created_at < ?2 AND rowid <= ?3 GROUP BY 1
         )
         SELECT hour FROM (SELECT * FROM sums EXCEPT SELECT * FROM rows)
         UNION
         SELECT hour FROM (SELECT * FROM rows EXCEPT SELECT * FROM sums)"
    )
});

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = BigInt)]
    folded_to: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<i64>,
}

#[derive(QueryableByName)]
struct Hour {
    #[diesel(sql_type = BigInt)]
    hour: i64,
}

impl SqliteStore {
    /// There is no lag: what is committed is all there is before it.
    pub(crate) async fn fold_some(&self, rows: u32) -> Result<Folded, Unavailable> {
        let at_once = i64::from(rows).clamp(1, AT_ONCE);
        let state = self.readers.read(state).await?;
        if state.last.unwrap_or(0) == state.folded_to {
            return Ok(Folded::default());
        }
        self.write(move |connection| fold(connection, at_once)).await
    }

    pub(crate) async fn recheck_hours(&self, from: Timestamp, to: Timestamp) -> Result<u32, Unavailable> {
        let from = hour_of(from).as_micros();
        let to = hour_of(to.after(HOUR)).as_micros();
        let wrong = self.readers.read(move |connection| wrong_hours(connection, from, to)).await?;
        if wrong.is_empty() {
            return Ok(0);
        }
        self.write(move |connection| {
            let wrong = wrong_hours(connection, from, to)?;
            wrong.iter().try_for_each(|hour| fold_anew(connection, *hour))?;
            Ok(u32::try_from(wrong.len()).unwrap_or(u32::MAX))
        })
        .await
    }
}

fn state(connection: &mut SqliteConnection) -> Result<State, StoreError> {
    Ok(sql_query(STATE).get_result(connection)?)
}

fn fold(connection: &mut SqliteConnection, at_once: i64) -> Result<Folded, StoreError> {
    let State { folded_to, last } = state(connection)?;
    let last = last.unwrap_or(0);
    if last < folded_to {
        // Rows are gone that were folded, or were numbered anew: the sums are of other rows.
        tracing::error!(last, folded_to, "usage rows are gone that were folded; all are folded anew");
        for table in SUMS {
            sql_query(format!("DELETE FROM {table}")).execute(connection)?;
        }
        set(connection, 0)?;
        return Ok(Folded { rows: 0, more: true });
    }
    let to = last.min(folded_to.saturating_add(at_once));
    if to == folded_to {
        return Ok(Folded::default());
    }
    for statement in &*ADD_UP {
        sql_query(statement.replace("{rows}", NUMBERED))
            .bind::<BigInt, _>(folded_to)
            .bind::<BigInt, _>(to)
            .execute(connection)?;
    }
    crowds::fold(connection, NUMBERED, &[folded_to, to])?;
    set(connection, to)?;
    Ok(Folded { rows: to.saturating_sub(folded_to).unsigned_abs(), more: to < last })
}

fn set(connection: &mut SqliteConnection, folded_to: i64) -> Result<(), StoreError> {
    let update = sql_query("UPDATE usage_folds SET folded_to = ? WHERE id = 1");
    let rows = update.bind::<BigInt, _>(folded_to).execute(connection)?;
    if rows == 1 { Ok(()) } else { Err(StoreError::Vanished("usage_folds")) }
}

fn wrong_hours(connection: &mut SqliteConnection, from: i64, to: i64) -> Result<Vec<i64>, StoreError> {
    let folded_to = state(connection)?.folded_to;
    let wrong: Vec<Hour> = sql_query(&*WRONG_HOURS)
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(to)
        .bind::<BigInt, _>(folded_to)
        .load(connection)?;
    Ok(wrong.into_iter().map(|row| row.hour).collect())
}

fn fold_anew(connection: &mut SqliteConnection, hour: i64) -> Result<(), StoreError> {
    let folded_to = state(connection)?.folded_to;
    for table in SUMS {
        sql_query(format!("DELETE FROM {table} WHERE hour = ?"))
            .bind::<BigInt, _>(hour)
            .execute(connection)?;
    }
    for statement in &*ADD_UP {
        sql_query(statement.replace("{rows}", OF_HOUR))
            .bind::<BigInt, _>(hour)
            .bind::<BigInt, _>(hour)
            .bind::<BigInt, _>(folded_to)
            .execute(connection)?;
    }
    crowds::fold(connection, OF_HOUR, &[hour, hour, folded_to])
}
