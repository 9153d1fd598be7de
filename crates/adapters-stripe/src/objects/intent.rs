//! Payment intents.

use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ports::payments::Fact;
use serde_json::Value;

use crate::json::{amount, list, name, text};

pub(super) fn fact(event: &str, intent: &Value) -> Fact {
    Fact::Intent { evidence: evidence(event, intent) }
}

/// The latest charge; API versions before 2022-11-15 list all of them instead, newest first.
pub(crate) fn charge(intent: &Value) -> Option<String> {
    name(intent, "/latest_charge").or_else(|| text(list(intent, "/charges").first()?, "/id"))
}

/// Whether it was given up, or its last attempt failed and none is under way.
pub(super) fn has_failed(intent: &Value) -> bool {
    let has_error = intent.get("last_payment_error").is_some_and(Value::is_object);
    match text(intent, "/status").as_deref() {
        Some("canceled") => true,
        Some("requires_payment_method") => has_error,
        _ => false,
    }
}

/// Whether it is paid, by its latest charge.
pub(super) fn has_succeeded(event: &str, intent: &Value) -> bool {
    event == "payment_intent.succeeded" || text(intent, "/status").as_deref() == Some("succeeded")
}

/// `None` while it is open, and where it does not say how much was paid.
fn evidence(event: &str, intent: &Value) -> Option<Evidence> {
    let event = event.strip_prefix("payment_intent.").unwrap_or_default();
    let status = text(intent, "/status");
    let status = status.as_deref();
    if event == "succeeded" || status == Some("succeeded") {
        let minor = amount(intent, "/amount_received").or_else(|| amount(intent, "/amount"))?;
        let currency = text(intent, "/currency")?.to_lowercase();
        Some(Evidence::Paid(Paid { minor, currency, mode: PayMode::Payment }))
    } else if matches!(event, "canceled" | "payment_failed") || has_failed(intent) {
        Some(Evidence::Unpaid(Progress::Failed))
    } else if event == "processing" || status == Some("processing") {
        Some(Evidence::Unpaid(Progress::Processing))
    } else {
        None
    }
}
