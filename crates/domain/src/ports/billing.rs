//! Buying, in the books: the acts, the reads, and the inbox of the provider's events.

use async_trait::async_trait;

use super::Unavailable;
use super::ledger::{LedgerError, Submit};
use crate::billing::notice::Notice;
use crate::billing::profile::BillingProfile;
use crate::billing::purchase::Purchase;
use crate::billing::subscription::Subscription;
use crate::clock::Timestamp;
use crate::ids::{PurchaseId, UserId};
use crate::ledger::command::{
    Command, ObservePaymentRequest, ObserveSubscriptionRequest, OpenPurchaseRequest, PaymentReceipt,
    PurchaseReceipt, Receipt, SetTopUpRequest,
};

/// Every change that buying makes to the books. Like [`super::ledger::Ledger`], and in the same transactions:
/// each verb is one atomic, durable act; doing it twice does it once.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Till: Send + Sync {
    /// Writes a purchase down. The same id, or the same idempotency key within its 24 hours, answers the
    /// first. Refused: the key was used for another request; a top-up that is not called for.
    async fn open(&self, request: OpenPurchaseRequest) -> Result<PurchaseReceipt, LedgerError>;

    /// Takes news of a payment in, with everything that follows from it in the same commit: grant,
    /// claw-back, suspension, plan, notices. Heard before or outweighed: changes nothing. A payment that is
    /// not what was asked for grants nothing and is answered with a complaint. Refused: no such purchase, or
    /// it has changed since it was looked up.
    async fn observe(&self, request: ObservePaymentRequest) -> Result<PaymentReceipt, LedgerError>;

    /// Takes news of a subscription in; answers whether it said anything new. Refused: not known yet.
    async fn observe_subscription(&self, request: ObserveSubscriptionRequest) -> Result<bool, LedgerError>;

    /// Keeps what a user wants of automatic top-up.
    async fn set_top_up(&self, request: SetTopUpRequest) -> Result<BillingProfile, LedgerError>;
}

fn mixed_up(receipt: &PaymentReceipt) -> LedgerError {
    Unavailable(format!("the store answered with the receipt of another act: {receipt:?}")).into()
}

async fn submit<S: Submit + ?Sized>(store: &S, command: Command) -> Result<PaymentReceipt, LedgerError> {
    match store.submit(command).await? {
        Receipt::Payment(receipt) => Ok(receipt),
        other => Err(Unavailable(format!("the store answered with another act's receipt: {other:?}")).into()),
    }
}

#[async_trait]
impl<S: Submit> Till for S {
    async fn open(&self, request: OpenPurchaseRequest) -> Result<PurchaseReceipt, LedgerError> {
        match submit(self, Command::OpenPurchase(request)).await? {
            PaymentReceipt::Purchase(receipt) => Ok(*receipt),
            other => Err(mixed_up(&other)),
        }
    }

    async fn observe(&self, request: ObservePaymentRequest) -> Result<PaymentReceipt, LedgerError> {
        submit(self, Command::ObservePayment(Box::new(request))).await
    }

    async fn observe_subscription(&self, request: ObserveSubscriptionRequest) -> Result<bool, LedgerError> {
        match submit(self, Command::ObserveSubscription(request)).await? {
            PaymentReceipt::Subscription(changed) => Ok(changed),
            other => Err(mixed_up(&other)),
        }
    }

    async fn set_top_up(&self, request: SetTopUpRequest) -> Result<BillingProfile, LedgerError> {
        match submit(self, Command::SetTopUp(request)).await? {
            PaymentReceipt::Profile(profile) => Ok(profile),
            other => Err(mixed_up(&other)),
        }
    }
}

/// One of the names by which a purchase can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurchaseName {
    /// Our id; carries the lane.
    Id(PurchaseId),
    /// The provider's checkout session.
    Session(String),
    /// The provider's payment intent.
    Intent(String),
    /// The provider's charge.
    Charge(String),
    /// The provider's invoice.
    Invoice(String),
}

/// Where a page of purchases or notices ends: the next one begins with older rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageEnd {
    /// Time of the last row seen.
    pub at: Timestamp,
    /// Its name; decides among rows of the same time: a purchase's id, a notice's `kind:subject`.
    pub name: String,
}

