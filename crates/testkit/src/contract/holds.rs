//! Setting credits aside.

use domain::ledger::account::SuspensionSource;
use domain::ledger::command::{Limit, Refusal};
use domain::ledger::limits::Limits;
use futures_util::future::join_all;

use crate::Fixture;
use crate::acts::{must, sums};
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, credits, grant, hold, resume, settle, suspend, user,
};

pub async fn a_hold_takes_no_more_than_at_most(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let held = f.held(hold(user(1)).at_least(10).at_most(40)).await;
    assert_eq!(held.amount, credits(40));
    assert_eq!(sums(held.balances), [100, 0, 40, 60, 0]);
    assert_eq!(f.sums(user(1), 0).await, [100, 0, 40, 60, 0]);
}

pub async fn a_hold_takes_what_is_there_from_at_least_on(f: &Fixture) {
    f.granted(grant(user(1), "p").of(25)).await;
    let held = f.held(hold(user(1)).at_least(25).at_most(40)).await;
    assert_eq!(held.amount, credits(25));
    assert_eq!(f.sums(user(1), 0).await, [25, 0, 25, 0, 0]);
}

pub async fn less_than_at_least_is_refused(f: &Fixture) {
    f.granted(grant(user(1), "p").of(24)).await;
    let refusal = f.hold_refused(hold(user(1)).at_least(25).at_most(40)).await;
    let (available, required) = (credits(24), credits(25));
    assert_eq!(refusal, Refusal::InsufficientCredits { available, required });
    assert_eq!(f.sums(user(1), 0).await, [24, 0, 0, 24, 0]);
}

pub async fn fewer_than_ten_available_credits_are_refused(f: &Fixture) {
    f.granted(grant(user(1), "p").of(19)).await;
    f.held(hold(user(1)).exactly(10)).await;
    let refusal = f.hold_refused(hold(user(1)).at_least(1).at_most(5)).await;
    assert_eq!(refusal, Refusal::InsufficientCredits { available: credits(9), required: credits(10) });
}

pub async fn the_same_hold_id_answers_the_first_hold(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let request = hold(user(1)).exactly(30);
    let first = f.held(request.clone()).await;
    let again = f.held(request.clone().exactly(50).at(5)).await;
    assert_eq!((again.hold, again.amount), (first.hold, credits(30)));
    f.settled(settle(user(1), first.hold).charge(20)).await;
    let after = f.held(request).await;
    assert_eq!((after.hold, after.amount), (first.hold, credits(30)));
    assert_eq!(f.sums(user(1), 5).await, [100, 20, 0, 80, 0]);
}

pub async fn a_user_who_was_never_seen_has_no_credits_and_gets_no_row(f: &Fixture) {
    assert_eq!(f.hold_refused(hold(user(1))).await, Refusal::NoCredits { required: credits(10) });
    let wanting = hold(user(1)).exactly(50);
    assert_eq!(f.hold_refused(wanting).await, Refusal::NoCredits { required: credits(50) });
    assert_eq!(f.statements.account(user(1), hold(user(1)).now.at).await, Ok(None));
    assert!(f.books.account_books(user(1)).await.expect("the store answers").is_none());
}

pub async fn an_account_without_any_grant_has_no_credits(f: &Fixture) {
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await);
    must(f.ledger.resume(resume(user(1), SuspensionSource::admin())).await);
    assert_eq!(f.hold_refused(hold(user(1))).await, Refusal::NoCredits { required: credits(10) });
}

/// Each obstacle is taken away in turn; the next one shows.
pub async fn refusals_come_in_order(f: &Fixture) {
    let one_at_a_time = Limits { concurrent: 1, ..Limits::default() };
    f.granted(grant(user(1), "p").of(30)).await;
    let running = f.held(hold(user(1)).exactly(25).keyed("k")).await;
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await);
    let wanted = |key: &str| hold(user(1)).exactly(10).keyed(key).limited(one_at_a_time);

    assert_eq!(f.hold_refused(wanted("k")).await, Refusal::Suspended);
    must(f.ledger.resume(resume(user(1), SuspensionSource::admin())).await);
    assert_eq!(f.hold_refused(wanted("k")).await, Refusal::KeyInProgress);
    let too_few = Refusal::InsufficientCredits { available: credits(5), required: credits(10) };
    assert_eq!(f.hold_refused(wanted("other")).await, too_few);
    f.granted(grant(user(1), "q").of(30)).await;
    let limited = f.hold_refused(wanted("other")).await;
    assert!(matches!(limited, Refusal::RateLimited { limit: Limit::Concurrent, .. }), "{limited:?}");
    f.settled(settle(user(1), running.hold)).await;
    f.held(wanted("other")).await;
}

pub async fn a_refused_hold_leaves_no_trace(f: &Fixture) {
    f.granted(grant(user(1), "p").of(20)).await;
    let before = f.books_of(user(1)).await;
    f.hold_refused(hold(user(1)).exactly(30).keyed("k")).await;
    let after = f.books_of(user(1)).await;
    assert_eq!(after.account, before.account);
    assert!(after.holds.is_empty());
    f.held(hold(user(1)).exactly(20).keyed("k").for_request(9)).await;
}

/// Asked for at the same time, so that a store that groups commits has them in one transaction.
pub async fn a_refused_hold_never_holds_back_the_others(f: &Fixture) {
    for number in 1..=8 {
        f.granted(grant(user(number), "p").of(10)).await;
    }
    let holds = (1..=16).map(|number| f.ledger.hold(hold(user(number))));
    let results = join_all(holds).await;
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(result.is_ok(), index < 8, "user {}: {result:?}", index + 1);
    }
}

pub async fn holds_of_one_account_add_up(f: &Fixture) {
    f.granted(grant(user(1), "p").of(35)).await;
    f.held(hold(user(1)).exactly(10)).await;
    f.held(hold(user(1)).exactly(15)).await;
    assert_eq!(f.sums(user(1), 0).await, [35, 0, 25, 10, 0]);
    let last = f.held(hold(user(1)).at_least(10).at_most(1000)).await;
    assert_eq!(last.amount, credits(10));
    f.hold_refused(hold(user(1))).await;
}
