//! Looking API keys up. They are made and ended by the [`Ledger`](super::ledger::Ledger).

use async_trait::async_trait;

use super::Unavailable;
use crate::api_keys::ApiKey;
use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, UserId};

/// Where a page of keys ends: the next one begins with older keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyCursor {
    /// When the last key seen was made.
    pub at: Timestamp,
    /// Its id; decides among keys of the same time.
    pub id: ApiKeyId,
}

/// Reads of API keys. None of them writes, and what a commit did is seen at once.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait ApiKeyBook: Send + Sync {
    /// The key with this id, whosever it is, also when it has ended. Looks into the id's lane only.
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Unavailable>;

    /// Up to `limit` keys of a user, those that have ended too, newest first by time and then by id, older than
    /// `before` if given.
    async fn api_keys(
        &self,
        user: UserId,
        before: Option<ApiKeyCursor>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Unavailable>;
}

/// Makes secrets.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait SecretSource: Send + Sync {
    /// 32 bytes that nobody can guess.
    fn secret(&self) -> Result<[u8; 32], Unavailable>;
}
