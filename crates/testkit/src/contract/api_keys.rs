//! API keys: made, found, listed, ended.

use domain::api_keys::ApiKey;
use domain::ids::ApiKeyId;
use domain::ledger::account::SuspensionSource;
use domain::ledger::api_keys::MOST_LIVE;
use domain::ledger::command::{CreateApiKeyRequest, Refusal};
use domain::ports::api_keys::ApiKeyCursor;
use domain::ports::identity::Scope;
use domain::ports::ledger::{HoldOutcome, LedgerError};
use futures_util::future::join_all;

use super::races::everybody;
use super::spend_caps::capped;
use crate::Fixture;
use crate::acts::{must, refused};
use crate::requests::api_keys::{ApiKeyExt, api_key, new_api_key_id, revoke};
use crate::requests::{At, GrantExt, HoldExt, SettleExt, credits, grant, hold, settle, suspend, user, void};
use crate::time::time;

pub(super) async fn made(f: &Fixture, request: CreateApiKeyRequest) -> ApiKey {
    must(f.ledger.create_api_key(request).await)
}

/// The key as every server finds it.
pub(super) async fn found(f: &Fixture, id: ApiKeyId) -> Option<ApiKey> {
    let mut answers = Vec::new();
    for book in f.api_key_books() {
        answers.push(book.api_key(id).await.expect("the store answers"));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    answers.pop().expect("one server at least")
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
