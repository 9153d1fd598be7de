//! API keys: made, found, ended, and held to their caps.

use std::sync::Arc;

use domain::api_keys::ApiKey;
use domain::ids::{ApiKeyId, UserId};
use domain::ledger::account::SuspensionSource;
use domain::ledger::api_keys::MOST_LIVE;
use domain::ledger::command::{CreateApiKeyRequest, Limit, Refusal};
use domain::ledger::limits::Limits;
use domain::ports::api_keys::ApiKeyCursor;
use domain::ports::identity::Scope;
use domain::ports::ledger::{HoldOutcome, LedgerError};
use futures_util::future::join_all;
use tokio::sync::Barrier;

use super::races::everybody;
use crate::Fixture;
use crate::acts::{must, refused};
use crate::requests::api_keys::{ApiKeyExt, api_key, new_api_key_id, revoke};
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, credits, grant, hold, resume, settle, suspend, user, void,
};
use crate::time::time;

async fn made(f: &Fixture, request: CreateApiKeyRequest) -> ApiKey {
    must(f.ledger.create_api_key(request).await)
}

/// The key as every server finds it.
async fn found(f: &Fixture, id: ApiKeyId) -> Option<ApiKey> {
    let mut answers = Vec::new();
    for book in f.api_key_books() {
        answers.push(book.api_key(id).await.expect("the store answers"));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    answers.pop().expect("one server at least")
}

async fn spent(f: &Fixture, id: ApiKeyId) -> i64 {
    found(f, id).await.expect("the key is there").spent.get()
}

/// A user with so many credits, and a key that may spend so much of them.
async fn capped(f: &Fixture, user: UserId, funds: i64, cap: i64) -> ApiKeyId {
    f.granted(grant(user, "p").of(funds)).await;
    made(f, api_key(user).capped(cap)).await.id
}

fn cap_reached(available: i64, required: i64) -> Refusal {
    Refusal::ApiKeyCapReached { available: credits(available), required: credits(required) }
}

pub async fn a_key_comes_back_as_it_was_made(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let plain = api_key(user(1)).at(3);
    let full = CreateApiKeyRequest { name: "robô 😀 \\ ' \"".to_owned(), ..api_key(user(1)) };
    let full = full.capped(500).until(900).scoped(&Scope::ALL).at(4);
    for request in [plain, full] {
        let key = made(f, request.clone()).await;
        assert_eq!((key.id, key.user, &key.name), (request.id, user(1), &request.name));
        assert_eq!(
            (&key.prefix, key.secret, &key.scopes),
            (&request.prefix, request.secret, &request.scopes)
        );
        assert_eq!((key.spend_cap, key.spent), (request.spend_cap, credits(0)));
        assert_eq!((key.created_at, key.expires_at), (request.now.at, request.expires_at));
        assert_eq!((key.last_used_at, key.revoked_at), (None, None));
        assert_eq!(found(f, key.id).await, Some(key));
    }
}

pub async fn a_key_is_made_once_for_its_id(f: &Fixture) {
    let request = api_key(user(1)).capped(100);
    let first = made(f, request.clone()).await;
    let again = CreateApiKeyRequest { name: "another".to_owned(), ..request };
    assert_eq!(made(f, again.capped(200).at(5)).await, first);
    assert_eq!(f.books_of(user(1)).await.api_keys, [first]);
}

pub async fn a_key_can_be_made_by_a_user_who_was_never_seen(f: &Fixture) {
    let id = made(f, api_key(user(1)).capped(30)).await.id;
    assert_eq!(f.sums(user(1), 0).await, [0; 5]);
    assert_eq!(f.hold_refused(hold(user(1)).under(id)).await, Refusal::NoCredits { required: credits(10) });
    f.granted(grant(user(1), "p")).await;
    f.held(hold(user(1)).under(id)).await;
}

pub async fn a_cap_of_nothing_is_refused(f: &Fixture) {
    let request = api_key(user(1)).capped(0);
    assert_eq!(refused(f.ledger.create_api_key(request.clone()).await), Refusal::AmountOutOfRange);
    assert_eq!(found(f, request.id).await, None);
}

/// Keys that have ended do not count, however many they are.
pub async fn a_hundred_live_keys_are_enough(f: &Fixture) {
    let short_lived = (0..MOST_LIVE + 5).map(|_| f.ledger.create_api_key(api_key(user(1)).until(10)));
    let results = join_all(short_lived).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), MOST_LIVE);
    let refusal = refused(f.ledger.create_api_key(api_key(user(1)).at(9)).await);
    assert_eq!(refusal, Refusal::TooManyApiKeys);
    made(f, api_key(user(2)).at(9)).await;

    let mut last = None;
    for _ in 0..MOST_LIVE {
        last = Some(made(f, api_key(user(1)).until(1000).at(10)).await.id);
    }
    let refusal = refused(f.ledger.create_api_key(api_key(user(1)).at(11)).await);
    assert_eq!(refusal, Refusal::TooManyApiKeys);
    must(f.ledger.revoke_api_key(revoke(user(1), last.expect("made")).at(12)).await);
    made(f, api_key(user(1)).at(13)).await;
    let refusal = refused(f.ledger.create_api_key(api_key(user(1)).at(14)).await);
    assert_eq!(refusal, Refusal::TooManyApiKeys);
}

