//! What may be spent under an API key.

use std::sync::Arc;

use domain::ids::{ApiKeyId, UserId};
use domain::ledger::account::SuspensionSource;
use domain::ledger::command::{Limit, Refusal};
use domain::ledger::limits::Limits;
use domain::ports::ledger::{HoldOutcome, LedgerError};
use tokio::sync::Barrier;

use super::api_keys::{found, made};
use super::races::everybody;
use crate::Fixture;
use crate::acts::must;
use crate::requests::api_keys::{ApiKeyExt, api_key, revoke};
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, credits, grant, hold, resume, settle, suspend, user, void,
};

async fn spent(f: &Fixture, id: ApiKeyId) -> i64 {
    found(f, id).await.expect("the key is there").spent.get()
}

/// A user with so many credits, and a key that may spend so much of them.
pub(super) async fn capped(f: &Fixture, user: UserId, funds: i64, cap: i64) -> ApiKeyId {
    f.granted(grant(user, "p").of(funds)).await;
    made(f, api_key(user).capped(cap)).await.id
}

fn cap_reached(available: i64, required: i64) -> Refusal {
    Refusal::ApiKeyCapReached { available: credits(available), required: credits(required) }
}

pub async fn a_key_holds_no_more_than_it_may_still_spend(f: &Fixture) {
    let id = capped(f, user(1), 1000, 100).await;
    let first = f.held(hold(user(1)).at_most(30).under(id)).await;
    assert_eq!(first.amount, credits(30));
    f.settled(settle(user(1), first.hold).charge(20).under(id)).await;
    let second = f.held(hold(user(1)).at_most(50).under(id)).await;
    assert_eq!(second.amount, credits(50));
    // 20 spent and 50 held: 30 are left.
    let third = f.held(hold(user(1)).at_least(30).at_most(500).under(id)).await;
    assert_eq!(third.amount, credits(30));
    assert_eq!(f.hold_refused(hold(user(1)).under(id)).await, cap_reached(0, 10));
    assert_eq!(f.sums(user(1), 0).await, [1000, 20, 80, 900, 0]);
}

pub async fn a_key_with_too_little_left_is_refused(f: &Fixture) {
    let id = capped(f, user(1), 1000, 34).await;
    f.held(hold(user(1)).exactly(15).under(id)).await;
    assert_eq!(f.hold_refused(hold(user(1)).exactly(20).under(id)).await, cap_reached(19, 20));
    f.held(hold(user(1)).exactly(10).under(id)).await;
    // Nine are left, and the least is ten, whatever is asked.
    assert_eq!(f.hold_refused(hold(user(1)).exactly(1).under(id)).await, cap_reached(9, 10));
    f.held(hold(user(1)).exactly(500)).await;
}

/// Each obstacle is taken away in turn; the next one shows.
pub async fn the_cap_is_looked_at_after_the_credits_and_before_the_limits(f: &Fixture) {
    let id = capped(f, user(1), 25, 20).await;
    let one_at_a_time = Limits { concurrent: 1, ..Limits::default() };
    let running = f.held(hold(user(1)).exactly(20).keyed("k").under(id)).await;
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await);
    let wanted = |key: &str| hold(user(1)).exactly(10).keyed(key).under(id).limited(one_at_a_time);

    assert_eq!(f.hold_refused(wanted("k")).await, Refusal::Suspended);
    must(f.ledger.resume(resume(user(1), SuspensionSource::admin())).await);
    assert_eq!(f.hold_refused(wanted("k")).await, Refusal::KeyInProgress);
    let too_few = Refusal::InsufficientCredits { available: credits(5), required: credits(10) };
    assert_eq!(f.hold_refused(wanted("other")).await, too_few);
    f.granted(grant(user(1), "q")).await;
    assert_eq!(f.hold_refused(wanted("other")).await, cap_reached(0, 10));
    let roomy = made(f, api_key(user(1)).capped(100)).await.id;
    let limited = f.hold_refused(wanted("other").under(roomy)).await;
    assert!(matches!(limited, Refusal::RateLimited { limit: Limit::Concurrent, .. }), "{limited:?}");
    f.settled(settle(user(1), running.hold).charge(5).under(id)).await;
    f.held(wanted("other")).await;
}

pub async fn what_a_hold_returns_the_key_may_spend_again(f: &Fixture) {
    let id = capped(f, user(1), 1000, 40).await;
    let voided = f.held(hold(user(1)).exactly(40).under(id)).await;
    f.voided(void(user(1), voided.hold)).await;
    f.held(hold(user(1)).exactly(40).under(id).lasting(5)).await;
    assert_eq!(f.hold_refused(hold(user(1)).under(id).at(4)).await, cap_reached(0, 10));
    let settled = f.held(hold(user(1)).exactly(40).under(id).at(5)).await;
    f.settled(settle(user(1), settled.hold).charge(30).under(id).at(6)).await;
    f.held(hold(user(1)).exactly(10).under(id).at(6)).await;
    assert_eq!(spent(f, id).await, 30);
}

