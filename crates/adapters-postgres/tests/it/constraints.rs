//! What the database refuses: the command at fault is rejected, alone, and the writer goes on.

use domain::clock::Timestamp;
use domain::ports::ledger::{Ledger, LedgerError};
use futures_util::future::join_all;
use testkit::acts::must;
use testkit::requests::{SettleExt, credits, grant, hold, settle, user};

use crate::harness::{open, run, words};

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