pub async fn a_key_is_found_by_its_id_also_when_it_has_ended(f: &Fixture) {
    let mut ids = Vec::new();
    for number in 1..=4 {
        ids.push(made(f, api_key(user(number)).until(5)).await.id);
    }
    must(f.ledger.revoke_api_key(revoke(user(1), ids[0])).await);
    for (number, id) in (1..=4).zip(ids) {
        assert_eq!(found(f, id).await.map(|key| key.user), Some(user(number)));
        assert_eq!(found(f, new_api_key_id(user(number))).await, None);
    }
}

/// Keys of the same time are told apart by their id, also across pages.
pub async fn keys_are_listed_page_by_page_newest_first(f: &Fixture) {
    let mut expected = Vec::new();
    for secs in [1, 2, 2, 2, 2, 3] {
        let key = made(f, api_key(user(1)).until(2).at(secs)).await;
        expected.push((key.created_at, key.id));
        made(f, api_key(user(2)).at(secs)).await;
    }
    must(f.ledger.revoke_api_key(revoke(user(1), expected[2].1)).await);
    expected.sort_unstable();
    expected.reverse();
    for book in f.api_key_books() {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = book.api_keys(user(1), before, 2).await.expect("the store answers");
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2);
            before = Some(ApiKeyCursor { at: last.created_at, id: last.id });
            seen.extend(page.iter().map(|key| (key.created_at, key.id)));
        }
        assert_eq!(seen, expected);
        assert_eq!(book.api_keys(user(3), None, 10).await, Ok(Vec::new()));
    }
}

pub async fn a_revoked_key_stays_revoked_since_the_first_time(f: &Fixture) {
    let id = made(f, api_key(user(1))).await.id;
    for secs in [5, 6] {
        let key = must(f.ledger.revoke_api_key(revoke(user(1), id).at(secs)).await);
        assert_eq!((key.id, key.revoked_at), (id, Some(time(5))));
    }
    assert_eq!(found(f, id).await.and_then(|key| key.revoked_at), Some(time(5)));
}

pub async fn the_key_of_another_user_is_unknown(f: &Fixture) {
    let id = made(f, api_key(user(1))).await.id;
    f.granted(grant(user(2), "p")).await;
    for stranger in [user(2), user(3)] {
        let refusal = refused(f.ledger.revoke_api_key(revoke(stranger, id)).await);
        assert_eq!(refusal, Refusal::ApiKeyUnknown);
        assert_eq!(f.hold_refused(hold(stranger).under(id)).await, Refusal::ApiKeyEnded);
    }
    assert_eq!(found(f, id).await.and_then(|key| key.revoked_at), None);
}

