//! Holds past their time, holds of dead servers, lots that fall due.

use domain::ledger::holds::HoldState;
use domain::ledger::journal::EntryKind;
use domain::ports::upkeep::{LEASE, LEASE_GRACE};

use crate::Fixture;
use crate::acts::{must, sums, verify_at};
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, claw_back, credits, expire, grant, hold, instance, settle, user, void,
};
use crate::time::{moment, time};

pub async fn an_expired_hold_is_returned_before_any_read(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).exactly(40).lasting(60)).await;
    assert_eq!(f.sums(user(1), 59).await, [100, 0, 40, 60, 0]);
    assert_eq!(f.sums(user(1), 60).await, [100, 0, 0, 100, 0]);
    assert_eq!(f.books_of(user(1)).await.account.held, credits(40), "a read writes nothing");
}

pub async fn an_expired_hold_is_returned_before_any_act(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let first = f.held(hold(user(1)).exactly(100).lasting(60)).await;
    f.hold_refused(hold(user(1)).exactly(100).at(59)).await;
    f.held(hold(user(1)).exactly(100).at(60)).await;
    let books = f.books_of(user(1)).await;
    let expired = books.holds.iter().find(|hold| hold.id == first.hold).expect("the first hold");
    assert_eq!((expired.state, expired.closed_at), (HoldState::Expired, Some(time(60))));
}

pub async fn a_late_settlement_charges_at_most_what_is_available(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let late = f.held(hold(user(1)).exactly(40).lasting(60)).await;
    f.held(hold(user(1)).exactly(70).at(61)).await;
    let settled = f.settled(settle(user(1), late.hold).charge(40).at(62)).await;
    assert_eq!((settled.charged, settled.absorbed), (credits(30), credits(10)));
    assert_eq!(f.sums(user(1), 62).await, [100, 30, 70, 0, 0]);
}

pub async fn a_late_settlement_happens_once(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let late = f.held(hold(user(1)).exactly(40).lasting(60)).await;
    let first = f.settled(settle(user(1), late.hold).charge(25).at(61)).await;
    let again = f.settled(settle(user(1), late.hold).charge(40).at(62)).await;
    assert_eq!((first.charged, first.repeated), (credits(25), false));
    assert_eq!((again.charged, again.repeated), (credits(25), true));
    assert_eq!(f.sums(user(1), 62).await, [100, 25, 0, 75, 0]);
}

pub async fn a_late_settlement_is_free_when_its_key_was_held_again(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let late = f.held(hold(user(1)).exactly(40).keyed("k").lasting(60)).await;
    let again = f.held(hold(user(1)).exactly(40).keyed("k").at(61)).await;
    let free = f.settled(settle(user(1), late.hold).charge(40).answered("k", "late").at(62)).await;
    assert_eq!((free.charged, free.absorbed), (credits(0), credits(40)));
    f.settled(settle(user(1), again.hold).charge(15).answered("k", "right").at(63)).await;
    assert_eq!(f.sums(user(1), 63).await, [100, 15, 0, 85, 0]);
    let answer = f.replayed(hold(user(1)).keyed("k").at(64)).await;
    assert_eq!(answer.answer.body, b"right");
}

/// A key is looked up only when it is named: without, it might have been held again.
pub async fn a_late_settlement_that_does_not_name_its_key_is_free(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let late = f.held(hold(user(1)).exactly(40).keyed("k").lasting(60)).await;
    let free = f.settled(settle(user(1), late.hold).charge(40).at(61)).await;
    assert_eq!((free.charged, free.absorbed), (credits(0), credits(40)));
    let other = f.held(hold(user(1)).exactly(40).keyed("other").lasting(60).at(70)).await;
    let charged = f.settled(settle(user(1), other.hold).charge(40).unanswered("other").at(131)).await;
    assert_eq!(charged.charged, credits(40));
}

