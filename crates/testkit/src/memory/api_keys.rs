//! Looking API keys up.

use std::cmp::Reverse;

use async_trait::async_trait;
use domain::api_keys::ApiKey;
use domain::clock::Timestamp;
use domain::ids::{ApiKeyId, UserId};
use domain::ledger::api_keys::MOST_LIVE;
use domain::ledger::batch::{Loaded, Needs};
use domain::ports::Unavailable;
use domain::ports::api_keys::{ApiKeyBook, ApiKeyCursor};

use super::tables::Tables;
use super::{MemoryStore, lock, page_size};

impl Tables {
    /// The named keys, and of the unrevoked ones those that expire last.
    pub(super) fn load_api_keys(&self, needs: &Needs, loaded: &mut Loaded) {
        for (user, id) in &needs.api_keys {
            loaded.api_keys.extend(self.users.get(user).and_then(|rows| rows.api_keys.get(id)).cloned());
        }
        for user in &needs.live_api_keys {
            let Some(rows) = self.users.get(user) else { continue };
            let mut unrevoked: Vec<&ApiKey> =
                rows.api_keys.values().filter(|key| key.revoked_at.is_none()).collect();
            unrevoked.sort_by_key(|key| Reverse(key.expires_at.map_or(i64::MAX, Timestamp::as_micros)));
            loaded.api_keys.extend(unrevoked.into_iter().take(MOST_LIVE).cloned());
        }
    }
}

#[async_trait]
impl ApiKeyBook for MemoryStore {
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Unavailable> {
        let tables = lock(&self.tables);
        let mut in_lane = tables.users.iter().filter(|(user, _)| user.lane() == id.lane());
        Ok(in_lane.find_map(|(_, rows)| rows.api_keys.get(&id)).cloned())
    }

    async fn api_keys(
        &self,
        user: UserId,
        before: Option<ApiKeyCursor>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Unavailable> {
        let tables = lock(&self.tables);
        let Some(rows) = tables.users.get(&user) else { return Ok(Vec::new()) };
        let place = |key: &ApiKey| (key.created_at, key.id);
        let older = |key: &&ApiKey| before.is_none_or(|before| place(key) < (before.at, before.id));
        let mut found: Vec<ApiKey> = rows.api_keys.values().filter(older).cloned().collect();
        found.sort_by_key(|key| Reverse(place(key)));
        found.truncate(page_size(limit));
        Ok(found)
    }
}
