//! What the sandbox remembers, as the JSON that Stripe's API would show. Only what is known here is written;
//! the rest is left out.

use domain::billing::offer::PayMode;
use domain::billing::purchase::ReturnState;
use domain::clock::Timestamp;
use domain::money::Currency;
use domain::ports::payments::InvoiceReason;
use serde_json::{Value, json};

use super::state::{
    Charge, Intent, IntentState, Invoice, Refund, Session, Stage, Subscription, SubscriptionState, Terms,
};

const CURRENCY: &str = Currency::Brl.as_str();

/// Whole seconds, as Stripe counts time.
pub fn secs(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

fn metadata(terms: &Terms) -> Value {
    json!({
        "purchase_id": terms.purchase.to_string(),
        "plan_id": terms.offer.plan.as_str(),
        "user_id": terms.user.to_string(),
    })
}

fn metadata_of(terms: Option<&Terms>) -> Value {
    terms.map_or_else(|| json!({}), metadata)
}

/// A checkout session.
pub fn session(session: &Session) -> Value {
    let one_off = session.mode == PayMode::Payment;
    let stage = session.stage;
    let status = match stage {
        Stage::Open | Stage::Declined => "open",
        Stage::Failed | Stage::Expired => "expired",
        Stage::PaidByCard | Stage::BoletoTaken | Stage::BoletoPaid | Stage::BoletoMissed => "complete",
    };
    let customer = (session.customer_known || status == "complete").then_some(&session.customer);
    json!({
        "id": session.id,
        "object": "checkout.session",
        "amount_subtotal": session.terms.minor(),
        "amount_total": session.terms.minor(),
        "cancel_url": session.cancel_url,
        "client_reference_id": session.terms.purchase.to_string(),
        "created": secs(session.created),
        "currency": CURRENCY,
        "customer": customer,
        "customer_creation": one_off.then_some("always"),
        "expires_at": secs(session.expires_at),
        "invoice": session.invoice,
        "livemode": false,
        "locale": "pt-BR",
        "metadata": metadata(&session.terms),
        "mode": session.mode.as_str(),
        "payment_intent": session.intent.as_ref().filter(|_| one_off),
        "payment_method_types": if one_off { json!(["card", "boleto"]) } else { json!(["card"]) },
        "payment_status": if stage.is_paid() { "paid" } else { "unpaid" },
        "status": status,
        "subscription": session.subscription,
        "success_url": session.success_url,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "url": stage.is_open().then_some(&session.url),
    })
}

/// A payment intent.
pub fn intent(intent: &Intent) -> Value {
    let status = match intent.state {
        IntentState::Declined | IntentState::BoletoMissed => "requires_payment_method",
        IntentState::AwaitsBoleto => "requires_action",
        IntentState::Succeeded => "succeeded",
    };
    let error = match intent.state {
        IntentState::Declined => json!({
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": "Your card was declined.",
        }),
        IntentState::BoletoMissed => json!({
            "type": "invalid_request_error",
            "code": "payment_intent_payment_attempt_expired",
            "message": "The boleto was not paid in time.",
        }),
        IntentState::AwaitsBoleto | IntentState::Succeeded => Value::Null,
    };
    let received = if intent.state == IntentState::Succeeded { intent.minor } else { 0 };
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.minor,
        "amount_received": received,
        "created": secs(intent.created),
        "currency": CURRENCY,
        "customer": intent.customer,
        "last_payment_error": error,
        "latest_charge": intent.charge,
        "livemode": false,
        "metadata": metadata_of(intent.terms.as_ref()),
        "status": status,
    })
}

/// A charge.
pub fn charge(charge: &Charge) -> Value {
    let details = match charge.method {
        "card" => json!({ "type": "card", "card": { "brand": "visa", "last4": "4242", "country": "BR" } }),
        method => json!({ "type": method }),
    };
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": charge.minor,
        "amount_captured": charge.minor,
        "amount_refunded": charge.refunded,
        "captured": true,
        "created": secs(charge.created),
        "currency": CURRENCY,
        "customer": charge.customer,
        "disputed": charge.dispute.is_some(),
        "livemode": false,
        "metadata": metadata_of(charge.terms.as_ref()),
        "paid": true,
        "payment_intent": charge.intent,
        "payment_method_details": details,
        "refunded": charge.left() == 0,
        "status": "succeeded",
    })
}

/// The dispute of a charge, if there is one.
pub fn dispute(charge: &Charge) -> Option<Value> {
    let dispute = charge.dispute.as_ref()?;
    let status = match dispute.state {
        ReturnState::Open => "needs_response",
        ReturnState::Won => "won",
        ReturnState::Lost => "lost",
    };
    Some(json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.minor,
        "charge": charge.id,
        "created": secs(dispute.created),
        "currency": CURRENCY,
        "is_charge_refundable": false,
        "livemode": false,
        "metadata": {},
        "payment_intent": charge.intent,
        "reason": "fraudulent",
        "status": status,
    }))
}

