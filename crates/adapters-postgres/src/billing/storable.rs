//! What Postgres cannot hold of acts of buying. The provider's names stand in indexes; its texts are refused
//! rather than cleaned: a name that was changed would name something else.

use domain::billing::facts::{Evidence, InvoiceFacts, PaymentFacts};
use domain::billing::offer::Offer;
use domain::ledger::command::{
    ObservePaymentRequest, ObserveSubscriptionRequest, OpenPurchaseRequest, SetTopUpRequest,
};

use crate::error::StoreError;
use crate::storable::{indexed, text, time};

pub(crate) fn open_purchase(request: &OpenPurchaseRequest) -> Result<(), StoreError> {
    offer(&request.offer)?;
    time("next_lookup", request.next_lookup)
}

pub(crate) fn observe_payment(request: &ObservePaymentRequest) -> Result<(), StoreError> {
    text("actor", request.actor.as_str())?;
    each(request.invoice.as_ref(), |invoice| indexed("invoice", invoice))?;
    facts(&request.facts)
}

pub(crate) fn observe_subscription(request: &ObserveSubscriptionRequest) -> Result<(), StoreError> {
    let facts = &request.facts;
    indexed("subscription", &facts.id)?;
    text("status", &facts.status)?;
    time("as_of", facts.as_of)
}

pub(crate) fn set_top_up(request: &SetTopUpRequest) -> Result<(), StoreError> {
    text("plan", request.settings.plan.as_str())
}

fn facts(facts: &PaymentFacts) -> Result<(), StoreError> {
    let names = &facts.names;
    for (what, name) in [
        ("session", &names.session),
        ("customer", &names.customer),
        ("payment intent", &names.intent),
        ("charge", &names.charge),
        ("invoice", &names.invoice),
        ("subscription", &names.subscription),
    ] {
        each(name.as_ref(), |name| indexed(what, name))?;
    }
    each(facts.url.as_ref(), |url| text("url", url))?;
    each(facts.method.as_ref(), |method| text("method", method))?;
    each(facts.expires_at, |at| time("expires_at", at))?;
    if let Some(Evidence::Paid(paid)) = &facts.evidence {
        text("currency", &paid.currency)?;
    }
    each(facts.refunded, |refunded| time("refunded as of", refunded.as_of))?;
    each(facts.dispute.as_ref(), |dispute| {
        indexed("dispute", &dispute.id)?;
        time("dispute as of", dispute.as_of)
    })?;
    each(facts.manual_refund.as_ref(), |manual| indexed("manual refund", &manual.key))?;
    each(facts.fraud_warning.as_ref(), |warning| indexed("fraud warning", warning))?;
    each(facts.invoice.as_ref(), invoice)
}

fn invoice(facts: &InvoiceFacts) -> Result<(), StoreError> {
    offer(&facts.offer)?;
    time("period end", facts.period_end)
}

fn offer(offer: &Offer) -> Result<(), StoreError> {
    text("plan", offer.plan.as_str())
}

fn each<T>(value: Option<T>, check: impl FnOnce(T) -> Result<(), StoreError>) -> Result<(), StoreError> {
    value.map_or(Ok(()), check)
}
