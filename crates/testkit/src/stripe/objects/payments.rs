//! Payment methods, intents, charges, and money on its way back.

use serde_json::{Value, json};

use super::joined;
use crate::stripe::state::new_id;

/// How long a bank waits for evidence in a dispute.
const EVIDENCE_DUE_SECONDS: i64 = 7 * 86_400;

fn method(at: i64, kind: &str, customer: Option<&str>, details: &Value) -> Value {
    json!({
        "id": new_id("pm"), "object": "payment_method", "allow_redisplay": "limited",
        "billing_details": billing_details(), kind: details, "created": at, "customer": customer,
        "livemode": false, "metadata": {}, "type": kind,
    })
}

/// A card. Kept where it has a customer.
pub fn card(at: i64, customer: Option<&str>) -> Value {
    method(at, "card", customer, &card_details())
}

/// A boleto, good for one payment.
pub fn boleto(at: i64) -> Value {
    method(at, "boleto", None, &json!({ "tax_id": "00000000000" }))
}

fn card_details() -> Value {
    json!({
        "brand": "visa",
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": "BR", "exp_month": 12, "exp_year": 2040, "fingerprint": "fake", "funding": "credit",
        "last4": "4242", "wallet": null,
    })
}

fn billing_details() -> Value {
    let address = json!({
        "city": null, "country": "BR", "line1": null, "line2": null, "postal_code": null, "state": null,
    });
    json!({ "address": address, "email": null, "name": "Cliente de Teste", "phone": null, "tax_id": null })
}

/// What an intent is made of.
pub struct IntentTerms<'a> {
    pub minor: i64,
    pub currency: &'a str,
    pub customer: Option<&'a str>,
    pub description: Option<&'a str>,
    pub metadata: Value,
    pub method: Option<&'a str>,
    pub methods: Value,
    pub future_usage: Option<&'a str>,
}

/// An intent that waits for its confirmation.
pub fn intent(at: i64, terms: IntentTerms<'_>) -> Value {
    let id = new_id("pi");
    let secret = format!("{id}_secret_fake");
    let status = if terms.method.is_some() { "requires_confirmation" } else { "requires_payment_method" };
    joined([
        json!({
            "id": id, "object": "payment_intent", "amount": terms.minor, "amount_capturable": 0,
            "amount_details": { "tip": {} }, "amount_received": 0, "application": null,
            "application_fee_amount": null, "automatic_payment_methods": null, "canceled_at": null,
            "cancellation_reason": null, "capture_method": "automatic_async", "client_secret": secret,
            "confirmation_method": "automatic", "created": at, "currency": terms.currency,
        }),
        json!({
            "customer": terms.customer, "description": terms.description, "last_payment_error": null,
            "latest_charge": null, "livemode": false, "metadata": terms.metadata, "next_action": null,
            "on_behalf_of": null, "payment_method": terms.method,
            "payment_method_configuration_details": null, "payment_method_options": {},
            "payment_method_types": terms.methods, "processing": null, "receipt_email": null, "review": null,
            "setup_future_usage": terms.future_usage, "shipping": null, "source": null,
            "statement_descriptor": null, "statement_descriptor_suffix": null, "status": status,
            "transfer_data": null, "transfer_group": null,
        }),
    ])
}

/// A charge that took the whole amount of an intent, or, with `failed`, none of it.
pub fn charge(at: i64, intent: &Value, method: &Value, failed: bool) -> Value {
    let kind = method["type"].as_str().unwrap_or_default();
    let outcome = if failed {
        json!({
            "network_status": "declined_by_network", "reason": "insufficient_funds", "risk_level": "normal",
            "seller_message": "The bank returned the decline code `insufficient_funds`.",
            "type": "issuer_declined",
        })
    } else {
        json!({
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
            "seller_message": "Payment complete.", "type": "authorized",
        })
    };
    joined([
        json!({
            "id": new_id("ch"), "object": "charge", "amount": intent["amount"],
            "amount_captured": if failed { json!(0) } else { intent["amount"].clone() }, "amount_refunded": 0,
            "application": null, "application_fee": null, "application_fee_amount": null,
            "balance_transaction": null, "billing_details": billing_details(),
            "calculated_statement_descriptor": null, "captured": !failed, "created": at,
            "currency": intent["currency"], "customer": intent["customer"],
            "description": intent["description"], "disputed": false,
        }),
        json!({
            "failure_balance_transaction": null, "failure_code": failed.then_some("card_declined"),
            "failure_message": failed.then_some("Your card has insufficient funds."), "fraud_details": {},
            "livemode": false, "metadata": intent["metadata"], "on_behalf_of": null, "outcome": outcome,
            "paid": !failed, "payment_intent": intent["id"], "payment_method": method["id"],
            "payment_method_details": { kind: method[kind], "type": kind }, "receipt_email": null,
            "receipt_number": null, "receipt_url": null, "refunded": false, "review": null, "shipping": null,
            "source": null, "source_transfer": null, "statement_descriptor": null,
            "statement_descriptor_suffix": null, "status": if failed { "failed" } else { "succeeded" },
            "transfer_data": null, "transfer_group": null,
        }),
    ])
}

/// What an intent says of a card that was declined.
pub fn decline(charge: &str, method: &Value) -> Value {
    json!({
        "advice_code": "try_again_later", "charge": charge, "code": "card_declined",
        "decline_code": "insufficient_funds",
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": "Your card has insufficient funds.", "payment_method": method, "type": "card_error",
    })
}

pub fn refund(at: i64, charge: &Value, minor: i64, reason: Option<&str>, metadata: &Value) -> Value {
    let kind = charge["payment_method_details"]["type"].as_str().unwrap_or_default();
    let card = json!({
        "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
    });
    json!({
        "id": new_id("re"), "object": "refund", "amount": minor, "balance_transaction": null,
        "charge": charge["id"], "created": at, "currency": charge["currency"],
        "destination_details": { kind: card, "type": kind }, "metadata": metadata,
        "payment_intent": charge["payment_intent"], "reason": reason, "receipt_number": null,
        "source_transfer_reversal": null, "status": "succeeded", "transfer_reversal": null,
    })
}

/// A dispute. An inquiry is a question of the bank before it takes any money.
pub fn dispute(at: i64, charge: &Value, minor: i64, inquiry: bool) -> Value {
    let kind = if inquiry { "inquiry" } else { "chargeback" };
    json!({
        "id": new_id("du"), "object": "dispute", "amount": minor, "balance_transaction": null,
        "balance_transactions": [], "charge": charge["id"], "created": at, "currency": charge["currency"],
        "enhanced_eligibility_types": [], "evidence": { "enhanced_evidence": {} },
        "evidence_details": {
            "due_by": at + EVIDENCE_DUE_SECONDS, "enhanced_eligibility": {}, "has_evidence": false,
            "past_due": false, "submission_count": 0,
        },
        "is_charge_refundable": inquiry, "livemode": false, "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": "visa", "case_type": kind, "network": "visa", "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": if inquiry { "warning_needs_response" } else { "needs_response" },
    })
}

pub fn early_fraud_warning(at: i64, charge: &Value) -> Value {
    json!({
        "id": new_id("issfr"), "object": "radar.early_fraud_warning", "actionable": true,
        "charge": charge["id"], "created": at, "fraud_type": "made_with_stolen_card", "livemode": false,
        "payment_intent": charge["payment_intent"],
    })
}
