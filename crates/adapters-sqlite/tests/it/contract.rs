//! The contract of all stores, on a file that a second server has open too.

use std::sync::Arc;

use testkit::Fixture;

use crate::harness::Place;

async fn fresh() -> Fixture {
    let place = Place::new();
    let (store, writer) = place.open();
    let (replica, replicas_writer) = place.open();
    let store = Arc::new(store);
    Fixture {
        ledger: store.clone(),
        replica: Some(Arc::new(replica)),
        statements: store.clone(),
        upkeep: store.clone(),
        books: store.clone(),
        reports: store.clone(),
        overview: store.clone(),
        recorder: store.clone(),
        audit: store.clone(),
        till: store.clone(),
        purchases: store.clone(),
        inbox: store.clone(),
        api_keys: store.clone(),
        vitals: store,
        guard: Box::new((writer, replicas_writer, place)),
    }
}

testkit::ledger_contract!(fresh);
testkit::billing_contract!(fresh);
testkit::admin_contract!(fresh);
