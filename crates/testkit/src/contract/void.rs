//! Returning a hold.

use domain::ledger::command::Refusal;
use domain::ledger::holds::HoldState;
use domain::ledger::usage::Outcome;

use crate::Fixture;
use crate::requests::{At, HoldExt, SettleExt, credits, grant, hold, new_hold_id, settle, user, void};
use crate::time::time;

pub async fn voiding_returns_everything_and_writes_free_usage(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    let request = domain::ledger::command::VoidRequest {
        outcome: Outcome::UpstreamFailed,
        ..void(user(1), held.hold).at(3)
    };
    assert!(f.voided(request).await);
    assert_eq!(f.sums(user(1), 3).await, [100, 0, 0, 100, 0]);
    let usage = f.usage(user(1)).await;
    let [row] = usage.as_slice() else { panic!("one row: {usage:?}") };
    assert_eq!((row.hold, row.outcome, row.credits), (held.hold, Outcome::UpstreamFailed, credits(0)));
    assert_eq!(f.journal(user(1)).await.len(), 1, "a void moves nothing");
    let hold = f.books_of(user(1)).await.holds.remove(0);
    assert_eq!((hold.state, hold.closed_at), (HoldState::Voided, Some(time(3))));
}

pub async fn voiding_twice_answers_that_nothing_was_left(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1))).await;
    assert!(f.voided(void(user(1), held.hold)).await);
    assert!(!f.voided(void(user(1), held.hold)).await);
    assert_eq!(f.usage(user(1)).await.len(), 1);
}

pub async fn a_settled_hold_cannot_be_voided(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    f.settled(settle(user(1), held.hold).charge(40)).await;
    assert_eq!(f.void_refused(void(user(1), held.hold)).await, Refusal::HoldSettled);
    assert_eq!(f.sums(user(1), 0).await, [100, 40, 0, 60, 0]);
}

pub async fn an_unknown_hold_cannot_be_voided(f: &Fixture) {
    assert_eq!(f.void_refused(void(user(1), new_hold_id(user(1)))).await, Refusal::HoldUnknown);
    f.granted(grant(user(1), "p")).await;
    assert_eq!(f.void_refused(void(user(1), new_hold_id(user(1)))).await, Refusal::HoldUnknown);
}

pub async fn voiding_an_expired_hold_returns_nothing_more(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).lasting(60)).await;
    assert!(!f.voided(void(user(1), held.hold).at(61)).await);
    assert_eq!(f.sums(user(1), 61).await, [100, 0, 0, 100, 0]);
}

pub async fn a_released_hold_is_voided_although_nobody_waits(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40)).await;
    f.ledger.release(void(user(1), held.hold));
    f.eventually(user(1), |books| books.account.held == credits(0)).await;
    assert_eq!(f.settle_refused(settle(user(1), held.hold)).await, Refusal::HoldVoided);
}
