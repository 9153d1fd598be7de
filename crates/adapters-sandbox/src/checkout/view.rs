//! What the pages show.

use domain::billing::offer::PayMode;
use domain::billing::purchase::ReturnState;
use domain::clock::Timestamp;

use super::act::Act;
use super::desk;
use super::state::{Charge, Session, Stage, State, Subscription, Terms};

/// A checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutView {
    /// The session's id.
    pub session: String,
    /// The customer's id.
    pub customer: String,
    /// The plan's name for people.
    pub title: String,
    /// The credits of one payment.
    pub credits: i64,
    /// What one payment costs, in minor units.
    pub minor: i64,
    /// How it is paid.
    pub mode: PayMode,
    /// How far it has come.
    pub stage: Stage,
    /// Where the customer goes when it is done, with the session's id filled in.
    pub success_url: String,
    /// Where the customer goes to leave it.
    pub cancel_url: String,
    /// What was paid, of a payment.
    pub payment: Option<PaymentView>,
    /// What was begun.
    pub subscription: Option<SubscriptionView>,
    /// What can be done now.
    pub acts: Vec<Act>,
}

/// Money that was paid, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentView {
    /// How much, in minor units.
    pub minor: i64,
    /// How much of it was refunded, in minor units.
    pub refunded: i64,
    /// `card` or `boleto`.
    pub method: &'static str,
    /// Its dispute.
    pub dispute: Option<DisputeView>,
}

/// A dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeView {
    /// How much, in minor units.
    pub minor: i64,
    /// Where it stands.
    pub state: ReturnState,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionView {
    /// Its id.
    pub id: String,
    /// The plan's name for people.
    pub title: String,
    /// The credits of one period.
    pub credits: i64,
    /// What one period costs, in minor units.
    pub minor: i64,
    /// Its state in Stripe's word.
    pub status: &'static str,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// End of the last period that was paid.
    pub paid_until: Timestamp,
    /// The payment of that period.
    pub payment: Option<PaymentView>,
    /// What can be done now.
    pub acts: Vec<Act>,
}

/// A customer's portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalView {
    /// The customer's id.
    pub customer: String,
    /// Where the customer goes when done; known once the portal was opened through the port.
    pub return_url: Option<String>,
    /// The customer's subscriptions, newest first.
    pub subscriptions: Vec<SubscriptionView>,
}

/// What the page of a checkout shows.
pub fn checkout(state: &State, id: &str) -> Option<CheckoutView> {
    let session: &Session = state.sessions.get(id)?;
    let begun = session.subscription.as_ref().and_then(|id| state.subscriptions.get(id));
    let Terms { offer, title, .. } = &session.terms;
    Some(CheckoutView {
        session: session.id.clone(),
        customer: session.customer.clone(),
        title: title.clone(),
        credits: offer.credits.get(),
        minor: offer.price.minor(),
        mode: session.mode,
        stage: session.stage,
        success_url: session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id),
        cancel_url: session.cancel_url.clone(),
        payment: state.charge_of_session(session).map(payment),
        subscription: begun.map(|subscription| of_subscription(state, subscription)),
        acts: desk::of_session(state, session),
    })
}

/// What a customer's portal shows.
pub fn portal(state: &State, id: &str) -> Option<PortalView> {
    let customer = state.customers.get(id)?;
    let mut own: Vec<&Subscription> =
        state.subscriptions.values().filter(|subscription| subscription.customer == id).collect();
    own.sort_by_key(|subscription| std::cmp::Reverse(subscription.created));
    Some(PortalView {
        customer: id.to_owned(),
        return_url: customer.return_url.clone(),
        subscriptions: own.into_iter().map(|subscription| of_subscription(state, subscription)).collect(),
    })
}

fn of_subscription(state: &State, subscription: &Subscription) -> SubscriptionView {
    let Terms { offer, title, .. } = &subscription.terms;
    SubscriptionView {
        id: subscription.id.clone(),
        title: title.clone(),
        credits: offer.credits.get(),
        minor: offer.price.minor(),
        status: subscription.state.as_str(),
        cancel_at_period_end: subscription.cancel_at_period_end,
        paid_until: subscription.paid_until,
        payment: state.charge_of_invoice(&subscription.paid_invoice).map(payment),
        acts: desk::of_subscription(state, subscription),
    }
}

fn payment(charge: &Charge) -> PaymentView {
    let dispute = charge.dispute.as_ref();
    PaymentView {
        minor: charge.minor,
        refunded: charge.refunded,
        method: charge.method,
        dispute: dispute.map(|dispute| DisputeView { minor: dispute.minor, state: dispute.state }),
    }
}
