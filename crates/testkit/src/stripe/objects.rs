//! Stripe's objects as JSON, with every field that its API calls required.

mod checkout;
mod payments;
mod subscriptions;

use serde_json::Value;

pub(super) use checkout::{SessionTerms, checkout_line, customer, portal_session, price, session};
pub(super) use payments::{
    IntentTerms, boleto, card, charge, decline, dispute, early_fraud_warning, intent, refund,
};
pub(super) use subscriptions::{InvoiceTerms, Line, invoice, invoice_payment, plan, subscription};

/// One object of the fields of several.
fn joined(parts: [Value; 2]) -> Value {
    let fields = |part: Value| match part {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    Value::Object(parts.into_iter().flat_map(fields).collect())
}