/// A refund.
pub fn refund(refund: &Refund) -> Value {
    let named = match refund.purchase {
        Some(purchase) => json!({ "purchase_id": purchase.to_string() }),
        None => json!({}),
    };
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.minor,
        "charge": refund.charge,
        "created": secs(refund.created),
        "currency": CURRENCY,
        "metadata": named,
        "payment_intent": refund.intent,
        "reason": "requested_by_customer",
        "status": "succeeded",
    })
}

/// A subscription.
pub fn subscription(subscription: &Subscription) -> Value {
    let terms = &subscription.terms;
    let ends = subscription.cancel_at_period_end.then_some(secs(subscription.period.1));
    json!({
        "id": subscription.id,
        "object": "subscription",
        "cancel_at": ends,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "canceled_at": subscription.ended_at.map(secs),
        "collection_method": "charge_automatically",
        "created": secs(subscription.created),
        "currency": CURRENCY,
        "customer": subscription.customer,
        "ended_at": subscription.ended_at.map(secs),
        "items": {
            "object": "list",
            "data": [{
                "id": subscription.id.replacen("sub_", "si_", 1),
                "object": "subscription_item",
                "current_period_start": secs(subscription.period.0),
                "current_period_end": secs(subscription.period.1),
                "price": {
                    "id": price(terms),
                    "object": "price",
                    "currency": CURRENCY,
                    "recurring": { "interval": "month", "interval_count": 1 },
                    "unit_amount": terms.minor(),
                },
                "quantity": 1,
                "subscription": subscription.id,
            }],
        },
        "latest_invoice": subscription.latest_invoice,
        "livemode": false,
        "metadata": metadata(terms),
        "start_date": secs(subscription.created),
        "status": subscription.state.as_str(),
    })
}

/// Whether a subscription has ended.
pub fn has_ended(subscription: &Subscription) -> bool {
    subscription.state == SubscriptionState::Canceled
}

/// An invoice. As in Stripe's events, the payment that it was paid with is not told.
pub fn invoice(invoice: &Invoice) -> Value {
    let (terms, minor) = (&invoice.terms, invoice.terms.minor());
    let paid = if invoice.paid_at.is_some() { minor } else { 0 };
    let period = json!({ "start": secs(invoice.period.0), "end": secs(invoice.period.1) });
    let of_subscription = json!({ "metadata": metadata(terms), "subscription": invoice.subscription });
    let reason = match invoice.reason {
        InvoiceReason::Begin => "subscription_create",
        InvoiceReason::Cycle => "subscription_cycle",
        InvoiceReason::Other | InvoiceReason::Unsaid => "manual",
    };
    json!({
        "id": invoice.id,
        "object": "invoice",
        "amount_due": minor,
        "amount_paid": paid,
        "amount_remaining": minor - paid,
        "attempt_count": invoice.attempts,
        "attempted": invoice.attempts > 0,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": secs(invoice.created),
        "currency": CURRENCY,
        "customer": invoice.customer,
        "lines": {
            "object": "list",
            "data": [{
                "id": invoice.id.replacen("in_", "il_", 1),
                "object": "line_item",
                "amount": minor,
                "currency": CURRENCY,
                "description": terms.title,
                "livemode": false,
                "metadata": metadata(terms),
                "parent": {
                    "type": "subscription_item_details",
                    "invoice_item_details": null,
                    "subscription_item_details": {
                        "proration": false,
                        "subscription": invoice.subscription,
                        "subscription_item": invoice.subscription.replacen("sub_", "si_", 1),
                    },
                },
                "period": period,
                "pricing": {
                    "type": "price_details",
                    "price_details": { "price": price(terms) },
                    "unit_amount_decimal": minor.to_string(),
                },
                "quantity": 1,
            }],
            "has_more": false,
        },
        "livemode": false,
        "metadata": {},
        "parent": {
            "type": "subscription_details",
            "quote_details": null,
            "subscription_details": of_subscription,
        },
        "period_start": secs(invoice.created),
        "period_end": secs(invoice.created),
        "status": if invoice.paid_at.is_some() { "paid" } else { "open" },
        "status_transitions": { "paid_at": invoice.paid_at.map(secs) },
        "subtotal": minor,
        "total": minor,
    })
}

/// The price of a plan: the catalogue's, or one that is made for the occasion, as Stripe does.
pub fn price(terms: &Terms) -> String {
    terms.price.clone().unwrap_or_else(|| format!("price_sandbox_{}", terms.offer.plan.as_str()))
}
