//! The journal and the audit log keep what they were told, whoever asks.

use domain::audit::{CREDITS_GRANT, RecordRequest};
use domain::ports::audit::Recorder;
use domain::ports::ledger::Ledger;
use testkit::requests::{grant, note, user};
use testkit::time::moment;

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

#[tokio::test]
async fn an_entry_of_the_audit_log_is_neither_changed_nor_deleted() {
    let opened = open().await;
    let note = note(CREDITS_GRANT, user(1));
    let request = RecordRequest { note, user: None, before: None, after: None, now: moment(0) };
    opened.store.record(request).await.unwrap();
    let mut connection = opened.plain().await;
    for sql in [
        "UPDATE audit_log SET actor = 'nobody'",
        "UPDATE audit_log SET at = at",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "TRUNCATE user_ai_credits, audit_log",
    ] {
        let refusal = run(&mut connection, sql).await.unwrap_err();
        assert!(refusal.contains("append-only"), "{sql}: {refusal}");
    }
}
