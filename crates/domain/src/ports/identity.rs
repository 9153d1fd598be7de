//! Who is calling.

use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, UserId};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Ask the assistant.
    AiUse,
    /// Read one's own credits and usage.
    CreditsRead,
    /// Buy.
    BillingWrite,
    /// Alerts, keys, export, erasure of one's own account.
    AccountWrite,
    /// Read everybody's figures.
    AdminRead,
    /// Change everybody's accounts.
    AdminWrite,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 6] = [
        Self::AiUse,
        Self::CreditsRead,
        Self::BillingWrite,
        Self::AccountWrite,
        Self::AdminRead,
        Self::AdminWrite,
    ];
    /// What the role `user` may do, and a token that names neither scope nor role.
    pub const USER: [Self; 4] = [Self::AiUse, Self::CreditsRead, Self::BillingWrite, Self::AccountWrite];

    /// The word that tokens use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AiUse => "ai:use",
            Self::CreditsRead => "credits:read",
            Self::BillingWrite => "billing:write",
            Self::AccountWrite => "account:write",
            Self::AdminRead => "admin:read",
            Self::AdminWrite => "admin:write",
        }
    }

    /// The scope that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// Scopes as tokens and stores write them: words with a space between.
    pub fn join(scopes: &[Self]) -> String {
        scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// What [`Scope::join`] wrote; `None` when a word is no scope.
    pub fn split(words: &str) -> Option<Vec<Self>> {
        words.split_ascii_whitespace().map(Self::from_word).collect()
    }
}

/// Who is calling, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// Their scopes.
    pub scopes: Vec<Scope>,
    /// The API key that they came with; `None` for a token.
    pub api_key: Option<ApiKeyId>,
}

impl Caller {
    /// Whether the caller may do this.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Why a bearer token, or an API key, is not taken. The reason is for the log; a client learns only that it was not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token refused: {0}")]
pub struct BadToken(pub String);

/// Checks bearer tokens. Does not wait: keys are at hand.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait TokenVerifier: Send + Sync {
    /// Who the token names, at `now`; refused for a bad signature, a wrong algorithm, a missing or
    /// wrong claim, or a time outside its validity.
    fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, BadToken>;

    /// Whether there is anything to check tokens with: `false` while an issuer's keys have not come yet. Once
    /// `true`, it stays so.
    fn is_ready(&self) -> bool {
        true
    }
}
