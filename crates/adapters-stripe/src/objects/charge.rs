//! Charges, with what was refunded of them.

use domain::billing::facts::Refunded;
use domain::clock::Timestamp;
use domain::ports::payments::Fact;
use serde_json::Value;

use crate::json::{amount, text};

/// Nothing where it does not say what was refunded: a guess would outweigh what is known.
pub(super) fn fact(charge: &Value, as_of: Timestamp) -> Fact {
    let method = text(charge, "/payment_method_details/type");
    let refunded = amount(charge, "/amount_refunded").or_else(|| {
        // All of it, or none.
        if charge.get("refunded")?.as_bool()? { amount(charge, "/amount") } else { Some(0) }
    });
    match refunded {
        Some(minor) => Fact::Charge { refunded: Refunded { minor, as_of }, method },
        None => Fact::Nothing,
    }
}