pub async fn a_due_lot_is_gone_before_any_read_and_any_act(f: &Fixture) {
    f.granted(grant(user(1), "due").of(60).due(100)).await;
    f.granted(grant(user(1), "lasting").of(30)).await;
    assert_eq!(f.sums(user(1), 99).await, [90, 0, 0, 90, 0]);
    assert_eq!(f.sums(user(1), 100).await, [30, 0, 0, 30, 0]);
    f.hold_refused(hold(user(1)).exactly(31).at(100)).await;
    let held = f.held(hold(user(1)).at_most(90).at(100)).await;
    assert_eq!(held.amount, credits(30));
    let entry = f.journal(user(1)).await.remove(0);
    assert_eq!((entry.kind, entry.amount), (EntryKind::Expire, credits(-60)));
    assert_eq!(entry.actor.as_str(), "system");
    let lot = f.lot(user(1), "purchase:due").await;
    assert_eq!((lot.remaining, lot.expired), (credits(0), credits(60)));
    assert_eq!(entry.source, format!("lot:{}", lot.id));
}

pub async fn a_due_lot_is_kept_as_far_as_earlier_holds_may_need_it(f: &Fixture) {
    f.granted(grant(user(1), "due").of(100).due(100)).await;
    let early = f.held(hold(user(1)).exactly(60).at(50)).await;
    assert_eq!(f.sums(user(1), 150).await, [60, 0, 60, 0, 0]);
    f.hold_refused(hold(user(1)).at(150)).await;
    let settled = f.settled(settle(user(1), early.hold).charge(50).at(160)).await;
    assert_eq!(settled.charged, credits(50));
    assert_eq!(f.sums(user(1), 160).await, [50, 50, 0, 0, 0]);
}

pub async fn a_settlement_answers_only_what_is_still_there(f: &Fixture) {
    f.granted(grant(user(1), "due").of(100).due(100)).await;
    f.granted(grant(user(1), "lasting").of(20)).await;
    let early = f.held(hold(user(1)).exactly(60).keyed("k").at(50)).await;
    let settled = f.settled(settle(user(1), early.hold).charge(50).answered("k", "a").at(160)).await;
    assert_eq!(sums(settled.balances), [70, 50, 0, 20, 0]);
    assert_eq!(f.replayed(hold(user(1)).keyed("k").at(161)).await.remaining, credits(20));
}

pub async fn what_a_void_returns_to_a_due_lot_expires(f: &Fixture) {
    f.granted(grant(user(1), "due").of(100).due(100)).await;
    let early = f.held(hold(user(1)).exactly(60).at(50)).await;
    assert!(f.voided(void(user(1), early.hold).at(160)).await);
    assert_eq!(f.sums(user(1), 160).await, [0, 0, 0, 0, 0]);
    assert_eq!(f.lot(user(1), "purchase:due").await.expired, credits(100));
}

pub async fn due_lots_are_protected_no_more_than_once_by_a_hold(f: &Fixture) {
    f.granted(grant(user(1), "first").of(40).due(100)).await;
    f.granted(grant(user(1), "second").of(40).due(110)).await;
    f.held(hold(user(1)).exactly(50).at(50)).await;
    assert_eq!(f.sums(user(1), 120).await, [50, 0, 50, 0, 0]);
    must(f.ledger.expire(expire(user(1), &[]).at(120)).await);
    assert_eq!(f.remaining(user(1), ["first", "second"]).await, [40, 10]);
}

pub async fn a_due_lot_is_not_kept_for_holds_made_after(f: &Fixture) {
    f.granted(grant(user(1), "due").of(60).due(100)).await;
    f.granted(grant(user(1), "lasting").of(50)).await;
    let early = f.held(hold(user(1)).exactly(60).at(50)).await;
    f.held(hold(user(1)).exactly(40).at(150)).await;
    f.voided(void(user(1), early.hold).at(160)).await;
    assert_eq!(f.sums(user(1), 160).await, [50, 0, 40, 10, 0]);
}

