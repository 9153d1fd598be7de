//! Credits that come without a request: grants and an admin's corrections.

use domain::credits::Credits;
use domain::ledger::account::{AccountView, PlanName};
use domain::ledger::command::Refusal;
use domain::ledger::journal::{EntryKind, note_hash};

use crate::Fixture;
use crate::acts::sums;
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, adjust, admin, claw_back, credits, grant, hold, new_grant_id, settle,
    user,
};
use crate::time::{DAY, time};

pub async fn a_grant_adds_a_dated_lot(f: &Fixture) {
    let posted = f.granted(grant(user(1), "p").of(100).due(500).because("thanks").at(3)).await;
    assert_eq!((posted.amount, posted.expires_at, posted.repeated), (credits(100), Some(time(500)), false));
    assert_eq!(posted.note_hash, Some(note_hash("thanks")));
    assert_eq!(sums(posted.balances), [100, 0, 0, 100, 0]);
    let lot = f.lot(user(1), "purchase:p").await;
    assert_eq!((lot.amount, lot.remaining, lot.expires_at), (credits(100), credits(100), Some(time(500))));
    assert_eq!((lot.created_at, lot.clawed, lot.parent), (time(3), credits(0), None));
    let entry = f.journal(user(1)).await.remove(0);
    assert_eq!((entry.seq, entry.kind, entry.at), (1, EntryKind::Grant, time(3)));
    assert_eq!((entry.amount, entry.balance_after), (credits(100), credits(100)));
    assert_eq!((entry.source.as_str(), entry.actor.as_str()), ("purchase:p", "system"));
    assert_eq!(entry.hash, entry.chained_hash(&[0; 32]));
}

pub async fn a_source_is_granted_once(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100).due(500).because("thanks")).await;
    let again = f.granted(grant(user(1), "p").of(70).because("no thanks").at(9)).await;
    assert_eq!((again.amount, again.expires_at, again.repeated), (credits(100), Some(time(500)), true));
    assert_eq!(again.note_hash, Some(note_hash("thanks")));
    assert_eq!(f.sums(user(1), 9).await, [100, 0, 0, 100, 0]);
    f.granted(grant(user(1), "q").of(70)).await;
    f.granted(grant(user(2), "p").of(70)).await;
    assert_eq!(f.sums(user(1), 9).await, [170, 0, 0, 170, 0]);
}

pub async fn a_source_stays_granted_after_its_lot_is_spent(f: &Fixture) {
    f.granted(grant(user(1), "p").of(20)).await;
    let held = f.held(hold(user(1)).exactly(20)).await;
    f.settled(settle(user(1), held.hold).charge(20)).await;
    assert!(f.granted(grant(user(1), "p").of(20)).await.repeated);
    assert_eq!(f.sums(user(1), 0).await, [20, 20, 0, 0, 0]);
}

pub async fn what_is_owed_comes_off_a_grant(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100)).await;
    let held = f.held(hold(user(1)).exactly(60)).await;
    f.settled(settle(user(1), held.hold).charge(60)).await;
    f.clawed_back(claw_back(user(1), "p", 1, 1)).await;
    assert_eq!(f.sums(user(1), 0).await, [0, 60, 0, 0, 60]);
    f.granted(grant(user(1), "q").of(50)).await;
    assert_eq!(f.sums(user(1), 0).await, [50, 60, 0, 0, 10]);
    f.granted(grant(user(1), "r").of(50)).await;
    assert_eq!(f.sums(user(1), 0).await, [100, 60, 0, 40, 0]);
    assert_eq!(f.remaining(user(1), ["p", "q", "r"]).await, [0, 0, 40]);
}

pub async fn a_grant_can_bring_a_plan(f: &Fixture) {
    f.granted(grant(user(1), "p").plan("pro", Some(900))).await;
    let AccountView { plan, renewal, suspended, .. } = f.account(user(1), 1).await;
    assert_eq!((plan, renewal, suspended), (PlanName::new("pro"), Some(time(900)), false));
    f.granted(grant(user(1), "q")).await;
    assert_eq!(f.account(user(1), 1).await.plan, PlanName::new("pro"), "a grant without one changes none");
    f.granted(grant(user(1), "r").plan("pack", None)).await;
    assert_eq!(f.plan(user(1), 1).await, ("pro".to_owned(), Some(900)), "a pack waits for the subscription");
    let lapse = 900 + 3 * DAY;
    assert_eq!(f.plan(user(1), lapse - 1).await, ("pro".to_owned(), Some(900)));
    assert_eq!(f.plan(user(1), lapse).await, ("pack".to_owned(), None), "without a job");
    f.granted(grant(user(1), "s").plan("other", None).at(lapse)).await;
    assert_eq!(f.plan(user(1), lapse).await, ("other".to_owned(), None));
}