pub async fn keys_do_not_count_for_each_other(f: &Fixture) {
    let (one, other) = (capped(f, user(1), 1000, 10).await, made(f, api_key(user(1)).capped(10)).await.id);
    let free = made(f, api_key(user(1))).await.id;
    for id in [one, other] {
        f.held(hold(user(1)).under(id)).await;
        assert_eq!(f.hold_refused(hold(user(1)).under(id)).await, cap_reached(0, 10));
    }
    let all = f.held(hold(user(1)).at_most(5000).under(free)).await;
    assert_eq!(all.amount, credits(980), "without a cap, the account's credits are the limit");
}

pub async fn settling_adds_the_charge_to_what_the_key_has_spent(f: &Fixture) {
    let id = capped(f, user(1), 1000, 500).await;
    for (charge, expected) in [(12, 12), (0, 12), (70, 62)] {
        let held = f.held(hold(user(1)).exactly(50).under(id)).await;
        let request = settle(user(1), held.hold).charge(charge).under(id);
        f.settled(request.clone()).await;
        assert_eq!(spent(f, id).await, expected);
        assert!(f.settled(request).await.repeated);
        assert_eq!(spent(f, id).await, expected, "once");
    }
    let outside = f.held(hold(user(1))).await;
    f.settled(settle(user(1), outside.hold)).await;
    assert_eq!(spent(f, id).await, 62);
}

pub async fn a_key_that_has_ended_settles_its_holds(f: &Fixture) {
    let id = capped(f, user(1), 100, 50).await;
    let held = f.held(hold(user(1)).exactly(40).under(id)).await;
    must(f.ledger.revoke_api_key(revoke(user(1), id).at(1)).await);
    let settled = f.settled(settle(user(1), held.hold).charge(25).under(id).at(2)).await;
    assert_eq!(settled.charged, credits(25));
    assert_eq!(spent(f, id).await, 25);
}

pub async fn a_hold_is_settled_under_its_own_key_only(f: &Fixture) {
    let (id, other) = (capped(f, user(1), 100, 50).await, made(f, api_key(user(1))).await.id);
    let held = f.held(hold(user(1)).under(id)).await;
    for wrong in [settle(user(1), held.hold), settle(user(1), held.hold).under(other)] {
        assert_eq!(f.settle_refused(wrong).await, Refusal::HoldUnknown);
    }
    f.settled(settle(user(1), held.hold).under(id)).await;
    let plain = f.held(hold(user(1))).await;
    assert_eq!(f.settle_refused(settle(user(1), plain.hold).under(id)).await, Refusal::HoldUnknown);
    assert_eq!(f.sums(user(1), 0).await, [100, 10, 10, 80, 0]);
}

pub async fn a_late_settlement_charges_no_more_than_the_key_may_spend(f: &Fixture) {
    let id = capped(f, user(1), 1000, 50).await;
    let late = f.held(hold(user(1)).exactly(40).under(id).lasting(5)).await;
    let next = f.held(hold(user(1)).exactly(25).under(id).at(6)).await;
    let running = f.held(hold(user(1)).exactly(15).under(id).at(6)).await;
    f.settled(settle(user(1), next.hold).charge(25).under(id).at(7)).await;
    // 25 spent and 15 held: of the 40 that the late one asks for, 10 are left.
    let settled = f.settled(settle(user(1), late.hold).charge(40).under(id).at(8)).await;
    assert_eq!((settled.charged, settled.absorbed), (credits(10), credits(30)));
    f.settled(settle(user(1), running.hold).charge(15).under(id).at(9)).await;
    assert_eq!(spent(f, id).await, 50);
}

/// A cap of exactly 100 requests of 10 credits, 64 programs with the same key on all servers, each request held
/// and settled in full; the account has far more.
pub async fn many_programs_with_one_key_never_pass_its_cap(f: &Fixture) {
    const PROGRAMS: usize = 64;
    let id = capped(f, user(1), 100_000, 1000).await;
    let start = Arc::new(Barrier::new(PROGRAMS));
    let mut settled: usize = everybody(f, PROGRAMS, move |ledger, program| {
        let start = Arc::clone(&start);
        async move {
            start.wait().await;
            let mut settled = 0;
            for turn in 0..20 {
                match ledger.hold(hold(user(1)).exactly(10).under(id)).await {
                    // Some give back what they held.
                    Ok(HoldOutcome::Held(it)) if (program + turn) % 7 == 0 => {
                        must(ledger.void(void(user(1), it.hold)).await);
                    }
                    Ok(HoldOutcome::Held(it)) => {
                        must(ledger.settle(settle(user(1), it.hold).charge(10).under(id)).await);
                        settled += 1;
                    }
                    Err(LedgerError::Refused(Refusal::ApiKeyCapReached { .. })) => {}
                    other => panic!("neither held nor the cap: {other:?}"),
                }
            }
            settled
        }
    })
    .await
    .into_iter()
    .sum();
    // What was given back last can be spent after all, and no credit more.
    while let Ok(HoldOutcome::Held(it)) = f.ledger.hold(hold(user(1)).under(id)).await {
        f.settled(settle(user(1), it.hold).charge(10).under(id)).await;
        settled += 1;
    }
    assert_eq!(settled, 100);
    assert_eq!(spent(f, id).await, 1000);
    assert_eq!(f.sums(user(1), 0).await, [100_000, 1000, 0, 99_000, 0]);
}
