//! What a running server does for the books in the background.

use async_trait::async_trait;
use diesel::SqliteConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use domain::clock::{Moment, Timestamp};
use domain::ids::InstanceId;
use domain::ledger::command::{Command, ExpireRequest};
use domain::ports::Unavailable;
use domain::ports::upkeep::{LEASE, Upkeep};
use futures_util::future::join_all;
use group_commit::SubmitError;

use crate::cell::Cell;
use crate::error::{StoreError, unavailable};
use crate::schema::{instances, user_ai_credits};
use crate::store::SqliteStore;
use crate::sweep::{self, ALL_LANES};

/// The most rows that are deleted in one transaction: callers of the ledger wait for it.
const PURGED_AT_ONCE: i64 = 1000;

#[async_trait]
impl Upkeep for SqliteStore {
    async fn renew_lease(&self, instance: InstanceId, until: Timestamp) -> Result<(), Unavailable> {
        self.write(move |connection| {
            let lease_until = instances::lease_until.eq(until.as_micros());
            diesel::insert_into(instances::table)
                .values((
                    instances::id.eq(instance.to_string()),
                    instances::started_at.eq(until.before(LEASE).as_micros()),
                    lease_until,
                ))
                .on_conflict(instances::id)
                .do_update()
                .set(lease_until)
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn end_lease(&self, instance: InstanceId, now: Timestamp) -> Result<(), Unavailable> {
        self.write(move |connection| {
            let its_lease = instances::id.eq(instance.to_string());
            diesel::update(instances::table)
                .filter(its_lease.and(instances::lease_until.gt(now.as_micros())))
                .set(instances::lease_until.eq(now.as_micros()))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn expire_due(&self, now: Moment, limit: u32) -> Result<u32, Unavailable> {
        let due = self.readers.read(move |connection| sweep::due(connection, now.at, limit)).await?;
        let visited = u32::try_from(due.len()).unwrap_or(u32::MAX);
        let visits = due
            .into_iter()
            .map(|(user, lost)| self.writer.submit(Command::Expire(ExpireRequest { user, lost, now })));
        for visit in join_all(visits).await {
            match visit {
                // A rejected one was logged by the writer; the others must not wait for it.
                Ok(_) | Err(SubmitError::Rejected(_)) => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Ok(visited)
    }

    async fn purge(&self, content_before: Timestamp, keys_before: Timestamp) -> Result<(), Unavailable> {
        let content = "DELETE FROM ai_usage_content WHERE rowid IN
            (SELECT rowid FROM ai_usage_content WHERE created_at < ? LIMIT ?)";
        self.delete_all(content.to_owned(), content_before).await?;
        // A key whose request still runs stays: without it, the request could be started again.
        let keys = format!(
            "DELETE FROM idempotency_keys WHERE rowid IN
             (SELECT k.rowid FROM idempotency_keys AS k INDEXED BY idempotency_keys_created_at
              WHERE k.lane IN ({}) AND k.created_at < ?
              AND NOT EXISTS (SELECT 1 FROM credit_holds AS h
                              WHERE h.lane = k.lane AND h.user_id = k.user_id AND h.id = k.hold_id
                              AND h.state = 'open')
              LIMIT ?)",
            *ALL_LANES
        );
        self.delete_all(keys, keys_before).await?;
        let leases = "DELETE FROM instances WHERE rowid IN
            (SELECT rowid FROM instances WHERE lease_until < ? LIMIT ?)";
        self.delete_all(leases.to_owned(), keys_before).await
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.readers
            .read(|connection| {
                let _: Option<Cell> = user_ai_credits::table
                    .select(user_ai_credits::lane)
                    .limit(1)
                    .get_result(connection)
                    .optional()?;
                Ok(())
            })
            .await
    }
}

impl SqliteStore {
    /// Runs a delete (or an update) that takes a time and a number of rows until it finds no more.
    pub(crate) async fn delete_all(&self, statement: String, before: Timestamp) -> Result<(), Unavailable> {
        loop {
            let statement = statement.clone();
            let rows = self.write(move |connection| delete_some(connection, statement, before)).await?;
            if rows < PURGED_AT_ONCE.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

fn delete_some(
    connection: &mut SqliteConnection,
    statement: String,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let rows = sql_query(statement)
        .bind::<BigInt, _>(before.as_micros())
        .bind::<BigInt, _>(PURGED_AT_ONCE)
        .execute(connection)?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}
