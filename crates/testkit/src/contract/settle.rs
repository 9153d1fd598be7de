//! Charging a hold.

use domain::ledger::command::Refusal;
use domain::ledger::holds::HoldState;
use domain::ledger::journal::EntryKind;
use domain::ledger::usage::Outcome;

use crate::Fixture;
use crate::acts::sums;
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, credits, facts, grant, hold, new_hold_id, settle, user, void,
};
use crate::time::time;

pub async fn settling_charges_what_was_used_and_returns_the_rest(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    let settled = f.settled(settle(user(1), held.hold).charge(15)).await;
    assert_eq!((settled.charged, settled.absorbed, settled.repeated), (credits(15), credits(0), false));
    assert_eq!(sums(settled.balances), [100, 15, 0, 85, 0]);
    assert_eq!(f.sums(user(1), 0).await, [100, 15, 0, 85, 0]);
}

pub async fn a_charge_above_the_hold_is_borne_by_the_house(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    let settled = f.settled(settle(user(1), held.hold).charge(47)).await;
    assert_eq!((settled.charged, settled.absorbed), (credits(40), credits(7)));
    assert_eq!(f.sums(user(1), 0).await, [100, 40, 0, 60, 0]);
    let usage = f.usage(user(1)).await;
    assert_eq!((usage[0].credits, usage[0].absorbed), (credits(40), credits(7)));
    assert_eq!(f.books_of(user(1)).await.holds[0].absorbed, credits(7));
}

pub async fn settling_twice_answers_the_first_receipt(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    f.settled(settle(user(1), held.hold).charge(47)).await;
    let again = f.settled(settle(user(1), held.hold).charge(20).at(3)).await;
    assert_eq!((again.charged, again.absorbed, again.repeated), (credits(40), credits(7), true));
    assert_eq!(f.sums(user(1), 3).await, [100, 40, 0, 60, 0]);
    assert_eq!((f.usage(user(1)).await.len(), f.journal(user(1)).await.len()), (1, 2));
}

pub async fn settling_writes_journal_and_usage(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    f.settled(settle(user(1), held.hold).charge(15).at(3)).await;

    let entry = f.journal(user(1)).await.remove(0);
    assert_eq!((entry.seq, entry.kind, entry.at), (2, EntryKind::Use, time(3)));
    assert_eq!((entry.amount, entry.balance_after), (credits(-15), credits(85)));
    assert_eq!(entry.source, format!("hold:{}", held.hold));
    assert_eq!(entry.actor.as_str(), format!("user:{}", user(1)));

    let usage = f.usage(user(1)).await;
    let [row] = usage.as_slice() else { panic!("one row: {usage:?}") };
    assert_eq!((row.hold, row.user, row.at), (held.hold, user(1), time(3)));
    assert_eq!((row.outcome, row.credits, row.absorbed), (Outcome::Settled, credits(15), credits(0)));
    assert_eq!(row.facts, facts());

    let hold = f.books_of(user(1)).await.holds.remove(0);
    assert_eq!((hold.state, hold.charged, hold.closed_at), (HoldState::Settled, credits(15), Some(time(3))));
}

pub async fn settling_for_nothing_writes_usage_only(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    let settled = f.settled(settle(user(1), held.hold).charge(0)).await;
    assert_eq!(settled.charged, credits(0));
    assert_eq!(f.sums(user(1), 0).await, [100, 0, 0, 100, 0]);
    assert_eq!((f.usage(user(1)).await.len(), f.journal(user(1)).await.len()), (1, 1));
}

pub async fn an_unknown_hold_cannot_be_settled(f: &Fixture) {
    assert_eq!(f.settle_refused(settle(user(1), new_hold_id(user(1)))).await, Refusal::HoldUnknown);
    f.granted(grant(user(1), "p")).await;
    assert_eq!(f.settle_refused(settle(user(1), new_hold_id(user(1)))).await, Refusal::HoldUnknown);
}

pub async fn the_hold_of_another_user_cannot_be_settled(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.granted(grant(user(2), "p")).await;
    let held = f.held(hold(user(1))).await;
    assert_eq!(f.settle_refused(settle(user(2), held.hold)).await, Refusal::HoldUnknown);
    assert_eq!(f.void_refused(void(user(2), held.hold)).await, Refusal::HoldUnknown);
    assert_eq!(f.sums(user(1), 0).await, [100, 0, 10, 90, 0]);
}

pub async fn a_voided_hold_cannot_be_settled(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1))).await;
    f.voided(void(user(1), held.hold)).await;
    assert_eq!(f.settle_refused(settle(user(1), held.hold)).await, Refusal::HoldVoided);
    assert_eq!(f.sums(user(1), 0).await, [100, 0, 0, 100, 0]);
}

pub async fn the_soonest_to_expire_lot_burns_first_then_the_oldest(f: &Fixture) {
    f.granted(grant(user(1), "old").of(20).at(0)).await;
    f.granted(grant(user(1), "young").of(20).at(1)).await;
    f.granted(grant(user(1), "late").of(20).due(2000).at(2)).await;
    f.granted(grant(user(1), "soon").of(20).due(1000).at(3)).await;
    let lots = ["soon", "late", "old", "young"];
    for remaining in [[5, 20, 20, 20], [0, 10, 20, 20], [0, 0, 15, 20], [0, 0, 0, 20], [0, 0, 0, 5]] {
        let held = f.held(hold(user(1)).exactly(15).at(4)).await;
        f.settled(settle(user(1), held.hold).charge(15).at(5)).await;
        assert_eq!(f.remaining(user(1), lots).await, remaining);
    }
}

pub async fn a_hold_burns_lots_that_were_there_when_it_was_made(f: &Fixture) {
    f.granted(grant(user(1), "there").of(50)).await;
    let held = f.held(hold(user(1)).exactly(50).at(10)).await;
    f.granted(grant(user(1), "later").of(50).due(500).at(20)).await;
    f.settled(settle(user(1), held.hold).charge(30).at(30)).await;
    assert_eq!(f.remaining(user(1), ["there", "later"]).await, [20, 50]);
}

pub async fn a_settlement_that_nobody_waits_for_is_done(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    f.ledger.settle_later(settle(user(1), held.hold).charge(15));
    f.eventually(user(1), |books| books.account.used == credits(15)).await;
    assert_eq!(f.sums(user(1), 0).await, [100, 15, 0, 85, 0]);
}
