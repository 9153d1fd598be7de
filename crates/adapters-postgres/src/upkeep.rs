//! What a running server does for the books in the background.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use diesel::QueryResult;
use diesel::prelude::ExpressionMethods;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::clock::{Moment, Timestamp};
use domain::ids::{HoldId, InstanceId, UserId};
use domain::ledger::command::{Command, ExpireRequest};
use domain::ports::Unavailable;
use domain::ports::ledger::{LedgerError, Submit};
use domain::ports::upkeep::{LEASE, LEASE_GRACE, Upkeep};
use futures_util::FutureExt;
use futures_util::future::join_all;
use futures_util::try_join;
use uuid::Uuid;

use crate::error::StoreError;
use crate::partitions;
use crate::reads::{READ_BOUND, REPORT_BOUND};
use crate::rows::{stored_id, stored_time};
use crate::schema::instances;
use crate::statement::Statement;
use crate::store::PostgresStore;

/// How long readiness waits for the database.
const PING_BOUND: Duration = Duration::from_secs(1);
/// How long a purge may take.
pub(crate) const PURGE_BOUND: Duration = Duration::from_mins(10);
/// How many accounts are expired at a time: one batch of each writer at most.
const EXPIRE_TOGETHER: usize = 256;

/// Accounts with open holds past their time or lots that are due, over the partial indexes.
const DUE_ACCOUNTS: &str = "
WITH asked AS (SELECT $1::timestamptz AS now, $2::bigint AS most)
SELECT DISTINCT due.user_id
FROM asked CROSS JOIN LATERAL (
    (SELECT h.user_id FROM credit_holds h
     WHERE h.state = 'open' AND h.expires_at <= asked.now
     ORDER BY h.expires_at LIMIT asked.most)
    UNION ALL
    (SELECT g.user_id FROM credit_grants g
     WHERE g.live AND g.expires_at IS NOT NULL AND g.expires_at <= asked.now
     ORDER BY g.expires_at LIMIT asked.most)
) due
LIMIT (SELECT most FROM asked)";

/// Open holds of servers whose lease is over, and of servers that never had one.
const LOST_HOLDS: &str = "
WITH asked AS (SELECT $1::timestamptz AS dead_before, $2::timestamptz AS unknown_before),
lost AS MATERIALIZED (
    SELECT h.lane, h.user_id, h.id
    FROM asked CROSS JOIN credit_holds h LEFT JOIN instances i ON i.id = h.instance_id
    WHERE h.state = 'open' AND CASE WHEN i.id IS NULL THEN h.created_at < asked.unknown_before
        ELSE i.lease_until < asked.dead_before END
),
chosen AS (SELECT DISTINCT lane, user_id FROM lost ORDER BY lane, user_id LIMIT $3)
SELECT l.user_id, l.id FROM lost l JOIN chosen c ON c.lane = l.lane AND c.user_id = l.user_id";

/// Keys that were made too long ago, but for those whose request still runs. Rows that a commit has locked
/// are left for the next time: a purge never waits while it holds locks.
const DELETE_KEYS: &str = "
WITH asked AS (SELECT $1::timestamptz AS before),
old AS MATERIALIZED (
    SELECT k.lane, k.user_id, k.key
    FROM asked CROSS JOIN generate_series(0, 63) AS l(lane)
    JOIN idempotency_keys k ON k.lane = l.lane AND k.created_at < asked.before
    WHERE NOT EXISTS (
        SELECT FROM credit_holds h
        WHERE h.lane = k.lane AND h.user_id = k.user_id AND h.id = k.hold_id AND h.state = 'open'
    )
    FOR UPDATE OF k SKIP LOCKED
)
DELETE FROM idempotency_keys k USING old
WHERE k.lane = old.lane AND k.user_id = old.user_id AND k.key = old.key";

#[derive(diesel::QueryableByName)]
struct UserRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct LostRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

