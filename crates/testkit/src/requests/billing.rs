//! Requests of buying, with sensible defaults: `news(user(1), id).paid().session("cs_1").at(5)`. Money is
//! in centavos.

#![allow(clippy::return_self_not_must_use)]

use domain::billing::facts::{
    DisputeFact, Evidence, InvoiceFacts, ManualRefund, Paid, PaymentFacts, Refunded, SubscriptionFacts,
};
use domain::billing::offer::{Offer, PayMode};
use domain::billing::profile::TopUpSettings;
use domain::billing::purchase::{Names, Progress, PurchaseKind, ReturnState};
use domain::ids::{PurchaseId, UserId};
use domain::ledger::account::{Actor, PlanName};
use domain::ledger::command::{
    KeyedRequest, ObservePaymentRequest, ObserveSubscriptionRequest, OpenPurchaseRequest, PaymentPolicy,
    SetTopUpRequest,
};
use domain::money::{Currency, Money};
use domain::ports::billing::{EventState, InboxEvent};
use uuid::Uuid;

use super::{At, credits, key, new_grant_id};
use crate::time::{moment, time};

/// What the pack of all tests costs.
pub const PACK_MINOR: i64 = 2900;
/// What it grants.
pub const PACK_CREDITS: i64 = 5000;
/// What a month of the subscription of all tests costs.
pub const MONTH_MINOR: i64 = 7900;
/// What it grants.
pub const MONTH_CREDITS: i64 = 20_000;

/// A plan's terms.
pub fn offer(plan: &str, amount: i64, minor: i64) -> Offer {
    Offer {
        plan: PlanName::new(plan),
        credits: credits(amount),
        price: Money::new(minor, Currency::Brl).expect("not negative"),
        expires_after_days: None,
    }
}

/// The pack of all tests: 5,000 credits for R$ 29.00, for ever.
pub fn pack() -> Offer {
    offer("starter", PACK_CREDITS, PACK_MINOR)
}

/// The subscription of all tests: 20,000 credits a month for R$ 79.00.
pub fn monthly() -> Offer {
    offer("professional", MONTH_CREDITS, MONTH_MINOR)
}

/// A purchase id that was never used.
pub fn new_purchase_id(user: UserId) -> PurchaseId {
    PurchaseId::for_user(&user, *Uuid::now_v7().as_bytes())
}

/// Opens a [`pack`] that is looked up after two minutes.
pub fn open(user: UserId) -> OpenPurchaseRequest {
    OpenPurchaseRequest {
        id: new_purchase_id(user),
        user,
        kind: PurchaseKind::Pack,
        offer: pack(),
        livemode: false,
        key: None,
        next_lookup: time(120),
        now: moment(0),
    }
}

/// Opens a [`monthly`] subscription.
pub fn subscribe(user: UserId) -> OpenPurchaseRequest {
    OpenPurchaseRequest { kind: PurchaseKind::Subscription, offer: monthly(), ..open(user) }
}

/// Opens a top-up of one [`pack`].
pub fn top_up(user: UserId) -> OpenPurchaseRequest {
    OpenPurchaseRequest { kind: PurchaseKind::TopUp, ..open(user) }
}

/// What a test may want otherwise of a purchase.
pub trait OpenExt: Sized {
    /// Under this id.
    fn id(self, id: PurchaseId) -> Self;
    /// On these terms.
    fn of(self, offer: Offer) -> Self;
    /// Under an idempotency key, for the one request that all tests make.
    fn keyed(self, key: &str) -> Self;
    /// The key stands for another request.
    fn for_request(self, fingerprint: u8) -> Self;
    /// Looked up at this second.
    fn looked_up(self, secs: i64) -> Self;
}

impl OpenExt for OpenPurchaseRequest {
    fn id(self, id: PurchaseId) -> Self {
        Self { id, ..self }
    }
    fn of(self, offer: Offer) -> Self {
        Self { offer, ..self }
    }
    fn keyed(self, text: &str) -> Self {
        Self { key: Some(KeyedRequest { key: key(text), fingerprint: [1; 32] }), ..self }
    }
    fn for_request(mut self, fingerprint: u8) -> Self {
        self.key.as_mut().expect("a keyed purchase").fingerprint = [fingerprint; 32];
        self
    }
    fn looked_up(self, secs: i64) -> Self {
        Self { next_lookup: time(secs), ..self }
    }
}

/// News of a payment that says nothing yet, from a house without a policy.
pub fn news(user: UserId, purchase: PurchaseId) -> ObservePaymentRequest {
    ObservePaymentRequest {
        user,
        purchase,
        facts: PaymentFacts::default(),
        invoice: None,
        livemode: false,
        policy: PaymentPolicy::default(),
        grant: new_grant_id(),
        restore: new_grant_id(),
        actor: Actor::provider(),
        now: moment(0),
    }
}

/// News of an invoice of the subscription `sub_1`, on the [`monthly`] terms, for the period that ends at this
/// second; of no purchase that was written down before. Says nothing of money yet.
pub fn invoice(user: UserId, name: &str, period_end: i64) -> ObservePaymentRequest {
    news(user, PurchaseId::of_invoice(&user, name)).invoiced(name, period_end)
}

