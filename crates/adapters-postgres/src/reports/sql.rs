//! The statements of the figures, and what they are put to.

use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, Bool, Integer, Timestamptz};
use domain::clock::Timestamp;
use domain::reports::buckets::{Buckets, Stretch};
use domain::reports::latency::BOUNDS_MS;

use crate::rows::stored_time;
use crate::statement::Statement;
use crate::storable::nearest;

/// A statement over the three parts: `whole` are whole hours, and `raw` the rows of the other two, each with the
/// bucket that it lies in. Parameters 1 to 11 are those of [`Sources::of`].
macro_rules! over_usage {
    ($select:literal) => {
        concat!(
            "
WITH whole AS (SELECT * FROM unnest($1::integer[], $2::timestamptz[], $3::timestamptz[]) AS w(bucket, lo, hi)),
edge AS (SELECT * FROM unnest($4::integer[], $5::timestamptz[], $6::timestamptz[]) AS e(bucket, lo, hi)),
raw AS (
    SELECT e.bucket, u.user_id, u.model, u.request_type, u.plan_type, u.outcome, u.credits_used,
        u.absorbed_credits, u.cost_nano_usd, u.duration_ms
    FROM edge e CROSS JOIN LATERAL (
        SELECT * FROM ai_usage_log u
        WHERE u.created_at >= e.lo AND u.created_at < e.hi
            AND coalesce(u.recorded_at, u.created_at) < $7::timestamptz
        OFFSET 0
    ) u
    UNION ALL
    SELECT width_bucket(u.created_at, $8::timestamptz[]) - 1, u.user_id, u.model, u.request_type, u.plan_type,
        u.outcome, u.credits_used, u.absorbed_credits, u.cost_nano_usd, u.duration_ms
    FROM ai_usage_log u
    WHERE coalesce(u.recorded_at, u.created_at) >= $9::timestamptz
        AND u.created_at >= $10::timestamptz AND u.created_at < $11::timestamptz
)",
            $select
        )
    };
}

pub(super) const SLICES: &str = over_usage!(
    "
SELECT model, request_type, plan_type, outcome, sum(requests)::bigint AS requests,
    sum(credits)::bigint AS credits, sum(absorbed)::bigint AS absorbed, sum(cost)::bigint AS cost,
    sum(duration_ms)::bigint AS duration_ms
FROM (
    SELECT h.model, h.request_type, h.plan_type, h.outcome, h.requests, h.credits, h.absorbed,
        h.cost_nano_usd AS cost, h.duration_ms
    FROM whole w JOIN usage_hours h ON h.hour >= w.lo AND h.hour < w.hi
    UNION ALL
    SELECT model, request_type, plan_type, outcome, 1, credits_used, absorbed_credits, cost_nano_usd, duration_ms
    FROM raw
) parts
GROUP BY model, request_type, plan_type, outcome"
);

pub(super) const USERS: &str = over_usage!(
    "
SELECT user_id, requests, credits, count(*) OVER () AS users
FROM (
    SELECT user_id, sum(requests)::bigint AS requests, sum(credits)::bigint AS credits
    FROM (
        SELECT a.user_id, a.requests, a.credits
        FROM whole w JOIN usage_users a ON a.hour >= w.lo AND a.hour < w.hi
        UNION ALL
        SELECT user_id, 1, credits_used FROM raw WHERE outcome = 'settled'
    ) parts
    GROUP BY user_id
) users
ORDER BY credits DESC, user_id LIMIT $12"
);

pub(super) const LATENCY: &str = over_usage!(
    "
SELECT slot, sum(requests)::bigint AS requests
FROM (
    SELECT l.slot::integer, l.requests FROM whole w JOIN usage_latency l ON l.hour >= w.lo AND l.hour < w.hi
    UNION ALL
    SELECT width_bucket(duration_ms - 1, $12::bigint[]), 1 FROM raw WHERE outcome = 'settled'
) parts
GROUP BY slot"
);

