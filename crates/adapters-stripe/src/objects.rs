//! Stripe's objects, in the domain's words: the same reading for events and for what was looked up.
//!
//! Each file below reads one kind. What an event's type says counts beside what the object says of itself,
//! because some fields are missing in some API versions.

mod charge;
mod dispute;
mod intent;
mod invoice;
mod session;
mod subscription;

use domain::billing::purchase::Names;
use domain::clock::Timestamp;
use domain::ids::PurchaseId;
use domain::ports::payments::{Fact, Sighting};
use serde_json::Value;

use crate::json::{name, own_purchase, text};
pub(crate) use intent::charge as charge_of;

/// The kinds of objects that we follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Session,
    Intent,
    Charge,
    Refund,
    Dispute,
    Invoice,
    Subscription,
    FraudWarning,
    Other,
}

impl Kind {
    /// What an event of this type is about.
    pub(crate) fn of_event(event: &str) -> Self {
        // The narrower prefix stands before the wider.
        let prefixes = [
            ("checkout.session.", Self::Session),
            ("payment_intent.", Self::Intent),
            ("charge.dispute.", Self::Dispute),
            ("charge.refund.", Self::Refund),
            ("charge.", Self::Charge),
            ("refund.", Self::Refund),
            ("invoice.", Self::Invoice),
            ("customer.subscription.", Self::Subscription),
            ("radar.early_fraud_warning.", Self::FraudWarning),
        ];
        let found = prefixes.into_iter().find(|(prefix, _)| event.starts_with(prefix));
        found.map_or(Self::Other, |(_, kind)| kind)
    }
}

/// What an object says. `event` is the type of the event that brought it; empty for what was looked up.
pub(crate) fn read(kind: Kind, event: &str, object: &Value, as_of: Timestamp) -> Sighting {
    let names = names(kind, event, object);
    let sighting = |purchase: Option<PurchaseId>, fact: Fact| Sighting { purchase, names, fact, as_of };
    match kind {
        Kind::Session => sighting(session::purchase(object), session::fact(event, object)),
        Kind::Intent => sighting(own_purchase(object), intent::fact(event, object)),
        Kind::Charge => sighting(own_purchase(object), charge::fact(event, object, as_of)),
        Kind::Refund => sighting(own_purchase(object), Fact::Refund),
        Kind::Dispute => sighting(own_purchase(object), dispute::fact(event, object)),
        Kind::Invoice => sighting(invoice::purchase(object), invoice::fact(event, object)),
        Kind::Subscription => sighting(own_purchase(object), subscription::fact(event, object)),
        Kind::FraudWarning => sighting(own_purchase(object), fraud_warning(event, object)),
        Kind::Other => sighting(own_purchase(object), Fact::Nothing),
    }
}

/// The names that it tells: its own, and those of others.
fn names(kind: Kind, event: &str, object: &Value) -> Names {
    let mut names = Names {
        session: None,
        customer: name(object, "/customer"),
        intent: name(object, "/payment_intent"),
        charge: name(object, "/charge"),
        invoice: name(object, "/invoice"),
        subscription: name(object, "/subscription"),
    };
    let id = text(object, "/id");
    match kind {
        Kind::Session => names.session = id,
        Kind::Intent => {
            names.intent = id;
            names.charge = intent::charge(object).filter(|_| intent::has_succeeded(event, object));
        }
        Kind::Charge => names.charge = id.filter(|_| !charge::has_failed(object)),
        Kind::Invoice => {
            names.invoice = id;
            invoice::learn(&mut names, object);
        }
        Kind::Subscription => names.subscription = id,
        Kind::Refund | Kind::Dispute | Kind::FraudWarning => {}
        Kind::Other => {
            if text(object, "/object").as_deref() == Some("customer") {
                names.customer = id;
            }
        }
    }
    names
}

/// The warning itself; that it was acted upon is no warning.
fn fraud_warning(event: &str, object: &Value) -> Fact {
    text(object, "/id")
        .filter(|_| !event.ends_with(".updated"))
        .map_or(Fact::Nothing, |id| Fact::FraudWarning { id })
}
