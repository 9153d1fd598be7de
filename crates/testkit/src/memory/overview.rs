//! Lists of everybody's, and the audit log.

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::billing::notice::Notice;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::batch;
use domain::ledger::journal::JournalEntry;
use domain::ledger::usage::UsageRecord;
use domain::ports::Unavailable;
use domain::ports::audit::{AuditBook, AuditCursor, AuditFilter};
use domain::ports::billing::PageEnd;
use domain::ports::overview::{
    AccountCursor, AccountLine, AccountOrder, AccountSheet, JournalCursor, JournalFilter, Overview,
    UsageFilter,
};
use domain::ports::statements::{JournalLine, UsageCursor};

use super::billing::page;
use super::tables::Rows;
use super::{MemoryStore, lock, page_size};

fn broken(error: impl std::error::Error) -> Unavailable {
    Unavailable(error.to_string())
}

fn within(at: Timestamp, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
    from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
}

fn line(rows: &Rows, order: AccountOrder, now: Timestamp) -> Result<AccountLine, Unavailable> {
    let account = rows.account.clone();
    let (user, created_at) = (account.user, account.created_at);
    let key = match order {
        AccountOrder::Newest => created_at.as_micros(),
        AccountOrder::MostUsed => account.used.get(),
        AccountOrder::HighestBalance => account.balance().map_err(broken)?.get(),
    };
    let view = batch::view(account, Vec::new(), Vec::new(), now).map_err(broken)?;
    Ok(AccountLine { user, view, created_at, key })
}

#[async_trait]
impl Overview for MemoryStore {
    async fn accounts(
        &self,
        order: AccountOrder,
        before: Option<AccountCursor>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AccountLine>, Unavailable> {
        let tables = lock(&self.tables);
        let lines = tables.users.values().map(|rows| line(rows, order, now));
        let mut lines: Vec<AccountLine> = lines.collect::<Result<_, _>>()?;
        lines.retain(|line| before.is_none_or(|end| (line.key, line.user) < (end.key, end.user)));
        lines.sort_by_key(|line| std::cmp::Reverse((line.key, line.user)));
        lines.truncate(page_size(limit));
        Ok(lines)
    }

    async fn sheet(&self, user: UserId, now: Timestamp) -> Result<Option<AccountSheet>, Unavailable> {
        let tables = lock(&self.tables);
        let Some(rows) = tables.users.get(&user) else { return Ok(None) };
        let mut lots: Vec<_> = rows.live_lots().cloned().collect();
        lots.sort_by_key(domain::ledger::lots::Lot::burns_at);
        let holds: Vec<_> = rows.open_holds().cloned().collect();
        let mut suspensions = rows.suspensions.clone();
        suspensions.sort_by(|a, b| (a.since, &a.source).cmp(&(b.since, &b.source)));
        Ok(Some(AccountSheet {
            created_at: rows.account.created_at,
            suspensions,
            open_holds: u32::try_from(holds.len()).unwrap_or(u32::MAX),
            view: batch::view(rows.account.clone(), lots.clone(), holds, now).map_err(broken)?,
            lots,
        }))
    }

    async fn latest_usage(
        &self,
        filter: UsageFilter,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable> {
        let tables = lock(&self.tables);
        let wanted = |row: &&UsageRecord| {
            filter.user.is_none_or(|user| row.user == user)
                && filter.model.as_ref().is_none_or(|model| row.facts.model == *model)
                && filter.outcome.is_none_or(|outcome| row.outcome == outcome)
                && within(row.at, filter.from, filter.to)
                && before.is_none_or(|end| (row.at, row.hold) < (end.at, end.hold))
        };
        let all = tables.users.values().flat_map(|rows| rows.usage.values());
        let mut found: Vec<UsageRecord> = all.filter(wanted).cloned().collect();
        found.sort_by_key(|row| std::cmp::Reverse((row.at, row.hold)));
        found.truncate(page_size(limit));
        Ok(found)
    }

    async fn journals(
        &self,
        filter: JournalFilter,
        after: Option<JournalCursor>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable> {
        let tables = lock(&self.tables);
        let place = |user: UserId, seq: u64| (user.lane(), user, seq);
        let after = after.map(|end| place(end.user, end.seq));
        let wanted = |entry: &JournalEntry| {
            filter.user.is_none_or(|user| entry.user == user)
                && within(entry.at, filter.from, filter.to)
                && after.is_none_or(|after| place(entry.user, entry.seq) > after)
        };
        let mut found = Vec::new();
        for rows in tables.users.values() {
            found.extend(rows.journal.iter().filter(|entry| wanted(entry)).map(|entry| JournalLine {
                entry: entry.clone(),
                note: rows.notes.get(&entry.seq).cloned(),
            }));
        }
        found.sort_by_key(|line| place(line.entry.user, line.entry.seq));
        found.truncate(page_size(limit));
        Ok(found)
    }

    async fn all_notices(&self, before: Option<PageEnd>, limit: u32) -> Result<Vec<Notice>, Unavailable> {
        let tables = lock(&self.tables);
        let all = tables.users.values().flat_map(|rows| rows.notices.values()).cloned();
        let name = |it: &Notice| format!("{}:{}:{}", it.user, it.kind.as_str(), it.subject);
        Ok(page(all, |notice| (notice.at, name(notice)), before, limit))
    }
}

#[async_trait]
impl AuditBook for MemoryStore {
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<AuditCursor>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Unavailable> {
        let tables = lock(&self.tables);
        let same = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted == text);
        let wanted = |entry: &&AuditEntry| {
            let note = &entry.note;
            same(&filter.actor, note.by.actor.as_str())
                && same(&filter.target, &note.target)
                && same(&filter.action, &note.action)
                && filter.user.is_none_or(|user| entry.user == Some(user))
                && within(entry.at, filter.from, filter.to)
                && before.is_none_or(|end| (entry.at, note.id) < (end.at, end.id))
        };
        let mut found: Vec<AuditEntry> = tables.audit.iter().filter(wanted).cloned().collect();
        found.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.note.id)));
        found.truncate(page_size(limit));
        Ok(found)
    }
}