pub(super) const SERIES: &str = over_usage!(
    "
SELECT bucket, coalesce(sum(requests) FILTER (WHERE outcome = 'settled'), 0)::bigint AS requests,
    coalesce(sum(requests) FILTER (WHERE outcome <> 'settled'), 0)::bigint AS failed,
    coalesce(sum(credits) FILTER (WHERE outcome = 'settled'), 0)::bigint AS credits,
    coalesce(sum(cost) FILTER (WHERE outcome = 'settled'), 0)::bigint AS cost
FROM (
    SELECT w.bucket, h.outcome, h.requests, h.credits, h.cost_nano_usd AS cost
    FROM whole w JOIN usage_hours h ON h.hour >= w.lo AND h.hour < w.hi
    UNION ALL
    SELECT bucket, outcome, 1, credits_used, cost_nano_usd FROM raw
) parts
GROUP BY bucket"
);

pub(super) const ACTIVE: &str = over_usage!(
    "
SELECT bucket, count(*) AS users
FROM (
    SELECT w.bucket, a.user_id FROM whole w JOIN usage_users a ON a.hour >= w.lo AND a.hour < w.hi
    UNION
    SELECT bucket, user_id FROM raw WHERE outcome = 'settled'
) users
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
    whole: Vec<Stretch>,
    edges: Vec<Stretch>,
    bounds: Vec<PgTimestamp>,
    folded_to: PgTimestamp,
}

impl Sources {
    pub fn new(buckets: &Buckets, folded_to: PgTimestamp) -> Self {
        let bounds = buckets.boundaries().iter().map(|at| bound(*at)).collect();
        Self { whole: buckets.whole_hours(), edges: buckets.edges(), bounds, folded_to }
    }

    pub fn from(&self) -> PgTimestamp {
        self.bounds.first().copied().unwrap_or(PgTimestamp(0))
    }

    pub fn to(&self) -> PgTimestamp {
        self.bounds.last().copied().unwrap_or(PgTimestamp(0))
    }

    /// The first 11 parameters of [`over_usage`].
    pub fn of(&self, sql: &'static str) -> Statement<'_> {
        fn stretches<'a>(statement: Statement<'a>, stretches: &'a [Stretch]) -> Statement<'a> {
            statement
                .column::<Integer, i32>(stretches.iter().map(|each| number(each.bucket)))
                .column::<Timestamptz, PgTimestamp>(stretches.iter().map(|each| bound(each.from)))
                .column::<Timestamptz, PgTimestamp>(stretches.iter().map(|each| bound(each.to)))
        }
        stretches(stretches(Statement::new(sql), &self.whole), &self.edges)
            .bind::<Timestamptz, _>(self.folded_to)
            .bind::<Array<Timestamptz>, _>(self.bounds.clone())
            .bind::<Timestamptz, _>(self.folded_to)
            .bind::<Timestamptz, _>(self.from())
            .bind::<Timestamptz, _>(self.to())
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

/// A day, an hour at its end, and a tail of a minute, as the first parameters of [`over_usage`].
#[cfg(test)]
macro_rules! a_day {
    ($more:literal) => {
        concat!(
            "(ARRAY[0], ARRAY[now() - interval '25 hours'], ARRAY[now() - interval '1 hour'],
            ARRAY[0], ARRAY[now() - interval '1 hour'], ARRAY[now()],
            now() - interval '1 minute', ARRAY[now() - interval '25 hours', now()],
            now() - interval '1 minute', now() - interval '25 hours', now()",
            $more,
            ")"
        )
    };
}

/// Every statement with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[(&str, &str, &[&str])] = &[
    (SLICES, a_day!(""), &["ai_usage_log_times", "usage_hours_pkey"]),
    (USERS, a_day!(", 10"), &["ai_usage_log_times", "usage_users_hour"]),
    (LATENCY, a_day!(", ARRAY[50, 100]"), &["ai_usage_log_times", "usage_latency_pkey"]),
    (SERIES, a_day!(""), &["ai_usage_log_times", "usage_hours_pkey"]),
    (ACTIVE, a_day!(""), &["ai_usage_log_times", "usage_users_hour"]),
    (
        MONEY,
        "(ARRAY[now() - interval '1 day', now()], now() - interval '1 day', now(), true)",
        &["revenue_entries_at"],
    ),
    (MOVES, "(now() - interval '1 hour', now())", &["credit_journal_movements"]),
];
