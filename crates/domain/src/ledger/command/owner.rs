//! Acts of the account's own user, and what they answer.

use crate::clock::{Moment, Timestamp};
use crate::contact::EmailAddress;
use crate::credits::Credits;
use crate::ids::UserId;
use crate::language::Language;
use crate::ledger::account::Actor;

/// Says when and where the user is told. Replaces what was set before.
#[derive(Clone, Debug)]
pub struct SetAlertsRequest {
    /// Who.
    pub user: UserId,
    /// The balance at or below which they are told; `None` follows the last grant.
    pub threshold: Option<Credits>,
    /// Where letters go; `None` for no letters.
    pub email: Option<EmailAddress>,
    /// In which language.
    pub language: Language,
    /// Now.
    pub now: Moment,
}

/// Closes an account for good and erases what is personal.
#[derive(Clone, Debug)]
pub struct CloseRequest {
    /// Whose.
    pub user: UserId,
    /// Whether credits and a paid period that are left are given up.
    pub forfeit: bool,
    /// Who.
    pub actor: Actor,
    /// Now.
    pub now: Moment,
}

/// A closed account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// When it was closed.
    pub at: Timestamp,
    /// Credits that this act took; zero when it was closed before.
    pub forfeited: Credits,
    /// Whether it was closed before: then nothing was done now.
    pub repeated: bool,
}
