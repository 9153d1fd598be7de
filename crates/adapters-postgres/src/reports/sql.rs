//! The statements of the figures, and what they are put to.

use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, Bool, Integer, Timestamptz};
use domain::clock::Timestamp;
use domain::reports::buckets::{Buckets, Stretch};
use domain::reports::latency::BOUNDS_MS;

use crate::rows::stored_time;
use crate::statement::Statement;
use crate::storable::nearest;

/// A statement over rows: `raw` are the folded ones at the edges of buckets and those that are not folded, each with
/// the bucket that it lies in. Parameters 1 to 8 are those of [`Sources::rows`].
macro_rules! over_rows {
    ($select:expr) => {
        concat!(
            "
WITH edge AS (SELECT * FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[]) AS e(bucket, lo, hi)),
raw AS (
    SELECT e.bucket, u.lane, u.user_id, u.model, u.request_type, u.plan_type, u.outcome, u.credits_used,
        u.absorbed_credits, u.cost_nano_usd, u.duration_ms
    FROM edge e CROSS JOIN LATERAL (
        SELECT * FROM ai_usage_log u
        WHERE u.created_at >= e.lo AND u.created_at < e.hi
            AND coalesce(u.recorded_at, u.created_at) < $4::timestamptz
        OFFSET 0
    ) u
    UNION ALL
    SELECT width_bucket(u.created_at, $5::timestamptz[]) - 1, u.lane, u.user_id, u.model, u.request_type,
        u.plan_type, u.outcome, u.credits_used, u.absorbed_credits, u.cost_nano_usd, u.duration_ms
    FROM ai_usage_log u
    WHERE coalesce(u.recorded_at, u.created_at) >= $6::timestamptz
        AND u.created_at >= $7::timestamptz AND u.created_at < $8::timestamptz
)",
            $select
        )
    };
}

/// A statement over all three parts: `raw` as above, and `whole`, the sums of a table for whole hours. Parameters 1 to
/// 12 are those of [`Sources::all`].
macro_rules! over_usage {
    ($sums:literal, $select:literal) => {
        over_rows!(concat!(
            ",
whole AS (
    SELECT width_bucket(s.hour, $9::timestamptz[]) - 1 AS bucket, s.* FROM ",
            $sums,
            " s
    WHERE s.hour >= $10::timestamptz AND s.hour < $11::timestamptz AND s.hour <> ALL($12::timestamptz[])
)",
            $select
        ))
    };
}

pub(super) const SLICES: &str = over_usage!(
    "usage_hours",
    "
SELECT model, request_type, plan_type, outcome, sum(requests)::bigint AS requests,
    sum(credits)::bigint AS credits, sum(absorbed)::bigint AS absorbed, sum(cost)::bigint AS cost,
    sum(duration_ms)::bigint AS duration_ms
FROM (
    SELECT model, request_type, plan_type, outcome, requests, credits, absorbed, cost_nano_usd AS cost, duration_ms
    FROM whole
    UNION ALL
    SELECT model, request_type, plan_type, outcome, 1, credits_used, absorbed_credits, cost_nano_usd, duration_ms
    FROM raw
) parts
GROUP BY model, request_type, plan_type, outcome"
);

/// Who answered requests of rows were for, over all buckets; with their numbers, as far as they have one.
pub(super) const SPENT: &str = over_rows!(
    "
SELECT g.user_id, (SELECT number FROM usage_people p WHERE p.lane = g.lane AND p.user_id = g.user_id) AS number,
    g.requests, g.credits
FROM (
    SELECT lane, user_id, count(*) AS requests, sum(credits_used)::bigint AS credits
    FROM raw WHERE outcome = 'settled' GROUP BY lane, user_id
) g"
);

/// The same for each bucket, without what they spent.
pub(super) const SEEN: &str = over_rows!(
    "
SELECT g.bucket, g.user_id,
    (SELECT number FROM usage_people p WHERE p.lane = g.lane AND p.user_id = g.user_id) AS number
FROM (SELECT DISTINCT bucket, lane, user_id FROM raw WHERE outcome = 'settled') g"
);

