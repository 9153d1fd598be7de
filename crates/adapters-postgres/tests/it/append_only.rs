//! The journal keeps what it was told, whoever asks.

use domain::ports::ledger::Ledger;
use testkit::requests::{grant, user};

use crate::harness::{open, run};

#[tokio::test]
async fn a_journal_entry_is_neither_changed_nor_deleted() {
    let opened = open().await;
    opened.store.grant(grant(user(1), "p")).await.unwrap();
    let mut connection = opened.plain().await;
    for sql in [
        "UPDATE credit_journal SET amount = amount + 1",
        "UPDATE credit_journal SET hash = hash",
        "DELETE FROM credit_journal",
        "TRUNCATE credit_journal",
        "TRUNCATE user_ai_credits, credit_journal",
    ] {
        let refusal = run(&mut connection, sql).await.unwrap_err();
        assert!(refusal.contains("append-only"), "{sql}: {refusal}");
    }
}
