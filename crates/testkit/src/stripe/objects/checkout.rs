//! Customers, prices, checkout sessions and the portal.

use serde_json::{Value, json};
use uuid::Uuid;

use super::joined;
use crate::stripe::state::new_id;

pub fn customer(at: i64, email: Option<&str>, name: Option<&str>, metadata: &Value) -> Value {
    json!({
        "id": new_id("cus"), "object": "customer", "address": null, "balance": 0, "created": at,
        "currency": null, "default_source": null, "delinquent": false, "description": null,
        "discount": null, "email": email, "invoice_prefix": "FAKE",
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
        },
        "livemode": false, "metadata": metadata, "name": name, "next_invoice_sequence": 1, "phone": null,
        "preferred_locales": [], "shipping": null, "tax_exempt": "none", "test_clock": null,
    })
}

/// A price. An interval, `month` or `year`, makes it recurring.
pub fn price(at: i64, id: Option<&str>, minor: i64, currency: &str, interval: Option<&str>) -> Value {
    let recurring = interval.map(|interval| {
        json!({
            "interval": interval, "interval_count": 1, "meter": null, "trial_period_days": null,
            "usage_type": "licensed",
        })
    });
    json!({
        "id": id.map_or_else(|| new_id("price"), str::to_owned), "object": "price", "active": true,
        "billing_scheme": "per_unit", "created": at, "currency": currency, "custom_unit_amount": null,
        "livemode": false, "lookup_key": null, "metadata": {}, "nickname": null, "product": new_id("prod"),
        "recurring": recurring, "tax_behavior": "unspecified", "tiers_mode": null,
        "transform_quantity": null, "type": if interval.is_some() { "recurring" } else { "one_time" },
        "unit_amount": minor, "unit_amount_decimal": minor.to_string(),
    })
}

/// A line of a checkout, shown only where it is asked for.
pub fn checkout_line(price: &Value, quantity: i64) -> Value {
    let amount = price["unit_amount"].as_i64().unwrap_or_default() * quantity;
    json!({
        "id": new_id("li"), "object": "item", "amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0,
        "amount_total": amount, "currency": price["currency"], "description": "", "price": price,
        "quantity": quantity,
    })
}

/// What a session is made of.
pub struct SessionTerms<'a> {
    pub mode: &'a str,
    pub minor: i64,
    pub currency: &'a str,
    pub customer: Option<&'a str>,
    pub customer_email: Option<&'a str>,
    pub customer_creation: Option<&'a str>,
    pub reference: Option<&'a str>,
    pub metadata: Value,
    pub methods: Value,
    pub locale: Option<&'a str>,
    pub success_url: &'a str,
    pub cancel_url: Option<&'a str>,
    pub expires_at: i64,
}

pub fn session(at: i64, terms: SessionTerms<'_>) -> Value {
    let id = format!("{}{}", new_id("cs_test"), Uuid::new_v4().simple());
    let url = format!("https://checkout.stripe.com/c/pay/{id}");
    let subscribes = terms.mode == "subscription";
    joined([
        json!({
            "id": id, "object": "checkout.session", "adaptive_pricing": null, "after_expiration": null,
            "allow_promotion_codes": null, "amount_subtotal": terms.minor, "amount_total": terms.minor,
            "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
            "billing_address_collection": null, "cancel_url": terms.cancel_url,
            "client_reference_id": terms.reference, "client_secret": null, "collected_information": null,
            "consent": null, "consent_collection": null, "created": at, "currency": terms.currency,
            "currency_conversion": null, "custom_fields": [],
            "custom_text": {
                "after_submit": null, "shipping_address": null, "submit": null,
                "terms_of_service_acceptance": null,
            },
        }),
        json!({
            "customer": terms.customer, "customer_creation": terms.customer_creation, "customer_details": null,
            "customer_email": terms.customer_email, "discounts": [], "expires_at": terms.expires_at,
            "invoice": null, "invoice_creation": null, "livemode": false, "locale": terms.locale,
            "metadata": terms.metadata, "mode": terms.mode, "origin_context": null, "payment_intent": null,
            "payment_link": null, "payment_method_collection": if subscribes { "always" } else { "if_required" },
            "payment_method_configuration_details": null, "payment_method_options": {},
            "payment_method_types": terms.methods, "payment_status": "unpaid", "permissions": null,
            "phone_number_collection": { "enabled": false }, "recovered_from": null,
            "saved_payment_method_options": null, "setup_intent": null, "shipping_address_collection": null,
            "shipping_cost": null, "shipping_options": [], "status": "open", "submit_type": null,
            "subscription": null, "success_url": terms.success_url,
            "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
            "ui_mode": "hosted", "url": url, "wallet_options": null,
        }),
    ])
}

pub fn portal_session(at: i64, customer: &str, return_url: Option<&str>) -> Value {
    let id = new_id("bps");
    let url = format!("https://billing.stripe.com/p/session/{id}");
    json!({
        "id": id, "object": "billing_portal.session", "configuration": new_id("bpc"), "created": at,
        "customer": customer, "flow": null, "livemode": false, "locale": null, "on_behalf_of": null,
        "return_url": return_url, "url": url,
    })
}
