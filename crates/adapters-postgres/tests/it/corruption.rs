//! Rows that cannot be domain values: named, and nobody else's trouble.

use domain::ports::Unavailable;
use domain::ports::api_keys::ApiKeyBook;
use domain::ports::billing::{Inbox, PurchaseBook, PurchaseName, Till};
use domain::ports::ledger::{Ledger, LedgerError};
use domain::ports::statements::Statements;
use testkit::acts::must;
use testkit::requests::api_keys::api_key;
use testkit::requests::billing::{NewsExt, auto_top_up, event, news, open as buy};
use testkit::requests::{HoldExt, grant, hold, user};
use testkit::time::time;

use crate::harness::{open, run};

#[tokio::test]
async fn a_corrupt_row_is_named_with_table_key_and_column() {
    let opened = open().await;
    opened.store.grant(grant(user(1), "p")).await.unwrap();
    let mut connection = opened.plain().await;
    for (damage, table, column) in [
        ("UPDATE user_ai_credits SET journal_hash = 'short'", "user_ai_credits", "journal_hash"),
        (
            "UPDATE user_ai_credits SET journal_hash = sha256('x'), total_credits = 2000000000000000",
            "user_ai_credits",
            "total_credits",
        ),
    ] {
        run(&mut connection, damage).await.unwrap();
        let Unavailable(reason) = opened.store.account(user(1), time(0)).await.unwrap_err();
        for named in [table, &user(1).to_string(), column] {
            assert!(reason.contains(named), "{named} is not in: {reason}");
        }
    }
}

#[tokio::test]
async fn a_corrupt_account_does_not_hold_back_the_others_of_its_batch() {
    let opened = open().await;
    for number in 1..=8 {
        opened.store.grant(grant(user(number), "p")).await.unwrap();
    }
    opened.store.hold(hold(user(3))).await.unwrap();
    run(&mut opened.plain().await, "UPDATE credit_holds SET request_type = 'juggling'").await.unwrap();
    let holds = futures_util::future::join_all((1..=8).map(|number| opened.store.hold(hold(user(number)))));
    for (number, held) in (1..=8).zip(holds.await) {
        match held {
            Ok(_) => assert_ne!(number, 3),
            Err(LedgerError::Unavailable(Unavailable(reason))) => {
                assert_eq!(number, 3, "{reason}");
                assert!(reason.contains("credit_holds") && reason.contains("request_type"), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_corrupt_purchase_is_named_wherever_it_is_read() {
    let opened = open().await;
    let request = buy(user(1));
    let id = request.id;
    must(opened.store.open(request.clone()).await);
    must(opened.store.observe(news(user(1), id).paid().by_hand("r1", 100)).await);
    let mut connection = opened.plain().await;
    run(&mut connection, "ALTER TABLE purchases DROP CONSTRAINT purchases_state_check").await.unwrap();
    let loosen = "ALTER TABLE purchase_returns DROP CONSTRAINT purchase_returns_state_check";
    run(&mut connection, loosen).await.unwrap();
    for (damage, table, column) in [
        ("UPDATE purchase_returns SET state = 'perhaps'", "purchase_returns", "state"),
        (
            "UPDATE purchase_returns SET state = 'lost'; UPDATE purchases SET lookups = 5000000000",
            "purchases",
            "lookups",
        ),
        ("UPDATE purchases SET state = 'bartered', paid_at = NULL", "purchases", "state"),
    ] {
        run(&mut connection, damage).await.unwrap();
        let Unavailable(read) = opened.store.purchase(PurchaseName::Id(id)).await.unwrap_err();
        let Err(LedgerError::Unavailable(Unavailable(act))) = opened.store.open(request.clone()).await else {
            panic!("a corrupt purchase was used")
        };
        for (reason, named) in [&read, &act].into_iter().flat_map(|reason| {
            [table, &user(1).to_string(), &id.to_string(), column].map(|named| (reason, named.to_owned()))
        }) {
            assert!(reason.contains(&named), "{named} is not in: {reason}");
        }
    }
}

#[tokio::test]
async fn a_profile_with_half_a_top_up_is_named() {
    let opened = open().await;
    must(opened.store.set_top_up(auto_top_up(user(1))).await);
    let damage = "UPDATE billing_profiles SET top_up_plan = NULL";
    run(&mut opened.plain().await, damage).await.unwrap();
    let Unavailable(reason) = opened.store.profile(user(1)).await.unwrap_err();
    assert!(reason.contains("billing_profiles") && reason.contains("top_up_enabled"), "{reason}");
}

#[tokio::test]
async fn a_corrupt_event_is_named() {
    let opened = open().await;
    opened.store.put(event("evt_1")).await.unwrap();
    let mut connection = opened.plain().await;
    run(&mut connection, "UPDATE stripe_events SET tries = 5000000000").await.unwrap();
    let Unavailable(reason) = opened.store.event("evt_1").await.unwrap_err();
    for named in ["stripe_events", "evt_1", "tries"] {
        assert!(reason.contains(named), "{named} is not in: {reason}");
    }
}

#[tokio::test]
async fn a_corrupt_api_key_is_named_wherever_it_is_read() {
    let opened = open().await;
    let key = must(opened.store.create_api_key(api_key(user(1))).await);
    let damage = "UPDATE api_keys SET scopes = 'ai:use juggling'";
    run(&mut opened.plain().await, damage).await.unwrap();
    let Unavailable(read) = opened.store.api_key(key.id).await.unwrap_err();
    let Err(LedgerError::Unavailable(Unavailable(act))) =
        opened.store.hold(hold(user(1)).under(key.id)).await
    else {
        panic!("a corrupt key was used")
    };
    for reason in [read, act] {
        for named in ["api_keys", &user(1).to_string(), &key.id.to_string(), "scopes"] {
            assert!(reason.contains(named), "{named} is not in: {reason}");
        }
    }
    // Whoever has no part in it goes on.
    must(opened.store.grant(grant(user(1), "p")).await);
    must(opened.store.hold(hold(user(1))).await);
}
