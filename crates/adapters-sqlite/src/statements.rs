//! Reading one's own books.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::account::AccountView;
use domain::ledger::batch;
use domain::ledger::usage::{Outcome, UsageRecord};
use domain::ports::Unavailable;
use domain::ports::statements::{JournalLine, Statements, UsageCursor};

use crate::error::StoreError;
use crate::rows::{accounts, holds, journal, lots, usage};
use crate::store::SqliteStore;

#[async_trait]
impl Statements for SqliteStore {
    async fn account(&self, user: UserId, now: Timestamp) -> Result<Option<AccountView>, Unavailable> {
        let view = self.readers.read(move |connection| {
            let Some(account) = accounts::find(connection, user)? else { return Ok(None) };
            let lots = lots::remaining(connection, user)?;
            let holds = holds::open(connection, user)?;
            batch::view(account, lots, holds, now)
                .map(Some)
                .map_err(|overflow| StoreError::Contradiction { user, overflow })
        });
        view.await
    }

    async fn journal(
        &self,
        user: UserId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable> {
        self.readers.read(move |connection| journal::page(connection, user, before, limit)).await
    }

    async fn usage(
        &self,
        user: UserId,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable> {
        self.readers.read(move |connection| usage::page(connection, user, before, limit)).await
    }

    async fn broken_off_since(&self, user: UserId, since: Timestamp) -> Result<u32, Unavailable> {
        self.readers.read(move |connection| usage::count(connection, user, Outcome::BrokenOff, since)).await
    }
}
