//! The admin's figures on many usage rows: a year of requests of 20,000 users, on Postgres.

use std::future::Future;
use std::time::{Duration, Instant};

use adapters_postgres::{PostgresOptions, PostgresStore};
use chrono::Utc;
use domain::clock::{Span, Timestamp};
use domain::ledger::usage::Outcome;
use domain::ports::overview::{AccountOrder, JournalFilter, Overview, UsageFilter};
use domain::ports::reports::Reports;
use domain::reports::buckets::{Buckets, HOUR, hour_of};

use crate::Result;
use crate::database::{Database, connect};
use crate::measure::{Spread, millis, number};
use crate::options::Options;
use crate::report::Section;

const DAY: i64 = 86_400_000_000;
/// Rows that are loaded at once.
const AT_ONCE: u32 = 250_000;
const ROUNDS: usize = 5;
/// How long writers may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Accounts, their grants, and payments.
const ACCOUNTS: &str = "
CREATE TABLE people AS SELECT i, (i % 64)::smallint AS lane, md5(i::text)::uuid AS user_id
FROM generate_series(0, 19999) AS i;
CREATE UNIQUE INDEX ON people (i);
INSERT INTO user_ai_credits (lane, user_id, total_credits, used_credits, created_at)
SELECT lane, user_id, 1000000, i, now() - i * interval '26 minutes' FROM people;
INSERT INTO credit_journal (lane, user_id, seq, kind, amount, balance_after, source, actor, created_at, hash)
SELECT lane, user_id, k, 'grant', 500000, k * 500000, 'purchase:' || k, 'stripe',
    now() - (i + k) * interval '26 minutes', sha256('') FROM people, generate_series(1, 2) AS k;
INSERT INTO revenue_entries SELECT lane, user_id, md5(i || '-' || k)::uuid, 'paid',
    now() - (i + k) * interval '26 minutes', 2900, true FROM people, generate_series(1, 2) AS k";

/// Rows from number $1 to before $2 of $3, which end now and began a year ago; a few users ask most. They come to the
/// books when they happen.
const USAGE: &str = "
INSERT INTO ai_usage_log (lane, user_id, id, credits_used, tokens_used, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, cost_nano_usd, price_version, request_type, model, outcome, estimated, duration_ms,
    request_id, created_at, plan_type, recorded_at)
SELECT p.lane, p.user_id, md5(n.i::text)::uuid, CASE WHEN n.i % 40 = 0 THEN 0 ELSE 10 + n.i % 30 END, 300, 200, 0, 100,
    0, 90000, '2026-01-01', CASE WHEN n.i % 5 = 0 THEN 'insights' ELSE 'assistant' END, 'model-' || n.i % 4,
    CASE WHEN n.i % 40 = 0 THEN 'upstream_failed' ELSE 'settled' END, false, (n.i * 7919) % 9000,
    'req-' || n.i, n.at, (ARRAY['free', 'starter', 'professional'])[1 + n.i % 3], n.at
FROM (
    SELECT i, now() - ($3::bigint - i) * (interval '365 days' / $3::bigint) AS at,
        floor(20000 * power(random(), 2))::integer AS who
    FROM generate_series($1::bigint, $2::bigint - 1) AS i
) n JOIN people p ON p.i = n.who ORDER BY n.i";

fn now() -> Timestamp {
    Timestamp::from_micros(Utc::now().timestamp_micros())
}

/// So many days up to the end of this hour.
fn days(days: i64) -> (Timestamp, Timestamp) {
    let to = hour_of(now()).after(HOUR);
    (to.before(Span::from_micros(days * DAY)), to)
}

fn buckets(days: i64, each: i64) -> Result<Buckets> {
    let (from, to) = self::days(days);
    let steps = (from.as_micros()..=to.as_micros()).step_by(usize::try_from(each)?);
    Buckets::between(steps.map(Timestamp::from_micros).collect()).ok_or_else(|| "no buckets".into())
}

/// Loads the rows, folds them, and measures before and after.
pub async fn on_many_rows(options: &Options) -> Result<Section> {
    let mut section = Section::new("reports", "The admin's figures on many usage rows");
    let database = Database::fresh().await?;
    let rows = options.usage_rows;
    let begun = Instant::now();
    load(&database, rows).await?;
    let loaded = begun.elapsed();
    database.settle().await?;
    let (store, writers) = PostgresStore::connect(database.url(), PostgresOptions::default()).await?;
    let shown = number(f64::from(rows), 0);
    section.line(format!(
        "{shown} usage rows of a year and 20,000 users, loaded in {:.0} s.",
        loaded.as_secs_f64()
    ));

    let raw = measure_reports(&store, 1).await?;
    let (begun, mut folds, mut longest) = (Instant::now(), 0, Duration::ZERO);
    loop {
        let one = Instant::now();
        let folded = store.fold(Span::ZERO, 20_000).await?;
        (folds, longest) = (folds + 1, longest.max(one.elapsed()));
        if !folded.more {
            break;
        }
    }
    let folding = begun.elapsed();
    section.line(format!(
        "Folded from nothing in {:.1} s, in {folds} transactions, the longest of which took {:.0} ms.",
        folding.as_secs_f64(),
        millis(longest)
    ));
    let sizes = sizes(&database).await?;
    section.line(format!("Sizes: {sizes}.\n"));
    database.settle().await?;
    let folded = measure_reports(&store, ROUNDS).await?;
    section.line("| report | by sums and rows, ms | by rows alone, ms |");
    section.line("|---|---|---|");
    for ((what, fast), (_, slow)) in folded.iter().zip(&raw) {
        section.line(format!("| {what} | {} | {} |", fast.show(1), number(slow.median, 1)));
    }
    section.line("\n| list | ms |");
    section.line("|---|---|");
    for (what, took) in measure_lists(&store).await? {
        section.line(format!("| {what} | {} |", took.show(1)));
    }
    writers.shutdown(PATIENCE).await;
    Ok(section)
}

