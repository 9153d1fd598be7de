//! Reading, and background work.

use async_trait::async_trait;
use domain::clock::{Moment, Timestamp};
use domain::ids::{HoldId, InstanceId, Lane, UserId};
use domain::ledger::account::AccountView;
use domain::ledger::batch;
use domain::ledger::command::{Command, ExpireRequest};
use domain::ledger::holds::Hold;
use domain::ledger::usage::{Outcome, UsageRecord};
use domain::ledger::verify::AccountBooks;
use domain::ports::Unavailable;
use domain::ports::books::Books;
use domain::ports::ledger::{LedgerError, Submit};
use domain::ports::statements::{JournalLine, Statements, UsageCursor};
use domain::ports::upkeep::{LEASE, LEASE_GRACE, Upkeep};

use super::tables::{Rows, Tables};
use super::{MemoryStore, lock, page_size};

#[async_trait]
impl Statements for MemoryStore {
    async fn account(&self, user: UserId, now: Timestamp) -> Result<Option<AccountView>, Unavailable> {
        let tables = lock(&self.tables);
        let Some(rows) = tables.users.get(&user) else { return Ok(None) };
        let (lots, holds) = (rows.live_lots().cloned().collect(), rows.open_holds().cloned().collect());
        let view = batch::view(rows.account.clone(), lots, holds, now);
        view.map(Some).map_err(|error| Unavailable(error.to_string()))
    }

    async fn journal(
        &self,
        user: UserId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable> {
        let tables = lock(&self.tables);
        let Some(rows) = tables.users.get(&user) else { return Ok(Vec::new()) };
        let older = rows.journal.iter().rev().filter(|entry| before.is_none_or(|before| entry.seq < before));
        let line = |entry: &domain::ledger::journal::JournalEntry| JournalLine {
            entry: entry.clone(),
            note: rows.notes.get(&entry.seq).cloned(),
        };
        Ok(older.take(page_size(limit)).map(line).collect())
    }

    async fn usage(
        &self,
        user: UserId,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable> {
        let tables = lock(&self.tables);
        let Some(rows) = tables.users.get(&user) else { return Ok(Vec::new()) };
        let place = |row: &UsageRecord| (row.at, row.hold);
        let mut found: Vec<UsageRecord> = rows
            .usage
            .values()
            .filter(|row| before.is_none_or(|before| place(row) < (before.at, before.hold)))
            .cloned()
            .collect();
        found.sort_by_key(place);
        found.reverse();
        found.truncate(page_size(limit));
        Ok(found)
    }

    async fn broken_off_since(&self, user: UserId, since: Timestamp) -> Result<u32, Unavailable> {
        let tables = lock(&self.tables);
        let rows = tables.users.get(&user).into_iter().flat_map(|rows| rows.usage.values());
        let count = rows.filter(|row| row.outcome == Outcome::BrokenOff && row.at >= since).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

#[async_trait]
impl Books for MemoryStore {
    async fn users(&self, lane: Lane, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let tables = lock(&self.tables);
        let in_lane = tables.users.keys().filter(|user| user.lane() == lane);
        let later = in_lane.filter(|user| after.is_none_or(|after| after < **user));
        Ok(later.take(page_size(limit)).copied().collect())
    }

    async fn account_books(&self, user: UserId) -> Result<Option<AccountBooks>, Unavailable> {
        let tables = lock(&self.tables);
        Ok(tables.users.get(&user).map(|rows| AccountBooks {
            account: rows.account.clone(),
            lots: rows.lots.clone(),
            holds: rows.holds.values().cloned().collect(),
            journal: rows.journal.clone(),
            settled_usage: rows
                .usage
                .values()
                .filter(|row| row.outcome == Outcome::Settled)
                .map(|row| (row.hold, row.credits))
                .collect(),
            suspensions: u32::try_from(rows.suspensions.len()).unwrap_or(u32::MAX),
            api_keys: rows.api_keys.values().cloned().collect(),
        }))
    }

    async fn is_served(&self, now: Timestamp) -> Result<bool, Unavailable> {
        Ok(lock(&self.tables).leases.values().any(|until| *until > now))
    }

    async fn content_older_than(&self, before: Timestamp) -> Result<u64, Unavailable> {
        let tables = lock(&self.tables);
        let texts = tables.users.values().flat_map(|rows| rows.content.values());
        Ok(u64::try_from(texts.filter(|text| text.at < before).count()).unwrap_or(u64::MAX))
    }
}

#[async_trait]
impl Upkeep for MemoryStore {
    async fn renew_lease(&self, instance: InstanceId, until: Timestamp) -> Result<(), Unavailable> {
        lock(&self.tables).leases.insert(instance, until);
        Ok(())
    }

    async fn end_lease(&self, instance: InstanceId, now: Timestamp) -> Result<(), Unavailable> {
        if let Some(until) = lock(&self.tables).leases.get_mut(&instance) {
            *until = now;
        }
        Ok(())
    }

    async fn expire_due(&self, now: Moment, limit: u32) -> Result<u32, Unavailable> {
        let due = due_accounts(&lock(&self.tables), now.at, limit);
        let mut visited = 0;
        for (user, lost) in due {
            match self.submit(Command::Expire(ExpireRequest { user, lost, now })).await {
                Ok(_) | Err(LedgerError::Refused(_)) => visited += 1,
                Err(LedgerError::Unavailable(error)) => return Err(error),
            }
        }
        Ok(visited)
    }

    async fn purge(&self, content_before: Timestamp, keys_before: Timestamp) -> Result<(), Unavailable> {
        let mut tables = lock(&self.tables);
        for rows in tables.users.values_mut() {
            rows.content.retain(|_, text| text.at >= content_before);
            rows.keys.retain(|_, record| record.created_at >= keys_before);
        }
        tables.leases.retain(|_, until| *until >= keys_before);
        Ok(())
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// Accounts with something to expire, each with its holds of dead servers.
fn due_accounts(tables: &Tables, now: Timestamp, limit: u32) -> Vec<(UserId, Vec<HoldId>)> {
    // Without a lease, the first one may still be on its way.
    let lease_of = |hold: &Hold| tables.leases.get(&hold.instance).copied();
    let dead = |hold: &Hold| lease_of(hold).unwrap_or(hold.created_at.after(LEASE)).after(LEASE_GRACE) < now;
    let due = |rows: &Rows| {
        let lost: Vec<HoldId> = rows.open_holds().filter(|hold| dead(hold)).map(|hold| hold.id).collect();
        let overdue = rows.open_holds().any(|hold| hold.expires_at <= now);
        let fallen = rows.live_lots().any(|lot| lot.expires_at.is_some_and(|due| due <= now));
        (overdue || fallen || !lost.is_empty()).then_some((rows.account.user, lost))
    };
    tables.users.values().filter_map(due).take(page_size(limit)).collect()
}
