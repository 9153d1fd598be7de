//! Disputes, and warnings of fraud.

use domain::billing::purchase::{ReturnState, Standing};
use domain::ledger::account::SuspensionSource;
use domain::ledger::command::Refusal;

use crate::Fixture;
use crate::acts::must;
use crate::requests::billing::{NewsExt, news};
use crate::requests::{HoldExt, hold, suspend, user};

async fn is_suspended(f: &Fixture) -> bool {
    f.account(user(1), 0).await.suspended
}

pub async fn a_dispute_suspends_and_takes_its_share_back(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    let receipt = f.observed(news(user(1), id).dispute("dp_1", 1450, ReturnState::Open, 5)).await;
    assert_eq!(receipt.purchase.standing(), Standing::Disputed);
    assert_eq!(f.sums(user(1), 0).await, [2500, 0, 0, 2500, 0]);
    assert_eq!(f.hold_refused(hold(user(1)).exactly(10)).await, Refusal::Suspended);
    for _ in 0..3 {
        f.observed(news(user(1), id).dispute("dp_1", 1450, ReturnState::Open, 6)).await;
    }
    assert_eq!(f.sums(user(1), 0).await, [2500, 0, 0, 2500, 0]);
    assert_eq!(f.books_of(user(1)).await.suspensions, 1);
    assert_eq!(f.purchase(id).await.returns.len(), 1);
}

pub async fn a_won_dispute_gives_credits_back_and_lifts_its_suspension(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 5)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    let receipt = f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Won, 6)).await;
    assert_eq!(receipt.purchase.standing().as_str(), "paid");
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0]);
    f.held(hold(user(1)).exactly(10)).await;
}

pub async fn a_lost_dispute_leaves_the_claw_back_and_lifts_its_suspension(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 5)).await;
    let receipt = f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Lost, 6)).await;
    assert_eq!(receipt.purchase.standing(), Standing::Refunded);
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    assert!(!is_suspended(f).await);
}

pub async fn a_strict_house_keeps_an_account_suspended_after_a_lost_dispute(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    let open = news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 5);
    f.observed(open.strict_about_disputes()).await;
    let lost = news(user(1), id).dispute("dp_1", 2900, ReturnState::Lost, 6);
    f.observed(lost.strict_about_disputes()).await;
    assert!(is_suspended(f).await);
}

pub async fn the_end_of_a_dispute_outweighs_its_beginning(f: &Fixture) {
    for (number, end, left) in [(1, ReturnState::Won, 5000), (2, ReturnState::Lost, 0)] {
        let id = f.pack_paid(user(number)).await;
        f.observed(news(user(number), id).dispute("dp_1", 2900, end, 5)).await;
        f.observed(news(user(number), id).dispute("dp_1", 2900, ReturnState::Open, 9)).await;
        assert_eq!(f.sums(user(number), 0).await, [left, 0, 0, left, 0]);
        assert!(!f.account(user(number), 0).await.suspended, "it is over: {end:?}");
    }
}

pub async fn a_dispute_lifts_only_its_own_suspension(f: &Fixture) {
    let one = f.pack_paid(user(1)).await;
    let two = f.pack_paid(user(1)).await;
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await);
    f.observed(news(user(1), one).dispute("dp_1", 2900, ReturnState::Open, 5)).await;
    f.observed(news(user(1), two).dispute("dp_2", 2900, ReturnState::Open, 5)).await;
    assert_eq!(f.books_of(user(1)).await.suspensions, 3);
    f.observed(news(user(1), one).dispute("dp_1", 2900, ReturnState::Won, 6)).await;
    assert_eq!(f.books_of(user(1)).await.suspensions, 2);
    f.observed(news(user(1), two).dispute("dp_2", 2900, ReturnState::Lost, 6)).await;
    assert_eq!(f.books_of(user(1)).await.suspensions, 1);
    assert!(is_suspended(f).await, "the admin's stands");
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0]);
}

pub async fn a_dispute_before_the_payment_suspends_at_once(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 5)).await;
    assert!(is_suspended(f).await);
    f.observed(news(user(1), id).paid()).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Won, 6)).await;
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0]);
    assert!(!is_suspended(f).await);
}

pub async fn a_dispute_and_a_refund_of_the_same_money_take_it_once(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).refunded(2900, 4)).await;
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 5)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Won, 6)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0], "the refund stands");
}

pub async fn a_fraud_warning_suspends_where_the_house_wants_it(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).fraud("issfr_1")).await;
    assert!(!is_suspended(f).await);
    for _ in 0..2 {
        f.observed(news(user(1), id).fraud("issfr_2").strict_about_fraud()).await;
    }
    assert_eq!(f.books_of(user(1)).await.suspensions, 1);
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0], "a warning takes nothing");
}