/// The crowds of whole hours; parameters as of [`Sources::hours`].
pub(super) const CROWDS: &str = "
SELECT width_bucket(c.hour, $1::timestamptz[]) - 1 AS bucket, c.hour, c.users FROM usage_crowds c
WHERE c.hour >= $2::timestamptz AND c.hour < $3::timestamptz AND c.hour <> ALL($4::timestamptz[])";

pub(super) const PEOPLE: &str = "SELECT coalesce(max(number) + 1, 0) AS people FROM usage_people";

pub(super) const NAMES: &str = "SELECT number, user_id FROM usage_people WHERE number = ANY($1)";

pub(super) const LATENCY: &str = over_usage!(
    "usage_latency",
    "
SELECT slot, sum(requests)::bigint AS requests
FROM (
    SELECT slot::integer, requests FROM whole
    UNION ALL
    SELECT width_bucket(duration_ms - 1, $13::bigint[]), 1 FROM raw WHERE outcome = 'settled'
) parts
GROUP BY slot"
);

pub(super) const SERIES: &str = over_usage!(
    "usage_hours",
    "
SELECT bucket, coalesce(sum(requests) FILTER (WHERE outcome = 'settled'), 0)::bigint AS requests,
    coalesce(sum(requests) FILTER (WHERE outcome <> 'settled'), 0)::bigint AS failed,
    coalesce(sum(credits) FILTER (WHERE outcome = 'settled'), 0)::bigint AS credits,
    coalesce(sum(cost) FILTER (WHERE outcome = 'settled'), 0)::bigint AS cost
FROM (
    SELECT bucket, outcome, requests, credits, cost_nano_usd AS cost FROM whole
    UNION ALL
    SELECT bucket, outcome, 1, credits_used, cost_nano_usd FROM raw
) parts
GROUP BY bucket"
);

const MONEY: &str = "
SELECT bucket, coalesce(sum(minor) FILTER (WHERE kind = 'paid'), 0)::bigint AS paid,
    coalesce(sum(minor) FILTER (WHERE kind = 'returned'), 0)::bigint AS returned
FROM (
    SELECT width_bucket(e.at, $1::timestamptz[]) - 1 AS bucket, e.kind, e.minor
    FROM revenue_entries e WHERE e.at >= $2::timestamptz AND e.at < $3::timestamptz AND e.livemode = $4
) entries
GROUP BY bucket";

pub(super) const MOVES: &str = "
SELECT coalesce(sum(amount) FILTER (WHERE kind = 'grant'), 0)::bigint AS granted,
    coalesce(sum(amount) FILTER (WHERE kind = 'grant' AND (source LIKE 'purchase:%' OR source LIKE 'plan:%')),
        0)::bigint AS sold,
    coalesce(sum(amount) FILTER (WHERE kind = 'expire'), 0)::bigint AS expired,
    coalesce(sum(amount) FILTER (WHERE kind IN ('claw_back', 'restore')), 0)::bigint AS clawed_back,
    coalesce(sum(amount) FILTER (WHERE kind = 'adjust'), 0)::bigint AS adjusted
FROM credit_journal WHERE kind <> 'use' AND created_at >= $1 AND created_at < $2";

pub(super) const OUTSTANDING: &str = "
SELECT coalesce(sum(greatest(total_credits - used_credits, 0)), 0)::bigint AS credits FROM user_ai_credits";

/// Room to put users in a table of hashes: the usual 4 MiB are for small questions.
pub(super) const ROOM: &str = "SET LOCAL work_mem = '64MB'";

/// What a question over usage rows is put to.
pub(super) struct Sources {
    bounds: Vec<PgTimestamp>,
    cut_hours: Vec<PgTimestamp>,
    edges: Vec<Stretch>,
    folded_to: PgTimestamp,
}

impl Sources {
    pub fn new(buckets: &Buckets, folded_to: PgTimestamp) -> Self {
        let bounds = buckets.boundaries().iter().map(|at| bound(*at)).collect();
        let cut_hours = buckets.cut_hours().into_iter().map(bound).collect();
        Self { bounds, cut_hours, edges: buckets.edges(), folded_to }
    }

    pub fn from(&self) -> PgTimestamp {
        self.bounds.first().copied().unwrap_or(PgTimestamp(0))
    }

