//! Events that no version ever wrote: fields taken out, put in, and of another type. They are read all the same.

use domain::ports::payments::{EventReader, Fact};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{PURCHASE, event, events};

const KINDS: [&str; 16] = [
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "charge.refunded",
    "refund.updated",
    "charge.refund.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_reinstated",
    "invoice.paid",
    "invoice.payment_failed",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "radar.early_fraud_warning.created",
    "customer.created",
];

/// Every field that is read, with a value that makes sense.
fn everything() -> Value {
    let metadata = json!({"purchase_id": PURCHASE, "plan_id": "starter"});
    let line = json!({
        "type": "subscription", "proration": false, "metadata": metadata, "period": {"end": 1_797_940_800},
        "price": {"id": "price_1"}, "pricing": {"price_details": {"price": "price_1"}},
        "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": false}},
    });
    json!({
        "id": "x_1", "object": "customer", "status": "complete", "payment_status": "paid", "mode": "payment",
        "amount": 2900, "amount_total": 2900, "amount_received": 2900, "amount_refunded": 0, "amount_paid": 2900,
        "currency": "brl", "customer": "cus_1", "payment_intent": "pi_1", "charge": "ch_1", "invoice": "in_1",
        "subscription": "sub_1", "client_reference_id": PURCHASE, "metadata": metadata, "latest_charge": "ch_1",
        "charges": {"data": [{"id": "ch_1"}]}, "last_payment_error": {"code": "x"}, "refunded": false,
        "payment_method_details": {"type": "card"}, "billing_reason": "subscription_cycle", "paid": true,
        "subscription_details": {"metadata": metadata}, "lines": {"data": [line], "has_more": false},
        "parent": {"subscription_details": {"subscription": "sub_1", "metadata": metadata}},
        "payments": {"data": [{"status": "paid", "payment": {"payment_intent": "pi_1", "charge": "ch_1"}}]},
        "cancel_at_period_end": true, "cancel_at": 1_797_940_800,
    })
}

/// The places of all values in a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut go_on = |name: &str, value: &Value| {
        let at = format!("{at}/{name}");
        found.push(at.clone());
        places(value, &at, found);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| go_on(name, value)),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| go_on(&index.to_string(), value));
        }
        _ => {}
    }
}

fn oddities() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.5e300),
        json!(""),
        json!("x\u{0}"),
        json!([[]]),
        json!({"id": 7, "data": "x"}),
    ]
}

#[test]
fn no_field_of_another_type_makes_an_event_unreadable() {
    let whole = everything();
    let mut found = Vec::new();
    places(&whole, "", &mut found);
    assert!(found.len() > 60);
    for kind in KINDS {
        for place in &found {
            for oddity in oddities() {
                let mut object = whole.clone();
                *object.pointer_mut(place).expect("a place") = oddity;
                let read = events().read(event(kind, &object).to_string().as_bytes());
                assert!(read.is_ok(), "{kind} {place}");
            }
        }
    }
}

#[test]
fn no_odd_envelope_makes_an_event_unreadable() {
    for field in ["created", "livemode", "data", "api_version", "request", "object"] {
        for oddity in oddities() {
            let mut event = event("checkout.session.completed", &everything());
            event[field] = oddity;
            assert!(events().read(event.to_string().as_bytes()).is_ok(), "{field}");
        }
    }
    for object in oddities() {
        for kind in KINDS {
            assert!(events().read(event(kind, &object).to_string().as_bytes()).is_ok(), "{kind}");
        }
    }
}

#[test]
fn unknown_fields_change_nothing() {
    for kind in KINDS {
        let plain = everything();
        let mut richer = plain.clone();
        for name in ["new_in_2030", "intent", "evidence", "session", "purchase_id"] {
            richer[name] = json!({"id": "x", "status": "paid", "purchase_id": PURCHASE});
        }
        let read = |object: &Value| events().read(event(kind, object).to_string().as_bytes());
        assert_eq!(read(&richer), read(&plain), "{kind}");
        assert!(
            kind == "customer.created"
                || read(&plain).is_ok_and(|event| event.sighting.fact != Fact::Nothing)
        );
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z_]{0,12}|\\PC{0,8}".prop_map(Value::from),
        Just(json!(PURCHASE)),
        Just(json!("paid")),
        Just(json!("complete")),
    ];
    let mut names = Vec::new();
    places(&everything(), "", &mut names);
    let names: Vec<String> = names.iter().filter_map(|at| at.rsplit('/').next().map(str::to_owned)).collect();
    leaf.prop_recursive(4, 48, 8, move |inner| {
        let name = prop::sample::select(names.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name, inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_is_read(object in any_json(), kind in prop::sample::select(KINDS.to_vec())) {
        prop_assert!(events().read(event(kind, &object).to_string().as_bytes()).is_ok());
    }

    #[test]
    fn no_bytes_are_too_odd(body in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(events().read(&body));
    }
}
