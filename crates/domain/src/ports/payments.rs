//! The payment provider: what we ask of it, and what it tells us.

use async_trait::async_trait;

use super::Unavailable;
use crate::billing::facts::{Evidence, Paid, Refunded};
use crate::billing::offer::{Offer, PayMode};
use crate::billing::purchase::{Names, ReturnState};
use crate::clock::Timestamp;
use crate::ids::{PurchaseId, UserId};

/// Why the provider did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// It said no; its words, for admins and the log.
    #[error("the payment provider refused: {0}")]
    Refused(String),
    /// It did not answer, or not in a way that can be understood. Whether it did what was asked is unknown;
    /// asking again with the same ids is safe.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A checkout to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutOrder {
    /// Our purchase: the provider's parts are to carry this name, and asking again with it answers the first.
    pub purchase: PurchaseId,
    /// Who buys.
    pub user: UserId,
    /// What.
    pub offer: Offer,
    /// The plan's name for people.
    pub title: String,
    /// The provider's own price for the plan, if the catalogue has one.
    pub price: Option<String>,
    /// How it is paid.
    pub mode: PayMode,
    /// The customer at the provider, if known.
    pub customer: Option<String>,
    /// Whether the provider refused it for the customer it knew: the same again, under another name, without.
    pub without_customer: bool,
    /// Whether a card is to be kept for automatic top-up.
    pub keep_card: bool,
    /// When the checkout is to close.
    pub expires_at: Timestamp,
    /// Where the customer goes when it is done.
    pub success_url: String,
    /// Where the customer goes to leave it.
    pub cancel_url: String,
}

/// An open checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutPage {
    /// The session's id.
    pub session: String,
    /// Where the customer pays.
    pub url: String,
}

/// A refund to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// The purchase.
    pub purchase: PurchaseId,
    /// The payment intent, or else the charge.
    pub names: Names,
    /// How much, in minor units; `None` is all that is left.
    pub minor: Option<i64>,
    /// The name of this act: the same again refunds nothing again.
    pub key: String,
}

/// A card to be charged without its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardCharge {
    /// Our purchase: asking again with it answers the first.
    pub purchase: PurchaseId,
    /// Who.
    pub user: UserId,
    /// What for.
    pub offer: Offer,
    /// The customer at the provider, whose kept card is charged.
    pub customer: String,
}

/// One object at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectName {
    /// A checkout session.
    Session(String),
    /// The checkout session that a payment intent belongs to.
    SessionOfIntent(String),
    /// A payment intent.
    Intent(String),
    /// A charge, with what was refunded of it.
    Charge(String),
    /// The latest charge of a payment intent.
    ChargeOfIntent(String),
    /// An invoice.
    Invoice(String),
    /// The invoice that a payment intent pays.
    InvoiceOfIntent(String),
    /// A subscription.
    Subscription(String),
    /// The payment intent that was made for a purchase, found among those of a customer.
    IntentOfPurchase {
        /// The customer.
        customer: String,
        /// The purchase.
        purchase: PurchaseId,
    },
}

/// What the provider says of one of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The purchase that it says it is for, as far as it says; not to be believed further than that.
    pub purchase: Option<PurchaseId>,
    /// The names of the payment's parts that it tells.
    pub names: Names,
    /// What it is, and says.
    pub fact: Fact,
    /// When this was so, by the provider's clock or ours.
    pub as_of: Timestamp,
}