impl PostgresStore {
    /// Accounts to visit, with the holds of dead servers that are theirs.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<BTreeMap<UserId, Vec<HoldId>>, Unavailable> {
        let most = i64::from(limit);
        let dead_before = now.before(LEASE_GRACE);
        let unknown_before = dead_before.before(LEASE);
        let (lost, due) = self
            .read(REPORT_BOUND, move |connection| {
                async move {
                    let connection = &*connection;
                    let lost = Statement::new(LOST_HOLDS)
                        .bind::<Timestamptz, _>(stored_time(dead_before))
                        .bind::<Timestamptz, _>(stored_time(unknown_before))
                        .bind::<BigInt, _>(most)
                        .load::<LostRow>(connection);
                    let due = Statement::new(DUE_ACCOUNTS)
                        .bind::<Timestamptz, _>(stored_time(now))
                        .bind::<BigInt, _>(most)
                        .load::<UserRow>(connection);
                    Ok(try_join!(lost, due)?)
                }
                .boxed()
            })
            .await?;
        let mut accounts: BTreeMap<UserId, Vec<HoldId>> = BTreeMap::new();
        for row in lost {
            let holds = accounts.entry(UserId::from_bytes(row.user_id.into_bytes())).or_default();
            holds.push(HoldId::from_bytes(row.id.into_bytes()));
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        for row in due {
            if accounts.len() >= most {
                break;
            }
            accounts.entry(UserId::from_bytes(row.user_id.into_bytes())).or_default();
        }
        Ok(accounts)
    }
}

#[async_trait]
impl Upkeep for PostgresStore {
    async fn renew_lease(&self, instance: InstanceId, until: Timestamp) -> Result<(), Unavailable> {
        use instances::dsl;
        let lease = (
            dsl::id.eq(stored_id(instance.as_bytes())),
            // Read of the first row only: a lease is written for its whole length.
            dsl::started_at.eq(stored_time(until.before(LEASE))),
            dsl::lease_until.eq(stored_time(until)),
        );
        self.read(READ_BOUND, move |connection| {
            async move {
                diesel::insert_into(dsl::instances)
                    .values(lease)
                    .on_conflict(dsl::id)
                    .do_update()
                    .set(dsl::lease_until.eq(stored_time(until)))
                    .execute(connection)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn end_lease(&self, instance: InstanceId, now: Timestamp) -> Result<(), Unavailable> {
        use diesel::QueryDsl;
        use instances::dsl;
        let id = stored_id(instance.as_bytes());
        self.read(READ_BOUND, move |connection| {
            async move {
                diesel::update(dsl::instances.filter(dsl::id.eq(id)))
                    .set(dsl::lease_until.eq(stored_time(now)))
                    .execute(connection)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Every account is tried; the first that could not be expired is the error.
    async fn expire_due(&self, now: Moment, limit: u32) -> Result<u32, Unavailable> {
        let due: Vec<_> = self.due(now.at, limit).await?.into_iter().collect();
        let mut failure = None;
        for together in due.chunks(EXPIRE_TOGETHER) {
            let expiring = together.iter().map(|(user, lost)| {
                self.submit(Command::Expire(ExpireRequest { user: *user, lost: lost.clone(), now }))
            });
            for result in join_all(expiring).await {
                match result {
                    // Nothing refuses to expire.
                    Ok(_) | Err(LedgerError::Refused(_)) => {}
                    Err(LedgerError::Unavailable(reason)) => failure = failure.or(Some(reason)),
                }
            }
        }
        match failure {
            None => Ok(u32::try_from(due.len()).unwrap_or(u32::MAX)),
            Some(reason) => Err(reason),
        }
    }

    async fn purge(&self, content_before: Timestamp, keys_before: Timestamp) -> Result<(), Unavailable> {
        self.read(PURGE_BOUND, move |connection| {
            async move {
                partitions::provide(connection).await?;
                partitions::purge(connection, content_before).await?;
                connection
                    .transaction(async |connection| {
                        be_patient(connection).await?;
                        Statement::new(DELETE_KEYS)
                            .bind::<Timestamptz, _>(stored_time(keys_before))
                            .execute(connection)
                            .await
                    })
                    .await?;
                Statement::new("DELETE FROM instances WHERE lease_until < $1")
                    .bind::<Timestamptz, _>(stored_time(keys_before))
                    .execute(connection)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        let answered = tokio::time::timeout(
            PING_BOUND,
            self.read(PING_BOUND, move |connection| {
                async move {
                    Statement::new("SELECT 1").execute(connection).await?;
                    Ok(())
                }
                .boxed()
            }),
        );
        answered.await.unwrap_or_else(|_| Err(StoreError::Slow(PING_BOUND.as_secs()).into()))
    }
}

/// Lets the statements of this transaction take as long as a purge may.
pub(crate) async fn be_patient(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    connection.batch_execute("SET LOCAL statement_timeout = '600s'").await
}
