//! Subscriptions and their invoices.

use serde_json::{Value, json};

use super::joined;
use crate::stripe::state::new_id;

/// A subscription to one price, not yet paid.
pub fn subscription(at: i64, period_end: i64, customer: &str, price: &Value, metadata: &Value) -> Value {
    let id = new_id("sub");
    let item = json!({
        "id": new_id("si"), "object": "subscription_item", "billing_thresholds": null, "created": at,
        "current_period_end": period_end, "current_period_start": at, "discounts": [], "metadata": {},
        "plan": plan(price), "price": price, "quantity": 1, "subscription": id, "tax_rates": [],
    });
    joined([
        json!({
            "id": id, "object": "subscription", "application": null, "application_fee_percent": null,
            "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
            "billing_cycle_anchor": at, "billing_cycle_anchor_config": null,
            "billing_mode": { "type": "classic" }, "billing_schedules": [], "billing_thresholds": null,
            "cancel_at": null, "cancel_at_period_end": false, "canceled_at": null,
            "cancellation_details": { "comment": null, "feedback": null, "reason": null },
            "collection_method": "charge_automatically", "created": at, "currency": price["currency"],
            "customer": customer, "days_until_due": null, "default_payment_method": null,
            "default_source": null, "default_tax_rates": [], "description": null, "discounts": [],
            "ended_at": null, "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        }),
        json!({
            "items": {
                "object": "list", "data": [item], "has_more": false, "total_count": 1,
                "url": format!("/v1/subscription_items?subscription={id}"),
            },
            "latest_invoice": null, "livemode": false, "metadata": metadata,
            "next_pending_invoice_item_invoice": null, "on_behalf_of": null, "pause_collection": null,
            "payment_settings": {
                "payment_method_options": null, "payment_method_types": null,
                "save_default_payment_method": "off",
            },
            "pending_invoice_item_interval": null, "pending_setup_intent": null, "pending_update": null,
            "schedule": null, "start_date": at, "status": "incomplete", "test_clock": null,
            "transfer_data": null, "trial_end": null,
            "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
            "trial_start": null,
        }),
    ])
}

/// The older form of a recurring price, which items still carry.
pub fn plan(price: &Value) -> Value {
    json!({
        "id": price["id"], "object": "plan", "active": true, "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit",
        "created": price["created"], "currency": price["currency"],
        "interval": price["recurring"]["interval"], "interval_count": 1, "livemode": false, "metadata": {},
        "meter": null, "nickname": null, "product": price["product"], "tiers_mode": null,
        "transform_usage": null, "trial_period_days": null, "usage_type": "licensed",
    })
}

/// A line of an invoice.
pub struct Line {
    pub minor: i64,
    pub price: Value,
    pub period: (i64, i64),
    pub proration: bool,
}

impl Line {
    fn of(&self, invoice: &str, subscription: &Value) -> Value {
        let minor = self.minor;
        json!({
            "id": new_id("il"), "object": "line_item", "amount": minor, "currency": self.price["currency"],
            "description": "1 × Plano", "discount_amounts": [], "discountable": !self.proration,
            "discounts": [], "invoice": invoice, "livemode": false, "metadata": subscription["metadata"],
            "parent": {
                "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": self.proration.then(|| new_id("ii")), "proration": self.proration,
                    "proration_details": { "credited_items": null }, "subscription": subscription["id"],
                    "subscription_item": subscription["items"]["data"][0]["id"],
                },
                "type": "subscription_item_details",
            },
            "period": { "end": self.period.1, "start": self.period.0 }, "pretax_credit_amounts": [],
            "pricing": {
                "price_details": { "price": self.price["id"], "product": self.price["product"] },
                "type": "price_details", "unit_amount_decimal": minor.to_string(),
            },
            "quantity": 1, "subtotal": minor, "taxes": [],
        })
    }
}

/// What an invoice is made of.
pub struct InvoiceTerms<'a> {
    pub subscription: &'a Value,
    /// `subscription_create`, `subscription_cycle` and so on.
    pub reason: &'a str,
    /// The period *before* the one that the lines are for, as Stripe has it.
    pub period: (i64, i64),
    pub lines: Vec<Line>,
}

/// A draft.
pub fn invoice(at: i64, terms: &InvoiceTerms<'_>) -> Value {
    let id = new_id("in");
    let subscription = terms.subscription;
    let total: i64 = terms.lines.iter().map(|line| line.minor).sum();
    let due = total.max(0);
    let lines: Vec<Value> = terms.lines.iter().map(|line| line.of(&id, subscription)).collect();
    joined([
        json!({
            "id": id, "object": "invoice", "account_country": "BR", "account_name": "Saldo",
            "account_tax_ids": null, "amount_due": due, "amount_overpaid": 0, "amount_paid": 0,
            "amount_remaining": due, "amount_shipping": 0, "application": null, "attempt_count": 0,
            "attempted": false, "auto_advance": true,
            "automatic_tax": {
                "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null,
            },
            "automatically_finalizes_at": null, "billing_reason": terms.reason,
            "collection_method": "charge_automatically", "created": at, "currency": subscription["currency"],
            "custom_fields": null, "customer": subscription["customer"], "customer_address": null,
            "customer_email": null, "customer_name": null, "customer_phone": null, "customer_shipping": null,
            "customer_tax_exempt": "none", "customer_tax_ids": [], "default_payment_method": null,
            "default_source": null, "default_tax_rates": [], "description": null, "discounts": [],
        }),
        json!({
            "due_date": null, "effective_at": null, "ending_balance": null, "footer": null,
            "from_invoice": null, "hosted_invoice_url": null, "invoice_pdf": null, "issuer": { "type": "self" },
            "last_finalization_error": null, "latest_revision": null,
            "lines": {
                "object": "list", "data": lines, "has_more": false, "total_count": lines.len(),
                "url": format!("/v1/invoices/{id}/lines"),
            },
            "livemode": false, "metadata": {}, "next_payment_attempt": null, "number": null,
            "on_behalf_of": null,
            "parent": {
                "quote_details": null,
                "subscription_details": {
                    "metadata": subscription["metadata"], "subscription": subscription["id"],
                },
                "type": "subscription_details",
            },
            "payment_settings": {
                "default_mandate": null, "payment_method_options": null, "payment_method_types": null,
            },
            "period_end": terms.period.1, "period_start": terms.period.0,
            "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
            "receipt_number": null, "rendering": null, "shipping_cost": null, "shipping_details": null,
            "starting_balance": 0, "statement_descriptor": null, "status": "draft",
            "status_transitions": {
                "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null,
            },
            "subtotal": total, "subtotal_excluding_tax": total, "test_clock": null, "total": total,
            "total_discount_amounts": [], "total_excluding_tax": total, "total_pretax_credit_amounts": [],
            "total_taxes": [], "webhooks_delivered_at": null,
        }),
    ])
}

/// The tie between an invoice and the intent that pays it.
pub fn invoice_payment(at: i64, invoice: &Value, intent: &str) -> Value {
    json!({
        "id": new_id("inpay"), "object": "invoice_payment", "amount_paid": null,
        "amount_requested": invoice["amount_due"], "created": at, "currency": invoice["currency"],
        "invoice": invoice["id"], "is_default": true, "livemode": false,
        "payment": { "payment_intent": intent, "type": "payment_intent" }, "status": "open",
        "status_transitions": { "canceled_at": null, "paid_at": null },
    })
}
