//! Subscriptions.

use domain::ports::payments::Fact;
use serde_json::Value;

use crate::json::{says, text, time};

pub(super) fn fact(event: &str, subscription: &Value) -> Fact {
    let is_deleted = event == "customer.subscription.deleted";
    let status = text(subscription, "/status");
    let status = status.unwrap_or_else(|| if is_deleted { "canceled" } else { "unknown" }.to_owned());
    Fact::Subscription {
        cancel_at_period_end: says(subscription, "/cancel_at_period_end")
            || time(subscription, "/cancel_at").is_some(),
        ended: is_deleted || matches!(status.as_str(), "canceled" | "incomplete_expired"),
        status,
    }
}
