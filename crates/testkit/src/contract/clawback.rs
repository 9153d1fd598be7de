//! Refunded and disputed payments take credits back, and give them again.

use domain::ledger::command::Refusal;
use domain::ledger::journal::EntryKind;

use crate::Fixture;
use crate::acts::{must, refused, sums};
use crate::requests::{At, GrantExt, HoldExt, SettleExt, claw_back, credits, grant, hold, settle, user};
use crate::time::time;

/// The worked example of the rule book.
pub async fn a_full_refund_of_a_partly_spent_pack_leaves_what_was_spent_owed(f: &Fixture) {
    f.granted(grant(user(1), "p").of(20_000)).await;
    spend(f, 30).await;
    let clawed = f.clawed_back(claw_back(user(1), "p", 7900, 7900)).await;
    assert_eq!(clawed.clawed, credits(20_000));
    assert_eq!(sums(clawed.balances), [0, 30, 0, 0, 30]);
    assert_eq!(f.journal(user(1)).await[0].balance_after, credits(-30));
    f.granted(grant(user(1), "q").of(5000)).await;
    assert_eq!(f.sums(user(1), 0).await, [5000, 30, 0, 4970, 0]);
    assert_eq!(f.remaining(user(1), ["p", "q"]).await, [0, 4970]);
}

pub async fn a_partial_refund_takes_its_share_rounded_down(f: &Fixture) {
    f.granted(grant(user(1), "p").of(20_000)).await;
    let clawed = f.clawed_back(claw_back(user(1), "p", 2633, 7900)).await;
    assert_eq!(clawed.clawed, credits(6665));
    assert_eq!(sums(clawed.balances), [13_335, 0, 0, 13_335, 0]);
    let entry = f.journal(user(1)).await.remove(0);
    assert_eq!((entry.kind, entry.amount), (EntryKind::ClawBack, credits(-6665)));
    assert_eq!(entry.source, "purchase:p");
}

pub async fn the_same_figure_again_changes_nothing(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.clawed_back(claw_back(user(1), "p", 40, 100)).await;
    let again = f.clawed_back(claw_back(user(1), "p", 40, 100).at(5)).await;
    assert_eq!((again.clawed, sums(again.balances)), (credits(40), [60, 0, 0, 60, 0]));
    assert_eq!(f.journal(user(1)).await.len(), 2);
}

pub async fn figures_in_any_order_end_in_the_same_place(f: &Fixture) {
    let orders: [[i64; 4]; 4] = [[25, 50, 100, 40], [100, 25, 50, 40], [50, 0, 100, 40], [40, 100, 0, 40]];
    for (number, order) in (1..).zip(orders) {
        f.granted(grant(user(number), "p")).await;
        for (secs, returned) in (1..).zip(order) {
            let clawed = f.clawed_back(claw_back(user(number), "p", returned, 100).at(secs)).await;
            assert_eq!(clawed.clawed, credits(returned));
            assert_eq!(sums(clawed.balances), [100 - returned, 0, 0, 100 - returned, 0]);
        }
    }
}

pub async fn a_figure_above_what_was_paid_counts_as_all_of_it(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    assert_eq!(f.clawed_back(claw_back(user(1), "p", 250, 100)).await.clawed, credits(100));
}

pub async fn other_lots_are_taken_in_burn_order_when_the_payments_own_is_spent(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100).due(1000)).await;
    f.granted(grant(user(1), "due").of(20).due(2000)).await;
    f.granted(grant(user(1), "lasting").of(50)).await;
    spend(f, 80).await;
    f.clawed_back(claw_back(user(1), "p", 1, 2)).await;
    assert_eq!(f.remaining(user(1), ["p", "due", "lasting"]).await, [0, 0, 40]);
    assert_eq!(f.sums(user(1), 0).await, [120, 80, 0, 40, 0]);
}

