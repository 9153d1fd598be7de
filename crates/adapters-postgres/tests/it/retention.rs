//! Partitions of the texts: made ahead, dropped when their day is over.

use domain::clock::Timestamp;
use domain::ports::books::Books;
use domain::ports::ledger::Ledger;
use domain::ports::upkeep::Upkeep;
use testkit::acts::must;
use testkit::requests::{At, SettleExt, grant, hold, settle, user};
use testkit::time::{DAY, time};

use crate::harness::{Opened, number, open, run, words};

const PARTITIONS: &str = "
SELECT c.relname::text AS word FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'ai_usage_content'::regclass AND c.relname <> 'ai_usage_content_default'
ORDER BY c.relname";
const COMING_DAYS: &str = "
SELECT 'ai_usage_content_p' || to_char(now() AT TIME ZONE 'UTC' + make_interval(days => d), 'YYYYMMDD') AS word
FROM generate_series(0, 2) d ORDER BY 1";
const EPOCH: Timestamp = Timestamp::from_micros(0);

async fn keep_a_text(opened: &Opened, secs: i64) {
    let request = hold(user(1)).at(secs);
    let id = request.id;
    must(opened.store.hold(request).await);
    must(opened.store.settle(settle(user(1), id).keeping("asked", "answered").at(secs)).await);
}

#[tokio::test]
async fn coming_days_have_a_partition_and_making_them_again_is_no_error() {
    let opened = open().await;
    for _ in 0..2 {
        opened.store.purge(EPOCH, EPOCH).await.unwrap();
    }
    let mut connection = opened.plain().await;
    assert_eq!(words(&mut connection, PARTITIONS).await, words(&mut connection, COMING_DAYS).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_purge_together_all_succeed() {
    let opened = open().await;
    let (a, b, c, d) = tokio::join!(
        opened.store.purge(EPOCH, EPOCH),
        opened.store.purge(EPOCH, EPOCH),
        opened.store.purge(EPOCH, EPOCH),
        opened.store.purge(EPOCH, EPOCH),
    );
    for purged in [a, b, c, d] {
        purged.unwrap();
    }
    assert_eq!(words(&mut opened.plain().await, PARTITIONS).await.len(), 3);
}

#[tokio::test]
async fn a_day_whose_texts_lie_in_the_default_partition_stays_there() {
    let opened = open().await;
    let mut connection = opened.plain().await;
    let today = "
        INSERT INTO ai_usage_content (lane, user_id, usage_id, request_content, response_content, created_at)
        VALUES (0, gen_random_uuid(), gen_random_uuid(), 'asked', 'answered', now())";
    run(&mut connection, today).await.unwrap();
    opened.store.purge(EPOCH, EPOCH).await.unwrap();
    assert_eq!(words(&mut connection, PARTITIONS).await.len(), 2);
}

#[tokio::test]
async fn partitions_that_are_over_are_dropped_and_the_boundary_is_deleted_row_by_row() {
    let opened = open().await;
    let mut connection = opened.plain().await;
    for (day, next) in [("2026-01-01", "2026-01-02"), ("2026-01-02", "2026-01-03")] {
        let name = format!("ai_usage_content_p{}", day.replace('-', ""));
        let make = format!(
            "CREATE TABLE {name} PARTITION OF ai_usage_content
             FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00')"
        );
        run(&mut connection, &make).await.unwrap();
    }
    must(opened.store.grant(grant(user(1), "p")).await);
    // Two on the first day, one early and one late on the second, one in the default partition.
    for secs in [0, 60, DAY + 10, DAY + 1000, 5 * DAY] {
        keep_a_text(&opened, secs).await;
    }
    opened.store.purge(time(DAY + 500), EPOCH).await.unwrap();
    let left = words(&mut connection, PARTITIONS).await;
    assert!(!left.contains(&"ai_usage_content_p20260101".to_owned()), "{left:?}");
    assert!(left.contains(&"ai_usage_content_p20260102".to_owned()), "{left:?}");
    assert_eq!(number(&mut connection, "SELECT count(*) AS number FROM ai_usage_content").await, 2);
    assert_eq!(opened.store.content_older_than(time(DAY + 500)).await, Ok(0));
}
