//! Notices on their way out: the outbox, the endpoint of the webhook, and who carries them.

use async_trait::async_trait;

use super::Unavailable;
use crate::billing::notice::{Notice, NoticeKind};
use crate::clock::{Span, Timestamp};
use crate::contact::EmailAddress;
use crate::ids::UserId;
use crate::language::Language;

/// A way out. (In the product, a notice is there as soon as it is written.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A letter to the user, or to the admin.
    Email,
    /// An event to the operator's own program.
    Webhook,
}

impl Channel {
    /// All channels: a notice is written with one delivery for each.
    pub const ALL: [Self; 2] = [Self::Email, Self::Webhook];

    /// The word that stores see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
        }
    }

    /// The channel that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word)
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent, now or later.
    Waiting,
    /// The receiver has it.
    Sent,
    /// There is nobody to send it to.
    Skipped,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Skipped, Self::Failed];

    /// The word that stores see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// The state that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// The name of a delivery: one row of `outbox`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryName {
    /// The notice's user.
    pub user: UserId,
    /// The notice's kind.
    pub kind: NoticeKind,
    /// The notice's subject.
    pub subject: String,
    /// Which way it goes.
    pub channel: Channel,
}

impl DeliveryName {
    /// The delivery of a notice by a channel.
    pub fn of(notice: &Notice, channel: Channel) -> Self {
        Self { user: notice.user, kind: notice.kind, subject: notice.subject.clone(), channel }
    }
}

/// A notice that is to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What is told.
    pub notice: Notice,
    /// Which way it goes.
    pub channel: Channel,
    /// How often it was tried, this time included.
    pub tries: u32,
}

/// The endpoint of the webhook, as all servers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// SHA-256 of its address.
    pub address: [u8; 32],
    /// Since when it has only failed; `None` after a success.
    pub failing_since: Option<Timestamp>,
    /// When it was given up.
    pub disabled_at: Option<Timestamp>,
}

/// Deliveries, each written in the commit that wrote its notice.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Up to `limit` waiting deliveries of a channel that are due at `now`, those that are due longest first. Each is
    /// given to one caller: its tries grow by one, and it is due again at `again` unless it is closed or put off
    /// before. A new one is due at once.
    async fn claim(
        &self,
        channel: Channel,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Unavailable>;

    /// Closes a delivery that is waiting: sent, skipped or failed, with a note that holds nothing private.
    async fn close(
        &self,
        name: DeliveryName,
        state: DeliveryState,
        at: Timestamp,
        note: Option<String>,
    ) -> Result<(), Unavailable>;

    /// Leaves a delivery waiting, to be due at `at`, with the reason.
    async fn put_off(&self, name: DeliveryName, at: Timestamp, note: String) -> Result<(), Unavailable>;

    /// Where a delivery stands, its tries and its note; `None` where there is none.
    async fn state(
        &self,
        name: DeliveryName,
    ) -> Result<Option<(DeliveryState, u32, Option<String>)>, Unavailable>;

    /// The endpoint as it stands; `None` before there ever was one.
    async fn endpoint(&self) -> Result<Option<Endpoint>, Unavailable>;

    /// Says which address the endpoint has. Another one than before begins anew: nothing failed yet, and not
    /// disabled. The same one stays as it is.
    async fn meet_endpoint(&self, address: [u8; 32]) -> Result<(), Unavailable>;

    /// Lets the endpoint begin anew, whatever its address.
    async fn enable_endpoint(&self) -> Result<(), Unavailable>;

    /// The endpoint took something: it is not failing any more. One that is disabled stays so.
    async fn endpoint_worked(&self) -> Result<(), Unavailable>;

    /// The endpoint failed at `now`; answers since when it has only failed.
    async fn endpoint_failed(&self, now: Timestamp) -> Result<Timestamp, Unavailable>;

    /// Gives the endpoint up, and writes the notice of it with its deliveries, in one commit. Answers whether it
    /// was this call that did: one that is disabled stays as it is, and there is no second notice.
    async fn disable_endpoint(&self, notice: Notice) -> Result<bool, Unavailable>;
}

/// Who gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A person with a mailbox.
    Mailbox {
        /// Where.
        address: EmailAddress,
        /// In which language.
        language: Language,
    },
    /// The operator's program.
    Endpoint,
}

/// A notice on its way to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same each time that it is sent, so that a receiver can tell a second copy.
    pub id: String,
    /// What is told.
    pub notice: Notice,
    /// To whom.
    pub to: Recipient,
    /// When it is sent.
    pub at: Timestamp,
}

/// Why a message was not taken. Reasons are kept and logged: they hold no address and nothing of what was answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CourierError {
    /// It is only simulated: nothing is ever sent.
    #[error("not sent: {0}")]
    Simulated(String),
    /// The receiver will never take this message.
    #[error("refused: {0}")]
    Refused(String),
    /// The receiver wants no messages any more.
    #[error("the receiver wants no more: {0}")]
    Gone(String),
    /// It may work later.
    #[error("failed: {reason}")]
    Failed {
        /// Why.
        reason: String,
        /// How long the receiver asks to be left alone, if it does.
        retry_after: Option<Span>,
    },
}

/// Carries messages by one channel. Bounded in time; never repeats by itself.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Courier: Send + Sync {
    /// Sends a message. `Ok`: the receiver has it. Otherwise it may have it all the same, where the answer was lost:
    /// sending again is for the caller to decide.
    async fn send(&self, message: &Message) -> Result<(), CourierError>;
}
