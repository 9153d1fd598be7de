//! Reports, where SQLite has ways of its own.

use domain::ports::ledger::Ledger;
use domain::ports::reports::Reports;
use testkit::requests::{SettleExt, grant, hold, settle, user};
use testkit::time::time;

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
    let totals = store.usage_totals(time(-1), time(1)).await;
    assert!(totals.is_err(), "{totals:?}");
}
