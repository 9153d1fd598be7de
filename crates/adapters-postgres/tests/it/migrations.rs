//! Migrating: again, together, and too late.

use adapters_postgres::{OpenError, migrate, migration_names};

use crate::harness::{database, empty_database, number, plain, run, words};

const TABLES: &str = "SELECT count(*) AS number FROM information_schema.tables WHERE table_schema = 'public'";

const PRIVACY_UNDONE: &str =
    include_str!("../../../../migrations/postgres/2026-11-25-000005_privacy/down.sql");
const ALERTS_UNDONE: &str = include_str!("../../../../migrations/postgres/2026-11-25-000004_alerts/down.sql");

/// On a runtime with a single thread, as every test here: the harness that blocks must not need another.
#[tokio::test]
async fn migrating_twice_changes_nothing_more() {
    let database = database().await;
    let url = empty_database(&database, "twice").await;
    migrate(&url).await.unwrap();
    let mut connection = plain(&url).await;
    let tables = number(&mut connection, TABLES).await;
    assert!(tables > 10, "{tables} tables");
    migrate(&url).await.unwrap();
    assert_eq!(number(&mut connection, TABLES).await, tables);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_start_together_all_find_the_schema() {
    let database = database().await;
    let url = empty_database(&database, "together").await;
    let (a, b, c, d) = tokio::join!(migrate(&url), migrate(&url), migrate(&url), migrate(&url));
    for migrated in [a, b, c, d] {
        migrated.unwrap();
    }
    let applied = "SELECT count(*) AS number FROM __diesel_schema_migrations";
    let names = i64::try_from(migration_names().len()).unwrap();
    assert_eq!(number(&mut plain(&url).await, applied).await, names);
}

#[tokio::test]
async fn a_schema_of_a_later_release_is_refused() {
    let database = database().await;
    let later = "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('29991231000001', now())";
    run(&mut plain(&database.url).await, later).await.unwrap();
    let refusal = migrate(&database.url).await.unwrap_err();
    assert!(matches!(&refusal, OpenError::SchemaNewer(version) if version == "29991231000001"), "{refusal}");
}

#[tokio::test]
async fn every_migration_can_be_undone() {
    let database = database().await;
    let mut connection = plain(&database.url).await;
    for undo in [
        include_str!("../../../../migrations/postgres/2026-11-25-000007_append_only/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-25-000006_crowds/down.sql"),
        PRIVACY_UNDONE,
        ALERTS_UNDONE,
        include_str!("../../../../migrations/postgres/2026-11-25-000003_audit_log/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-25-000002_reports/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-25-000001_api_keys/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-22-000003_billing/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-22-000002_hot_updates/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-22-000001_ledger/down.sql"),
    ] {
        run(&mut connection, undo).await.unwrap();
    }
    let left = format!("{TABLES} AND table_name <> '__diesel_schema_migrations'");
    assert_eq!(number(&mut connection, &left).await, 0);
}

#[tokio::test]
async fn alerts_that_wait_in_the_outbox_become_notices_and_can_be_taken_back() {
    const ALERTS: &str = "SELECT concat_ws(' ', kind, seq, balance, threshold, delivered_at IS NULL) AS word
        FROM outbox ORDER BY seq";
    let undo = include_str!("../../../../migrations/postgres/2026-11-22-000003_billing/down.sql");
    let redo = include_str!("../../../../migrations/postgres/2026-11-22-000003_billing/up.sql");
    let database = database().await;
    let mut connection = plain(&database.url).await;
    for later in [PRIVACY_UNDONE, ALERTS_UNDONE] {
        run(&mut connection, later).await.unwrap();
    }
    run(&mut connection, undo).await.unwrap();
    let alerts = "INSERT INTO outbox (lane, user_id, kind, seq, balance, threshold, created_at, delivered_at)
        VALUES (1, gen_random_uuid(), 'low_balance', 7, 9, 10, now(), NULL),
            (2, gen_random_uuid(), 'low_balance', 12, -3, 10, now(), now())";
    run(&mut connection, alerts).await.unwrap();
    let before = words(&mut connection, ALERTS).await;
    run(&mut connection, redo).await.unwrap();
    let notices = "SELECT concat_ws(' ', n.kind, n.subject, n.audience, n.balance, n.threshold,
            o.delivered_at IS NULL) AS word
        FROM notices n JOIN outbox o USING (lane, user_id, kind, subject, created_at) ORDER BY lane";
    assert_eq!(
        words(&mut connection, notices).await,
        ["low_balance entry:7 user 9 10 t", "low_balance entry:12 user -3 10 f"]
    );
    run(&mut connection, undo).await.unwrap();
    assert_eq!(words(&mut connection, ALERTS).await, before);
}

#[tokio::test]
async fn notices_from_before_there_was_delivery_are_not_sent_after_all() {
    const OUTBOX: &str = "SELECT concat_ws(' ', kind, channel, state, closed_at IS NULL) AS word
        FROM outbox ORDER BY kind, channel";
    let redo = include_str!("../../../../migrations/postgres/2026-11-25-000004_alerts/up.sql");
    let database = database().await;
    let mut connection = plain(&database.url).await;
    run(&mut connection, ALERTS_UNDONE).await.unwrap();
    let old = "INSERT INTO outbox (lane, user_id, kind, subject, created_at)
        VALUES (1, gen_random_uuid(), 'low_balance', 'entry:1', now())";
    run(&mut connection, old).await.unwrap();
    run(&mut connection, redo).await.unwrap();
    let skipped = ["low_balance email skipped f", "low_balance webhook skipped f"];
    assert_eq!(words(&mut connection, OUTBOX).await, skipped);
    run(&mut connection, "UPDATE outbox SET state = 'waiting', closed_at = NULL WHERE channel = 'email'")
        .await
        .unwrap();
    run(&mut connection, ALERTS_UNDONE).await.unwrap();
    let waiting = "SELECT count(*) AS number FROM outbox WHERE delivered_at IS NULL";
    assert_eq!(number(&mut connection, waiting).await, 1);
}
