//! Figures over all users: sums by hour for what is folded, rows for what is not.
//!
//! A report is made of three parts, and no row is in two of them: the sums of the hours that lie wholly in a bucket
//! (all folded rows of those hours, see [`crate::fold`]), the folded rows of the pieces of hours at the buckets'
//! edges, and the rows that are not folded yet; all from one snapshot, so the parts fit at any time.

mod people;
mod rows;

use std::sync::LazyLock;

use async_trait::async_trait;
use diesel::query_builder::SqlQuery;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection, sql_query};
use domain::clock::{Span, Timestamp};
use domain::ports::Unavailable;
use domain::ports::reports::{Folded, Reports};
use domain::reports::buckets::{Buckets, Stretch};
use domain::reports::latency::Latencies;
use domain::reports::{BucketFigures, CreditMoves, MoneySums, PeriodFigures};

use crate::error::StoreError;
use crate::fold::SLOT;
use crate::store::SqliteStore;
pub(crate) use people::{A_CROWD, people};
use people::{active, spenders};
use rows::{BucketRow, CreditsRow, MoneyRow, MovesRow, SliceRow, SlotRow};

/// Stretches of time from a list `[[bucket, from, to], ...]`.
macro_rules! stretches {
    ($name:literal, $parameter:literal) => {
        concat!(
            $name,
            "(bucket, lo, hi) AS MATERIALIZED (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
    FROM json_each(",
            $parameter,
            "))"
        )
    };
}

/// A statement over the three parts: `whole` are whole hours, and `raw` the rows of the other two, each with the
/// bucket that it lies in. Its first four parameters are those of [`Sources::of`].
fn over_usage(select: &str) -> String {
    format!(
        "WITH {}, {}, {},
raw(bucket, lane, user_id, model, request_type, plan_type, outcome, credits_used, absorbed_credits, cost_nano_usd,
    duration_ms) AS (
    SELECT e.bucket, u.lane, u.user_id, u.model, u.request_type, u.plan_type, u.outcome, u.credits_used,
        u.absorbed_credits, u.cost_nano_usd, u.duration_ms
    FROM edge AS e CROSS JOIN ai_usage_log AS u INDEXED BY ai_usage_log_created_at
    WHERE u.created_at >= e.lo AND u.created_at < e.hi AND u.rowid <= ?4
    UNION ALL
    SELECT p.bucket, u.lane, u.user_id, u.model, u.request_type, u.plan_type, u.outcome, u.credits_used,
        u.absorbed_credits, u.cost_nano_usd, u.duration_ms
    FROM ai_usage_log AS u NOT INDEXED CROSS JOIN part AS p
    WHERE u.rowid > ?4 AND u.created_at >= p.lo AND u.created_at < p.hi
)
{select}",
        stretches!("whole", "?1"),
        stretches!("edge", "?2"),
        stretches!("part", "?3"),
    )
}

static SLICES: LazyLock<String> = LazyLock::new(|| {
    over_usage(
        "SELECT model, request_type, plan_type, outcome, sum(requests) AS requests, sum(credits) AS credits,
    sum(absorbed) AS absorbed, sum(cost) AS cost, sum(duration_ms) AS duration_ms
FROM (
    SELECT h.model, h.request_type, h.plan_type, h.outcome, h.requests, h.credits, h.absorbed,
        h.cost_nano_usd AS cost, h.duration_ms
    FROM whole AS w CROSS JOIN usage_hours AS h ON h.hour >= w.lo AND h.hour < w.hi
    UNION ALL
    SELECT model, request_type, plan_type, outcome, 1, credits_used, absorbed_credits, cost_nano_usd, duration_ms
    FROM raw
)
GROUP BY model, request_type, plan_type, outcome",
    )
});

static LATENCY: LazyLock<String> = LazyLock::new(|| {
    over_usage(&format!(
        "SELECT slot, sum(requests) AS requests
FROM (
    SELECT l.slot, l.requests FROM whole AS w CROSS JOIN usage_latency AS l ON l.hour >= w.lo AND l.hour < w.hi
    UNION ALL
    SELECT {} AS slot, 1 FROM raw WHERE outcome = 'settled'
)
GROUP BY slot",
        *SLOT
    ))
});

static SERIES: LazyLock<String> = LazyLock::new(|| {
    over_usage(
        "SELECT bucket, coalesce(sum(requests) FILTER (WHERE outcome = 'settled'), 0) AS requests,
    coalesce(sum(requests) FILTER (WHERE outcome <> 'settled'), 0) AS failed,
    coalesce(sum(credits) FILTER (WHERE outcome = 'settled'), 0) AS credits,
    coalesce(sum(cost) FILTER (WHERE outcome = 'settled'), 0) AS cost
FROM (
    SELECT w.bucket, h.outcome, h.requests, h.credits, h.cost_nano_usd AS cost
    FROM whole AS w CROSS JOIN usage_hours AS h ON h.hour >= w.lo AND h.hour < w.hi
    UNION ALL
    SELECT bucket, outcome, 1, credits_used, cost_nano_usd FROM raw
)
GROUP BY bucket",
    )
});

static MONEY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH {}
SELECT p.bucket, coalesce(sum(e.minor) FILTER (WHERE e.kind = 'paid'), 0) AS paid,
    coalesce(sum(e.minor) FILTER (WHERE e.kind = 'returned'), 0) AS returned
FROM part AS p CROSS JOIN revenue_entries AS e INDEXED BY revenue_entries_at
WHERE e.at >= p.lo AND e.at < p.hi AND e.livemode = ?2
GROUP BY p.bucket",
        stretches!("part", "?1")
    )
});