pub async fn restoring_is_a_new_lot_with_its_expiry_moved_by_the_time_away(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100).due(1000)).await;
    f.clawed_back(claw_back(user(1), "p", 100, 100).at(100)).await;
    let restored = f.clawed_back(claw_back(user(1), "p", 0, 100).at(400)).await;
    assert_eq!((restored.clawed, sums(restored.balances)), (credits(0), [100, 0, 0, 100, 0]));
    let origin = f.lot(user(1), "purchase:p").await;
    assert_eq!((origin.remaining, origin.clawed), (credits(0), credits(0)));
    let lots = f.books_of(user(1)).await.lots;
    let new = lots.iter().find(|lot| lot.parent == Some(origin.id)).expect("a restored lot");
    assert_eq!((new.amount, new.remaining), (credits(100), credits(100)));
    assert_eq!(new.expires_at, Some(time(1300)));
    assert_eq!(f.journal(user(1)).await[0].kind, EntryKind::Restore);
    assert_eq!(f.sums(user(1), 1299).await, [100, 0, 0, 100, 0]);
    assert_eq!(f.sums(user(1), 1300).await, [0, 0, 0, 0, 0]);
}

/// A dispute of a period that is long over takes credits of other lots; won, it gives them back.
pub async fn what_was_taken_for_a_lot_that_was_due_comes_back_for_good(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100).due(1000)).await;
    spend(f, 80).await;
    f.granted(grant(user(1), "lasting").of(100)).await;
    f.clawed_back(claw_back(user(1), "p", 1, 1).at(5000)).await;
    assert_eq!(f.sums(user(1), 5000).await, [100, 80, 0, 20, 0]);
    f.clawed_back(claw_back(user(1), "p", 0, 1).at(6000)).await;
    assert_eq!(f.sums(user(1), 1_000_000).await, [180, 80, 0, 100, 0]);
}

pub async fn restored_credits_can_be_clawed_back_again(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100)).await;
    for (secs, (returned, total)) in (1..).zip([(100, 0), (0, 100), (100, 0), (30, 70), (60, 40), (0, 100)]) {
        f.clawed_back(claw_back(user(1), "p", returned, 100).at(secs)).await;
        assert_eq!(f.sums(user(1), secs).await, [total, 0, 0, total, 0]);
    }
}

pub async fn what_is_owed_comes_off_a_restored_lot(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100)).await;
    spend(f, 60).await;
    f.clawed_back(claw_back(user(1), "p", 1, 1).at(1)).await;
    assert_eq!(f.sums(user(1), 1).await, [0, 60, 0, 0, 60]);
    f.clawed_back(claw_back(user(1), "p", 0, 1).at(2)).await;
    assert_eq!(f.sums(user(1), 2).await, [100, 60, 0, 40, 0]);
}

pub async fn a_hold_that_was_made_before_can_still_be_settled(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100)).await;
    let held = f.held(hold(user(1)).exactly(80)).await;
    f.clawed_back(claw_back(user(1), "p", 1, 1)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 0, 80, 0, 80]);
    f.hold_refused(hold(user(1))).await;
    let settled = f.settled(settle(user(1), held.hold).charge(70)).await;
    assert_eq!((settled.charged, sums(settled.balances)), (credits(70), [0, 70, 0, 0, 70]));
}

pub async fn a_payment_that_nothing_was_granted_for_is_refused(f: &Fixture) {
    assert_eq!(refused(f.ledger.claw_back(claw_back(user(1), "p", 1, 1)).await), Refusal::SourceUnknown);
    assert_eq!(f.statements.account(user(1), time(0)).await, Ok(None));
    f.granted(grant(user(1), "q")).await;
    assert_eq!(refused(f.ledger.claw_back(claw_back(user(1), "p", 1, 1)).await), Refusal::SourceUnknown);
    must(f.ledger.claw_back(claw_back(user(1), "q", 1, 1)).await);
}

async fn spend(f: &Fixture, amount: i64) {
    let held = f.held(hold(user(1)).exactly(amount)).await;
    f.settled(settle(user(1), held.hold).charge(amount)).await;
}
