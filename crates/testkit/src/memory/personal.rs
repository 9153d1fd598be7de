//! What is personal.

use async_trait::async_trait;
use domain::contact::Contact;
use domain::ids::{GrantId, HoldId, IdempotencyKey, UserId};
use domain::ledger::account::Suspension;
use domain::ledger::holds::KeyRecord;
use domain::ledger::lots::Lot;
use domain::ledger::usage::UsageContent;
use domain::ports::Unavailable;
use domain::ports::personal::PersonalData;

use super::tables::Rows;
use super::{MemoryStore, lock, page_size};

#[async_trait]
impl PersonalData for MemoryStore {
    async fn is_closed(&self, user: UserId) -> Result<bool, Unavailable> {
        Ok(self.of(user, |rows| rows.account.closed_at.is_some()).unwrap_or_default())
    }

    async fn contact(&self, user: UserId) -> Result<Contact, Unavailable> {
        let found = self.of(user, |rows| rows.contact.clone()).flatten();
        Ok(found.unwrap_or_else(|| Contact::of_newcomer(user)))
    }

    async fn suspensions(&self, user: UserId) -> Result<Vec<Suspension>, Unavailable> {
        let mut found = self.of(user, |rows| rows.suspensions.clone()).unwrap_or_default();
        found.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(found)
    }

    async fn lots(&self, user: UserId, after: Option<GrantId>, limit: u32) -> Result<Vec<Lot>, Unavailable> {
        let mut found = self.of(user, |rows| rows.lots.clone()).unwrap_or_default();
        found.retain(|lot| after.is_none_or(|after| after < lot.id));
        found.sort_by_key(|lot| lot.id);
        found.truncate(page_size(limit));
        Ok(found)
    }

    async fn texts(
        &self,
        user: UserId,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<Vec<UsageContent>, Unavailable> {
        let later = |text: &&UsageContent| after.is_none_or(|after| after < text.hold);
        let page = |rows: &Rows| {
            rows.content.values().filter(later).take(page_size(limit)).cloned().collect::<Vec<_>>()
        };
        Ok(self.of(user, page).unwrap_or_default())
    }

    async fn keys(
        &self,
        user: UserId,
        after: Option<IdempotencyKey>,
        limit: u32,
    ) -> Result<Vec<KeyRecord>, Unavailable> {
        let later = |record: &&KeyRecord| after.as_ref().is_none_or(|after| *after < record.key);
        let page = |rows: &Rows| {
            rows.keys.values().filter(later).take(page_size(limit)).cloned().collect::<Vec<_>>()
        };
        Ok(self.of(user, page).unwrap_or_default())
    }

    async fn to_erase(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        Ok(lock(&self.tables).erasures.iter().take(page_size(limit)).copied().collect())
    }

    async fn erase_rest(&self, user: UserId) -> Result<(), Unavailable> {
        if self.is_closed(user).await? {
            let mut tables = lock(&self.tables);
            tables.erase(user);
            tables.erasures.remove(&user);
        }
        Ok(())
    }
}

impl MemoryStore {
    fn of<T>(&self, user: UserId, read: impl FnOnce(&Rows) -> T) -> Option<T> {
        lock(&self.tables).users.get(&user).map(read)
    }
}
