//! Checkout sessions.

use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ids::PurchaseId;
use domain::ports::payments::Fact;
use serde_json::Value;

use super::intent;
use crate::json::{self, amount, name, own_purchase, text};

pub(super) fn purchase(session: &Value) -> Option<PurchaseId> {
    json::purchase(session, "/client_reference_id").or_else(|| own_purchase(session))
}

pub(super) fn fact(event: &str, session: &Value) -> Fact {
    let mode = match text(session, "/mode").as_deref() {
        // It keeps a card and takes no money, whatever it says of being paid.
        Some("setup") => return Fact::Nothing,
        Some(word) => PayMode::from_word(word),
        None => None,
    };
    let mode = mode.unwrap_or(match name(session, "/subscription") {
        Some(_) => PayMode::Subscription,
        None => PayMode::Payment,
    });
    Fact::Session { mode, evidence: evidence(event, session, mode) }
}

/// How far it has come. `None` while it is open, and where it does not say how much was paid.
fn evidence(event: &str, session: &Value, mode: PayMode) -> Option<Evidence> {
    let event = event.strip_prefix("checkout.session.").unwrap_or_default();
    let (status, payment) = (text(session, "/status"), text(session, "/payment_status"));
    let (status, payment) = (status.as_deref(), payment.as_deref());
    let unpaid = |progress| Some(Evidence::Unpaid(progress));
    let paid = |minor| {
        let currency = text(session, "/currency")?.to_lowercase();
        Some(Evidence::Paid(Paid { minor, currency, mode }))
    };
    let is_complete = status == Some("complete") || event == "completed";
    if event == "expired" || status == Some("expired") {
        unpaid(Progress::Expired)
    } else if event == "async_payment_failed" {
        unpaid(Progress::Failed)
    } else if event == "async_payment_succeeded" || payment == Some("paid") {
        paid(amount(session, "/amount_total")?)
    } else if payment == Some("no_payment_required") && status != Some("open") {
        paid(amount(session, "/amount_total").unwrap_or(0))
    } else if payment == Some("unpaid") && is_complete {
        let gave_up = session.get("payment_intent").is_some_and(intent::has_failed);
        unpaid(if gave_up { Progress::Failed } else { Progress::Processing })
    } else {
        None
    }
}
