//! Reports and the audit log, where SQLite has ways of its own.

use adapters_sqlite::SqliteStore;
use diesel::connection::SimpleConnection;
use domain::audit::RecordRequest;
use domain::clock::Span;
use domain::ports::audit::Recorder;
use domain::ports::ledger::Ledger;
use domain::ports::reports::{Folded, Reports};
use testkit::requests::{At, GrantExt, SettleExt, grant, hold, note, settle, user};
use testkit::time::{moment, time};

use crate::harness::{Place, held};

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_leaves_its_range_is_an_error_and_not_a_guess() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.grant(grant(user(1), "p")).await.expect("granted");
    for _ in 0..2 {
        let id = held(&store, hold(user(1))).await;
        store.settle(settle(user(1), id).costing(i64::MAX)).await.expect("settled");
    }
    let figures = store.period(time(-1), time(1), false).await;
    assert!(figures.is_err(), "{figures:?}");
}

/// Five requests in three hours.
async fn some_requests(store: &SqliteStore) {
    store.grant(grant(user(1), "p").of(1000)).await.expect("granted");
    for secs in [1, 2, 3700, 7300, 7301] {
        let id = held(store, hold(user(1)).at(secs)).await;
        store.settle(settle(user(1), id).at(secs)).await.expect("settled");
    }
}

async fn answered(store: &SqliteStore) -> (u64, u64) {
    let figures = store.period(time(0), time(10_800), false).await.expect("it answers");
    (figures.usage.iter().map(|slice| slice.sums.requests).sum(), figures.users)
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_that_differ_from_their_rows_are_found_and_mended() {
    let place = Place::new();
    let (store, _writer) = place.open();
    some_requests(&store).await;
    assert_eq!(store.fold(Span::ZERO, 100).await, Ok(Folded { rows: 5, more: false }));
    let mut stranger = place.stranger();
    for wrong in [
        "UPDATE usage_hours SET requests = requests + 1 WHERE hour = (SELECT min(hour) FROM usage_hours)",
        "DELETE FROM usage_hours WHERE hour = (SELECT max(hour) FROM usage_hours)",
        "UPDATE usage_hours SET hour = hour + 36000000000 WHERE hour = (SELECT max(hour) FROM usage_hours)",
    ] {
        stranger.batch_execute(wrong).expect("changed");
        let found = store.recheck(time(0), time(100_000)).await.expect("it answers");
        assert!((1..=2).contains(&found), "{wrong}: {found}");
        assert_eq!(answered(&store).await, (5, 1), "{wrong}");
        assert_eq!(store.recheck(time(0), time(100_000)).await, Ok(0), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_folded_in_many_transactions() {
    let place = Place::new();
    let (store, _writer) = place.open();
    some_requests(&store).await;
    let mut seen = Vec::new();
    loop {
        let folded = store.fold(Span::ZERO, 2).await.expect("it answers");
        seen.push(folded.rows);
        assert_eq!(answered(&store).await, (5, 1));
        if !folded.more {
            break;
        }
    }
    assert_eq!(seen, [2, 2, 1]);
    assert_eq!(place.count("SELECT sum(requests) AS number FROM usage_hours"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_of_rows_that_are_gone_are_made_anew() {
    let place = Place::new();
    let (store, _writer) = place.open();
    some_requests(&store).await;
    store.fold(Span::ZERO, 100).await.expect("folded");
    let gone = "DELETE FROM ai_usage_log WHERE rowid > 3";
    place.stranger().batch_execute(gone).expect("deleted");
    while store.fold(Span::ZERO, 100).await.expect("folded").more {}
    assert_eq!(answered(&store).await, (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_refuses_whatever_is_not_an_addition() {
    let place = Place::new();
    let (store, _writer) = place.open();
    let note = note("setting.change", user(1));
    let request = RecordRequest { note, user: None, before: None, after: None, now: moment(0) };
    store.record(request).await.expect("written");
    store.grant(grant(user(1), "p").of(10)).await.expect("granted");
    for statement in [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "UPDATE audit_reasons SET reason = 'another'",
        "REPLACE INTO credit_journal SELECT * FROM credit_journal",
    ] {
        let refusal = place.stranger().batch_execute(statement).expect_err("refused").to_string();
        assert!(
            refusal.contains("append-only") || refusal.contains("never changed"),
            "{statement}: {refusal}"
        );
    }
    // What replaces deletes, and no trigger of deletions is asked.
    let statement =
        "REPLACE INTO audit_log SELECT lane, id, user_id, at, 'nobody', via, action, target, before, after,
        request_id, idempotency_key FROM audit_log";
    place.stranger().batch_execute(statement).expect("left out");
    let statement = "REPLACE INTO audit_reasons SELECT lane, id, 'another' FROM audit_reasons";
    place.stranger().batch_execute(statement).expect("left out");
    let kept = "SELECT count(*) AS number FROM audit_reasons WHERE reason <> 'another'";
    assert_eq!(place.count(kept), 1);
    assert_eq!(place.count("SELECT count(*) AS number FROM audit_log WHERE actor LIKE 'admin:%'"), 1);
}
