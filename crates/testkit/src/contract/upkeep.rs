//! What a running server does in the background, and the complete books.

use std::collections::BTreeSet;

use domain::ids::{Lane, UserId};

use crate::Fixture;
use crate::acts::{all_users, must};
use crate::requests::{At, HoldExt, SettleExt, answer, grant, hold, instance, settle, suspend, user};
use crate::time::time;

pub async fn texts_are_deleted_after_their_retention(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    for secs in [100, 200] {
        let held = f.held(hold(user(1)).at(secs)).await;
        f.settled(settle(user(1), held.hold).keeping("question", "answer").at(secs)).await;
    }
    let without = f.held(hold(user(1)).at(100)).await;
    f.settled(settle(user(1), without.hold).at(100)).await;

    assert_eq!(f.books.content_older_than(time(100)).await, Ok(0));
    assert_eq!(f.books.content_older_than(time(101)).await, Ok(1));
    assert_eq!(f.books.content_older_than(time(1000)).await, Ok(2));
    f.upkeep.purge(time(150), time(0)).await.expect("the store answers");
    assert_eq!(f.books.content_older_than(time(1000)).await, Ok(1));
    f.upkeep.purge(time(1000), time(0)).await.expect("the store answers");
    assert_eq!(f.books.content_older_than(time(10_000)).await, Ok(0));
    assert_eq!(f.usage(user(1)).await.len(), 3, "usage rows stay");
}

/// Whole days lie in partitions of their own on some stores.
pub async fn texts_of_many_days_are_deleted_day_by_day(f: &Fixture) {
    const DAY: i64 = crate::time::DAY;
    f.granted(grant(user(1), "p")).await;
    for day in 0..4 {
        f.upkeep.purge(time((day - 30) * DAY), time(-DAY)).await.expect("the store answers");
        let held = f.held(hold(user(1)).at(day * DAY)).await;
        f.settled(settle(user(1), held.hold).keeping("question", "answer").at(day * DAY + 5)).await;
    }
    assert_eq!(f.books.content_older_than(time(10 * DAY)).await, Ok(4));
    f.upkeep.purge(time(2 * DAY), time(-DAY)).await.expect("the store answers");
    assert_eq!(f.books.content_older_than(time(10 * DAY)).await, Ok(2));
    assert_eq!(f.books.content_older_than(time(2 * DAY)).await, Ok(0));
}

/// A key whose hold was settled and whose record is gone is as good as new.
pub async fn keys_are_deleted_with_their_answers(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    for (key, secs) in [("old", 100), ("new", 200)] {
        let held = f.held(hold(user(1)).exactly(10).keyed(key).at(secs)).await;
        f.settled(settle(user(1), held.hold).charge(0).answered(key, "a").at(secs)).await;
    }
    f.upkeep.purge(time(0), time(100)).await.expect("the store answers");
    assert_eq!(f.replayed(hold(user(1)).keyed("old").at(300)).await.answer, answer("a"));
    f.upkeep.purge(time(0), time(150)).await.expect("the store answers");
    assert_eq!(f.replayed(hold(user(1)).keyed("new").at(300)).await.answer, answer("a"));
    f.held(hold(user(1)).keyed("old").for_request(2).at(300)).await;
}

pub async fn leases_that_ended_long_ago_are_deleted(f: &Fixture) {
    f.upkeep.renew_lease(instance(1), time(100)).await.expect("the store answers");
    f.upkeep.renew_lease(instance(2), time(300)).await.expect("the store answers");
    f.upkeep.purge(time(0), time(200)).await.expect("the store answers");
    assert_eq!(f.books.is_served(time(250)).await, Ok(true));
    f.upkeep.purge(time(0), time(400)).await.expect("the store answers");
    assert_eq!(f.books.is_served(time(50)).await, Ok(false));
}

pub async fn books_are_served_while_a_lease_is_in_force(f: &Fixture) {
    assert_eq!(f.books.is_served(time(0)).await, Ok(false));
    f.upkeep.renew_lease(instance(1), time(20)).await.expect("the store answers");
    assert_eq!(f.books.is_served(time(19)).await, Ok(true));
    assert_eq!(f.books.is_served(time(21)).await, Ok(false));
    f.upkeep.renew_lease(instance(1), time(40)).await.expect("the store answers");
    assert_eq!(f.books.is_served(time(21)).await, Ok(true));
    f.upkeep.end_lease(instance(1), time(22)).await.expect("the store answers");
    assert_eq!(f.books.is_served(time(23)).await, Ok(false));
}

pub async fn a_lease_that_never_was_can_be_ended(f: &Fixture) {
    f.upkeep.end_lease(instance(1), time(0)).await.expect("the store answers");
    assert_eq!(f.books.is_served(time(1)).await, Ok(false));
}

pub async fn the_store_answers_a_ping(f: &Fixture) {
    f.upkeep.ping().await.expect("the store answers");
}

pub async fn users_are_listed_lane_by_lane_in_order(f: &Fixture) {
    let users: BTreeSet<UserId> = (1..=40).map(user).collect();
    for user in &users {
        f.granted(grant(*user, "p")).await;
    }
    let mut seen = Vec::new();
    for lane in Lane::all() {
        let mut after = None;
        loop {
            let page = f.books.users(lane, after, 1).await.expect("the store answers");
            let [user] = page[..] else { break };
            assert_eq!(user.lane(), lane);
            assert!(after.is_none_or(|after| after < user), "out of order");
            after = Some(user);
            seen.push(user);
        }
    }
    assert_eq!(seen.iter().copied().collect::<BTreeSet<_>>(), users);
    assert_eq!(seen.len(), users.len());
    assert_eq!(all_users(f).await, seen);
}

pub async fn the_books_of_an_account_are_complete(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    f.granted(grant(user(2), "p")).await;
    let open = f.held(hold(user(1))).await;
    let settled = f.held(hold(user(1)).exactly(20)).await;
    f.settled(settle(user(1), settled.hold).charge(20)).await;
    let source = domain::ledger::account::SuspensionSource::admin();
    must(f.ledger.suspend(suspend(user(1), source)).await);

    let books = f.books_of(user(1)).await;
    assert_eq!(books.account.user, user(1));
    assert_eq!(books.lots.len(), 1);
    let holds: BTreeSet<_> = books.holds.iter().map(|hold| hold.id).collect();
    assert_eq!(holds, BTreeSet::from([open.hold, settled.hold]));
    assert_eq!(books.journal.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(books.settled_usage, [(settled.hold, crate::requests::credits(20))]);
    assert_eq!(books.suspensions, 1);
    assert!(f.books.account_books(user(3)).await.expect("the store answers").is_none());
}