const MOVES: &str = "
SELECT coalesce(sum(amount) FILTER (WHERE kind = 'grant'), 0) AS granted,
    coalesce(sum(amount) FILTER (WHERE kind = 'grant' AND (source LIKE 'purchase:%' OR source LIKE 'plan:%')), 0)
        AS sold,
    coalesce(sum(amount) FILTER (WHERE kind = 'expire'), 0) AS expired,
    coalesce(sum(amount) FILTER (WHERE kind IN ('claw_back', 'restore')), 0) AS clawed_back,
    coalesce(sum(amount) FILTER (WHERE kind = 'adjust'), 0) AS adjusted
FROM credit_journal INDEXED BY credit_journal_movements
WHERE kind <> 'use' AND created_at >= ?1 AND created_at < ?2";

const OUTSTANDING: &str =
    "SELECT coalesce(sum(max(total_credits - used_credits, 0)), 0) AS credits FROM user_ai_credits";

#[derive(diesel::QueryableByName)]
struct FoldedTo {
    #[diesel(sql_type = BigInt)]
    folded_to: i64,
}

/// What a question over usage rows is put to.
struct Sources {
    whole: String,
    edges: String,
    parts: String,
    folded_to: i64,
}

/// A statement with its parameters so far.
type Question = diesel::query_builder::BoxedSqlQuery<'static, Sqlite, SqlQuery>;

impl Sources {
    fn read(connection: &mut SqliteConnection, buckets: &Buckets) -> Result<Self, StoreError> {
        let state: FoldedTo =
            sql_query("SELECT folded_to FROM usage_folds WHERE id = 1").get_result(connection)?;
        Ok(Self {
            whole: list(buckets.whole_hours()),
            edges: list(buckets.edges()),
            parts: list(buckets.each()),
            folded_to: state.folded_to,
        })
    }

    /// With the first four parameters of [`over_usage`].
    fn of(&self, sql: &str) -> Question {
        sql_query(sql)
            .into_boxed()
            .bind::<Text, _>(self.whole.clone())
            .bind::<Text, _>(self.edges.clone())
            .bind::<Text, _>(self.parts.clone())
            .bind::<BigInt, _>(self.folded_to)
    }

