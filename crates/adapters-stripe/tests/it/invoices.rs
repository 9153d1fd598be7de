//! Events of invoices, of the API versions before and since 2025-03-31.

use domain::billing::facts::Paid;
use domain::billing::offer::PayMode;
use domain::ports::payments::{Fact, InvoiceReason, InvoiceSighting};
use serde_json::{Value, json};

use crate::fixtures::{PURCHASE, fact, names, purchase, read, seconds, with};

const BEGIN: i64 = 1_795_348_800;
const END: i64 = 1_797_940_800;

/// As versions before 2025-03-31 write it.
fn old() -> Value {
    json!({
        "id": "in_1", "object": "invoice", "amount_due": 2900, "amount_paid": 2900, "total": 2900,
        "billing_reason": "subscription_cycle", "charge": "ch_1", "currency": "brl", "customer": "cus_1",
        "metadata": {}, "paid": true, "payment_intent": "pi_1", "period_end": BEGIN, "status": "paid",
        "subscription": "sub_1",
        "subscription_details": {"metadata": {"purchase_id": PURCHASE, "plan_id": "starter"}},
        "lines": {"object": "list", "has_more": false, "data": [{
            "id": "il_1", "amount": 2900, "metadata": {"purchase_id": PURCHASE, "plan_id": "starter"},
            "period": {"start": BEGIN, "end": END}, "price": {"id": "price_1", "unit_amount": 2900},
            "proration": false, "subscription": "sub_1", "type": "subscription",
        }]},
    })
}

/// As versions since 2025-03-31 write it.
fn new() -> Value {
    json!({
        "id": "in_1", "object": "invoice", "amount_due": 2900, "amount_paid": 2900, "total": 2900,
        "billing_reason": "subscription_cycle", "currency": "brl", "customer": "cus_1", "metadata": {},
        "period_end": BEGIN, "status": "paid",
        "parent": {"type": "subscription_details", "quote_details": null, "subscription_details": {
            "subscription": "sub_1", "metadata": {"purchase_id": PURCHASE, "plan_id": "starter"},
        }},
        "payments": {"object": "list", "data": [
            {"id": "inpay_1", "is_default": true, "status": "open",
             "payment": {"type": "payment_intent", "payment_intent": "pi_0"}},
            {"id": "inpay_2", "is_default": false, "status": "paid",
             "payment": {"type": "payment_intent", "payment_intent": "pi_1", "charge": "ch_1"}},
        ]},
        "lines": {"object": "list", "has_more": false, "data": [new_line()]},
    })
}

fn new_line() -> Value {
    json!({
        "id": "il_1", "amount": 2900, "metadata": {"purchase_id": PURCHASE, "plan_id": "starter"},
        "period": {"start": BEGIN, "end": END},
        "parent": {"type": "subscription_item_details", "invoice_item_details": null,
            "subscription_item_details": {"proration": false, "subscription": "sub_1"}},
        "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
    })
}

fn sighting() -> InvoiceSighting {
    InvoiceSighting {
        reason: InvoiceReason::Cycle,
        paid: Some(Paid { minor: 2900, currency: "brl".into(), mode: PayMode::Subscription }),
        collecting_failed: false,
        whole: true,
        period_end: Some(seconds(END)),
        price: Some("price_1".into()),
        plan: Some("starter".into()),
    }
}

fn invoice(kind: &str, object: &Value) -> InvoiceSighting {
    match fact(kind, object) {
        Fact::Invoice(sighting) => sighting,
        other => panic!("{other:?}"),
    }
}

/// An invoice with these lines.
fn with_lines(lines: &[Value]) -> Value {
    with(new(), json!({"lines": {"data": lines}}))
}

#[test]
fn both_generations_say_the_same() {
    let expected = [
        ("invoice", "in_1"),
        ("customer", "cus_1"),
        ("subscription", "sub_1"),
        ("intent", "pi_1"),
        ("charge", "ch_1"),
    ];
    for object in [old(), new()] {
        let read = read("invoice.paid", &object);
        assert_eq!(read.fact, Fact::Invoice(sighting()));
        assert_eq!(read.names, names(&expected));
        assert_eq!(read.purchase, Some(purchase()));
    }
}

#[test]
fn why_it_was_made_is_one_of_three_or_not_said() {
    for (word, reason) in [
        ("subscription_create", InvoiceReason::Begin),
        ("subscription_cycle", InvoiceReason::Cycle),
        ("subscription_update", InvoiceReason::Other),
        ("manual", InvoiceReason::Other),
        ("new_in_2030", InvoiceReason::Other),
    ] {
        assert_eq!(invoice("invoice.paid", &with(new(), json!({"billing_reason": word}))).reason, reason);
    }
    assert_eq!(invoice("invoice.paid", &json!({})).reason, InvoiceReason::Unsaid);
}

#[test]
fn it_is_paid_by_its_type_or_by_its_status() {
    let open = with(new(), json!({"status": "open"}));
    for kind in ["invoice.paid", "invoice.payment_succeeded"] {
        assert_eq!(invoice(kind, &open).paid, sighting().paid);
        assert_eq!(invoice(kind, &with(new(), json!({"status": null}))).paid, sighting().paid);
    }
    assert_eq!(invoice("invoice.updated", &new()).paid, sighting().paid);
    assert_eq!(invoice("invoice.updated", &with(old(), json!({"status": null}))).paid, sighting().paid);
    assert_eq!(invoice("invoice.finalized", &open).paid, None);
    assert_eq!(invoice("invoice.finalized", &with(open, json!({"paid": true}))).paid, None);
}

