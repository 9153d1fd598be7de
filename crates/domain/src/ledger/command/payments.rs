//! Acts of buying, and what they answer.

use super::KeyedRequest;
use crate::billing::facts::{PaymentFacts, SubscriptionFacts};
use crate::billing::offer::Offer;
use crate::billing::profile::{BillingProfile, TopUpSettings};
use crate::billing::purchase::{Purchase, PurchaseKind};
use crate::clock::{Moment, Timestamp};
use crate::ids::{GrantId, PurchaseId, UserId};
use crate::ledger::account::{Actor, Balances};

/// Writes a purchase down before the provider is asked.
#[derive(Clone, Debug)]
pub struct OpenPurchaseRequest {
    /// The new purchase's id.
    pub id: PurchaseId,
    /// Whose.
    pub user: UserId,
    /// What for. A top-up is only opened when the user's settings call for one now.
    pub kind: PurchaseKind,
    /// The terms to freeze.
    pub offer: Offer,
    /// Whether real money moves.
    pub livemode: bool,
    /// The client's name for the request: while it lives, the same again answers the first purchase.
    pub key: Option<KeyedRequest>,
    /// When to look it up at the provider if no news came.
    pub next_lookup: Timestamp,
    /// Now.
    pub now: Moment,
}

/// Takes news of one payment into the books, and does what follows from it: grants, claws back, suspends,
/// gives notice. News that is old or was heard before changes nothing.
#[derive(Clone, Debug)]
pub struct ObservePaymentRequest {
    /// Whose payment.
    pub user: UserId,
    /// Which.
    pub purchase: PurchaseId,
    /// The news.
    pub facts: PaymentFacts,
    /// The invoice that the purchase is known to be for: its lots are loaded by this name.
    pub invoice: Option<String>,
    /// Whether real money moves; for a purchase that an invoice makes.
    pub livemode: bool,
    /// What the catalogue says about fraud and lost disputes.
    pub policy: PaymentPolicy,
    /// Id of the lot that a grant adds.
    pub grant: GrantId,
    /// Id of the lot that restoring adds.
    pub restore: GrantId,
    /// Who says so.
    pub actor: Actor,
    /// Now.
    pub now: Moment,
}

/// How strict the house is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaymentPolicy {
    /// A lost dispute leaves the account suspended.
    pub suspend_after_lost_dispute: bool,
    /// An early fraud warning suspends the account.
    pub suspend_on_fraud_warning: bool,
}

/// Takes news of a subscription into the books.
#[derive(Clone, Debug)]
pub struct ObserveSubscriptionRequest {
    /// Whose.
    pub user: UserId,
    /// The news.
    pub facts: SubscriptionFacts,
    /// Now.
    pub now: Moment,
}

/// Says what the user wants of automatic top-up. Declines are forgiven.
#[derive(Clone, Debug)]
pub struct SetTopUpRequest {
    /// Whose.
    pub user: UserId,
    /// What they want.
    pub settings: TopUpSettings,
    /// Now.
    pub now: Moment,
}

/// A purchase after an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseReceipt {
    /// The purchase.
    pub purchase: Purchase,
    /// Whether it was there before the act.
    pub repeated: bool,
    /// Why the news of a payment was not accepted: nothing was granted for it, and an admin has to look.
    pub complaint: Option<String>,
    /// The account after it.
    pub balances: Balances,
}

/// What an act of buying answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentReceipt {
    /// A purchase.
    Purchase(Box<PurchaseReceipt>),
    /// The news of a payment that we keep no purchase for was not accepted.
    Complaint(String),
    /// A subscription's news was taken; whether it said anything new.
    Subscription(bool),
    /// The customer's profile.
    Profile(BillingProfile),
}
