//! The contract of every store. The replica is a second store, with writers of its own, on the same database.

use std::sync::Arc;

use adapters_postgres::{PostgresOptions, PostgresStore};
use testkit::Fixture;

use crate::harness;

async fn fresh() -> Fixture {
    let database = harness::database().await;
    let (store, writers) = PostgresStore::connect(&database.url, PostgresOptions::default()).await.unwrap();
    let (replica, others) = PostgresStore::connect(&database.url, PostgresOptions::default()).await.unwrap();
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
        guard: Box::new((writers, others, database)),
    }
}

testkit::ledger_contract!(fresh);
testkit::billing_contract!(fresh);
testkit::admin_contract!(fresh);