/// The early hold keeps the short lot and then burns the lasting one: the later hold gets the short one.
pub async fn what_open_holds_count_on_does_not_expire(f: &Fixture) {
    f.granted(grant(user(1), "lasting").of(100)).await;
    let early = f.held(hold(user(1)).exactly(50).at(10)).await;
    f.granted(grant(user(1), "short").of(30).due(100).at(20)).await;
    let later = f.held(hold(user(1)).exactly(80).at(150)).await;
    f.settled(settle(user(1), early.hold).charge(50).at(160)).await;
    assert_eq!(f.sums(user(1), 160).await, [130, 50, 80, 0, 0]);
    let settled = f.settled(settle(user(1), later.hold).charge(80).at(170)).await;
    assert_eq!((settled.charged, sums(settled.balances)), (credits(80), [130, 130, 0, 0, 0]));
}

pub async fn a_grant_releases_what_open_holds_counted_on(f: &Fixture) {
    f.granted(grant(user(1), "lasting").of(100)).await;
    let early = f.held(hold(user(1)).exactly(50).at(10)).await;
    f.granted(grant(user(1), "short").of(30).due(100).at(20)).await;
    f.held(hold(user(1)).exactly(80).at(150)).await;
    f.settled(settle(user(1), early.hold).charge(50).at(160)).await;
    let posted = f.granted(grant(user(1), "more").of(20).at(170)).await;
    assert_eq!(sums(posted.balances), [130, 50, 80, 0, 0], "20 came, 20 of the short lot went");
    assert_eq!(f.remaining(user(1), ["lasting", "short", "more"]).await, [50, 10, 20]);
}

pub async fn a_lot_that_fell_due_before_a_hold_is_not_kept_for_it(f: &Fixture) {
    f.granted(grant(user(1), "due").of(40).due(100)).await;
    f.granted(grant(user(1), "lasting").of(40)).await;
    f.held(hold(user(1)).exactly(40).at(100)).await;
    assert_eq!(f.sums(user(1), 101).await, [40, 0, 40, 0, 0]);
    assert_eq!(f.remaining(user(1), ["due", "lasting"]).await, [0, 40]);
}

pub async fn named_holds_of_a_dead_server_expire_before_their_time(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let lost = f.held(hold(user(1)).exactly(40)).await;
    let safe = f.held(hold(user(1)).exactly(20)).await;
    assert_eq!(must(f.ledger.expire(expire(user(1), &[lost.hold]).at(5)).await), 1);
    assert_eq!(must(f.ledger.expire(expire(user(1), &[lost.hold]).at(6)).await), 0);
    assert_eq!(f.sums(user(1), 6).await, [100, 0, 20, 80, 0]);
    f.settled(settle(user(1), safe.hold).charge(20).at(7)).await;
    assert_eq!(must(f.ledger.expire(expire(user(1), &[safe.hold]).at(8)).await), 0);
    assert_eq!(must(f.ledger.expire(expire(user(2), &[])).await), 0, "a user who was never seen");
}

pub async fn a_sweep_expires_holds_past_their_time(f: &Fixture) {
    lease(f, 1, 10_000).await;
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).exactly(40).lasting(60)).await;
    f.held(hold(user(1)).exactly(20).lasting(600)).await;
    f.granted(grant(user(2), "p")).await;
    assert_eq!(f.sweep(59).await, 0);
    assert_eq!(f.sweep(60).await, 1);
    assert_eq!(f.books_of(user(1)).await.account.held, credits(20));
    assert_eq!(f.sweep(61).await, 0, "nothing is left to do");
    f.sweep(601).await;
    verify_at(f, 10_000, true).await;
}

