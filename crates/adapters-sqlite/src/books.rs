//! Reading everything, to prove that it adds up.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::clock::Timestamp;
use domain::ids::{Lane, UserId};
use domain::ledger::verify::AccountBooks;
use domain::ports::Unavailable;
use domain::ports::books::Books;

use crate::error::StoreError;
use crate::rows::{accounts, api_keys, holds, journal, lots, suspensions, usage};
use crate::schema::{ai_usage_content, instances};
use crate::store::SqliteStore;

#[async_trait]
impl Books for SqliteStore {
    async fn users(&self, lane: Lane, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let lane = i64::from(lane.get());
        self.readers.read(move |connection| accounts::users_of_lane(connection, lane, after, limit)).await
    }

    async fn account_books(&self, user: UserId) -> Result<Option<AccountBooks>, Unavailable> {
        self.readers.read(move |connection| account_books(connection, user)).await
    }

    async fn is_served(&self, now: Timestamp) -> Result<bool, Unavailable> {
        let leases: i64 = self
            .readers
            .read(move |connection| {
                let live = instances::table.filter(instances::lease_until.gt(now.as_micros()));
                Ok(live.count().get_result(connection)?)
            })
            .await?;
        Ok(leases > 0)
    }

    async fn content_older_than(&self, before: Timestamp) -> Result<u64, Unavailable> {
        let count: i64 = self
            .readers
            .read(move |connection| {
                let old = ai_usage_content::table.filter(ai_usage_content::created_at.lt(before.as_micros()));
                Ok(old.count().get_result(connection)?)
            })
            .await?;
        Ok(count.unsigned_abs())
    }
}

fn account_books(
    connection: &mut SqliteConnection,
    user: UserId,
) -> Result<Option<AccountBooks>, StoreError> {
    let Some(account) = accounts::find(connection, user)? else { return Ok(None) };
    let suspensions = suspensions::all(connection, user)?.len();
    Ok(Some(AccountBooks {
        account,
        lots: lots::all(connection, user)?,
        holds: holds::all(connection, user)?,
        journal: journal::all(connection, user)?,
        settled_usage: usage::settled(connection, user)?,
        suspensions: u32::try_from(suspensions).unwrap_or(u32::MAX),
        api_keys: api_keys::all(connection, user)?,
    }))
}
