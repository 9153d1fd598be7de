//! Requests about API keys.

use domain::api_keys::{Credential, USUAL_SCOPES};
use domain::ids::{ApiKeyId, UserId};
use domain::ledger::command::{CreateApiKeyRequest, RevokeApiKeyRequest};
use domain::ports::identity::Scope;
use uuid::Uuid;

use super::credits;
use crate::time::{moment, time};

/// A key id that was never used.
pub fn new_api_key_id(user: UserId) -> ApiKeyId {
    ApiKeyId::for_user(&user, *Uuid::now_v7().as_bytes())
}

/// Makes a key with the usual scopes, without a cap, for ever.
pub fn api_key(user: UserId) -> CreateApiKeyRequest {
    let credential = Credential::new(new_api_key_id(user), [7; 32]);
    CreateApiKeyRequest {
        id: credential.id,
        user,
        name: "a program".to_owned(),
        prefix: credential.prefix(),
        secret: credential.hash(),
        scopes: USUAL_SCOPES.to_vec(),
        spend_cap: None,
        expires_at: None,
        now: moment(0),
    }
}

/// What a test may want otherwise of a key.
pub trait ApiKeyExt: Sized {
    /// May spend so much.
    fn capped(self, cap: i64) -> Self;
    /// Ends at this second.
    fn until(self, secs: i64) -> Self;
    /// May do this.
    fn scoped(self, scopes: &[Scope]) -> Self;
}

impl ApiKeyExt for CreateApiKeyRequest {
    fn capped(self, cap: i64) -> Self {
        Self { spend_cap: Some(credits(cap)), ..self }
    }
    fn until(self, secs: i64) -> Self {
        Self { expires_at: Some(time(secs)), ..self }
    }
    fn scoped(self, scopes: &[Scope]) -> Self {
        Self { scopes: scopes.to_vec(), ..self }
    }
}

/// Ends a key.
pub fn revoke(user: UserId, id: ApiKeyId) -> RevokeApiKeyRequest {
    RevokeApiKeyRequest { id, user, now: moment(0) }
}