/// What an object is, and says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A checkout session.
    Session {
        /// How it is paid.
        mode: PayMode,
        /// How far it has come; `None` while the customer is still there.
        evidence: Option<Evidence>,
    },
    /// A payment intent.
    Intent {
        /// Paid, or failed for good (only ever said of one that nobody attends); `None` while it is open.
        evidence: Option<Evidence>,
    },
    /// A charge.
    Charge {
        /// What was refunded of it in all.
        refunded: Refunded,
        /// How it was paid.
        method: Option<String>,
    },
    /// A refund; which charge it is of stands in the names.
    Refund,
    /// A dispute.
    Dispute {
        /// Its id.
        id: String,
        /// How much, in minor units.
        minor: i64,
        /// Where it stands.
        state: ReturnState,
    },
    /// An invoice.
    Invoice(InvoiceSighting),
    /// A subscription.
    Subscription {
        /// Its state in the provider's word.
        status: String,
        /// Whether it ends with its period.
        cancel_at_period_end: bool,
        /// Whether it has ended.
        ended: bool,
    },
    /// An early warning of fraud.
    FraudWarning {
        /// Its id.
        id: String,
    },
    /// Nothing that we follow.
    Nothing,
}

/// An invoice of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceSighting {
    /// Why it was made.
    pub reason: InvoiceReason,
    /// What was paid; `None` while it is not.
    pub paid: Option<Paid>,
    /// Whether collecting failed.
    pub collecting_failed: bool,
    /// Whether nothing was taken off: no discount, no credit of the customer's.
    pub whole: bool,
    /// End of the period that it is for; `None` when it does not say.
    pub period_end: Option<Timestamp>,
    /// The provider's price of its line, if it has just one.
    pub price: Option<String>,
    /// The plan that the subscription's metadata names.
    pub plan: Option<String>,
}

/// Why an invoice was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceReason {
    /// The subscription began.
    Begin,
    /// A new period.
    Cycle,
    /// It does not say: taken for a period's, the first one if there was none, as far as the amount is a
    /// period's.
    Unsaid,
    /// Anything else: a change of plan in mid-period, by hand, and so on.
    Other,
}

/// An event of the provider, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Its id.
    pub id: String,
    /// The provider's word for what happened.
    pub kind: String,
    /// Whether real money moved.
    pub livemode: bool,
    /// When.
    pub created_at: Timestamp,
    /// What it says of its object.
    pub sighting: Sighting,
}

/// A page of the provider's list of events, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// Events just as they came, each the bytes of one.
    pub events: Vec<Vec<u8>>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// The payment provider.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Opens a checkout for a purchase. The same purchase again answers the same session.
    async fn open_checkout(&self, order: CheckoutOrder) -> Result<CheckoutPage, PaymentError>;

    /// Opens a page where the customer manages cards and subscriptions; answers its address.
    async fn open_portal(&self, customer: &str, return_url: &str) -> Result<String, PaymentError>;

    /// Pays back. Once for its key. What became of it is learned from the charge.
    async fn refund(&self, order: RefundOrder) -> Result<(), PaymentError>;

    /// Charges the kept card of a customer. Once for its purchase. [`PaymentError::Refused`] is a decline;
    /// [`PaymentError::Unavailable`] leaves the outcome unknown.
    async fn charge_card(&self, order: CardCharge) -> Result<Sighting, PaymentError>;

    /// Looks an object up, as it is now; `None` when there is none of that name.
    async fn look_up(&self, name: ObjectName) -> Result<Option<Sighting>, PaymentError>;

    /// A page of the events since `since`, newest first, from `from` on if given.
    async fn events(&self, since: Timestamp, from: Option<String>) -> Result<EventPage, PaymentError>;
}

/// Why a message is not taken for the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgedEvent {
    /// There is no signature, or it is not in the provider's form.
    #[error("the signature header is missing or malformed")]
    NoSignature,
    /// The time in it is too far from now.
    #[error("the signature's time is outside the tolerance")]
    Stale,
    /// No signature is of a secret that we know.
    #[error("no signature matches")]
    WrongSignature,
}

/// Why a message of the provider cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event: {0}")]
pub struct UnreadableEvent(pub String);

/// Reads the provider's messages. Pure.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait EventReader: Send + Sync {
    /// Checks the signature over the raw bytes.
    fn verify(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), ForgedEvent>;

    /// Reads an event. Only its envelope must be there; fields that are missing or unknown do no harm.
    fn read(&self, body: &[u8]) -> Result<ProviderEvent, UnreadableEvent>;
}
