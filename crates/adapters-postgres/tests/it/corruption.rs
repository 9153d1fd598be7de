//! Rows that cannot be domain values: named, and nobody else's trouble.

use domain::ports::Unavailable;
use domain::ports::ledger::{Ledger, LedgerError};
use domain::ports::statements::Statements;
use testkit::requests::{grant, hold, user};
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
