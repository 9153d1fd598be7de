//! Suspension.

use domain::ledger::account::SuspensionSource;
use domain::ledger::command::Refusal;

use crate::Fixture;
use crate::acts::must;
use crate::requests::{SettleExt, credits, grant, hold, resume, settle, suspend, user};

pub async fn any_source_suspends_and_lifting_one_leaves_the_others(f: &Fixture) {
    let (admin, dispute) = (SuspensionSource::admin(), SuspensionSource::dispute("dp_1"));
    f.granted(grant(user(1), "p")).await;
    assert_eq!(must(f.ledger.suspend(suspend(user(1), admin.clone())).await), 1);
    assert_eq!(must(f.ledger.suspend(suspend(user(1), dispute.clone())).await), 2);
    assert!(f.account(user(1), 0).await.suspended);
    assert_eq!(must(f.ledger.resume(resume(user(1), admin)).await), 1);
    assert_eq!(f.hold_refused(hold(user(1))).await, Refusal::Suspended);
    assert_eq!(must(f.ledger.resume(resume(user(1), dispute)).await), 0);
    assert!(!f.account(user(1), 0).await.suspended);
    f.held(hold(user(1))).await;
}

pub async fn a_source_suspends_once(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    for _ in 0..2 {
        assert_eq!(must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await), 1);
    }
    for _ in 0..2 {
        assert_eq!(must(f.ledger.resume(resume(user(1), SuspensionSource::admin())).await), 0);
    }
}

pub async fn a_user_who_was_never_seen_can_be_suspended_and_resumed(f: &Fixture) {
    assert_eq!(must(f.ledger.resume(resume(user(1), SuspensionSource::admin())).await), 0);
    assert_eq!(f.statements.account(user(1), hold(user(1)).now.at).await, Ok(None), "resuming makes no row");
    assert_eq!(must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await), 1);
    f.granted(grant(user(1), "p")).await;
    assert_eq!(f.hold_refused(hold(user(1))).await, Refusal::Suspended);
}

pub async fn an_open_hold_is_settled_although_the_account_is_suspended(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1))).await;
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await);
    assert_eq!(f.settled(settle(user(1), held.hold).charge(10)).await.charged, credits(10));
}
