//! Low balance: one event for each fall to the threshold.

use domain::ports::ledger::{HoldOutcome, Ledger};
use testkit::acts::must;
use testkit::memory::MemoryStore;
use testkit::requests::{At, GrantExt, HoldExt, SettleExt, credits, grant, hold, settle, user};

async fn spend(store: &MemoryStore, amount: i64) {
    let HoldOutcome::Held(held) = must(store.hold(hold(user(1)).exactly(amount)).await) else {
        panic!("no key, no replay")
    };
    must(store.settle(settle(user(1), held.hold).charge(amount)).await);
}

#[tokio::test]
async fn each_fall_to_the_threshold_gives_notice_once() {
    let store = MemoryStore::new();
    must(store.grant(grant(user(1), "p").of(1000)).await);
    spend(&store, 899).await;
    assert!(store.outbox().is_empty(), "101 left, the threshold is 100");
    spend(&store, 10).await;
    spend(&store, 10).await;
    let events = store.outbox();
    let [event] = events.as_slice() else { panic!("one event: {events:?}") };
    assert_eq!((event.user, event.balance, event.threshold), (user(1), credits(91), credits(100)));
    assert_eq!(event.seq, 3);

    must(store.grant(grant(user(1), "q").of(200).at(9)).await);
    spend(&store, 252).await;
    assert_eq!(store.outbox().len(), 1, "29 left, the threshold is now 20");
    spend(&store, 19).await;
    assert_eq!(store.outbox().len(), 2);
}
