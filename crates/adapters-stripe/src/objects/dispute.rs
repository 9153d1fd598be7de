//! Disputes.

use domain::billing::purchase::ReturnState;
use domain::ports::payments::Fact;
use serde_json::Value;

use crate::json::{amount, text};

pub(super) fn fact(event: &str, dispute: &Value) -> Fact {
    match text(dispute, "/id") {
        Some(id) => Fact::Dispute {
            id,
            minor: amount(dispute, "/amount").unwrap_or(0),
            state: state(event, text(dispute, "/status").as_deref()),
        },
        None => Fact::Nothing,
    }
}

/// Where it stands. An inquiry is a dispute until it is closed without one.
fn state(event: &str, status: Option<&str>) -> ReturnState {
    let event = event.strip_prefix("charge.dispute.").unwrap_or_default();
    match status {
        _ if event == "funds_reinstated" => ReturnState::Won,
        // A prevented one took no money; the refund that prevented it shows in the charge.
        Some("won" | "warning_closed" | "prevented") => ReturnState::Won,
        Some("lost") => ReturnState::Lost,
        None if event == "closed" => ReturnState::Lost,
        _ => ReturnState::Open,
    }
}
