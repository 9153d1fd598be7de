//! Migrations that move rows.

use diesel::connection::SimpleConnection;

use crate::harness::Place;

macro_rules! migration {
    ($name:literal, $way:literal) => {
        include_str!(concat!("../../../../migrations/sqlite/", $name, "/", $way, ".sql"))
    };
}

const LEDGER: &str = migration!("2026-11-22-000001_ledger", "up");
const BILLING: &str = migration!("2026-11-22-000003_billing", "up");
const NO_BILLING: &str = migration!("2026-11-22-000003_billing", "down");
const ALERTS: &str = migration!("2026-11-25-000004_alerts", "up");
const NO_ALERTS: &str = migration!("2026-11-25-000004_alerts", "down");
const PRIVACY: &str = migration!("2026-11-25-000005_privacy", "up");
const NO_PRIVACY: &str = migration!("2026-11-25-000005_privacy", "down");

#[test]
fn low_balances_that_wait_for_delivery_become_notices_and_back() {
    let place = Place::new();
    let mut connection = place.stranger();
    connection.batch_execute(LEDGER).expect("migrated");
    let event = "INSERT INTO outbox (lane, user_id, kind, seq, balance, threshold, created_at, delivered_at)";
    for row in ["(1, 'u', 'low_balance', 7, 91, 100, 5, NULL)", "(1, 'u', 'low_balance', 9, 90, 100, 6, 8)"] {
        connection.batch_execute(&format!("{event} VALUES {row}")).expect("added");
    }
    connection.batch_execute(BILLING).expect("migrated");
    let count = |rows: &str| place.count(&format!("SELECT count(*) AS number FROM {rows}"));
    let low = "kind = 'low_balance' AND subject = 'entry:7' AND created_at = 5";
    assert_eq!(count(&format!("notices WHERE {low} AND balance = 91 AND threshold = 100")), 1);
    assert_eq!(count(&format!("outbox WHERE {low} AND delivered_at IS NULL")), 1);
    assert_eq!((count("notices WHERE audience = 'user'"), count("outbox")), (2, 2));

    connection.batch_execute(NO_BILLING).expect("undone");
    assert_eq!(count("outbox WHERE seq = 7 AND balance = 91 AND threshold = 100 AND created_at = 5"), 1);
    assert_eq!(count("outbox WHERE seq = 9 AND delivered_at = 8"), 1);
    connection.batch_execute(BILLING).expect("migrated again");
    assert_eq!((count("notices"), count("outbox")), (2, 2));
}

#[test]
fn notices_from_before_there_was_delivery_are_not_sent_after_all() {
    let place = Place::new();
    let mut connection = place.stranger();
    for migration in [LEDGER, BILLING] {
        connection.batch_execute(migration).expect("migrated");
    }
    let old = "INSERT INTO outbox (lane, user_id, kind, subject, created_at) VALUES (1, 'u', 'low_balance', 'entry:1', 5)";
    connection.batch_execute(old).expect("added");
    for migration in [ALERTS, PRIVACY] {
        connection.batch_execute(migration).expect("migrated");
    }
    let count = |rows: &str| place.count(&format!("SELECT count(*) AS number FROM {rows}"));
    assert_eq!(count("outbox WHERE state = 'skipped' AND closed_at = 5"), 2);
    let waits = "UPDATE outbox SET state = 'waiting', closed_at = NULL WHERE channel = 'email'";
    connection.batch_execute(waits).expect("changed");
    for migration in [NO_PRIVACY, NO_ALERTS] {
        connection.batch_execute(migration).expect("undone");
    }
    assert_eq!(count("outbox WHERE delivered_at IS NULL"), 1);
    connection.batch_execute(NO_BILLING).expect("undone");
}
