//! Money that went back: credits go with it, by absolute figures.

use domain::billing::purchase::{ReturnKind, ReturnState, Standing};
use domain::ledger::command::Refusal;
use domain::ledger::journal::EntryKind;

use crate::Fixture;
use crate::requests::billing::{NewsExt, OpenExt, invoice, news, offer, open, pack};
use crate::requests::{At, HoldExt, SettleExt, hold, settle, user};
use crate::time::{DAY, time};
use domain::billing::offer::PayMode;

pub async fn a_refund_before_the_payment_is_applied_with_the_grant(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).refunded(1450, 5)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    let receipt = f.observed(news(user(1), id).paid()).await;
    assert_eq!(receipt.purchase.standing(), Standing::PartlyRefunded);
    assert_eq!(f.sums(user(1), 0).await, [2500, 0, 0, 2500, 0]);
    let kinds: Vec<_> = f.journal(user(1)).await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::ClawBack, EntryKind::Grant]);
}

/// 1000 + 900 + 1000 of 2900, told as 1000, 1900 and 2900.
pub async fn three_partial_refunds_are_absolute_figures(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    for (minor, as_of, left) in [(1000, 1, 3276), (1900, 2, 1725), (2900, 3, 0)] {
        for _ in 0..2 {
            f.observed(news(user(1), id).refunded(minor, as_of)).await;
            assert_eq!(f.sums(user(1), 0).await, [left, 0, 0, left, 0], "{minor} of 2900 is back");
        }
    }
    assert_eq!(f.purchase(id).await.standing(), Standing::Refunded);
}

/// The rule book's example: granted 20,000, used 30, refunded in full.
pub async fn a_full_refund_after_spending_leaves_what_was_spent_owed(f: &Fixture) {
    let big = f.opened(open(user(1)).of(offer("professional", 20_000, 7900))).await.purchase.id;
    f.observed(news(user(1), big).paid_as(7900, "brl", PayMode::Payment)).await;
    let held = f.held(hold(user(1)).exactly(30)).await;
    f.settled(settle(user(1), held.hold).charge(30)).await;
    f.observed(news(user(1), big).refunded(7900, 5)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 30, 0, 0, 30]);
    f.pack_paid(user(1)).await;
    assert_eq!(f.sums(user(1), 0).await, [5000, 30, 0, 4970, 0]);
}

pub async fn a_failed_refund_gives_credits_back(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).refunded(2900, 5)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    let receipt = f.observed(news(user(1), id).refunded(0, 6)).await;
    assert_eq!(receipt.purchase.standing().as_str(), "paid");
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0]);
    assert_eq!(f.journal(user(1)).await.first().map(|entry| entry.kind), Some(EntryKind::Restore));
    f.observed(news(user(1), id).refunded(1450, 7)).await;
    assert_eq!(f.sums(user(1), 0).await, [2500, 0, 0, 2500, 0], "and can go again");
}

pub async fn an_older_figure_does_not_outweigh_a_newer_one(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).refunded(1450, 9)).await;
    f.observed(news(user(1), id).refunded(2900, 8)).await;
    assert_eq!(f.sums(user(1), 0).await, [2500, 0, 0, 2500, 0]);
    let row = f.purchase(id).await;
    assert_eq!((row.refunded_minor, row.refunded_as_of), (1450, time(9)));
}

pub async fn a_refund_of_an_unpaid_purchase_takes_nothing(f: &Fixture) {
    f.pack_paid(user(1)).await;
    let unpaid = f.pack_opened(user(1)).await;
    f.observed(news(user(1), unpaid).refunded(2900, 5).by_hand("r", 2900)).await;
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0]);
}

pub async fn a_manual_refund_is_made_once_for_its_key(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    for minor in [290, 290, 2900] {
        f.observed(news(user(1), id).by_hand("r1", minor).at(4)).await;
        assert_eq!(f.sums(user(1), 4).await, [4500, 0, 0, 4500, 0]);
    }
    let row = f.purchase(id).await;
    let [made] = &row.returns[..] else { panic!("one refund by hand: {:?}", row.returns) };
    assert_eq!((made.kind, made.state, made.minor), (ReturnKind::Manual, ReturnState::Lost, 290));
    assert_eq!((made.reference.as_str(), made.as_of), ("r1", time(4)));
    f.observed(news(user(1), id).by_hand("r2", 290)).await;
    assert_eq!(f.sums(user(1), 4).await, [4000, 0, 0, 4000, 0]);
    assert_eq!(f.purchase(id).await.returns.len(), 2);
}

pub async fn refunds_of_both_kinds_add_up_and_take_no_more_than_was_granted(f: &Fixture) {
    let other = f.pack_paid(user(1)).await;
    let id = f.pack_paid(user(1)).await;
    f.observed(news(user(1), id).refunded(1450, 5).by_hand("r", 290)).await;
    assert_eq!(f.sums(user(1), 0).await, [7000, 0, 0, 7000, 0]);
    f.observed(news(user(1), id).refunded(2900, 6)).await;
    assert_eq!(f.sums(user(1), 0).await, [5000, 0, 0, 5000, 0], "more came back than was paid");
    assert_eq!(f.lot(user(1), &format!("purchase:{other}")).await.remaining.get(), 5000);
}

pub async fn what_expired_is_not_taken_again_for_a_refund(f: &Fixture) {
    let terms = domain::billing::offer::Offer { expires_after_days: Some(1), ..pack() };
    let due = f.opened(open(user(1)).of(terms)).await.purchase.id;
    f.observed(news(user(1), due).paid()).await;
    f.pack_paid(user(1)).await;
    f.observed(news(user(1), due).refunded(2900, 5).at(2 * DAY)).await;
    assert_eq!(f.sums(user(1), 2 * DAY).await, [5000, 0, 0, 5000, 0], "it was gone already");
}

/// A claw-back needs the invoice's lots: without its name the act is to be prepared anew.
pub async fn news_without_its_known_invoice_is_refused_once_it_was_granted(f: &Fixture) {
    let begun = f.opened(crate::requests::billing::subscribe(user(1))).await.purchase.id;
    f.observed(news(user(1), begun).invoiced("in_1", 30 * DAY).month_paid()).await;
    let refund = news(user(1), begun).refunded(7900, 5);
    assert_eq!(f.observe_refused(refund.clone()).await, Refusal::PurchaseUnknown);
    assert_eq!(f.purchase(begun).await.refunded_minor, 0);
    f.observed(refund.known_invoice("in_1")).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 0, 0, 0]);
    let renewed = f.observed(invoice(user(1), "in_2", 60 * DAY).month_paid()).await.purchase.id;
    f.observed(news(user(1), renewed).refunded(3950, 6).known_invoice("in_2")).await;
    assert_eq!(f.sums(user(1), 0).await, [10_000, 0, 0, 10_000, 0]);
}
