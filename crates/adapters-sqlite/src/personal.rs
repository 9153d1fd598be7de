//! What is personal: shown to its owner, and erased to the end.

use async_trait::async_trait;
use domain::contact::Contact;
use domain::ids::{GrantId, HoldId, IdempotencyKey, UserId};
use domain::ledger::account::Suspension;
use domain::ledger::holds::KeyRecord;
use domain::ledger::lots::Lot;
use domain::ledger::usage::UsageContent;
use domain::ports::Unavailable;
use domain::ports::personal::PersonalData;

use crate::erase::erase;
use crate::rows::{accounts, contacts, erasures, keys, lots, suspensions, usage};
use crate::store::SqliteStore;

/// The most rows of one table that are erased in one transaction: callers of the ledger wait for it.
const ERASED_AT_ONCE: u32 = 1000;

#[async_trait]
impl PersonalData for SqliteStore {
    async fn is_closed(&self, user: UserId) -> Result<bool, Unavailable> {
        self.readers.read(move |connection| accounts::is_closed(connection, user)).await
    }

    async fn contact(&self, user: UserId) -> Result<Contact, Unavailable> {
        let found = self.readers.read(move |connection| contacts::find(connection, user)).await?;
        Ok(found.unwrap_or_else(|| Contact::of_newcomer(user)))
    }

    async fn suspensions(&self, user: UserId) -> Result<Vec<Suspension>, Unavailable> {
        let mut all = self.readers.read(move |connection| suspensions::all(connection, user)).await?;
        all.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(all)
    }

    async fn lots(&self, user: UserId, after: Option<GrantId>, limit: u32) -> Result<Vec<Lot>, Unavailable> {
        self.readers.read(move |connection| lots::page(connection, user, after, limit)).await
    }

    async fn texts(
        &self,
        user: UserId,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<Vec<UsageContent>, Unavailable> {
        self.readers.read(move |connection| usage::content(connection, user, after, limit)).await
    }

    async fn keys(
        &self,
        user: UserId,
        after: Option<IdempotencyKey>,
        limit: u32,
    ) -> Result<Vec<KeyRecord>, Unavailable> {
        self.readers.read(move |connection| keys::page(connection, user, after.as_ref(), limit)).await
    }

    async fn to_erase(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        self.readers.read(move |connection| erasures::some(connection, limit)).await
    }

    async fn erase_rest(&self, user: UserId) -> Result<(), Unavailable> {
        if !self.is_closed(user).await? {
            return Ok(());
        }
        while !self.write(move |connection| erase(connection, user, ERASED_AT_ONCE)).await? {}
        // The file has nothing of it any more, but the log of what was written before still may. While others read
        // from that, it cannot be emptied: then the user stays on the list.
        if self.empty_the_log().await? {
            self.write(move |connection| erasures::remove(connection, user)).await?;
        }
        Ok(())
    }
}
