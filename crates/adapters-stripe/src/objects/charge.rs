//! Charges, with what was refunded of them.

use domain::billing::facts::Refunded;
use domain::clock::Timestamp;
use domain::ports::payments::Fact;
use serde_json::Value;

use crate::json::{amount, text};

/// Whether it is an attempt that failed: a payment can have several, and only the one that succeeded counts.
pub(super) fn has_failed(charge: &Value) -> bool {
    text(charge, "/status").as_deref() == Some("failed")
}

/// Where it does not say what was refunded, that is to be read anew: a guess would outweigh what is known.
pub(super) fn fact(event: &str, charge: &Value, as_of: Timestamp) -> Fact {
    if has_failed(charge) {
        return Fact::Nothing;
    }
    let method = text(charge, "/payment_method_details/type");
    let refunded = amount(charge, "/amount_refunded").or_else(|| {
        // All of it, or none.
        if charge.get("refunded")?.as_bool()? { amount(charge, "/amount") } else { Some(0) }
    });
    match refunded {
        Some(minor) => Fact::Charge { refunded: Refunded { minor, as_of }, method },
        None if event == "charge.refunded" => Fact::Refund,
        None => Fact::Nothing,
    }
}
