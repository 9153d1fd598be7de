//! Lists of everybody's accounts, requests, entries and notices, one account in full, and the audit log.

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::billing::notice::Notice;
use domain::clock::Timestamp;
use domain::credits::Overflow;
use domain::ids::UserId;
use domain::ledger::account::Account;
use domain::ledger::batch;
use domain::ledger::usage::UsageRecord;
use domain::ports::Unavailable;
use domain::ports::audit::{AuditBook, AuditCursor, AuditFilter};
use domain::ports::billing::PageEnd;
use domain::ports::overview::{
    AccountCursor, AccountLine, AccountOrder, AccountSheet, JournalCursor, JournalFilter, Overview,
    UsageFilter,
};
use domain::ports::statements::{JournalLine, UsageCursor};

use crate::error::StoreError;
use crate::rows::{accounts, audit, holds, journal, lots, notices, suspensions, usage};
use crate::store::SqliteStore;

fn line(account: Account, order: AccountOrder, now: Timestamp) -> Result<AccountLine, StoreError> {
    let (user, created_at) = (account.user, account.created_at);
    let contradiction = |overflow: Overflow| StoreError::Contradiction { user, overflow };
    let key = match order {
        AccountOrder::Newest => created_at.as_micros(),
        AccountOrder::MostUsed => account.used.get(),
        AccountOrder::HighestBalance => account.balance().map_err(contradiction)?.get(),
    };
    let view = batch::view(account, Vec::new(), Vec::new(), now).map_err(contradiction)?;
    Ok(AccountLine { user, view, created_at, key })
}

#[async_trait]
impl Overview for SqliteStore {
    async fn accounts(
        &self,
        order: AccountOrder,
        before: Option<AccountCursor>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AccountLine>, Unavailable> {
        let page = self.readers.read(move |connection| {
            let page = accounts::page(connection, order, before, limit)?;
            page.into_iter().map(|account| line(account, order, now)).collect()
        });
        page.await
    }

    async fn sheet(&self, user: UserId, now: Timestamp) -> Result<Option<AccountSheet>, Unavailable> {
        let sheet = self.readers.read(move |connection| {
            let Some(account) = accounts::find(connection, user)? else { return Ok(None) };
            let mut lots = lots::remaining(connection, user)?;
            lots.sort_by_key(domain::ledger::lots::Lot::burns_at);
            let holds = holds::open(connection, user)?;
            let mut suspensions = suspensions::all(connection, user)?;
            suspensions.sort_by(|a, b| (a.since, &a.source).cmp(&(b.since, &b.source)));
            let (created_at, open_holds) =
                (account.created_at, u32::try_from(holds.len()).unwrap_or(u32::MAX));
            let view = batch::view(account, lots.clone(), holds, now)
                .map_err(|overflow| StoreError::Contradiction { user, overflow })?;
            Ok(Some(AccountSheet { view, created_at, suspensions, lots, open_holds }))
        });
        sheet.await
    }

    async fn latest_usage(
        &self,
        filter: UsageFilter,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable> {
        self.readers.read(move |connection| usage::latest(connection, &filter, before, limit)).await
    }

    async fn journals(
        &self,
        filter: JournalFilter,
        after: Option<JournalCursor>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable> {
        self.readers.read(move |connection| journal::of_all(connection, filter, after, limit)).await
    }

    async fn all_notices(&self, before: Option<PageEnd>, limit: u32) -> Result<Vec<Notice>, Unavailable> {
        self.readers.read(move |connection| notices::page_of_all(connection, before, limit)).await
    }
}

#[async_trait]
impl AuditBook for SqliteStore {
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<AuditCursor>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Unavailable> {
        self.readers.read(move |connection| audit::page(connection, &filter, before, limit)).await
    }
}
