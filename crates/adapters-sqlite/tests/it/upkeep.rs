//! Background work, where SQLite has ways of its own.

use domain::ledger::command::Refusal;
use domain::ports::books::Books;
use domain::ports::ledger::{Ledger, LedgerError};
use domain::ports::statements::Statements;
use domain::ports::upkeep::Upkeep;
use testkit::requests::{At, GrantExt, HoldExt, SettleExt, grant, hold, instance, settle, user};
use testkit::time::{moment, time};

use crate::harness::{Place, held};

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_hold_of_a_server_without_a_lease_is_left_alone() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.grant(grant(user(1), "p")).await.expect("granted");
    held(&store, hold(user(1)).by(instance(9))).await;
    assert_eq!(store.expire_due(moment(20), 10).await, Ok(0));
    assert_eq!(store.expire_due(moment(40), 10).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_lots_do_not_keep_the_sweep_from_others() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.renew_lease(instance(1), time(10_000)).await.expect("renewed");
    for number in 1..=5 {
        store.grant(grant(user(number), "p").due(50)).await.expect("granted");
        held(&store, hold(user(number)).exactly(100)).await;
    }
    store.grant(grant(user(6), "p").due(60)).await.expect("granted");
    assert_eq!(store.expire_due(moment(100), 1).await, Ok(1));
    let swept = store.account_books(user(6)).await.expect("the store answers").expect("there");
    assert_eq!(swept.lots[0].remaining.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_deletes_more_than_one_transaction_takes() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.grant(grant(user(1), "p").of(100_000)).await.expect("granted");
    let requests = (0..1100).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = held(&store, hold(user(1))).await;
            store.settle(settle(user(1), id).keeping("question", "answer").at(1)).await.expect("settled");
        })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.expect("no panic");
    }
    assert_eq!(store.content_older_than(time(2)).await, Ok(1100));
    store.purge(time(2), time(0)).await.expect("purged");
    assert_eq!(store.content_older_than(time(2)).await, Ok(0));
    assert_eq!(store.usage(user(1), None, 2000).await.expect("the store answers").len(), 1100);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_running_request_outlives_a_purge() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.grant(grant(user(1), "p")).await.expect("granted");
    held(&store, hold(user(1)).keyed("k")).await;
    store.purge(time(0), time(100)).await.expect("purged");
    let again = store.hold(hold(user(1)).keyed("k")).await;
    assert!(matches!(again, Err(LedgerError::Refused(Refusal::KeyInProgress))), "{again:?}");
}
