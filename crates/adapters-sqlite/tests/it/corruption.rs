//! Damaged files: named, contained, never guessed over.

use std::time::Duration;

use adapters_sqlite::Options;
use diesel::connection::SimpleConnection;
use domain::billing::purchase::Names;
use domain::ports::api_keys::ApiKeyBook;
use domain::ports::billing::{Inbox, PurchaseBook, PurchaseName, Till};
use domain::ports::books::Books;
use domain::ports::ledger::{Ledger, LedgerError};
use domain::ports::statements::Statements;
use domain::ports::upkeep::Upkeep;
use testkit::requests::api_keys::api_key;
use testkit::requests::billing::{NewsExt, OpenExt, auto_top_up, event, invoice, news, open};
use testkit::requests::{GrantExt, HoldExt, credits, grant, hold, settle, suspend, user};
use testkit::time::{moment, secs, time};

use crate::harness::{Place, held};

fn reason<T: std::fmt::Debug>(result: Result<T, LedgerError>) -> String {
    match result {
        Err(LedgerError::Unavailable(why)) => why.0,
        other => panic!("must be unavailable, but: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_no_domain_value_is_named_by_table_key_and_column() {
    const USER: &str = "01010101-0101-0101-0101-010101010101";
    for (damage, named) in [
        (
            "UPDATE user_ai_credits SET total_credits = 'many'",
            "column total_credits of user_ai_credits (user",
        ),
        ("UPDATE user_ai_credits SET total_credits = 9e18", "column total_credits of user_ai_credits"),
        ("UPDATE user_ai_credits SET total_credits = 2000000000000000", "not an amount of credits within"),
        ("UPDATE user_ai_credits SET total_credits = 1.5", "not a whole number"),
        ("UPDATE user_ai_credits SET journal_hash = X'00'", "column journal_hash of user_ai_credits"),
        ("UPDATE user_ai_credits SET alert_armed = 2", "column alert_armed of user_ai_credits"),
        ("UPDATE user_ai_credits SET day_number = 5000000000", "column day_number of user_ai_credits"),
        ("UPDATE user_ai_credits SET plan_type = X'ff'", "column plan_type of user_ai_credits"),
        ("UPDATE user_ai_credits SET plan_type = CAST(X'ff' AS TEXT)", "column plan_type of user_ai_credits"),
        ("UPDATE user_ai_credits SET plan_until = 'soon'", "column plan_until of user_ai_credits"),
        ("UPDATE user_ai_credits SET pack_plan = X'00'", "column pack_plan of user_ai_credits"),
        ("UPDATE credit_grants SET source = 'luck'", "column source of credit_grants"),
        (
            "UPDATE credit_grants SET id = 'lot'",
            "column id of credit_grants (user 01010101-0101-0101-0101-010101010101, lot)",
        ),
        ("UPDATE credit_holds SET request_type = 'poetry'", "column request_type of credit_holds"),
        ("UPDATE credit_holds SET idempotency_key = ' k'", "column idempotency_key of credit_holds"),
        ("UPDATE credit_holds SET tokens = 5000000000", "column tokens of credit_holds"),
        ("UPDATE credit_holds SET tokens_span = -1", "column tokens_span of credit_holds"),
    ] {
        let place = Place::new();
        let (store, _writer) = place.open();
        store.grant(grant(user(1), "p").of(500)).await.expect("granted");
        held(&store, hold(user(1)).keyed("k")).await;
        place.damage(damage);

        let asked = reason(store.hold(hold(user(1))).await);
        assert!(asked.contains(named) && asked.contains("rejected"), "{damage}: {asked}");
        assert!(asked.contains(USER), "{damage}: {asked}");
        let read = store.account(user(1), time(0)).await.expect_err("corrupt").0;
        assert!(read.contains(named), "{damage}: {read}");
        let books = store.account_books(user(1)).await.expect_err("corrupt").0;
        assert!(books.contains(named), "{damage}: {books}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_api_key_is_named_wherever_it_is_read() {
    for (damage, column) in [
        ("UPDATE api_keys SET scopes = 'ai:use juggling'", "scopes"),
        ("UPDATE api_keys SET name = X'00'", "name"),
        ("UPDATE api_keys SET secret_hash = 'short'", "secret_hash"),
        ("UPDATE api_keys SET expires_at = 'soon'", "expires_at"),
        ("UPDATE credit_holds SET api_key_id = 'k'", "api_key_id"),
    ] {
        let place = Place::new();
        let (store, _writer) = place.open();
        let id = store.create_api_key(api_key(user(1))).await.expect("made").id;
        store.grant(grant(user(1), "p")).await.expect("granted");
        held(&store, hold(user(1)).under(id)).await;
        place.damage(damage);
        let named = format!("column {column} of");
        let asked = reason(store.hold(hold(user(1)).under(id)).await);
        assert!(asked.contains(&named) && asked.contains(&user(1).to_string()), "{damage}: {asked}");
        let books = store.account_books(user(1)).await.expect_err("corrupt").0;
        assert!(books.contains(&named), "{damage}: {books}");
        if damage.contains("api_keys") {
            let read = store.api_key(id).await.expect_err("corrupt").0;
            assert!(read.contains(&named), "{damage}: {read}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_no_answer() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.grant(grant(user(1), "p").of(500)).await.expect("granted");
    let id = held(&store, hold(user(1)).keyed("k")).await;
    store.settle(settle(user(1), id)).await.expect("settled");
    place.damage("UPDATE idempotency_keys SET answer_model = 'gpt-4o-mini'");
    let asked = reason(store.hold(hold(user(1)).keyed("k")).await);
    assert!(asked.contains("column answer_model of idempotency_keys"), "{asked}");
    assert!(asked.contains(", k)"), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_constraint_is_rejected_and_nothing_of_it_stored() {
    let place = Place::new();
    let (store, _writer) = place.open();
    store.grant(grant(user(1), "p").of(500)).await.expect("granted");
    let id = held(&store, hold(user(1))).await;
    place.damage("UPDATE user_ai_credits SET held_credits = 0");
    let settled = reason(store.settle(settle(user(1), id)).await);
    assert!(settled.contains("rejected") && settled.contains("CHECK"), "{settled}");
    let journal = store.journal(user(1), None, 10).await.expect("the store answers");
    assert_eq!(journal.len(), 1, "only the grant");
    store
        .suspend(suspend(user(1), domain::ledger::account::SuspensionSource::admin()))
        .await
        .expect("serves on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_account_holds_back_no_other_of_its_batch() {
    let place = Place::new();
    let options = Options { busy_timeout: Duration::from_secs(30), ..Options::default() };
    let (store, _writer) = place.open_with(options);
    for number in 1..=20 {
        store.grant(grant(user(number), "p")).await.expect("granted");
    }
    place.damage("UPDATE user_ai_credits SET plan_type = X'00' WHERE user_id LIKE '07070707%'");

    // While somebody else has the file, everything that is asked for gathers in one batch.
    let mut stranger = place.stranger();
    stranger.batch_execute("BEGIN IMMEDIATE").expect("locked");
    let mut callers = tokio::task::JoinSet::new();
    for number in 1..=20 {
        let store = store.clone();
        callers.spawn(async move { (number, store.hold(hold(user(number))).await) });
    }
    tokio::task::yield_now().await;
    stranger.batch_execute("ROLLBACK").expect("unlocked");
    while let Some(caller) = callers.join_next().await {
        let (number, result) = caller.expect("no panic");
        assert_eq!(result.is_err(), number == 7, "user {number}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_goes_on_past_a_corrupt_account() {
    let place = Place::new();
    let (store, _writer) = place.open();
    for number in 1..=3 {
        store.grant(grant(user(number), "p")).await.expect("granted");
        held(&store, hold(user(number)).lasting(60)).await;
    }
    place.damage("UPDATE user_ai_credits SET plan_type = X'00' WHERE user_id LIKE '01010101%'");
    place.damage("UPDATE credit_holds SET user_id = 'nobody' WHERE user_id LIKE '02020202%'");
    assert_eq!(store.expire_due(moment(100), 10).await, Ok(2), "nobody is not visited");
    let swept = store.account_books(user(3)).await.expect("the store answers").expect("there");
    assert_eq!(swept.account.held, credits(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_buying_that_is_no_domain_value_is_named_by_table_key_and_column() {
    for (damage, named) in [
        ("UPDATE purchases SET kind = 'gift'", "column kind of purchases"),
        ("UPDATE purchases SET credits = 0", "column credits of purchases"),
        ("UPDATE purchases SET price_minor = 29.5", "column price_minor of purchases"),
        ("UPDATE purchases SET currency = 'usd'", "column currency of purchases"),
        ("UPDATE purchases SET expires_after_days = -1", "column expires_after_days of purchases"),
        ("UPDATE purchases SET livemode = 2", "column livemode of purchases"),
        ("UPDATE purchases SET state = 'lost'", "column state of purchases"),
        ("UPDATE purchases SET session_id = X'00'", "column session_id of purchases"),
        ("UPDATE purchases SET refunded_minor = -1", "column refunded_minor of purchases"),
        ("UPDATE purchases SET fingerprint = X'00'", "column fingerprint of purchases"),
        ("UPDATE purchases SET idempotency_key = NULL", "column fingerprint of purchases"),
        ("UPDATE purchases SET paid_at = 'soon'", "column paid_at of purchases"),
        ("UPDATE purchases SET lookups = 5000000000", "column lookups of purchases"),
        ("UPDATE purchase_returns SET state = 'away'", "column state of purchase_returns"),
        ("UPDATE purchase_returns SET amount_minor = -1", "column amount_minor of purchase_returns"),
        ("UPDATE subscriptions SET purchase_id = 'p'", "column purchase_id of subscriptions"),
        ("UPDATE subscriptions SET ended = 'no'", "column ended of subscriptions"),
        ("UPDATE subscriptions SET credits = -1", "column credits of subscriptions"),
        ("UPDATE billing_profiles SET top_up_plan = NULL", "column top_up_plan of billing_profiles"),
        ("UPDATE billing_profiles SET top_up_enabled = NULL", "column top_up_threshold of billing_profiles"),
        ("UPDATE billing_profiles SET top_up_open = 'p'", "column top_up_open of billing_profiles"),
        ("UPDATE billing_profiles SET top_up_declines = -1", "column top_up_declines of billing_profiles"),
    ] {
        let place = Place::new();
        let (store, _writer) = place.open();
        let id = store.open(open(user(1)).keyed("k")).await.expect("written down").purchase.id;
        store.observe(news(user(1), id).paid().by_hand("r", 10)).await.expect("taken in");
        store.set_top_up(auto_top_up(user(1))).await.expect("kept");
        store.observe(invoice(user(1), "in_1", 100).month_paid()).await.expect("taken in");
        place.damage(damage);

        let asked = reason(store.observe(news(user(1), id).paid()).await);
        assert!(asked.contains(named) && asked.contains("rejected"), "{damage}: {asked}");
        assert!(asked.contains("(user 01010101-0101-0101-0101-010101010101"), "{damage}: {asked}");
        let read = match named.rsplit(' ').next() {
            Some("subscriptions") => store.subscription("sub_1").await.map(|_| ()),
            Some("billing_profiles") => store.profile(user(1)).await.map(|_| ()),
            _ => store.purchase(PurchaseName::Id(id)).await.map(|_| ()),
        };
        assert!(read.expect_err("corrupt").0.contains(named), "{damage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_user_cannot_be_read_is_named_by_its_own_name() {
    let place = Place::new();
    let (store, _writer) = place.open();
    let id = store.open(open(user(1))).await.expect("written down").purchase.id;
    store.observe(news(user(1), id).session("cs_1")).await.expect("taken in");
    place.damage("UPDATE purchases SET user_id = 'nobody'");
    let read = store.purchase(PurchaseName::Session("cs_1".to_owned())).await.expect_err("corrupt").0;
    assert!(read.contains(&format!("column user_id of purchases ({id})")), "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_purchase_holds_back_no_other_look_up() {
    let place = Place::new();
    let (store, _writer) = place.open();
    for number in 1..=3 {
        store.open(open(user(number)).looked_up(i64::from(number))).await.expect("written down");
    }
    place.damage("UPDATE purchases SET plan = X'00' WHERE user_id LIKE '01010101%'");
    let waits = [secs(60)];
    assert_eq!(store.claim_lookups(time(10), &waits, 1).await, Ok(Vec::new()), "the corrupt one waits again");
    let others = store.claim_lookups(time(10), &waits, 10).await.expect("the store answers");
    assert_eq!(others.iter().map(|row| row.user).collect::<Vec<_>>(), [user(2), user(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_event_holds_back_no_other() {
    let place = Place::new();
    let (store, _writer) = place.open();
    for id in ["evt_1", "evt_2"] {
        store.put(event(id)).await.expect("kept");
    }
    place.damage("UPDATE stripe_events SET tries = -1 WHERE id = 'evt_1'");
    let read = store.event("evt_1").await.expect_err("corrupt").0;
    assert!(read.contains("column tries of stripe_events (evt_1)"), "{read}");
    assert_eq!(store.claim(time(10), time(70), 1).await, Ok(Vec::new()), "the corrupt one waits again");
    let others = store.claim(time(10), time(70), 10).await.expect("the store answers");
    assert_eq!(others.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["evt_2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_is_another_purchases_is_rejected_and_nothing_granted_for_it() {
    let place = Place::new();
    let (store, _writer) = place.open();
    let invoiced = Names { invoice: Some("in_1".to_owned()), ..Names::default() };
    let [first, second] = [open(user(1)), open(user(1))];
    let ids = [first.id, second.id];
    for request in [first, second] {
        store.open(request).await.expect("written down");
    }
    store.observe(news(user(1), ids[0]).names(invoiced.clone())).await.expect("taken in");
    let rejected = reason(store.observe(news(user(1), ids[1]).names(invoiced).paid()).await);
    assert!(rejected.contains("rejected") && rejected.contains("purchases.invoice_id"), "{rejected}");
    let account = store.account(user(1), time(0)).await.expect("the store answers").expect("there");
    assert_eq!(account.balances.total, credits(0));
    assert!(store.journal(user(1), None, 10).await.expect("the store answers").is_empty());
    assert!(store.notices(user(1), None, 10).await.expect("the store answers").is_empty());
}