async fn load(database: &Database, rows: u32) -> Result<()> {
    let client = connect(database.url()).await?;
    client.batch_execute(ACCOUNTS).await?;
    let usage = client.prepare(USAGE).await?;
    for from in (0..rows).step_by(usize::try_from(AT_ONCE)?) {
        let to = from.saturating_add(AT_ONCE).min(rows);
        client.execute(&usage, &[&i64::from(from), &i64::from(to), &i64::from(rows)]).await?;
        eprintln!("  loaded {to} of {rows}");
    }
    Ok(())
}

async fn sizes(database: &Database) -> Result<String> {
    let client = connect(database.url()).await?;
    let sql =
        "SELECT relname::text, reltuples::bigint, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class
        WHERE relname IN ('ai_usage_log', 'usage_hours', 'usage_crowds', 'usage_people', 'usage_latency') ORDER BY relname";
    client.batch_execute("ANALYZE").await?;
    let rows = client.query(sql, &[]).await?;
    let size = |row: &tokio_postgres::Row| {
        format!("`{}` {} rows, {}", row.get::<_, String>(0), row.get::<_, i64>(1), row.get::<_, String>(2))
    };
    Ok(rows.iter().map(size).collect::<Vec<_>>().join("; "))
}

type Measured = Vec<(&'static str, Spread)>;

async fn measure_reports(store: &PostgresStore, rounds: usize) -> Result<Measured> {
    let mut measured = Vec::new();
    for (what, length) in [("a day", 1), ("7 days", 7), ("30 days", 30), ("90 days", 90), ("a year", 365)] {
        let (from, to) = days(length);
        let took = timed(rounds, async || store.period(from, to, true).await.map(drop)).await?;
        measured.push((what, took));
    }
    // From and to in the middle of an hour: pieces of hours are read row by row.
    let (from, to) = days(30);
    let half = Span::from_secs(1800);
    let took = timed(rounds, async || store.period(from.before(half), to.before(half), true).await.map(drop));
    measured.push(("30 days, cut within hours", took.await?));
    let hour = HOUR.as_micros();
    for (what, buckets) in [
        ("series: 24 hours", buckets(1, hour)?),
        ("series: 31 days by hour", buckets(31, hour)?),
        ("series: 30 days", buckets(30, DAY)?),
        ("series: 365 days", buckets(365, DAY)?),
    ] {
        let took = timed(rounds, async || store.series(&buckets, true).await.map(drop)).await?;
        measured.push((what, took));
    }
    Ok(measured)
}

async fn measure_lists(store: &PostgresStore) -> Result<Measured> {
    let mut measured = Vec::new();
    let none = UsageFilter::default;
    let (from, to) = days(200);
    for (what, filter) in [
        ("latest 100 requests", none()),
        ("latest 100 that failed", UsageFilter { outcome: Some(Outcome::UpstreamFailed), ..none() }),
        (
            "100 requests of a day 200 days ago",
            UsageFilter { from: Some(from), to: Some(from.after(Span::from_micros(DAY))), ..none() },
        ),
        (
            "100 requests of a model that nobody asks",
            UsageFilter { model: Some("none".to_owned()), ..none() },
        ),
        (
            "the same within 200 days",
            UsageFilter { model: Some("none".to_owned()), from: Some(from), to: Some(to), ..none() },
        ),
    ] {
        let took =
            timed(ROUNDS, async || store.latest_usage(filter.clone(), None, 100).await.map(drop)).await?;
        measured.push((what, took));
    }
    for (what, order) in [
        ("20 newest accounts", AccountOrder::Newest),
        ("20 accounts that used most", AccountOrder::MostUsed),
        ("20 highest balances", AccountOrder::HighestBalance),
    ] {
        let took = timed(ROUNDS, async || store.accounts(order, None, now(), 20).await.map(drop)).await?;
        measured.push((what, took));
    }
    let filter = JournalFilter { from: Some(from), ..JournalFilter::default() };
    let took = timed(ROUNDS, async || store.journals(filter, None, 1000).await.map(drop)).await?;
    measured.push(("1,000 journal entries", took));
    Ok(measured)
}

/// How long it takes, in milliseconds; the first time does not count where there are more.
async fn timed<E: Into<crate::Failure>, F: Future<Output = std::result::Result<(), E>>>(
    rounds: usize,
    ask: impl Fn() -> F,
) -> Result<Spread> {
    let mut took = Vec::new();
    for _ in 0..=rounds {
        let begun = Instant::now();
        ask().await.map_err(Into::into)?;
        took.push(millis(begun.elapsed()));
    }
    let warm = usize::from(rounds > 1);
    Ok(Spread::of(took.into_iter().skip(warm)))
}