/// Reads of purchases, subscriptions, profiles and notices. None of them writes, but for
/// [`PurchaseBook::claim_lookups`].
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait PurchaseBook: Send + Sync {
    /// The purchase of that name, with its returns.
    async fn purchase(&self, name: PurchaseName) -> Result<Option<Purchase>, Unavailable>;

    /// The subscription of that id.
    async fn subscription(&self, id: &str) -> Result<Option<Subscription>, Unavailable>;

    /// The subscriptions of a user, oldest first.
    async fn subscriptions(&self, user: UserId) -> Result<Vec<Subscription>, Unavailable>;

    /// The profile of a user; that of a newcomer when there is none.
    async fn profile(&self, user: UserId) -> Result<BillingProfile, Unavailable>;

    /// The user whose customer at the provider that is.
    async fn user_of_customer(&self, customer: &str) -> Result<Option<UserId>, Unavailable>;

    /// Up to `limit` purchases of one user, or of all, newest first by time and then by id, older than
    /// `before` if given.
    async fn purchases(
        &self,
        user: Option<UserId>,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable>;

    /// Up to `limit` of the user's own notices (admins' are left out), newest first by time and then by
    /// `kind:subject`, older than `before` if given.
    async fn notices(
        &self,
        user: UserId,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Notice>, Unavailable>;

    /// Up to `limit` purchases whose `next_lookup` has come. Each is given to one caller: in the same
    /// transaction its `lookups` grows by one and its `next_lookup` moves to `now` plus the entry of `waits`
    /// (microseconds) for the lookups made before, or plus the last entry. Answers them as they were before.
    async fn claim_lookups(
        &self,
        now: Timestamp,
        waits: &[crate::clock::Span],
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable>;

    /// Up to `limit` users for whom automatic top-up is on, none is under way, and whose balance less held
    /// credits is below their threshold. A guess from the cached sums: [`Till::open`] decides.
    async fn low_on_credits(&self, limit: u32) -> Result<Vec<UserId>, Unavailable>;

    /// When the oldest purchase that still waits for news was written down; `None` when none does.
    async fn oldest_open(&self) -> Result<Option<Timestamp>, Unavailable>;
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// To be worked on.
    Pending,
    /// Worked on.
    Done,
    /// Of no interest to us.
    Ignored,
    /// Given up: a human has to look.
    Parked,
}

impl EventState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Ignored, Self::Parked];

    /// The word that stores see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
        }
    }

    /// The state that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// An event as it came in: one row of `stripe_events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEvent {
    /// The provider's id; unique.
    pub id: String,
    /// The provider's word for what happened.
    pub kind: String,
    /// Whether real money moved.
    pub livemode: bool,
    /// When it happened, by the provider's clock.
    pub created_at: Timestamp,
    /// When we got it.
    pub received_at: Timestamp,
    /// The verified bytes, just as they came.
    pub body: Vec<u8>,
    /// What became of it.
    pub state: EventState,
    /// How often it was tried.
    pub tries: u32,
    /// Why it failed last, was ignored or is parked.
    pub note: Option<String>,
}

/// The provider's events, kept before they are understood. A table of its own: its rows belong to no account.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps an event, durably, once for its id; answers whether it is new. With `state` pending it is due at
    /// once.
    async fn put(&self, event: InboxEvent) -> Result<bool, Unavailable>;

    /// Up to `limit` pending events that are due at `now`, oldest first. Each is given to one caller: its
    /// tries grow by one, and it is due again at `again` unless it is closed before.
    async fn claim(
        &self,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<InboxEvent>, Unavailable>;

    /// Closes an event that is pending: done, ignored or parked, with a note.
    async fn close(&self, id: &str, state: EventState, note: Option<String>) -> Result<(), Unavailable>;

    /// Leaves an event pending, to be due at `at`, with the reason.
    async fn retry(&self, id: &str, at: Timestamp, note: String) -> Result<(), Unavailable>;

    /// Empties the bodies of events that are done or ignored and were received before `before`: they hold what
    /// customers told the provider. The events stay known.
    async fn empty_bodies(&self, before: Timestamp) -> Result<(), Unavailable>;

    /// The event of that id.
    async fn event(&self, id: &str) -> Result<Option<InboxEvent>, Unavailable>;

    /// How far the provider's list of events was read; `None` before the first time.
    async fn cursor(&self) -> Result<Option<Timestamp>, Unavailable>;

    /// Remembers how far it was read. Never moves back.
    async fn advance(&self, to: Timestamp) -> Result<(), Unavailable>;
}