pub async fn a_sweep_expires_the_holds_of_a_dead_server(f: &Fixture) {
    let grace = LEASE_GRACE.as_secs_up();
    lease(f, 1, 100).await;
    lease(f, 2, 10_000).await;
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).exactly(40).by(instance(1))).await;
    f.held(hold(user(1)).exactly(20).by(instance(2))).await;
    assert_eq!(f.sweep(100 + grace).await, 0, "it may come back");
    assert_eq!(f.sweep(101 + grace).await, 1);
    assert_eq!(f.sums(user(1), 101 + grace).await, [100, 0, 20, 80, 0]);
}

pub async fn a_sweep_expires_the_holds_of_a_server_without_a_lease(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).exactly(40).by(instance(9))).await;
    // Its first lease may still be on its way: a fresh hold is left alone.
    let first_lease = (LEASE.as_micros() + LEASE_GRACE.as_micros()) / 1_000_000;
    assert_eq!(f.sweep(first_lease).await, 0);
    assert_eq!(f.sweep(first_lease + 1).await, 1);
    assert_eq!(f.sums(user(1), first_lease + 1).await, [100, 0, 0, 100, 0]);
}

pub async fn a_renewed_lease_keeps_its_holds(f: &Fixture) {
    lease(f, 1, 20).await;
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).exactly(40)).await;
    lease(f, 1, 200).await;
    assert_eq!(f.sweep(100).await, 0);
    f.upkeep.end_lease(instance(1), time(100)).await.expect("the store answers");
    assert_eq!(f.sweep(100 + LEASE_GRACE.as_secs_up() + 1).await, 1);
    assert_eq!(f.books_of(user(1)).await.account.held, credits(0));
}

pub async fn a_sweep_expires_due_lots(f: &Fixture) {
    f.granted(grant(user(1), "due").due(100)).await;
    f.granted(grant(user(2), "lasting")).await;
    assert_eq!(f.sweep(99).await, 0);
    assert_eq!(f.sweep(100).await, 1);
    assert_eq!(f.books_of(user(1)).await.account.total, credits(0));
    assert_eq!(f.sweep(101).await, 0);
}

pub async fn a_sweep_visits_no_more_accounts_than_it_may(f: &Fixture) {
    for number in 1..=5 {
        f.granted(grant(user(number), "due").due(100)).await;
    }
    let visited = async || f.upkeep.expire_due(moment(100), 2).await.expect("the store answers");
    let counts = [visited().await, visited().await, visited().await, visited().await];
    assert_eq!(counts, [2, 2, 1, 0]);
}

pub async fn two_sweeps_at_the_same_time_change_nothing_twice(f: &Fixture) {
    for number in 1..=20 {
        f.granted(grant(user(number), "due").due(100)).await;
        f.held(hold(user(number)).exactly(30).lasting(50)).await;
    }
    let (one, two) =
        tokio::join!(f.upkeep.expire_due(moment(100), 100), f.upkeep.expire_due(moment(100), 100));
    assert!(one.expect("the store answers") + two.expect("the store answers") >= 20);
    for number in 1..=20 {
        let kinds: Vec<_> = f.journal(user(number)).await.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [EntryKind::Expire, EntryKind::Grant]);
        assert_eq!(f.books_of(user(number)).await.account.held, credits(0));
    }
}

pub async fn what_expired_is_not_clawed_back_again(f: &Fixture) {
    f.granted(grant(user(1), "due").of(100).due(100)).await;
    let held = f.held(hold(user(1)).exactly(30)).await;
    f.settled(settle(user(1), held.hold).charge(30)).await;
    f.granted(grant(user(1), "lasting").of(50)).await;
    f.sweep(100).await;
    let clawed = f.clawed_back(claw_back(user(1), "due", 100, 100).at(200)).await;
    assert_eq!(clawed.clawed, credits(30), "70 of 100 had expired");
    assert_eq!(f.sums(user(1), 200).await, [50, 30, 0, 20, 0]);
}

async fn lease(f: &Fixture, number: u8, until: i64) {
    f.upkeep.renew_lease(instance(number), time(until)).await.expect("the store answers");
}