pub async fn a_key_that_has_ended_holds_nothing(f: &Fixture) {
    f.granted(grant(user(1), "p")).await;
    let (revoked, expired) =
        (made(f, api_key(user(1))).await.id, made(f, api_key(user(1)).until(9)).await.id);
    for id in [revoked, expired] {
        let first = f.held(hold(user(1)).under(id).at(8)).await;
        assert_eq!(first.amount, credits(10));
    }
    must(f.ledger.revoke_api_key(revoke(user(1), revoked).at(9)).await);
    for id in [revoked, expired, new_api_key_id(user(1))] {
        assert_eq!(f.hold_refused(hold(user(1)).under(id).at(9)).await, Refusal::ApiKeyEnded);
    }
    assert_eq!(f.sums(user(1), 9).await, [100, 0, 20, 80, 0]);
}

pub async fn an_ended_key_is_refused_before_anything_else(f: &Fixture) {
    let id = capped(f, user(1), 15, 15).await;
    let running = hold(user(1)).under(id).keyed("k");
    f.held(running.clone()).await;
    must(f.ledger.revoke_api_key(revoke(user(1), id)).await);
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::admin())).await);
    assert_eq!(f.hold_refused(hold(user(1)).under(id).keyed("k")).await, Refusal::ApiKeyEnded);
    // But for a hold that stands already.
    assert_eq!(f.held(running).await.amount, credits(10));
    assert_eq!(f.hold_refused(hold(user(1)).keyed("k")).await, Refusal::Suspended);
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

pub async fn the_use_of_a_key_is_noted_to_the_minute(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    let id = made(f, api_key(user(1))).await.id;
    let used = async || found(f, id).await.and_then(|key| key.last_used_at);
    assert_eq!(used().await, None);
    for (secs, noted) in [(100, 100), (159, 100), (160, 160), (150, 160)] {
        let held = f.held(hold(user(1)).under(id).at(secs)).await;
        assert_eq!(used().await, Some(time(noted)), "held at {secs}");
        f.voided(void(user(1), held.hold).at(secs)).await;
    }
    // A charge writes the key's row anyway.
    let held = f.held(hold(user(1)).under(id).at(170)).await;
    f.settled(settle(user(1), held.hold).under(id).at(171)).await;
    assert_eq!(used().await, Some(time(171)));
    f.hold_refused(hold(user(1)).exactly(5000).under(id).at(500)).await;
    assert_eq!(used().await, Some(time(171)), "a refusal is no use");
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

pub async fn many_keys_made_at_once_are_no_more_than_a_hundred(f: &Fixture) {
    let results = everybody(f, 16, async |ledger, _| {
        let mut made = 0;
        for _ in 0..10 {
            match ledger.create_api_key(api_key(user(1))).await {
                Ok(_) => made += 1,
                Err(LedgerError::Refused(Refusal::TooManyApiKeys)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        made
    })
    .await;
    assert_eq!(results.into_iter().sum::<usize>(), MOST_LIVE);
    assert_eq!(f.books_of(user(1)).await.api_keys.len(), MOST_LIVE);
}

pub async fn a_key_revoked_in_a_rush_holds_nothing_afterwards(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100_000)).await;
    let id = made(f, api_key(user(1))).await.id;
    everybody(f, 16, move |ledger, caller| async move {
        if caller == 7 {
            must(ledger.revoke_api_key(revoke(user(1), id)).await);
            assert_eq!(refused(ledger.hold(hold(user(1)).under(id)).await), Refusal::ApiKeyEnded);
            return;
        }
        let mut ended = false;
        for _ in 0..20 {
            match ledger.hold(hold(user(1)).under(id)).await {
                Ok(HoldOutcome::Held(it)) => {
                    assert!(!ended, "held again after it had ended");
                    must(ledger.settle(settle(user(1), it.hold).under(id)).await);
                }
                Err(LedgerError::Refused(Refusal::ApiKeyEnded)) => ended = true,
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    assert_eq!(f.hold_refused(hold(user(1)).under(id)).await, Refusal::ApiKeyEnded);
}
