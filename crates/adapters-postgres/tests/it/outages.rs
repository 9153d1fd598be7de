//! The database goes away and comes back.

use std::time::Duration;

use adapters_postgres::{PostgresOptions, PostgresStore, migrate};
use domain::ports::ledger::{Ledger, LedgerError};
use domain::ports::statements::Statements;
use domain::ports::upkeep::Upkeep;
use testkit::acts::must;
use testkit::postgres::TestServer;
use testkit::requests::{grant, hold, user};
use testkit::time::time;

use crate::harness::{number, open, until};

const TERMINATE: &str = "
SELECT count(pg_terminate_backend(pid)) AS number FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn terminated_connections_are_replaced_and_nobody_notices() {
    let opened = open().await;
    must(opened.store.grant(grant(user(1), "p")).await);
    let mut connection = opened.plain().await;
    for round in 1..=3 {
        let ended = number(&mut connection, TERMINATE).await;
        assert!(ended > 0, "round {round}");
        // The writer waits the outage out; a read gets another connection.
        must(opened.store.hold(hold(user(1))).await);
        opened.store.account(user(1), time(0)).await.unwrap();
    }
    let held = opened.store.account(user(1), time(0)).await.unwrap().unwrap().balances.held;
    assert_eq!(held.get(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_database_is_an_outage_and_a_started_one_is_used_again() {
    let server = TestServer::start().await;
    let url = server.create_database("books").await;
    migrate(&url).await.unwrap();
    let mut options = PostgresOptions::default();
    options.group_commit.patience = Duration::from_millis(100);
    let (store, _writers) = PostgresStore::connect(&url, options).await.unwrap();
    must(store.grant(grant(user(1), "p")).await);
    let request = hold(user(1));
    let first = must(store.hold(request.clone()).await);

    server.stop().await;
    assert!(matches!(store.hold(hold(user(1))).await, Err(LedgerError::Unavailable(_))));
    assert!(store.account(user(1), time(0)).await.is_err());
    assert!(store.ping().await.is_err());

    server.start_again().await;
    // The same request again, whose answer might have been lost: it answers what it did.
    let again = until(async || store.hold(request.clone()).await).await;
    assert_eq!(first, again);
    until(async || store.ping().await).await;
    let account = until(async || store.account(user(1), time(0)).await).await.unwrap();
    assert_eq!(account.balances.held.get(), 10);
}
