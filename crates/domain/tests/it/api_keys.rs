//! Letting keys in: who is told what, and how often the store is asked. And proving what they have spent.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::api_keys::{ApiKey, Credential, USUAL_SCOPES};
use domain::audit::{By, api_key_target};
use domain::clock::{Clock, Moment, Timestamp};
use domain::credits::Credits;
use domain::ids::{ApiKeyId, GrantId, HoldId, InstanceId, MockIdSource, UserId};
use domain::ledger::account::Actor;
use domain::ledger::command::{
    Command, CreateApiKeyRequest, GrantRequest, HoldRequest, Receipt, SettleRequest,
};
use domain::ledger::holds::HOLD_LIFETIME;
use domain::ledger::limits::LimitBook;
use domain::ledger::lots::{Source, SourceKind};
use domain::ledger::usage::RequestKind;
use domain::ports::Unavailable;
use domain::ports::api_keys::{MockApiKeyBook, MockSecretSource};
use domain::ports::audit::MockRecorder;
use domain::ports::identity::Caller;
use domain::services::api_keys::wish::{ApiKeyWish, RawApiKeyWish};
use domain::services::api_keys::{ApiKeyError, ApiKeys, RecentKeys};
use domain::tokens::Tokens;

use crate::acts::{facts, moment};
use crate::rows::Store;

const USER: UserId = UserId::from_bytes([9; 16]);

/// A clock that a test moves.
#[derive(Clone, Default)]
struct Seconds(Arc<AtomicI64>);

impl Seconds {
    fn set(&self, secs: i64) {
        self.0.store(secs, Ordering::Relaxed);
    }
}

impl Clock for Seconds {
    fn now(&self) -> Moment {
        moment(self.0.load(Ordering::Relaxed))
    }
}

fn at(secs: i64) -> Timestamp {
    moment(secs).at
}

fn credential() -> Credential {
    Credential::new(ApiKeyId::for_user(&USER, [7; 16]), [8; 32])
}

