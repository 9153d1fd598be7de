//! What the database refuses: the command at fault is rejected, alone, and the writer goes on.

use domain::clock::Timestamp;
use domain::ports::ledger::{Ledger, LedgerError};
use futures_util::future::join_all;
use testkit::acts::must;
use testkit::requests::{SettleExt, credits, grant, hold, settle, user};

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