#[test]
fn what_was_paid_counts_and_not_what_was_due() {
    let partly = with(new(), json!({"amount_paid": 1450}));
    assert_eq!(invoice("invoice.paid", &partly).paid.map(|paid| paid.minor), Some(1450));
    for amount in [json!(null), json!("2900"), json!({})] {
        assert_eq!(invoice("invoice.paid", &with(new(), json!({"amount_paid": amount}))).paid, None);
    }
}

#[test]
fn collecting_fails_by_the_type_alone() {
    let open = with(new(), json!({"status": "open", "amount_paid": 0}));
    let failed = invoice("invoice.payment_failed", &open);
    assert!(failed.collecting_failed && failed.paid.is_none());
    assert!(!invoice("invoice.updated", &open).collecting_failed);
}

#[test]
fn the_period_is_that_of_the_subscriptions_own_lines() {
    let later = json!({"start": BEGIN, "end": END + 86_400});
    let proration = with(
        new_line(),
        json!({
            "period": later,
            "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": true}},
        }),
    );
    let item = with(new_line(), json!({"period": later, "parent": {"type": "invoice_item_details"}}));
    let old_proration = json!({"type": "subscription", "proration": true, "period": later});
    let old_item = json!({"type": "invoiceitem", "proration": false, "period": later});
    for beside in [proration, item, old_proration, old_item] {
        let invoice = invoice("invoice.paid", &with_lines(&[beside.clone(), new_line()]));
        assert_eq!((invoice.period_end, invoice.price), (Some(seconds(END)), None), "{beside}");
        assert_eq!(self::invoice("invoice.paid", &with_lines(&[beside])).period_end, None);
    }
    let longer = with(new_line(), json!({"period": later}));
    let invoice = invoice("invoice.paid", &with_lines(&[longer, new_line()]));
    assert_eq!(invoice.period_end, Some(seconds(END + 86_400)));
}

#[test]
fn a_line_that_does_not_say_what_it_is_counts_as_the_subscriptions() {
    let line = with(new_line(), json!({"parent": null}));
    assert_eq!(invoice("invoice.paid", &with_lines(&[line])).period_end, Some(seconds(END)));
}

#[test]
fn a_price_is_told_of_a_single_line_only() {
    let one = |line: Value| invoice("invoice.paid", &with_lines(&[line])).price;
    assert_eq!(one(json!({"price": "price_2"})), Some("price_2".into()));
    assert_eq!(
        one(json!({"pricing": {"price_details": {"price": {"id": "price_2"}}}})),
        Some("price_2".into())
    );
    assert_eq!(one(json!({"plan": {"id": "price_2"}})), Some("price_2".into()));
    assert_eq!(one(json!({})), None);
    assert_eq!(invoice("invoice.paid", &with_lines(&[])).price, None);
    assert_eq!(invoice("invoice.paid", &with_lines(&[new_line(), new_line()])).price, None);
    let more = with(new(), json!({"lines": {"data": [new_line()], "has_more": true}}));
    assert_eq!(invoice("invoice.paid", &more).price, None);
}

#[test]
fn purchase_and_plan_are_named_in_any_of_four_places() {
    let metadata = json!({"purchase_id": PURCHASE, "plan_id": "starter"});
    for object in [
        json!({"subscription_details": {"metadata": metadata}}),
        json!({"parent": {"subscription_details": {"metadata": metadata}}}),
        json!({"lines": {"data": [{"metadata": metadata}]}}),
        json!({"metadata": metadata}),
        json!({"subscription_details": {"metadata": {}}, "parent": 7, "lines": [], "metadata": metadata}),
    ] {
        let read = read("invoice.paid", &object);
        assert_eq!(read.purchase, Some(purchase()), "{object}");
        assert_eq!(invoice("invoice.paid", &object).plan.as_deref(), Some("starter"), "{object}");
    }
}

#[test]
fn a_subscription_is_named_in_any_of_its_places() {
    for object in [
        json!({"subscription": "sub_1"}),
        json!({"subscription": {"id": "sub_1"}}),
        json!({"parent": {"subscription_details": {"subscription": "sub_1"}}}),
        json!({"parent": {"subscription_details": {"subscription": {"id": "sub_1"}}}}),
        json!({"lines": {"data": [{"subscription": "sub_1"}]}}),
        json!({"lines": {"data": [new_line()]}}),
    ] {
        assert_eq!(read("invoice.paid", &object).names, names(&[("subscription", "sub_1")]), "{object}");
    }
}

#[test]
fn a_payment_that_is_tried_is_named_where_none_is_paid() {
    let payment = |intent: &str, is_default: bool| json!({"is_default": is_default, "status": "open", "payment": {"payment_intent": intent}});
    for (payments, intent) in [
        (json!([payment("pi_0", false), payment("pi_1", true)]), Some("pi_1")),
        (json!([payment("pi_0", false), payment("pi_1", false)]), Some("pi_0")),
        (json!([{"payment": {"payment_intent": {"id": "pi_2"}}}]), Some("pi_2")),
        (json!([]), None),
        (json!([7, null]), None),
    ] {
        let object = with(new(), json!({"payments": {"data": payments}}));
        assert_eq!(read("invoice.paid", &object).names.intent.as_deref(), intent, "{payments}");
    }
}
