//! Events of payment intents.

use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ports::payments::Fact;
use serde_json::{Value, json};

use crate::fixtures::{PURCHASE, fact, names, purchase, read, with};

fn intent() -> Value {
    json!({
        "id": "pi_1", "object": "payment_intent", "amount": 2900, "amount_received": 2900, "currency": "BRL",
        "customer": "cus_1", "latest_charge": "ch_1", "last_payment_error": null, "status": "succeeded",
        "metadata": {"purchase_id": PURCHASE}, "payment_method_types": ["card"],
    })
}

fn of(evidence: Option<Evidence>) -> Fact {
    Fact::Intent { evidence }
}

fn paid() -> Fact {
    of(Some(Evidence::Paid(Paid { minor: 2900, currency: "brl".into(), mode: PayMode::Payment })))
}

fn unpaid(progress: Progress) -> Fact {
    of(Some(Evidence::Unpaid(progress)))
}

#[test]
fn a_succeeded_intent_is_paid() {
    let sighting = read("payment_intent.succeeded", &intent());
    assert_eq!((sighting.fact, sighting.purchase), (paid(), Some(purchase())));
    assert_eq!(sighting.names, names(&[("intent", "pi_1"), ("customer", "cus_1"), ("charge", "ch_1")]));
    // By its type or by its status; what was received is what was asked where it is not said.
    assert_eq!(fact("payment_intent.succeeded", &with(intent(), json!({"status": null}))), paid());
    assert_eq!(fact("payment_intent.updated", &with(intent(), json!({"amount_received": null}))), paid());
}

#[test]
fn what_was_received_counts_and_not_what_was_asked() {
    let intent = with(intent(), json!({"amount": 5000}));
    assert_eq!(fact("payment_intent.succeeded", &intent), paid());
}

#[test]
fn an_intent_fails_by_its_type_or_by_its_error() {
    let open = with(intent(), json!({"status": "requires_payment_method"}));
    let tried = with(open.clone(), json!({"last_payment_error": {"code": "card_declined"}}));
    assert_eq!(fact("payment_intent.payment_failed", &open), unpaid(Progress::Failed));
    assert_eq!(fact("payment_intent.updated", &tried), unpaid(Progress::Failed));
    assert_eq!(fact("payment_intent.created", &open), of(None));
    assert_eq!(
        fact("payment_intent.canceled", &with(intent(), json!({"status": null}))),
        unpaid(Progress::Failed)
    );
    assert_eq!(
        fact("payment_intent.x", &with(intent(), json!({"status": "canceled"}))),
        unpaid(Progress::Failed)
    );
}

#[test]
fn money_on_its_way_is_processing() {
    let processing = with(intent(), json!({"status": "processing"}));
    assert_eq!(fact("payment_intent.processing", &processing), unpaid(Progress::Processing));
    assert_eq!(fact("payment_intent.processing", &json!({"id": "pi_1"})), unpaid(Progress::Processing));
    assert_eq!(fact("payment_intent.x", &with(intent(), json!({"status": "requires_action"}))), of(None));
}

#[test]
fn older_versions_list_charges_and_name_the_invoice() {
    let changes = json!({
        "latest_charge": null, "invoice": "in_1",
        "charges": {"object": "list", "data": [{"id": "ch_2"}, {"id": "ch_1"}]},
    });
    let sighting = read("payment_intent.succeeded", &with(intent(), changes));
    let expected = [("intent", "pi_1"), ("customer", "cus_1"), ("charge", "ch_2"), ("invoice", "in_1")];
    assert_eq!(sighting.names, names(&expected));
}

#[test]
fn objects_may_stand_where_names_do() {
    let changes = json!({"customer": {"id": "cus_1", "deleted": true}, "latest_charge": {"id": "ch_1"}});
    let sighting = read("payment_intent.succeeded", &with(intent(), changes));
    assert_eq!(sighting.names, names(&[("intent", "pi_1"), ("customer", "cus_1"), ("charge", "ch_1")]));
}