/// What a piece of news may say.
pub trait NewsExt: Sized {
    /// The [`pack`] was paid.
    fn paid(self) -> Self;
    /// A month of the [`monthly`] subscription was paid.
    fn month_paid(self) -> Self;
    /// So much was paid, in this currency, in this mode.
    fn paid_as(self, minor: i64, currency: &str, mode: PayMode) -> Self;
    /// It is not paid.
    fn unpaid(self, progress: Progress) -> Self;
    /// Names of its parts.
    fn names(self, names: Names) -> Self;
    /// The checkout session.
    fn session(self, id: &str) -> Self;
    /// So much was refunded, as of this second.
    fn refunded(self, minor: i64, as_of: i64) -> Self;
    /// A dispute stands so, as of this second.
    fn dispute(self, id: &str, minor: i64, state: ReturnState, as_of: i64) -> Self;
    /// An admin paid so much back by hand.
    fn by_hand(self, key: &str, minor: i64) -> Self;
    /// The provider warns of fraud.
    fn fraud(self, id: &str) -> Self;
    /// It is an invoice of `sub_1`, on the [`monthly`] terms, for the period that ends at this second.
    fn invoiced(self, name: &str, period_end: i64) -> Self;
    /// The invoice could not be collected.
    fn collecting_failed(self) -> Self;
    /// The purchase is known to be for this invoice.
    fn known_invoice(self, name: &str) -> Self;
    /// The house suspends after a lost dispute.
    fn strict_about_disputes(self) -> Self;
    /// The house suspends on a fraud warning.
    fn strict_about_fraud(self) -> Self;
}

impl NewsExt for ObservePaymentRequest {
    fn paid(self) -> Self {
        self.paid_as(PACK_MINOR, "brl", PayMode::Payment)
    }
    fn month_paid(self) -> Self {
        self.paid_as(MONTH_MINOR, "brl", PayMode::Subscription)
    }
    fn paid_as(mut self, minor: i64, currency: &str, mode: PayMode) -> Self {
        self.facts.evidence = Some(Evidence::Paid(Paid { minor, currency: currency.to_owned(), mode }));
        self
    }
    fn unpaid(mut self, progress: Progress) -> Self {
        self.facts.evidence = Some(Evidence::Unpaid(progress));
        self
    }
    fn names(mut self, names: Names) -> Self {
        self.facts.names = names;
        self
    }
    fn session(mut self, id: &str) -> Self {
        self.facts.names.session = Some(id.to_owned());
        self
    }
    fn refunded(mut self, minor: i64, as_of: i64) -> Self {
        self.facts.refunded = Some(Refunded { minor, as_of: time(as_of) });
        self
    }
    fn dispute(mut self, id: &str, minor: i64, state: ReturnState, as_of: i64) -> Self {
        self.facts.dispute = Some(DisputeFact { id: id.to_owned(), minor, state, as_of: time(as_of) });
        self
    }
    fn by_hand(mut self, key: &str, minor: i64) -> Self {
        self.facts.manual_refund = Some(ManualRefund { key: key.to_owned(), minor });
        self
    }
    fn fraud(mut self, id: &str) -> Self {
        self.facts.fraud_warning = Some(id.to_owned());
        self
    }
    fn invoiced(mut self, name: &str, period_end: i64) -> Self {
        self.facts.names.invoice = Some(name.to_owned());
        self.facts.names.subscription = Some("sub_1".to_owned());
        self.facts.invoice =
            Some(InvoiceFacts { offer: monthly(), period_end: time(period_end), collecting_failed: false });
        self
    }
    fn collecting_failed(mut self) -> Self {
        self.facts.invoice.as_mut().expect("an invoice").collecting_failed = true;
        self
    }
    fn known_invoice(mut self, name: &str) -> Self {
        self.invoice = Some(name.to_owned());
        self
    }
    fn strict_about_disputes(mut self) -> Self {
        self.policy.suspend_after_lost_dispute = true;
        self
    }
    fn strict_about_fraud(mut self) -> Self {
        self.policy.suspend_on_fraud_warning = true;
        self
    }
}

/// News of a subscription: active, as of second 1.
pub fn subscription(user: UserId, id: &str) -> ObserveSubscriptionRequest {
    let facts = SubscriptionFacts {
        id: id.to_owned(),
        status: "active".to_owned(),
        cancel_at_period_end: false,
        ended: false,
        as_of: time(1),
    };
    ObserveSubscriptionRequest { user, facts, now: moment(0) }
}

/// What the news of a subscription may say.
pub trait SubscriptionExt: Sized {
    /// It stands so, in the provider's word.
    fn status(self, status: &str) -> Self;
    /// It ends with its period.
    fn cancelled(self) -> Self;
    /// It has ended.
    fn ended(self) -> Self;
    /// This was so at this second.
    fn seen_at(self, secs: i64) -> Self;
}

impl SubscriptionExt for ObserveSubscriptionRequest {
    fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.facts.status);
        self
    }
    fn cancelled(mut self) -> Self {
        self.facts.cancel_at_period_end = true;
        self
    }
    fn ended(mut self) -> Self {
        self.facts.ended = true;
        self.status("canceled")
    }
    fn seen_at(mut self, secs: i64) -> Self {
        self.facts.as_of = time(secs);
        self
    }
}

/// Switches automatic top-up on: one [`pack`] below 100 credits, at most R$ 60.00 a month.
pub fn auto_top_up(user: UserId) -> SetTopUpRequest {
    let settings = TopUpSettings {
        enabled: true,
        threshold: credits(100),
        plan: PlanName::new("starter"),
        monthly_cap_minor: 6000,
    };
    SetTopUpRequest { user, settings, now: moment(0) }
}

/// An event that just came in.
pub fn event(id: &str) -> InboxEvent {
    InboxEvent {
        id: id.to_owned(),
        kind: "checkout.session.completed".to_owned(),
        livemode: false,
        created_at: time(0),
        received_at: time(0),
        body: format!("{{\"id\":\"{id}\"}}").into_bytes(),
        state: EventState::Pending,
        tries: 0,
        note: None,
    }
}

/// An event that came in at this second.
impl At for InboxEvent {
    fn at(self, secs: i64) -> Self {
        Self { created_at: time(secs), received_at: time(secs), ..self }
    }
}
