//! Everything that the sandbox remembers, in plain rows.

use std::collections::BTreeMap;

use domain::billing::offer::{Offer, PayMode};
use domain::billing::purchase::ReturnState;
use domain::clock::Timestamp;
use domain::ids::{PurchaseId, UserId};
use domain::ports::payments::InvoiceReason;

use super::events::Event;

/// All rows, by id.
#[derive(Default)]
pub struct State {
    pub sessions: BTreeMap<String, Session>,
    pub customers: BTreeMap<String, Customer>,
    pub intents: BTreeMap<String, Intent>,
    pub charges: BTreeMap<String, Charge>,
    pub subscriptions: BTreeMap<String, Subscription>,
    pub invoices: BTreeMap<String, Invoice>,
    /// By the key of the order.
    pub refunds: BTreeMap<String, Refund>,
    /// In the order in which they happened.
    pub events: Vec<Event>,
}

/// What was ordered.
#[derive(Clone)]
pub struct Terms {
    pub purchase: PurchaseId,
    pub user: UserId,
    pub offer: Offer,
    pub title: String,
    pub price: Option<String>,
}

impl Terms {
    pub fn minor(&self) -> i64 {
        self.offer.price.minor()
    }
}

/// How far a checkout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The customer is there.
    Open,
    /// The same, after a declined card.
    Declined,
    /// The customer gave up after a declined card.
    Failed,
    /// Its time is over.
    Expired,
    /// Paid by card.
    PaidByCard,
    /// Done, with a boleto still to be paid.
    BoletoTaken,
    /// Paid by boleto.
    BoletoPaid,
    /// The boleto was not paid in time.
    BoletoMissed,
}

impl Stage {
    /// Whether the customer may still choose how to pay.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Declined)
    }

    /// Whether the money is there.
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::PaidByCard | Self::BoletoPaid)
    }

    /// Whether it was closed without the customer being done.
    pub const fn is_expired(self) -> bool {
        matches!(self, Self::Failed | Self::Expired)
    }
}

pub struct Session {
    pub id: String,
    pub terms: Terms,
    pub mode: PayMode,
    pub customer: String,
    /// Whether the customer was known before this checkout.
    pub customer_known: bool,
    pub keep_card: bool,
    pub url: String,
    pub success_url: String,
    pub cancel_url: String,
    pub created: Timestamp,
    pub expires_at: Timestamp,
    pub stage: Stage,
    /// Of payments: the session's; of subscriptions: the first invoice's.
    pub intent: Option<String>,
    pub subscription: Option<String>,
    /// The subscription's first.
    pub invoice: Option<String>,
}

#[derive(Default)]
pub struct Customer {
    pub card_kept: bool,
    pub return_url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum IntentState {
    Declined,
    AwaitsBoleto,
    BoletoMissed,
    Succeeded,
}

pub struct Intent {
    pub id: String,
    /// What its metadata names; nothing for invoices, as at Stripe.
    pub terms: Option<Terms>,
    pub customer: String,
    pub minor: i64,
    pub state: IntentState,
    pub charge: Option<String>,
    pub created: Timestamp,
}

pub struct Charge {
    pub id: String,
    pub intent: String,
    pub terms: Option<Terms>,
    pub customer: String,
    pub minor: i64,
    pub refunded: i64,
    pub method: &'static str,
    pub dispute: Option<Dispute>,
    pub created: Timestamp,
}

impl Charge {
    /// What was not paid back yet.
    pub fn left(&self) -> i64 {
        self.minor - self.refunded
    }

    /// Half of it, rounded up.
    pub fn half(&self) -> i64 {
        self.minor - self.minor / 2
    }
}

#[derive(Clone)]
pub struct Dispute {
    pub id: String,
    pub minor: i64,
    pub state: ReturnState,
    pub created: Timestamp,
}

#[derive(Clone)]
pub struct Refund {
    pub id: String,
    pub charge: String,
    pub intent: String,
    /// What it was ordered for; nothing when it was made by hand.
    pub purchase: Option<PurchaseId>,
    pub minor: i64,
    pub created: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionState {
    Active,
    PastDue,
    Canceled,
}

impl SubscriptionState {
    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
        }
    }
}

pub struct Subscription {
    pub id: String,
    pub terms: Terms,
    pub customer: String,
    pub state: SubscriptionState,
    pub cancel_at_period_end: bool,
    pub created: Timestamp,
    /// How many periods were begun.
    pub periods: u32,
    /// The period that runs.
    pub period: (Timestamp, Timestamp),
    pub paid_until: Timestamp,
    pub latest_invoice: String,
    /// The latest invoice that was paid: the one that refunds and disputes are about.
    pub paid_invoice: String,
    pub ended_at: Option<Timestamp>,
}

pub struct Invoice {
    pub id: String,
    pub subscription: String,
    pub terms: Terms,
    pub customer: String,
    pub reason: InvoiceReason,
    pub period: (Timestamp, Timestamp),
    pub paid_at: Option<Timestamp>,
    pub attempts: u32,
    pub intent: Option<String>,
    pub created: Timestamp,
}

impl State {
    /// The charge of a payment intent.
    pub fn charge_of(&self, intent: &str) -> Option<&Charge> {
        self.charges.get(self.intents.get(intent)?.charge.as_ref()?)
    }

    /// The charge that an invoice was paid with.
    pub fn charge_of_invoice(&self, invoice: &str) -> Option<&Charge> {
        self.charge_of(self.invoices.get(invoice)?.intent.as_ref()?)
    }

    /// The charge that the money acts of a checkout are about: its own, or the subscription's latest.
    pub fn charge_of_session(&self, session: &Session) -> Option<&Charge> {
        match &session.subscription {
            Some(id) => self.charge_of_invoice(&self.subscriptions.get(id)?.paid_invoice),
            None => self.charge_of(session.intent.as_ref()?),
        }
    }
}
