//! Events of charges and refunds.

use domain::billing::facts::Refunded;
use domain::ports::payments::Fact;
use serde_json::{Value, json};

use crate::fixtures::{NOW_SECONDS, PURCHASE, fact, names, purchase, read, seconds, with};

fn charge() -> Value {
    json!({
        "id": "ch_1", "object": "charge", "amount": 2900, "amount_captured": 2900, "amount_refunded": 1450,
        "currency": "brl", "customer": "cus_1", "payment_intent": "pi_1", "refunded": false,
        "metadata": {"purchase_id": PURCHASE}, "status": "succeeded",
        "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
    })
}

fn refunded(minor: i64, method: Option<&str>) -> Fact {
    let refunded = Refunded { minor, as_of: seconds(NOW_SECONDS) };
    Fact::Charge { refunded, method: method.map(str::to_owned) }
}

#[test]
fn a_charge_says_what_was_refunded_of_it_and_how_it_was_paid() {
    let sighting = read("charge.refunded", &charge());
    assert_eq!((sighting.fact, sighting.purchase), (refunded(1450, Some("card")), Some(purchase())));
    assert_eq!(sighting.names, names(&[("charge", "ch_1"), ("intent", "pi_1"), ("customer", "cus_1")]));
    let boleto =
        json!({"payment_method_details": {"type": "boleto"}, "amount_refunded": 0, "invoice": "in_1"});
    let sighting = read("charge.succeeded", &with(charge(), boleto));
    assert_eq!(sighting.fact, refunded(0, Some("boleto")));
    assert_eq!(sighting.names.invoice.as_deref(), Some("in_1"));
}

#[test]
fn without_an_amount_all_or_none_is_refunded() {
    let all = with(charge(), json!({"amount_refunded": null, "refunded": true}));
    assert_eq!(fact("charge.refunded", &all), refunded(2900, Some("card")));
    let none = with(all.clone(), json!({"refunded": false, "payment_method_details": null}));
    assert_eq!(fact("charge.updated", &none), refunded(0, None));
    // A guess would outweigh what is known: what does not say it is read anew.
    for unknown in [with(all.clone(), json!({"refunded": null})), with(all, json!({"amount": null}))] {
        assert_eq!(fact("charge.refunded", &unknown), Fact::Refund);
        assert_eq!(fact("charge.updated", &unknown), Fact::Nothing);
    }
}

#[test]
fn an_attempt_that_failed_is_not_the_payments_charge() {
    let failed = read("charge.failed", &with(charge(), json!({"status": "failed", "paid": false})));
    assert_eq!((failed.fact, failed.names.charge), (Fact::Nothing, None));
}

#[test]
fn a_refund_names_its_charge() {
    let refund = json!({
        "id": "re_1", "object": "refund", "amount": 1450, "charge": "ch_1", "payment_intent": "pi_1",
        "status": "pending", "metadata": {"purchase_id": PURCHASE},
    });
    for kind in ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"] {
        let sighting = read(kind, &refund);
        assert_eq!((sighting.fact, sighting.purchase), (Fact::Refund, Some(purchase())), "{kind}");
        assert_eq!(sighting.names, names(&[("charge", "ch_1"), ("intent", "pi_1")]), "{kind}");
    }
    assert_eq!(read("refund.created", &json!({})).names, names(&[]));
}
