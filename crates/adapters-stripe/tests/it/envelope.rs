//! The envelope that every event comes in.

use domain::billing::purchase::Names;
use domain::ports::payments::{EventReader, Fact};
use serde_json::{Value, json};

use crate::fixtures::{
    NOW_SECONDS, PURCHASE, event, events, names, purchase, read, read_event, seconds, with,
};

#[test]
fn an_event_says_what_happened_when_and_whether_it_is_real() {
    let read = read_event(&with(event("charge.succeeded", &json!({})), json!({"livemode": true})));
    assert_eq!((read.id.as_str(), read.kind.as_str(), read.livemode), ("evt_1", "charge.succeeded", true));
    assert_eq!((read.created_at, read.sighting.as_of), (seconds(NOW_SECONDS), seconds(NOW_SECONDS)));
}

#[test]
fn only_its_id_and_type_must_be_there() {
    let event = read_event(&json!({"id": "evt_1", "type": "checkout.session.completed"}));
    assert!(!event.livemode);
    assert_eq!(event.created_at, seconds(0));
    assert_eq!(event.sighting.names, Names::default());
}

#[test]
fn what_is_no_event_is_unreadable_and_not_repeated() {
    for body in [
        "",
        "x",
        "[]",
        "null",
        "7",
        "{}",
        r#"{"id": "evt_1"}"#,
        r#"{"type": "charge.succeeded"}"#,
        r#"{"id": 7, "type": "charge.succeeded"}"#,
        r#"{"id": "", "type": "charge.succeeded"}"#,
        r#"{"id": "evt_1", "type": null}"#,
        r#"{"id": "evt_1", "type": "secret text"#,
        "\u{feff}{}",
    ] {
        let error = events().read(body.as_bytes()).expect_err(body);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(events().read(&[0xff, 0xfe]).is_err());
    // Deeper than anything real.
    let deep = format!(r#"{{"id": "evt_1", "type": "x", "data": {}"#, "[".repeat(200_000));
    assert!(events().read(deep.as_bytes()).is_err());
}

#[test]
fn other_events_are_nothing_that_we_follow_but_tell_their_names() {
    let object = json!({
        "id": "x_1", "customer": "cus_1", "payment_intent": {"id": "pi_1"}, "subscription": "sub_1",
        "invoice": "in_1", "charge": "ch_1", "metadata": {"purchase_id": PURCHASE},
    });
    for kind in
        ["invoice_payment.paid", "product.created", "customer.updated", "invoiceitem.created", "v2.core"]
    {
        let sighting = read(kind, &object);
        assert_eq!((sighting.fact, sighting.purchase), (Fact::Nothing, Some(purchase())), "{kind}");
        let expected = [("customer", "cus_1"), ("intent", "pi_1"), ("subscription", "sub_1")];
        let expected = [&expected[..], &[("invoice", "in_1"), ("charge", "ch_1")]].concat();
        assert_eq!(sighting.names, names(&expected), "{kind}");
    }
    let customer = read("customer.created", &json!({"id": "cus_1", "object": "customer"}));
    assert_eq!(customer.names, names(&[("customer", "cus_1")]));
}

#[test]
fn a_purchase_that_is_no_id_is_none() {
    for id in [json!("42"), json!(""), json!(42), json!(null), json!([PURCHASE]), json!({"id": PURCHASE})] {
        let object = json!({"client_reference_id": id, "metadata": {"purchase_id": id}});
        for kind in
            ["checkout.session.completed", "payment_intent.succeeded", "charge.refunded", "invoice.paid"]
        {
            assert_eq!(read(kind, &object).purchase, None, "{kind} {id}");
        }
    }
}

#[test]
fn an_early_warning_of_fraud_names_its_charge() {
    let warning: Value =
        json!({"id": "issfr_1", "charge": "ch_1", "payment_intent": "pi_1", "actionable": true});
    let sighting = read("radar.early_fraud_warning.created", &warning);
    assert_eq!(sighting.fact, Fact::FraudWarning { id: "issfr_1".into() });
    assert_eq!(sighting.names, names(&[("charge", "ch_1"), ("intent", "pi_1")]));
    assert_eq!(read("radar.early_fraud_warning.created", &json!({})).fact, Fact::Nothing);
}
