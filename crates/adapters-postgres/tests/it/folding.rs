//! Folding, where Postgres has ways of its own: rows of many sessions, each with a beginning and an end.

use adapters_postgres::PostgresStore;
use diesel_async::AsyncPgConnection;
use domain::clock::Span;
use domain::ports::ledger::Ledger;
use domain::ports::reports::{FOLD_LAG, Folded, Reports};
use testkit::acts::must;
use testkit::requests::{At, GrantExt, SettleExt, grant, hold, settle, user};
use testkit::time::time;

use crate::harness::{Opened, number, open, run};

const ROW: &str = "
INSERT INTO ai_usage_log (lane, user_id, id, credits_used, tokens_used, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, cost_nano_usd, price_version, request_type, model, outcome, estimated, duration_ms,
    request_id, created_at";

/// Requests that are answered at these seconds.
async fn answered(store: &PostgresStore, seconds: &[i64]) {
    must(store.grant(grant(user(1), "p").of(10_000)).await);
    for secs in seconds {
        let held = hold(user(1)).at(*secs);
        let id = held.id;
        must(store.hold(held).await);
        must(store.settle(settle(user(1), id).charge(1).at(*secs)).await);
    }
}

/// How many answered requests a report of the first ten hours has, and how many the sums have.
async fn counted(opened: &Opened, connection: &mut AsyncPgConnection) -> (u64, i64) {
    let figures = opened.store.period(time(0), time(36_000), false).await.unwrap();
    let reported = figures.usage.iter().map(|slice| slice.sums.requests).sum();
    let summed = "SELECT coalesce(sum(requests), 0)::bigint AS number FROM usage_hours";
    (reported, number(connection, summed).await)
}

#[tokio::test]
async fn rows_are_left_alone_until_they_are_old_enough() {
    let opened = open().await;
    let mut connection = opened.plain().await;
    answered(&opened.store, &[1, 2, 3]).await;
    assert_eq!(opened.store.fold(FOLD_LAG, 100).await, Ok(Folded::default()));
    assert_eq!(counted(&opened, &mut connection).await, (3, 0));
    assert_eq!(opened.store.fold(Span::ZERO, 100).await, Ok(Folded { rows: 3, more: false }));
    assert_eq!(counted(&opened, &mut connection).await, (3, 3));
}

/// A transaction that writes a usage row, and another that might, are still open when others are folded.
#[tokio::test]
async fn a_fold_goes_no_further_than_the_oldest_transaction_that_may_still_write() {
    let opened = open().await;
    let (mut slow, mut idle, mut plain) = (opened.plain().await, opened.plain().await, opened.plain().await);
    answered(&opened.store, &[1]).await;
    run(&mut idle, "BEGIN; SELECT 1").await.unwrap();
    run(&mut slow, "BEGIN").await.unwrap();
    let late = format!(
        "{ROW}) SELECT lane, user_id, gen_random_uuid(), 5, 1, 1, 0, 0, 0, 0, 'v', 'assistant', 'm', 'settled', \
         false, 1, 'r', created_at FROM ai_usage_log"
    );
    run(&mut slow, &late).await.unwrap();
    answered(&opened.store, &[2, 3]).await;
    for _ in 0..2 {
        opened.store.fold(Span::ZERO, 100).await.unwrap();
        assert_eq!(counted(&opened, &mut plain).await, (3, 1), "only what was there before");
    }
    run(&mut slow, "COMMIT").await.unwrap();
    opened.store.fold(Span::ZERO, 100).await.unwrap();
    assert_eq!(counted(&opened, &mut plain).await, (4, 1), "the other one began before");
    run(&mut idle, "COMMIT").await.unwrap();
    while opened.store.fold(Span::ZERO, 100).await.unwrap().more {}
    assert_eq!(counted(&opened, &mut plain).await, (4, 4));
}

/// Rows from before there were sums: nobody wrote down when they came.
#[tokio::test]
async fn rows_from_before_are_folded_in_the_order_of_their_times_in_pieces() {
    let opened = open().await;
    let mut connection = opened.plain().await;
    let before = format!(
        "{ROW}, recorded_at) SELECT 7, md5('7')::uuid, gen_random_uuid(), 2, 1, 1, 0, 0, 0, 0, 'v', 'assistant', 'm', \
         'settled', false, 1, 'r', timestamptz '2026-01-01 00:00Z' + i * interval '40 seconds', NULL \
         FROM generate_series(1, 800) AS i"
    );
    run(&mut connection, &before).await.unwrap();
    answered(&opened.store, &[1, 2]).await;
    let (mut folds, mut rows) = (0, 0);
    loop {
        let folded = opened.store.fold(Span::ZERO, 50).await.unwrap();
        assert!(folded.rows < 150, "{folded:?}");
        let (reported, summed) = counted(&opened, &mut connection).await;
        (folds, rows) = (folds + 1, rows + folded.rows);
        assert_eq!((reported, i64::try_from(rows).unwrap()), (802, summed));
        if !folded.more {
            break;
        }
    }
    assert!((8..40).contains(&folds), "{folds} folds");
    assert_eq!(rows, 802);
}

#[tokio::test]
async fn while_one_server_folds_the_others_leave_it_to_it() {
    let opened = open().await;
    let (mut folder, mut plain) = (opened.plain().await, opened.plain().await);
    answered(&opened.store, &[1]).await;
    run(&mut folder, "BEGIN; SELECT FROM usage_folds FOR UPDATE").await.unwrap();
    assert_eq!(opened.store.fold(Span::ZERO, 100).await, Ok(Folded::default()));
    run(&mut folder, "ROLLBACK").await.unwrap();
    while opened.store.fold(Span::ZERO, 100).await.unwrap().more {}
    assert_eq!(counted(&opened, &mut plain).await, (1, 1));
}

#[tokio::test]
async fn sums_that_differ_from_their_rows_are_found_and_mended() {
    let opened = open().await;
    let mut connection = opened.plain().await;
    answered(&opened.store, &[1, 2, 3700, 7300, 7301]).await;
    while opened.store.fold(Span::ZERO, 100).await.unwrap().more {}
    for wrong in [
        "UPDATE usage_hours SET requests = requests + 1 WHERE hour = (SELECT min(hour) FROM usage_hours)",
        "DELETE FROM usage_hours WHERE hour = (SELECT max(hour) FROM usage_hours)",
        "UPDATE usage_hours SET hour = hour + interval '10 hours' WHERE hour = (SELECT max(hour) FROM usage_hours)",
        // A row that a fold did not see.
        "WITH l AS (UPDATE usage_latency SET requests = 1 WHERE requests = 2), \
         c AS (UPDATE usage_crowds SET users = '\\x01' WHERE hour = (SELECT max(hour) FROM usage_crowds)) \
         UPDATE usage_hours SET requests = requests - 1, credits = credits - 1 WHERE requests = 2",
    ] {
        run(&mut connection, wrong).await.unwrap();
        let found = opened.store.recheck(time(0), time(100_000)).await.unwrap();
        assert!((1..=2).contains(&found), "{wrong}: {found}");
        assert_eq!(counted(&opened, &mut connection).await, (5, 5), "{wrong}");
        assert_eq!(opened.store.recheck(time(0), time(100_000)).await, Ok(0), "{wrong}");
    }
    let figures = opened.store.period(time(0), time(36_000), false).await.unwrap();
    let sums = figures.top_users.iter().map(|sum| (sum.requests, sum.credits.get()));
    assert_eq!(sums.collect::<Vec<_>>(), [(5, 5)]);
}

/// What was bought before there were entries of revenue is entered by the migration.
#[tokio::test]
async fn what_was_paid_and_returned_before_is_entered_once() {
    let [undo, undo_later] = [
        include_str!("../../../../migrations/postgres/2026-11-25-000002_reports/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-25-000006_crowds/down.sql"),
    ];
    let [redo, redo_later] = [
        include_str!("../../../../migrations/postgres/2026-11-25-000002_reports/up.sql"),
        include_str!("../../../../migrations/postgres/2026-11-25-000006_crowds/up.sql"),
    ];
    let opened = open().await;
    let mut connection = opened.plain().await;
    let purchase = |id: &str, paid: &str, refunded: i64, at: &str| {
        format!(
            "INSERT INTO purchases (lane, user_id, id, kind, plan, credits, price_minor, currency, livemode, state,
                 refunded_minor, refunded_as_of, created_at, paid_at)
             VALUES (1, md5('u')::uuid, md5('{id}')::uuid, 'pack', 'p', 1, 2900, 'brl', false,
                 CASE WHEN {paid} IS NULL THEN 'created' ELSE 'paid' END, {refunded}, {at}, 'epoch', {paid});"
        )
    };
    let dispute = |id: &str, minor: i64, state: &str, at: &str| {
        format!(
            "INSERT INTO purchase_returns (lane, user_id, purchase_id, kind, reference, amount_minor, state, as_of)
             VALUES (1, md5('u')::uuid, md5('{id}')::uuid, 'dispute', '{state}', {minor}, '{state}', {at});"
        )
    };
    let rows = [
        undo_later.to_owned(),
        undo.to_owned(),
        purchase("open", "NULL", 100, "'epoch'"),
        purchase("paid", "timestamptz '2026-01-01Z'", 0, "'epoch'"),
        purchase("part", "timestamptz '2026-01-01Z'", 900, "timestamptz '2026-01-03Z'"),
        dispute("part", 50, "open", "timestamptz '2026-01-05Z'"),
        dispute("part", 70, "won", "timestamptz '2026-01-09Z'"),
        purchase("more", "timestamptz '2026-01-02Z'", 2900, "timestamptz '2026-01-03Z'"),
        dispute("more", 2900, "lost", "timestamptz '2026-01-04Z'"),
        redo.to_owned(),
        redo_later.to_owned(),
    ];
    for statements in rows {
        run(&mut connection, &statements).await.unwrap();
    }
    let day = |day: i64| time((day - 1) * 86_400);
    let money = async |from, to| {
        let money = opened.store.period(day(from), day(to), false).await.unwrap().money;
        (money.paid_minor, money.returned_minor)
    };
    assert_eq!(money(1, 2).await, (5800, 0));
    assert_eq!(money(2, 3).await, (2900, 0));
    assert_eq!(money(4, 5).await, (0, 2900));
    assert_eq!(money(5, 6).await, (0, 950));
    assert_eq!(money(1, 30).await, (8700, 3850));
}
