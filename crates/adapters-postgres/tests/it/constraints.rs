//! What the database refuses: the command at fault is rejected, alone, and the writer goes on.

use domain::clock::Timestamp;
use domain::ports::billing::{Inbox, PageEnd, PurchaseBook, PurchaseName, Till};
use domain::ports::ledger::{Ledger, LedgerError};
use futures_util::future::join_all;
use testkit::acts::must;
use testkit::requests::api_keys::api_key;
use testkit::requests::billing::{NewsExt, event, new_purchase_id, news, open as buy, subscription};
use testkit::requests::{SettleExt, credits, grant, hold, settle, user};
use testkit::time::time;

use crate::harness::{number, open, run, words};

#[tokio::test]
async fn a_command_that_breaks_a_constraint_is_rejected_alone() {
    let opened = open().await;
    let second_wall = "ALTER TABLE user_ai_credits ADD CONSTRAINT not_too_rich CHECK (total_credits < 5000)";
    run(&mut opened.plain().await, second_wall).await.unwrap();
    let grants = (1..=8).map(|number| {
        let mut request = grant(user(number), "p");
        if number == 5 {
            request.amount = credits(5000);
        }
        opened.store.grant(request)
    });
    for (number, granted) in (1..=8).zip(join_all(grants).await) {
        match granted {
            Ok(_) => assert_ne!(number, 5),
            Err(LedgerError::Unavailable(reason)) => {
                assert_eq!(number, 5, "{reason}");
                assert!(reason.to_string().contains("not_too_rich"), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_write_that_misses_a_row_stores_nothing_at_all() {
    let opened = open().await;
    for user in [user(1), user(2)] {
        must(opened.store.grant(grant(user, "p")).await);
    }
    let (first, second) = (hold(user(1)), hold(user(2)));
    let holds = [(user(1), first.id), (user(2), second.id)];
    must(opened.store.hold(first).await);
    must(opened.store.hold(second).await);
    let mut connection = opened.plain().await;
    for statement in [
        "CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER leave_out BEFORE UPDATE ON credit_holds FOR EACH ROW EXECUTE FUNCTION leave_out()",
    ] {
        run(&mut connection, statement).await.unwrap();
    }
    for _ in 0..2 {
        for (user, id) in holds {
            let refused = opened.store.settle(settle(user, id)).await.unwrap_err().to_string();
            assert!(refused.contains("not every row was written"), "{refused}");
        }
    }
    let written = "SELECT (SELECT count(*) FROM credit_journal WHERE kind = 'use') +
        (SELECT count(*) FROM ai_usage_log) + (SELECT sum(used_credits)::bigint FROM user_ai_credits) +
        (SELECT count(*) FROM credit_grants WHERE remaining < amount) AS number";
    assert_eq!(number(&mut connection, written).await, 0);

    run(&mut connection, "DROP TRIGGER leave_out ON credit_holds").await.unwrap();
    for (user, id) in holds {
        must(opened.store.settle(settle(user, id)).await);
    }
}

#[tokio::test]
async fn what_no_column_can_hold_is_rejected_without_harm_to_others() {
    let opened = open().await;
    let mut never_due = grant(user(3), "p");
    never_due.expires_at = Some(Timestamp::from_micros(i64::MAX));
    let requests =
        [grant(user(1), "a\0b"), grant(user(2), &"long".repeat(1000)), never_due, grant(user(4), "p")];
    let results = join_all(requests.map(|request| opened.store.grant(request))).await;
    let taken: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [false, false, false, true], "{results:?}");
}

#[tokio::test]
async fn what_no_column_can_hold_of_an_api_key_is_rejected_without_harm_to_others() {
    let opened = open().await;
    let mut nameless = api_key(user(1));
    nameless.name = "a\0b".to_owned();
    let mut endless = api_key(user(2));
    endless.expires_at = Some(Timestamp::from_micros(i64::MAX));
    let requests = [nameless, endless, api_key(user(3))];
    let results = join_all(requests.map(|request| opened.store.create_api_key(request))).await;
    let taken: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [false, false, true], "{results:?}");
}

#[tokio::test]
async fn a_nul_in_a_text_does_not_cost_the_charge() {
    let opened = open().await;
    must(opened.store.grant(grant(user(1), "p")).await);
    let request = hold(user(1));
    let id = request.id;
    must(opened.store.hold(request).await);
    let settled = must(opened.store.settle(settle(user(1), id).keeping("a\0b", "plain")).await);
    assert_eq!(settled.charged, credits(10));
    let kept = words(&mut opened.plain().await, "SELECT request_content AS word FROM ai_usage_content").await;
    assert_eq!(kept, ["a\u{fffd}b"]);
}

#[tokio::test]
async fn what_no_column_can_hold_of_a_payment_is_rejected_without_harm_to_others() {
    let opened = open().await;
    let store = &opened.store;
    let id = new_purchase_id(user(1));
    must(store.open(domain::ledger::command::OpenPurchaseRequest { id, ..buy(user(1)) }).await);
    let about = || news(user(1), id);
    let late = 300_000_000_000;
    let mut endless = about();
    endless.facts.url = Some("https://example.com/\0".to_owned());
    let odd = [
        about().session("cs\0"),
        about().session(&"long".repeat(1000)),
        about().paid_as(1, "b\0l", domain::billing::offer::PayMode::Payment),
        about().refunded(1, late),
        about().by_hand("a\0", 1),
        about().fraud("a\0"),
        about().invoiced("in_1", late),
        endless,
    ];
    for result in join_all(odd.map(|request| store.observe(request))).await {
        assert!(matches!(result, Err(LedgerError::Unavailable(_))), "{result:?}");
    }
    let mut silent = subscription(user(1), "sub_1");
    silent.facts.status = "a\0".to_owned();
    assert!(matches!(store.observe_subscription(silent).await, Err(LedgerError::Unavailable(_))));
    must(store.observe(about().session("cs_1")).await);
}

#[tokio::test]
async fn an_event_with_a_nul_in_its_words_is_kept_and_one_without_a_usable_name_is_not() {
    let opened = open().await;
    let store = &opened.store;
    let mut odd = event("evt_1");
    odd.kind = "a\0b".to_owned();
    odd.body = b"\0".to_vec();
    assert!(store.put(odd).await.unwrap());
    let kept = store.event("evt_1").await.unwrap().unwrap();
    assert_eq!((kept.kind.as_str(), kept.body.as_slice()), ("a\u{fffd}b", &b"\0"[..]));
    assert!(store.put(event("evt\0")).await.is_err());
    assert!(store.put(event(&"evt".repeat(1000))).await.is_err());
}

#[tokio::test]
async fn names_that_nothing_can_have_find_nothing() {
    let opened = open().await;
    let store = &opened.store;
    must(store.open(buy(user(1))).await);
    assert_eq!(store.purchase(PurchaseName::Session("a\0".to_owned())).await, Ok(None));
    assert_eq!(store.subscription("a\0").await, Ok(None));
    assert_eq!(store.user_of_customer("a\0").await, Ok(None));
    assert_eq!(store.event("a\0").await, Ok(None));
    let before =
        |micros, name: &str| Some(PageEnd { at: Timestamp::from_micros(micros), name: name.to_owned() });
    for (end, found) in [
        (before(i64::MAX, "a\0"), 1),
        (before(i64::MIN, ""), 0),
        (before(time(0).as_micros(), "no id"), 1),
        (before(time(0).as_micros(), ""), 0),
    ] {
        assert_eq!(store.purchases(None, end.clone(), 10).await.unwrap().len(), found, "{end:?}");
        assert_eq!(store.purchases(Some(user(1)), end.clone(), 10).await.unwrap().len(), found, "{end:?}");
    }
}
