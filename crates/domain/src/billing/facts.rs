//! What a payment provider says, in our words. Each is a statement about how things *are*, so that hearing it
//! twice, late, or in another order ends in the same place.

use super::offer::{Offer, PayMode};
use super::purchase::{Names, Progress, ReturnState};
use crate::clock::Timestamp;

/// News of one payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFacts {
    /// Names of its parts, as far as this piece of news has them.
    pub names: Names,
    /// Where the customer pays.
    pub url: Option<String>,
    /// When the checkout closes.
    pub expires_at: Option<Timestamp>,
    /// How it is paid: `card`, `boleto`, `pix`.
    pub method: Option<String>,
    /// How far it has come.
    pub evidence: Option<Evidence>,
    /// What was paid back.
    pub refunded: Option<Refunded>,
    /// A dispute.
    pub dispute: Option<DisputeFact>,
    /// A refund that an admin made by hand.
    pub manual_refund: Option<ManualRefund>,
    /// The provider's early warning of fraud, by its id.
    pub fraud_warning: Option<String>,
    /// What the invoice says, for a subscription's payment.
    pub invoice: Option<InvoiceFacts>,
}

/// How far a payment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Not paid (yet): processing, failed or expired. [`Progress::Created`] and [`Progress::Paid`] say
    /// nothing here.
    Unpaid(Progress),
    /// The money is there.
    Paid(Paid),
}

/// What was paid, to be compared with what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// In minor units.
    pub minor: i64,
    /// The provider's word for the currency, in lower case.
    pub currency: String,
    /// How.
    pub mode: PayMode,
}

/// What the provider paid back of a payment in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The provider's absolute figure in minor units.
    pub minor: i64,
    /// When it was so: a later figure outweighs an earlier one.
    pub as_of: Timestamp,
}

/// A dispute of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeFact {
    /// The provider's id.
    pub id: String,
    /// How much of the payment, in minor units.
    pub minor: i64,
    /// Where it stands.
    pub state: ReturnState,
    /// When this was so.
    pub as_of: Timestamp,
}

/// A refund by hand, outside the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualRefund {
    /// The name of the admin's act: the same again records nothing again.
    pub key: String,
    /// In minor units.
    pub minor: i64,
}

/// What a paid or failed invoice says of a subscription's period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceFacts {
    /// The terms that a new purchase for it gets; used when there is none yet.
    pub offer: Offer,
    /// End of the period that it is for.
    pub period_end: Timestamp,
    /// Whether collecting failed: a notice, no more.
    pub collecting_failed: bool,
}

/// News of one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionFacts {
    /// The provider's id.
    pub id: String,
    /// The provider's word for its state.
    pub status: String,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// Whether it has ended.
    pub ended: bool,
    /// When this was so.
    pub as_of: Timestamp,
}
