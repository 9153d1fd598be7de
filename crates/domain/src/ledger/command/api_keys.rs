//! Acts on API keys.

use crate::api_keys::SecretHash;
use crate::clock::{Moment, Timestamp};
use crate::credits::Credits;
use crate::ids::{ApiKeyId, UserId};
use crate::ports::identity::Scope;

/// Makes an API key.
#[derive(Clone, Debug)]
pub struct CreateApiKeyRequest {
    /// The new key's id; the same id again returns the first.
    pub id: ApiKeyId,
    /// Whose credits it will spend.
    pub user: UserId,
    /// What the user calls it.
    pub name: String,
    /// The first characters of its text.
    pub prefix: String,
    /// Of what proves it.
    pub secret: SecretHash,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The most that all requests under it may be charged; more than nothing.
    pub spend_cap: Option<Credits>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub now: Moment,
}

/// Ends an API key.
#[derive(Clone, Copy, Debug)]
pub struct RevokeApiKeyRequest {
    /// Which.
    pub id: ApiKeyId,
    /// Whose.
    pub user: UserId,
    /// Now.
    pub now: Moment,
}
