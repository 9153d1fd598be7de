//! The audit log: who did what to whom, and what it changed. Append-only.
//!
//! An act on the books is written down in its own commit: wrap its command, [`AuditNote::of`] says who and why, and
//! [`crate::ports::audit::Recorder::act`] does both. What is no command is written down by
//! [`crate::ports::audit::Recorder::record`]. To audit a new kind of act, that one call is all; if its before and
//! after should show more than the account, say so in `ledger/auditing.rs`.

mod state;

use sha2::{Digest, Sha256};

use crate::clock::{Moment, Timestamp};
use crate::ids::{ApiKeyId, AuditId, IdSource, IdempotencyKey, Lane, UserId};
use crate::ledger::account::Actor;
use crate::ledger::command::Command;
pub use state::AuditState;

/// Credits were given.
pub const CREDITS_GRANT: &str = "credits.grant";
/// Credits were taken.
pub const CREDITS_ADJUST: &str = "credits.adjust";
/// Spending was stopped.
pub const ACCOUNT_SUSPEND: &str = "account.suspend";
/// A suspension was lifted.
pub const ACCOUNT_RESUME: &str = "account.resume";
/// A user made an API key.
pub const API_KEY_CREATE: &str = "api_key.create";
/// A user ended an API key.
pub const API_KEY_REVOKE: &str = "api_key.revoke";
/// A user said when and where to be told. What the address is stands nowhere in the log: it could not be erased.
pub const ALERTS_SET: &str = "alerts.set";
/// A user set automatic top-up.
pub const TOP_UP_SET: &str = "auto_top_up.set";
/// A user closed the account.
pub const ACCOUNT_CLOSE: &str = "account.close";
/// An operator has events sent to the webhook's endpoint again.
pub const WEBHOOK_ENABLE: &str = "webhook.enable";
/// A server works by another catalogue than the log's last entry of this kind says.
pub const CATALOGUE_CHANGE: &str = "catalogue.change";
/// Money is to go back. If the payment provider is to pay it, this is written before it is asked, so that no crash
/// can hide who wanted it.
pub const REFUND: &str = "purchase.refund";
/// The provider paid back at once, and the books say so. Where its event came first, there is no such entry.
pub const REFUNDED: &str = "purchase.refunded";

/// Who does something, and by what right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// How they said who they are: `token`, `command_line`.
    pub via: String,
    /// The request that carried it, if one did.
    pub request_id: Option<String>,
}

/// What is known of an act before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    /// The entry's id: the same again is written once.
    pub id: AuditId,
    /// Who does it.
    pub by: By,
    /// What: one of the words above, or another of their kind.
    pub action: String,
    /// To what: `user:...`, `purchase:...`.
    pub target: String,
    /// Why, in free text. Kept beside the log, so that it can be erased.
    pub reason: Option<String>,
    /// The name that the client gave to the act.
    pub key: Option<String>,
}

impl AuditNote {
    /// A note about an act that is about to be done.
    pub fn of(ids: &dyn IdSource, by: By, action: &str, target: String) -> Self {
        let (id, action) = (AuditId::from_bytes(ids.unique()), action.to_owned());
        Self { id, by, action, target, reason: None, key: None }
    }

    /// With the reason.
    #[must_use]
    pub fn because(self, reason: String) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// With the client's name for the act.
    #[must_use]
    pub fn keyed(self, key: &IdempotencyKey) -> Self {
        Self { key: Some(key.as_str().to_owned()), ..self }
    }

    /// Under an id that follows from action, target and key: the act asked for again is not written again.
    #[must_use]
    pub fn once(self) -> Self {
        let mut hasher = Sha256::new();
        for part in [&self.action, &self.target, self.key.as_ref().unwrap_or(&String::new())] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hasher.finalize()).for_each(|(byte, hashed)| *byte = hashed);
        Self { id: AuditId::from_bytes(bytes), ..self }
    }
}

/// How a target that is an API key is written.
pub fn api_key_target(key: ApiKeyId) -> String {
    format!("api_key:{key}")
}

/// How a target that is a user is written.
pub fn user_target(user: UserId) -> String {
    format!("user:{user}")
}

/// A command with the note about it: done and written down in one commit.
#[derive(Clone, Debug)]
pub struct AuditedAct {
    /// The note.
    pub note: AuditNote,
    /// The act.
    pub act: Command,
}

/// Writes something down that is no command.
#[derive(Clone, Debug)]
pub struct RecordRequest {
    /// The note.
    pub note: AuditNote,
    /// Whose account it is about, if about one.
    pub user: Option<UserId>,
    /// How things were.
    pub before: Option<AuditState>,
    /// How they are now.
    pub after: Option<AuditState>,
    /// Now.
    pub now: Moment,
}

impl RecordRequest {
    /// The user by whom its writer is found: the account's or, where there is none, nobody.
    pub fn route(&self) -> UserId {
        route(self.user, self.note.id)
    }

    /// The entry to write.
    pub fn entry(&self) -> AuditEntry {
        let Self { note, user, before, after, now } = self.clone();
        AuditEntry { note, user, at: now.at, before, after }
    }
}

/// One row of `audit_log`, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// What was known before.
    pub note: AuditNote,
    /// Whose account it is about, if about one.
    pub user: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// How things were, as far as the act touches them.
    pub before: Option<AuditState>,
    /// How they were right after.
    pub after: Option<AuditState>,
}

impl AuditEntry {
    /// The lane that its row lies in: the account's, so that an act and its entry stay together.
    pub fn lane(&self) -> Lane {
        route(self.user, self.note.id).lane()
    }
}

fn route(user: Option<UserId>, id: AuditId) -> UserId {
    user.unwrap_or(UserId::from_bytes(*id.as_bytes()))
}