pub async fn the_low_balance_threshold_follows_the_last_grant(f: &Fixture) {
    f.granted(grant(user(1), "p").of(5000)).await;
    assert_eq!(f.account(user(1), 0).await.low_balance_threshold, credits(500));
    f.granted(grant(user(1), "q").of(50)).await;
    assert_eq!(f.account(user(1), 0).await.low_balance_threshold, credits(10));
}

pub async fn amounts_out_of_range_are_refused(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100)).await;
    for amount in [0, -5, Credits::MAX.get()] {
        assert_eq!(f.grant_refused(grant(user(1), "q").of(amount)).await, Refusal::AmountOutOfRange);
    }
    assert_eq!(f.adjust_refused(adjust(user(1), "a", 0)).await, Refusal::AmountOutOfRange);
    assert_eq!(f.adjust_refused(adjust(user(1), "a", Credits::MAX.get())).await, Refusal::AmountOutOfRange);
    assert_eq!(f.sums(user(1), 0).await, [100, 0, 0, 100, 0]);
    assert!(!f.granted(grant(user(1), "q").of(1)).await.repeated);
}

pub async fn a_positive_adjustment_adds_a_lot(f: &Fixture) {
    let posted = f.adjusted(adjust(user(1), "a", 40).at(2)).await;
    assert_eq!((posted.amount, posted.expires_at, posted.repeated), (credits(40), None, false));
    assert_eq!(posted.note_hash, Some(note_hash("a correction")));
    assert_eq!(f.sums(user(1), 2).await, [40, 0, 0, 40, 0]);
    let line = f.statements.journal(user(1), None, 10).await.expect("the store answers").remove(0);
    assert_eq!((line.entry.kind, line.entry.amount), (EntryKind::Adjust, credits(40)));
    assert_eq!((line.entry.actor, line.note.as_deref()), (admin(), Some("a correction")));
    assert_eq!(line.entry.source, "manual:a");
}

pub async fn a_negative_adjustment_comes_off_the_lots_in_burn_order(f: &Fixture) {
    f.granted(grant(user(1), "lasting").of(50)).await;
    f.granted(grant(user(1), "due").of(50).due(500)).await;
    let posted = f.adjusted(adjust(user(1), "a", -70)).await;
    assert_eq!((posted.amount, posted.repeated), (credits(-70), false));
    assert_eq!(sums(posted.balances), [30, 0, 0, 30, 0]);
    assert_eq!(f.remaining(user(1), ["lasting", "due"]).await, [30, 0]);
}

pub async fn an_adjustment_is_posted_once_for_its_source(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    for (source, amount) in [("a", -30), ("b", 20)] {
        assert!(!f.adjusted(adjust(user(1), source, amount)).await.repeated);
        let again = f.adjusted(adjust(user(1), source, 55)).await;
        assert_eq!((again.amount, again.repeated), (credits(amount), true));
    }
    assert_eq!(f.sums(user(1), 0).await, [90, 0, 0, 90, 0]);
}

pub async fn an_adjustment_takes_no_more_than_is_available(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).exactly(60)).await;
    let refusal = f.adjust_refused(adjust(user(1), "a", -41)).await;
    assert_eq!(refusal, Refusal::NotEnough { available: credits(40) });
    f.adjusted(adjust(user(1), "a", -40)).await;
    assert_eq!(f.sums(user(1), 0).await, [60, 0, 60, 0, 0]);
    assert_eq!(
        f.adjust_refused(adjust(user(2), "a", -1)).await,
        Refusal::NotEnough { available: credits(0) },
        "a user who was never seen has nothing"
    );
}

/// Ids and sources are unique for a user, not for all.
pub async fn grants_for_many_users_do_not_disturb_each_other(f: &Fixture) {
    let id = new_grant_id();
    for number in 1..=4 {
        let request = domain::ledger::command::GrantRequest { id, ..grant(user(number), "p") };
        assert!(!f.granted(request).await.repeated);
    }
    for number in 1..=4 {
        assert_eq!(f.sums(user(number), 0).await, [100, 0, 0, 100, 0]);
    }
}
