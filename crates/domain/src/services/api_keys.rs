//! API keys: made, listed and ended by their users, and let in.

mod recent;
pub mod wish;

use std::sync::Arc;

use crate::api_keys::{ApiKey, Credential};
use crate::audit::{self, AuditNote, By, api_key_target};
use crate::clock::Clock;
use crate::ids::{ApiKeyId, IdSource, UserId};
use crate::ledger::command::{Command, CreateApiKeyRequest, Receipt, RevokeApiKeyRequest};
use crate::ports::Unavailable;
use crate::ports::api_keys::{ApiKeyBook, ApiKeyCursor, SecretSource};
use crate::ports::audit::Recorder;
use crate::ports::identity::{BadToken, Caller};
use crate::ports::ledger::{LedgerError, mixed_up};

pub use recent::{FRESH, RecentKeys};
use wish::ApiKeyWish;

/// Keys for programs.
#[derive(Clone)]
pub struct ApiKeys {
    /// Makes and ends keys, each with its entry in the audit log.
    pub recorder: Arc<dyn Recorder>,
    /// Reads.
    pub book: Arc<dyn ApiKeyBook>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of keys.
    pub ids: Arc<dyn IdSource>,
    /// Their secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// Keys that were just looked up.
    pub recent: RecentKeys,
}

/// Why an API key does not open anything now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// It is no key, or one that has ended.
    #[error(transparent)]
    Bad(#[from] BadToken),
    /// The store is away: whether it is good is not known.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl ApiKeys {
    /// Makes a key. Its text is in the answer and nowhere else.
    pub async fn create(
        &self,
        by: By,
        user: UserId,
        wish: ApiKeyWish,
    ) -> Result<(ApiKey, Credential), LedgerError> {
        let id = ApiKeyId::for_user(&user, self.ids.unique());
        let credential = Credential::new(id, self.secrets.secret()?);
        let (name, scopes, spend_cap, expires_at) = wish.into_parts();
        let (prefix, secret, now) = (credential.prefix(), credential.hash(), self.clock.now());
        let request =
            CreateApiKeyRequest { id, user, name, prefix, secret, scopes, spend_cap, expires_at, now };
        let about = self.note(by, audit::API_KEY_CREATE, id);
        let made = self.recorder.act(about, Command::CreateApiKey(Box::new(request))).await?;
        Ok((api_key(made)?, credential))
    }

    /// Ends a key of the user, once and for good. This server knows at once; others within [`FRESH`], and no
    /// server takes another request for credits from it.
    pub async fn revoke(&self, by: By, user: UserId, id: ApiKeyId) -> Result<(), LedgerError> {
        let now = self.clock.now();
        let about = self.note(by, audit::API_KEY_REVOKE, id);
        let act = Command::RevokeApiKey(RevokeApiKeyRequest { id, user, now });
        let revoked = self.recorder.act(about, act).await;
        // Also when it is not known whether it happened.
        self.recent.forget(&id);
        revoked.and_then(api_key).map(drop)
    }

    fn note(&self, by: By, action: &str, key: ApiKeyId) -> AuditNote {
        AuditNote::of(self.ids.as_ref(), by, action, api_key_target(key))
    }

    /// Forgets what was looked up of a user's keys: their account was closed, and the keys ended with it.
    pub fn forget_user(&self, user: UserId) {
        self.recent.forget_user(user);
    }

    /// The user's keys, newest first.
    pub async fn list(
        &self,
        user: UserId,
        before: Option<ApiKeyCursor>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Unavailable> {
        self.book.api_keys(user, before, limit).await
    }

    /// Who comes with this key, and what they may do.
    pub async fn authenticate(&self, text: &str) -> Result<Caller, ApiKeyError> {
        let credential = Credential::parse(text).map_err(|error| BadToken(error.to_string()))?;
        let now = self.clock.now().at;
        let id = credential.id;
        let bad = |what: &str| BadToken(format!("the API key {id} {what}"));
        let key = match self.recent.get(&id, now) {
            Some(key) => key,
            None => self.look_up(id).await?.ok_or_else(|| bad("is unknown"))?,
        };
        // The secret first: of a key that one cannot prove, one learns nothing.
        if key.secret != credential.hash() {
            return Err(bad("came with a wrong secret").into());
        }
        if !key.is_live(now) {
            return Err(bad("is revoked or expired").into());
        }
        Ok(Caller { user: key.user, scopes: key.scopes.clone(), api_key: Some(id) })
    }

    async fn look_up(&self, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, Unavailable> {
        let (begun, now) = (self.recent.generation(), self.clock.now().at);
        let found = self.book.api_key(id).await?.map(Arc::new);
        if let Some(key) = &found {
            self.recent.put(Arc::clone(key), now, begun);
        }
        Ok(found)
    }
}

fn api_key(receipt: Receipt) -> Result<ApiKey, LedgerError> {
    match receipt {
        Receipt::ApiKey(key) => Ok(*key),
        other => Err(mixed_up(&other)),
    }
}
