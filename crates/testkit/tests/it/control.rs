//! The races can see: a ledger that checks first and deducts later is caught.

use testkit::control::check_then_deduct;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checking_first_and_deducting_later_overspends() {
    let spent = check_then_deduct().await;
    assert!(spent.requests * 10 > spent.funds, "the races are blind: {spent:?}");
}