    pub fn to(&self) -> PgTimestamp {
        self.bounds.last().copied().unwrap_or(PgTimestamp(0))
    }

    /// With the 8 parameters of [`over_rows`].
    pub fn rows(&self, sql: &'static str) -> Statement<'_> {
        Statement::new(sql)
            .column::<Integer, i32>(self.edges.iter().map(|each| number(each.bucket)))
            .column::<Timestamptz, PgTimestamp>(self.edges.iter().map(|each| bound(each.from)))
            .column::<Timestamptz, PgTimestamp>(self.edges.iter().map(|each| bound(each.to)))
            .bind::<Timestamptz, _>(self.folded_to)
            .bind::<Array<Timestamptz>, _>(self.bounds.clone())
            .bind::<Timestamptz, _>(self.folded_to)
            .bind::<Timestamptz, _>(self.from())
            .bind::<Timestamptz, _>(self.to())
    }

    /// With the first 12 parameters of [`over_usage`].
    pub fn all(&self, sql: &'static str) -> Statement<'_> {
        self.whole_hours(self.rows(sql))
    }

    /// With the 4 parameters of [`CROWDS`].
    pub fn hours(&self, sql: &'static str) -> Statement<'_> {
        self.whole_hours(Statement::new(sql))
    }

    fn whole_hours<'a>(&'a self, statement: Statement<'a>) -> Statement<'a> {
        statement
            .bind::<Array<Timestamptz>, _>(self.bounds.clone())
            .bind::<Timestamptz, _>(self.from())
            .bind::<Timestamptz, _>(self.to())
            .bind::<Array<Timestamptz>, _>(self.cut_hours.clone())
    }

    pub fn money(&self, livemode: bool) -> Statement<'_> {
        Statement::new(MONEY)
            .bind::<Array<Timestamptz>, _>(self.bounds.clone())
            .bind::<Timestamptz, _>(self.from())
            .bind::<Timestamptz, _>(self.to())
            .bind::<Bool, _>(livemode)
    }
}

fn number(bucket: usize) -> i32 {
    i32::try_from(bucket).unwrap_or(i32::MAX)
}

fn bound(at: Timestamp) -> PgTimestamp {
    stored_time(nearest(at))
}

/// The slots' bounds as a parameter.
pub(crate) fn slot_bounds() -> Vec<i64> {
    BOUNDS_MS.iter().copied().map(i64::from).collect()
}

/// A day, an hour at its end, and a tail of a minute, as the first parameters of [`over_rows`], and of
/// [`over_usage`].
#[cfg(test)]
macro_rules! a_day {
    ($more:literal) => {
        concat!(
            "(ARRAY[0], ARRAY[now() - interval '1 hour'], ARRAY[now()], now() - interval '1 minute',
            ARRAY[now() - interval '25 hours', now()],
            now() - interval '1 minute', now() - interval '25 hours', now()",
            $more,
            ")"
        )
    };
    () => {
        a_day!(
            ", ARRAY[now() - interval '25 hours', now()], now() - interval '25 hours', now(),
            ARRAY[now() - interval '1 hour']"
        )
    };
}

/// Every statement with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[(&str, &str, &[&str])] = &[
    (SLICES, a_day!(), &["ai_usage_log_times", "usage_hours_pkey"]),
    (SPENT, a_day!(""), &["ai_usage_log_times", "usage_people_pkey"]),
    (SEEN, a_day!(""), &["ai_usage_log_times", "usage_people_pkey"]),
    (
        CROWDS,
        "(ARRAY[now() - interval '1 day', now()], now() - interval '1 day', now(), '{}')",
        &["usage_crowds_pkey"],
    ),
    (PEOPLE, "", &["one_user_per_number"]),
    (NAMES, "(ARRAY[1, 2, 3])", &["one_user_per_number"]),
    (SERIES, a_day!(), &["ai_usage_log_times", "usage_hours_pkey"]),
    (
        MONEY,
        "(ARRAY[now() - interval '1 day', now()], now() - interval '1 day', now(), true)",
        &["revenue_entries_at"],
    ),
    (MOVES, "(now() - interval '1 hour', now())", &["credit_journal_movements"]),
];
