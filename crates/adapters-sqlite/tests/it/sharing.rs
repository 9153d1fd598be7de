//! One file, several servers, and what outlives them.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use domain::ledger::account::Balances;
use domain::ports::ledger::{HoldOutcome, Ledger, LedgerError};
use domain::ports::statements::Statements;
use domain::ports::upkeep::Upkeep;
use testkit::requests::{GrantExt, HoldExt, SettleExt, credits, grant, hold, instance, settle, user, void};
use testkit::time::time;

use crate::harness::{Place, held, impatient};

async fn balances(store: &impl Statements, number: u8) -> Balances {
    let found = store.account(user(number), time(0)).await.expect("the store answers");
    found.expect("the account is there").balances
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_the_server_went() {
    let place = Place::new();
    let (store, writer) = place.open();
    store.grant(grant(user(1), "p").of(500).because("a gift")).await.expect("granted");
    let settled = held(&store, hold(user(1)).at_most(100).keyed("k")).await;
    let request = settle(user(1), settled).charge(60).answered("k", "the answer");
    store.settle(request).await.expect("settled");
    let open = held(&store, hold(user(1)).at_most(40)).await;
    writer.shutdown(Duration::from_secs(10)).await;
    drop(store);

    let (store, _writer) = place.open();
    let now = balances(&store, 1).await;
    assert_eq!((now.total, now.used, now.held), (credits(500), credits(60), credits(40)));
    let replay = store.hold(hold(user(1)).keyed("k")).await.expect("answered");
    assert!(matches!(replay, HoldOutcome::Replay(answer) if answer.answer.body == b"the answer"));
    assert!(store.void(void(user(1), open)).await.expect("voided"));
    let journal = store.journal(user(1), None, 10).await.expect("the store answers");
    assert_eq!(journal.len(), 2);
    assert_eq!(journal[1].note.as_deref(), Some("a gift"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_is_done_before_the_writer_stops() {
    let place = Place::new();
    let (store, writer) = place.open();
    store.grant(grant(user(1), "p")).await.expect("granted");
    let id = held(&store, hold(user(1))).await;
    store.release(void(user(1), id));
    writer.shutdown(Duration::from_secs(10)).await;
    assert_eq!(balances(&store, 1).await.held, credits(0));
    let after = store.hold(hold(user(1))).await;
    assert!(
        matches!(&after, Err(LedgerError::Unavailable(why)) if why.0.contains("stopped")),
        "a store whose writer has stopped says so: {after:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_never_hold_the_same_credits() {
    let place = Place::new();
    let (one, _one) = place.open();
    let (other, _other) = place.open();
    one.grant(grant(user(1), "p").of(500)).await.expect("granted");
    let callers: Vec<_> = (0..100)
        .map(|number| {
            let server = if number % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(async move { server.hold(hold(user(1)).exactly(10)).await })
        })
        .collect();
    let mut made = 0;
    for caller in callers {
        match caller.await.expect("no panic") {
            Ok(_) => made += 1,
            Err(LedgerError::Refused(_)) => {}
            Err(LedgerError::Unavailable(why)) => panic!("{why}"),
        }
    }
    assert_eq!(made, 50);
    assert_eq!(balances(&one, 1).await, balances(&other, 1).await);
    assert_eq!(balances(&one, 1).await.held, credits(500));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_an_outage_until_it_is_free() {
    let place = Place::new();
    let (store, _writer) = place.open_with(impatient());
    store.grant(grant(user(1), "p").of(100)).await.expect("granted");

    let mut stranger = place.stranger();
    stranger.batch_execute("BEGIN IMMEDIATE").expect("locked");
    let away = store.hold(hold(user(1))).await;
    assert!(
        matches!(&away, Err(LedgerError::Unavailable(why)) if why.0.contains("outage")),
        "a locked file is an outage: {away:?}"
    );
    assert!(store.renew_lease(instance(1), time(10)).await.is_err());
    assert_eq!(balances(&store, 1).await.available, credits(100), "reads go on");
    assert_eq!(store.ping().await, Ok(()));

    stranger.batch_execute("ROLLBACK").expect("unlocked");
    assert!(store.renew_lease(instance(1), time(10)).await.is_ok());
    held(&store, hold(user(1))).await;
    assert_eq!(balances(&store, 1).await.held, credits(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_released_while_the_file_was_locked_is_done_later() {
    let place = Place::new();
    let (store, writer) = place.open_with(impatient());
    store.grant(grant(user(1), "p")).await.expect("granted");
    let id = held(&store, hold(user(1))).await;
    let mut stranger = place.stranger();
    stranger.batch_execute("BEGIN IMMEDIATE").expect("locked");
    store.release(void(user(1), id));
    assert!(store.grant(grant(user(2), "p")).await.is_err(), "the writer has met the lock");
    stranger.batch_execute("ROLLBACK").expect("unlocked");
    writer.shutdown(Duration::from_secs(30)).await;
    assert_eq!(balances(&store, 1).await.held, credits(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_outnumbered_by_reads_serve_them_all() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.grant(grant(user(1), "p")).await.expect("granted");
    let reads: Vec<_> = (0..200)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { balances(&store, 1).await.total })
        })
        .collect();
    for read in reads {
        assert_eq!(read.await.expect("no panic"), credits(100));
    }
}