fn key() -> ApiKey {
    let credential = credential();
    ApiKey {
        id: credential.id,
        user: USER,
        name: "a program".to_owned(),
        prefix: credential.prefix(),
        secret: credential.hash(),
        scopes: USUAL_SCOPES.to_vec(),
        spend_cap: None,
        spent: Credits::ZERO,
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

fn owner() -> By {
    By { actor: Actor::user(&USER), via: "token".to_owned(), request_id: None }
}

/// Keys in a book that answers this; a clock that stands at 0.
fn keys(book: MockApiKeyBook) -> (ApiKeys, Seconds) {
    let clock = Seconds::default();
    let mut recorder = MockRecorder::new();
    recorder.expect_act().returning(|note, act| {
        assert_eq!((note.action.as_str(), &note.by), ("api_key.revoke", &owner()));
        let revoked = ApiKey { revoked_at: Some(act.now().at), ..key() };
        Ok(Receipt::ApiKey(Box::new(revoked)))
    });
    let mut ids = MockIdSource::new();
    ids.expect_unique().return_const([7; 16]);
    let keys = ApiKeys {
        recorder: Arc::new(recorder),
        book: Arc::new(book),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(ids),
        secrets: Arc::new(MockSecretSource::new()),
        recent: RecentKeys::default(),
    };
    (keys, clock)
}

/// A book that is asked so often, and always answers this.
fn book(times: usize, found: Result<Option<ApiKey>, Unavailable>) -> MockApiKeyBook {
    let mut book = MockApiKeyBook::new();
    book.expect_api_key().times(times).returning(move |_| found.clone());
    book
}

async fn refusal(keys: &ApiKeys, text: &str) -> String {
    match keys.authenticate(text).await {
        Err(ApiKeyError::Bad(reason)) => reason.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_key_brings_its_user_and_its_scopes() {
    let (keys, _) = keys(book(1, Ok(Some(key()))));
    let caller = keys.authenticate(&credential().reveal()).await;
    let expected = Caller { user: USER, scopes: USUAL_SCOPES.to_vec(), api_key: Some(credential().id) };
    assert_eq!(caller, Ok(expected));
}

#[tokio::test]
async fn a_mistyped_key_never_reaches_the_store() {
    let (keys, _) = keys(book(0, Ok(None)));
    let text = credential().reveal();
    for bad in ["sk-saldo-", &text[1..], &text[..80], &text.to_lowercase(), &format!("{text} ")] {
        refusal(&keys, bad).await;
    }
}

#[tokio::test]
async fn unknown_forged_revoked_and_expired_keys_are_refused_for_a_reason_without_the_key() {
    let text = credential().reveal();
    let forged = Credential::new(credential().id, [0; 32]).reveal();
    for (found, shown, reason) in [
        (None, &text, "is unknown"),
        (Some(key()), &forged, "wrong secret"),
        (Some(ApiKey { revoked_at: Some(at(-5)), ..key() }), &forged, "wrong secret"),
        (Some(ApiKey { revoked_at: Some(at(-5)), ..key() }), &text, "revoked or expired"),
        (Some(ApiKey { expires_at: Some(at(0)), ..key() }), &text, "revoked or expired"),
    ] {
        let (keys, _) = keys(book(1, Ok(found)));
        let said = refusal(&keys, shown).await;
        assert!(said.contains(reason) && !said.contains("sk-saldo-"), "{said}");
    }
}

#[tokio::test]
async fn an_outage_is_no_refusal() {
    let away = Unavailable("gone".to_owned());
    let (keys, _) = keys(book(1, Err(away.clone())));
    assert_eq!(keys.authenticate(&credential().reveal()).await, Err(ApiKeyError::Unavailable(away)));
}

#[tokio::test]
async fn a_key_is_looked_up_once_in_two_seconds() {
    let (keys, clock) = keys(book(3, Ok(Some(ApiKey { expires_at: Some(at(100)), ..key() }))));
    let text = credential().reveal();
    // Twice at 0 and 1; anew at 2; anew when the clock steps back.
    for secs in [0, 0, 1, 2, 3, -60, -60] {
        clock.set(secs);
        assert!(keys.authenticate(&text).await.is_ok(), "at {secs}");
    }
    // A remembered key needs its secret, too.
    refusal(&keys, &Credential::new(credential().id, [0; 32]).reveal()).await;
}

#[tokio::test]
async fn a_remembered_key_expires_on_time() {
    let (keys, clock) = keys(book(1, Ok(Some(ApiKey { expires_at: Some(at(1)), ..key() }))));
    let text = credential().reveal();
    assert!(keys.authenticate(&text).await.is_ok());
    clock.set(1);
    refusal(&keys, &text).await;
}

#[tokio::test]
async fn a_revoked_key_is_forgotten_at_once() {
    let mut book = MockApiKeyBook::new();
    book.expect_api_key().times(1).return_once(|_| Ok(Some(key())));
    book.expect_api_key().times(1).return_once(|_| Ok(Some(ApiKey { revoked_at: Some(at(0)), ..key() })));
    let (keys, _) = keys(book);
    let text = credential().reveal();
    assert!(keys.authenticate(&text).await.is_ok());
    keys.revoke(owner(), USER, credential().id).await.unwrap();
    refusal(&keys, &text).await;
}

/// The look-up finds the key as it was, and comes back when the key is revoked.
#[tokio::test]
async fn a_look_up_that_a_revocation_overtook_is_not_remembered() {
    use std::sync::Mutex;
    let shared: Arc<Mutex<Option<ApiKeys>>> = Arc::default();
    let mut book = MockApiKeyBook::new();
    let within = Arc::clone(&shared);
    book.expect_api_key().times(1).returning(move |id| {
        let keys = within.lock().unwrap().take().unwrap();
        // Ready at once: the mocks of the ledger do not wait.
        let mut revoking = std::pin::pin!(keys.revoke(owner(), USER, id));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(revoking.as_mut().poll(&mut context).is_ready());
        Ok(Some(key()))
    });
    book.expect_api_key().times(1).return_once(|_| Ok(Some(ApiKey { revoked_at: Some(at(0)), ..key() })));
    let (keys, _) = keys(book);
    *shared.lock().unwrap() = Some(keys.clone());
    let text = credential().reveal();
    assert!(keys.authenticate(&text).await.is_ok(), "it was good when it was looked up");
    refusal(&keys, &text).await;
}

#[tokio::test]
async fn a_new_key_is_stored_by_its_hash_and_shown_once() {
    let mut recorder = MockRecorder::new();
    recorder.expect_act().times(1).returning(|note, act| {
        let Command::CreateApiKey(it) = act else { panic!("{act:?}") };
        assert_eq!((note.action.as_str(), note.target), ("api_key.create", api_key_target(it.id)));
        assert_eq!(it.secret, credential().hash());
        let (spend_cap, expires_at) = (it.spend_cap, it.expires_at);
        let made = ApiKey { id: it.id, name: it.name, scopes: it.scopes, spend_cap, expires_at, ..key() };
        Ok(Receipt::ApiKey(Box::new(made)))
    });
    let mut secrets = MockSecretSource::new();
    secrets.expect_secret().returning(|| Ok([8; 32]));
    let (keys, _) = keys(MockApiKeyBook::new());
    let keys = ApiKeys { recorder: Arc::new(recorder), secrets: Arc::new(secrets), ..keys };
    let raw = RawApiKeyWish { name: Some("a program".to_owned()), ..RawApiKeyWish::default() };
    let maker = Caller { user: USER, scopes: USUAL_SCOPES.to_vec(), api_key: None };
    let wish = ApiKeyWish::parse(raw, &maker).unwrap();
    let (made, shown) = keys.create(owner(), USER, wish).await.unwrap();
    assert_eq!(made, key());
    assert_eq!(shown.reveal(), credential().reveal());
}

/// A store in which a key that may spend 50 has held 20 and was charged 15 of them, and holds 30.
fn books() -> Store {
    let now = moment(0);
    let key = key();
    let grant = GrantRequest {
        id: GrantId::from_bytes([1; 16]),
        user: USER,
        source: Source::new(SourceKind::Bonus, "test"),
        amount: Credits::whole(100),
        expires_at: None,
        plan: None,
        actor: Actor::system(),
        note: None,
        now,
    };
    let create = CreateApiKeyRequest {
        id: key.id,
        user: USER,
        name: key.name,
        prefix: key.prefix,
        secret: key.secret,
        scopes: key.scopes,
        spend_cap: Some(Credits::whole(50)),
        expires_at: None,
        now,
    };
    let hold = |number: u8, amount: u32| HoldRequest {
        id: HoldId::for_user(&USER, [number; 16]),
        user: USER,
        at_least: Credits::whole(amount),
        at_most: Credits::whole(amount),
        tokens: Tokens::ZERO,
        kind: RequestKind::Assistant,
        key: None,
        api_key: Some(key.id),
        expires_at: now.at.after(HOLD_LIFETIME),
        instance: InstanceId::from_bytes([1; 16]),
        limits: Arc::new(LimitBook::unlimited()),
        now,
    };
    let settle = SettleRequest {
        user: USER,
        hold: HoldId::for_user(&USER, [1; 16]),
        charge: Credits::whole(15),
        facts: facts(),
        key: None,
        api_key: Some(key.id),
        answer: None,
        content: None,
        now,
    };
    let mut store = Store::default();
    let commands = [
        Command::Grant(grant),
        Command::CreateApiKey(Box::new(create)),
        Command::Hold(hold(1, 20)),
        Command::Hold(hold(2, 30)),
        Command::Settle(settle),
    ];
    for result in store.run(&commands) {
        result.unwrap();
    }
    store
}

#[test]
fn books_with_wrong_sums_of_a_key_name_the_key() {
    let sound = books();
    assert_eq!(sound.breaches(at(1)), []);
    let name = credential().id;
    let of_key = |change: fn(&mut ApiKey)| {
        let mut store = sound.clone();
        change(store.api_keys.get_mut(&(USER, name)).unwrap());
        store
    };
    let mut lost = sound.clone();
    lost.api_keys.clear();
    for (store, expected) in [
        (of_key(|key| key.spent = Credits::whole(14)), "has spent 14, its holds were charged 15"),
        (of_key(|key| key.spend_cap = Some(Credits::whole(44))), "has spent or holds 45, its cap is 44"),
        (lost, "which is not there"),
    ] {
        let breaches = store.breaches(at(1));
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        let said = breaches[0].to_string();
        assert!(said.starts_with("I11 account") && said.contains(expected), "{said}");
        assert!(said.contains(&format!("API key {name}")), "{said}");
    }
}
