//! Idempotency keys of requests.

use domain::ledger::command::Refusal;
use domain::ledger::holds::KEY_LIFETIME;

use crate::Fixture;
use crate::requests::{At, HoldExt, SettleExt, answer, credits, grant, hold, settle, user, void};

pub async fn a_running_request_is_not_started_again(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).keyed("k")).await;
    assert_eq!(f.hold_refused(hold(user(1)).keyed("k")).await, Refusal::KeyInProgress);
    f.held(hold(user(1)).keyed("other")).await;
    assert_eq!(f.sums(user(1), 0).await, [100, 0, 20, 80, 0]);
}

pub async fn a_key_stands_for_one_request(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).keyed("k").for_request(1)).await;
    assert_eq!(f.hold_refused(hold(user(1)).keyed("k").for_request(2)).await, Refusal::KeyMismatch);
    f.settled(settle(user(1), held.hold).answered("k", "a")).await;
    assert_eq!(f.hold_refused(hold(user(1)).keyed("k").for_request(2)).await, Refusal::KeyMismatch);
}

pub async fn a_key_belongs_to_its_user(f: &Fixture) {
    for number in 1..=2 {
        f.granted(grant(user(number), "p")).await;
        f.held(hold(user(number)).keyed("k").for_request(number)).await;
    }
}

pub async fn a_settled_request_is_replayed_with_its_answer(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).exactly(40).keyed("k")).await;
    f.settled(settle(user(1), held.hold).charge(15).answered("k", "forty-two").at(5)).await;
    f.held(hold(user(1)).exactly(85).at(6)).await;
    for secs in [7, 8] {
        let replay = f.replayed(hold(user(1)).keyed("k").at(secs)).await;
        assert_eq!(replay.answer, answer("forty-two"));
        assert_eq!((replay.charged, replay.remaining), (credits(15), credits(85)));
    }
    assert_eq!(f.sums(user(1), 8).await, [100, 15, 85, 0, 0]);
}

pub async fn an_answer_that_was_not_kept_is_not_replayed(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).keyed("k")).await;
    f.settled(settle(user(1), held.hold).unanswered("k")).await;
    assert_eq!(f.hold_refused(hold(user(1)).keyed("k")).await, Refusal::AnswerNotKept);
}

pub async fn a_key_can_be_used_again_after_a_void(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let first = f.held(hold(user(1)).keyed("k")).await;
    f.voided(void(user(1), first.hold)).await;
    let second = f.held(hold(user(1)).keyed("k").for_request(2)).await;
    assert_eq!(f.hold_refused(hold(user(1)).keyed("k").for_request(1)).await, Refusal::KeyMismatch);
    f.settled(settle(user(1), second.hold).answered("k", "second")).await;
    assert_eq!(f.replayed(hold(user(1)).keyed("k").for_request(2)).await.answer, answer("second"));
}

pub async fn a_key_can_be_used_again_after_its_hold_expired(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).keyed("k").lasting(60)).await;
    f.hold_refused(hold(user(1)).keyed("k").at(59)).await;
    f.held(hold(user(1)).keyed("k").at(60)).await;
}

pub async fn a_key_is_forgotten_after_a_day(f: &Fixture) {
    let lifetime = KEY_LIFETIME.as_secs_up();
    f.granted(grant(user(1), "p")).await;
    let first = f.held(hold(user(1)).keyed("k").at(10)).await;
    f.settled(settle(user(1), first.hold).answered("k", "first").at(11)).await;
    assert_eq!(f.replayed(hold(user(1)).keyed("k").at(9 + lifetime)).await.answer, answer("first"));
    let second = f.held(hold(user(1)).keyed("k").for_request(2).at(10 + lifetime)).await;
    assert_eq!(
        f.hold_refused(hold(user(1)).keyed("k").for_request(2).at(11 + lifetime)).await,
        Refusal::KeyInProgress
    );
    f.settled(settle(user(1), second.hold).answered("k", "second").at(12 + lifetime)).await;
    let replay = f.replayed(hold(user(1)).keyed("k").for_request(2).at(13 + lifetime)).await;
    assert_eq!(replay.answer, answer("second"));
}

/// Asking with a key writes nothing until it holds: a refused request leaves its key free.
pub async fn a_refused_request_does_not_take_its_key(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.hold_refused(hold(user(1)).exactly(101).keyed("k").for_request(1)).await;
    f.held(hold(user(1)).exactly(100).keyed("k").for_request(2)).await;
}