    fn money(&self, connection: &mut SqliteConnection, livemode: bool) -> Result<Vec<MoneyRow>, StoreError> {
        let asked = sql_query(&*MONEY).bind::<Text, _>(self.parts.clone()).bind::<Bool, _>(livemode);
        Ok(asked.load(connection)?)
    }
}

/// `[[bucket, from, to], ...]`
fn list(stretches: impl IntoIterator<Item = Stretch>) -> String {
    let one = |it: Stretch| format!("[{},{},{}]", it.bucket, it.from.as_micros(), it.to.as_micros());
    let all: Vec<String> = stretches.into_iter().map(one).collect();
    format!("[{}]", all.join(","))
}

fn period(
    connection: &mut SqliteConnection,
    from: Timestamp,
    to: Timestamp,
    livemode: bool,
) -> Result<PeriodFigures, StoreError> {
    let outstanding: CreditsRow = sql_query(OUTSTANDING).get_result(connection)?;
    let outstanding = outstanding.read()?;
    let Some(buckets) = Buckets::between(vec![from, to]) else {
        return Ok(PeriodFigures { outstanding, ..PeriodFigures::default() });
    };
    let sources = Sources::read(connection, &buckets)?;
    let slices: Vec<SliceRow> = sources.of(&SLICES).load(connection)?;
    let (users, top_users) = spenders(connection, &sources)?;
    let slots: Vec<SlotRow> = sources.of(&LATENCY).load(connection)?;
    let mut latency = Latencies::default();
    for row in slots {
        latency.add(usize::try_from(row.slot).unwrap_or_default(), row.requests.unsigned_abs());
    }
    let moves: Vec<MovesRow> = sql_query(MOVES)
        .bind::<BigInt, _>(from.as_micros())
        .bind::<BigInt, _>(to.as_micros())
        .load(connection)?;
    let money = sources.money(connection, livemode)?;
    Ok(PeriodFigures {
        usage: slices.into_iter().map(SliceRow::read).collect::<Result<_, _>>()?,
        users,
        top_users,
        latency,
        money: money.first().map_or_else(MoneySums::default, MoneyRow::sums),
        moves: moves.first().map_or_else(|| Ok(CreditMoves::default()), MovesRow::read)?,
        outstanding,
    })
}

fn series(
    connection: &mut SqliteConnection,
    buckets: &Buckets,
    livemode: bool,
) -> Result<Vec<BucketFigures>, StoreError> {
    let sources = Sources::read(connection, buckets)?;
    let rows: Vec<BucketRow> = sources.of(&SERIES).load(connection)?;
    let active = active(connection, &sources, buckets.count())?;
    let money = sources.money(connection, livemode)?;
    let mut series = vec![BucketFigures::default(); buckets.count()];
    let place = |bucket: i64| usize::try_from(bucket).unwrap_or(usize::MAX);
    for row in &rows {
        if let Some(figures) = series.get_mut(place(row.bucket)) {
            row.fill(figures)?;
        }
    }
    for (figures, users) in series.iter_mut().zip(active) {
        figures.users = users;
    }
    for row in &money {
        if let Some(figures) = series.get_mut(place(row.bucket)) {
            figures.money = row.sums();
        }
    }
    Ok(series)
}

#[async_trait]
impl Reports for SqliteStore {
    async fn period(
        &self,
        from: Timestamp,
        to: Timestamp,
        livemode: bool,
    ) -> Result<PeriodFigures, Unavailable> {
        self.readers.read(move |connection| period(connection, from, to, livemode)).await
    }

    async fn series(&self, buckets: &Buckets, livemode: bool) -> Result<Vec<BucketFigures>, Unavailable> {
        let buckets = buckets.clone();
        self.readers.read(move |connection| series(connection, &buckets, livemode)).await
    }

    async fn fold(&self, _: Span, rows: u32) -> Result<Folded, Unavailable> {
        self.fold_some(rows).await
    }

    async fn recheck(&self, from: Timestamp, to: Timestamp) -> Result<u32, Unavailable> {
        self.recheck_hours(from, to).await
    }
}
