//! API keys: how a user's programs come in without the user's token.

mod credential;

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::ids::{ApiKeyId, UserId};
use crate::ports::identity::Scope;

pub use credential::{Credential, NotACredential};

/// What a key may do when its maker does not say: ask, and see what is left.
pub const USUAL_SCOPES: [Scope; 2] = [Scope::AiUse, Scope::CreditsRead];

/// One row of `api_keys`. It stays when the key has ended, because holds name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose credits it spends.
    pub user: UserId,
    /// What the user calls it.
    pub name: String,
    /// The first characters of its text, for people to tell it by.
    pub prefix: String,
    /// Of what proves it. The secret itself is nowhere.
    pub secret: SecretHash,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The most that all requests under it may be charged in total; `None` is no limit of its own.
    pub spend_cap: Option<Credits>,
    /// What requests under it were charged in total.
    pub spent: Credits,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When credits were last held or charged under it, to about a minute.
    pub last_used_at: Option<Timestamp>,
    /// When its user ended it.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it still opens anything.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

/// SHA-256 of a key's id and secret. 32 random bytes need no slow hash: there is nothing to guess from.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of the secret of the key with this id. The id is a part, so that a row's hash proves no other row.
    fn of(id: &ApiKeyId, secret: &[u8; 32]) -> Self {
        Self(Sha256::new().chain_update(id.as_bytes()).chain_update(secret).finalize().into())
    }

    /// As a store kept it.
    pub const fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for stores.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// In constant time: how long it takes does not tell how much was right.
impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}
