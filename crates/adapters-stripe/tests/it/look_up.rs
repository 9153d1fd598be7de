//! Looking things up: what is asked, and what is made of the answer.

use domain::billing::facts::{Evidence, Paid, Refunded};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ports::payments::{Fact, InvoiceReason, ObjectName, PaymentError};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::fixtures::{Fake, NOW_SECONDS, PURCHASE, error, names, ok, purchase, seconds};

fn every_name(id: &str) -> Vec<ObjectName> {
    vec![
        ObjectName::Session(id.into()),
        ObjectName::SessionOfIntent(id.into()),
        ObjectName::Intent(id.into()),
        ObjectName::Charge(id.into()),
        ObjectName::ChargeOfIntent(id.into()),
        ObjectName::Invoice(id.into()),
        ObjectName::InvoiceOfIntent(id.into()),
        ObjectName::Subscription(id.into()),
        ObjectName::IntentOfPurchase { customer: id.into(), purchase: purchase() },
    ]
}

/// The fact behind a name, at a server that knows one path, and what it was asked.
async fn found(name: ObjectName, at: &str, body: Value) -> (Fact, Vec<String>) {
    let fake = Fake::start().await.answers("GET", at, ok(body)).await;
    let sighting = fake.look_up(name).await.expect("an answer").expect("a sighting");
    assert_eq!(sighting.as_of, seconds(NOW_SECONDS));
    (sighting.fact, fake.asked().await)
}

#[tokio::test]
async fn a_session_is_looked_up_with_its_intent() {
    let session = json!({
        "id": "cs_1", "client_reference_id": PURCHASE, "status": "complete", "payment_status": "unpaid",
        "payment_intent": {"id": "pi_1", "status": "requires_payment_method", "last_payment_error": {}},
    });
    let at = "/v1/checkout/sessions/cs_1";
    let (fact, asked) = found(ObjectName::Session("cs_1".into()), at, session).await;
    let evidence = Some(Evidence::Unpaid(Progress::Failed));
    assert_eq!(fact, Fact::Session { mode: PayMode::Payment, evidence });
    assert_eq!(asked, [format!("GET {at}?expand[0]=payment_intent")]);
}

#[tokio::test]
async fn a_session_is_found_by_its_intent() {
    let paid = json!({
        "id": "cs_1", "payment_intent": "pi_1", "payment_status": "paid", "amount_total": 2900, "currency": "brl",
    });
    let at = "/v1/checkout/sessions";
    let name = ObjectName::SessionOfIntent("pi_1".into());
    let (fact, asked) = found(name.clone(), at, json!({"data": [paid]})).await;
    assert!(matches!(fact, Fact::Session { evidence: Some(Evidence::Paid(_)), .. }));
    assert_eq!(asked, [format!("GET {at}?expand[0]=data.payment_intent&limit=1&payment_intent=pi_1")]);

    let fake = Fake::start().await.answers("GET", at, ok(json!({"data": []}))).await;
    assert_eq!(fake.look_up(name).await, Ok(None));
}

#[tokio::test]
async fn an_intent_a_charge_and_a_subscription_are_looked_up_by_their_names() {
    let intent = json!({"id": "pi_1", "status": "canceled"});
    let (fact, _) = found(ObjectName::Intent("pi_1".into()), "/v1/payment_intents/pi_1", intent).await;
    assert_eq!(fact, Fact::Intent { evidence: Some(Evidence::Unpaid(Progress::Failed)) });

    let charge = json!({"id": "ch_1", "amount_refunded": 100, "payment_method_details": {"type": "pix"}});
    let (fact, _) = found(ObjectName::Charge("ch_1".into()), "/v1/charges/ch_1", charge).await;
    let refunded = Refunded { minor: 100, as_of: seconds(NOW_SECONDS) };
    assert_eq!(fact, Fact::Charge { refunded, method: Some("pix".into()) });

    let subscription = json!({"id": "sub_1", "status": "past_due"});
    let at = "/v1/subscriptions/sub_1";
    let (fact, _) = found(ObjectName::Subscription("sub_1".into()), at, subscription).await;
    let status = "past_due".into();
    assert_eq!(fact, Fact::Subscription { status, cancel_at_period_end: false, ended: false });
}

#[tokio::test]
async fn the_latest_charge_of_an_intent_comes_with_it_or_is_asked_for() {
    let charge = json!({"id": "ch_2", "amount_refunded": 0});
    let name = ObjectName::ChargeOfIntent("pi_1".into());
    let at = "/v1/payment_intents/pi_1";
    let within = json!({"id": "pi_1", "latest_charge": charge});
    let (fact, asked) = found(name.clone(), at, within).await;
    assert!(matches!(fact, Fact::Charge { .. }));
    assert_eq!(asked, [format!("GET {at}?expand[0]=latest_charge")]);

    let beside =
        [json!({"latest_charge": "ch_2"}), json!({"charges": {"data": [{"id": "ch_2"}, {"id": "ch_1"}]}})];
    for intent in beside {
        let fake = Fake::start().await.answers("GET", at, ok(intent)).await;
        let fake = fake.answers("GET", "/v1/charges/ch_2", ok(charge.clone())).await;
        let sighting = fake.look_up(name.clone()).await.expect("an answer").expect("a charge");
        assert_eq!(sighting.names, names(&[("charge", "ch_2")]));
    }

    let fake = Fake::start().await.answers("GET", at, ok(json!({"latest_charge": null}))).await;
    assert_eq!(fake.look_up(name).await, Ok(None));
}

fn invoice() -> Value {
    json!({
        "id": "in_1", "status": "paid", "billing_reason": "subscription_cycle", "amount_paid": 2900,
        "currency": "brl", "payments": {"data": [{"status": "paid", "payment": {"payment_intent": "pi_1"}}]},
    })
}

#[tokio::test]
async fn an_invoice_is_looked_up_with_its_payments() {
    let fake = Fake::start().await.answers("GET", "/v1/invoices/in_1", ok(invoice())).await;
    let sighting = fake.look_up(ObjectName::Invoice("in_1".into())).await.expect("an answer").expect("one");
    assert_eq!(sighting.names, names(&[("invoice", "in_1"), ("intent", "pi_1")]));
    let Fact::Invoice(fact) = sighting.fact else { panic!("{:?}", sighting.fact) };
    assert_eq!(fact.reason, InvoiceReason::Cycle);
    assert_eq!(fact.paid, Some(Paid { minor: 2900, currency: "brl".into(), mode: PayMode::Subscription }));
    assert_eq!(fake.asked().await, ["GET /v1/invoices/in_1?expand[0]=payments"]);
}

#[tokio::test]
async fn an_invoice_is_found_by_the_intent_that_pays_it() {
    let name = ObjectName::InvoiceOfIntent("pi_1".into());
    let list = json!({"data": [{"invoice": "in_1"}]});
    let fake = Fake::start().await.answers("GET", "/v1/invoice_payments", ok(list)).await;
    let fake = fake.answers("GET", "/v1/invoices/in_1", ok(invoice())).await;
    let sighting = fake.look_up(name.clone()).await.expect("an answer").expect("an invoice");
    assert_eq!(sighting.names.invoice.as_deref(), Some("in_1"));
    let asked = fake.asked().await;
    assert_eq!(
        asked[0],
        "GET /v1/invoice_payments?payment[payment_intent]=pi_1&payment[type]=payment_intent"
    );

    for body in [json!({"data": []}), json!({}), json!({"data": [{"invoice": null}]})] {
        let fake = Fake::start().await.answers("GET", "/v1/invoice_payments", ok(body)).await;
        assert_eq!(fake.look_up(name.clone()).await, Ok(None));
    }
}

#[tokio::test]
async fn a_purchases_intent_is_found_among_its_customers() {
    let of = |id: &str, purchase: &str| json!({"id": id, "metadata": {"purchase_id": purchase}});
    let other = "0198f1a2-0000-7000-8000-00000000002b";
    let intents = json!({"data": [of("pi_3", other), {"id": "pi_2"}, of("pi_1", PURCHASE)]});
    let at = "/v1/payment_intents";
    let name = ObjectName::IntentOfPurchase { customer: "cus_1".into(), purchase: purchase() };
    let fake = Fake::start().await.answers("GET", at, ok(intents)).await;
    let sighting = fake.look_up(name.clone()).await.expect("an answer").expect("an intent");
    assert_eq!((sighting.names, sighting.purchase), (names(&[("intent", "pi_1")]), Some(purchase())));
    assert_eq!(fake.asked().await, [format!("GET {at}?customer=cus_1&limit=100")]);

    let none = Fake::start().await.answers("GET", at, ok(json!({"data": [of("pi_3", other)]}))).await;
    assert_eq!(none.look_up(name).await, Ok(None));
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    for name in every_name("id_1") {
        // A server that knows no path at all answers 404 without a word.
        assert_eq!(Fake::start().await.look_up(name.clone()).await, Ok(None), "{name:?}");
    }
    let gone = error(400, "invalid_request_error", "resource_missing", "No such payment_intent: 'pi_1'");
    let fake = Fake::start().await.answers("GET", "/v1/payment_intents/pi_1", gone).await;
    assert_eq!(fake.look_up(ObjectName::Intent("pi_1".into())).await, Ok(None));
    // Nor does one that takes no such requests have it.
    for status in [405, 501] {
        let unheard_of = ResponseTemplate::new(status);
        let fake = Fake::start().await.answers("GET", "/v1/payment_intents/pi_1", unheard_of).await;
        assert_eq!(fake.look_up(ObjectName::Intent("pi_1".into())).await, Ok(None), "{status}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_is_none_and_is_not_asked_for() {
    let fake = Fake::start().await;
    let long = "x".repeat(256);
    for id in ["", ".", "..", "cs_1/../../customers", "cs_1?expand", "cs 1", "cs_1%2f", "ação", "a\n", &long]
    {
        for name in every_name(id) {
            assert_eq!(fake.look_up(name).await, Ok(None), "{id:?}");
        }
    }
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn a_server_that_puts_nothing_into_another_is_asked_plainly() {
    let no = || error(400, "invalid_request_error", "", "Bad expand 'payments'");
    for (name, at) in [
        (ObjectName::Invoice("in_1".into()), "/v1/invoices/in_1"),
        (ObjectName::Session("cs_1".into()), "/v1/checkout/sessions/cs_1"),
        (ObjectName::ChargeOfIntent("pi_1".into()), "/v1/payment_intents/pi_1"),
    ] {
        let fake = Fake::start().await.answers_once("GET", at, no()).await;
        let fake = fake.answers("GET", at, ok(json!({"id": "x_1"}))).await;
        fake.look_up(name).await.expect("an answer");
        assert_eq!(fake.asked().await[1], format!("GET {at}"));
    }
}

#[tokio::test]
async fn a_server_that_does_not_tell_customers_apart_is_searched_for_the_purchase_alone() {
    let no = error(400, "invalid_request_error", "", "Unexpected customer");
    let intents = json!({"data": [{"id": "pi_1", "metadata": {"purchase_id": PURCHASE}}]});
    let at = "/v1/payment_intents";
    let fake = Fake::start().await.answers_once("GET", at, no).await.answers("GET", at, ok(intents)).await;
    let name = ObjectName::IntentOfPurchase { customer: "cus_1".into(), purchase: purchase() };
    let sighting = fake.look_up(name).await.expect("an answer").expect("an intent");
    assert_eq!(sighting.names.intent.as_deref(), Some("pi_1"));
    assert_eq!(fake.asked().await[1], format!("GET {at}?limit=100"));
}

#[tokio::test]
async fn a_server_that_is_broken_is_unavailable_and_not_empty() {
    for name in every_name("id_1") {
        let server = Fake::start().await;
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(ResponseTemplate::new(500))
            .mount(&server.server)
            .await;
        assert!(matches!(server.look_up(name).await, Err(PaymentError::Unavailable(_))));
    }
}

#[tokio::test]
async fn answers_that_say_nothing_do_no_harm() {
    for body in
        [json!({}), json!([]), json!(null), json!("x"), json!({"data": {}}), json!({"data": [1, null]})]
    {
        for name in every_name("id_1") {
            let fake = Fake::start().await;
            wiremock::Mock::given(wiremock::matchers::any())
                .respond_with(ok(body.clone()))
                .mount(&fake.server)
                .await;
            assert!(fake.look_up(name.clone()).await.is_ok(), "{name:?} {body}");
        }
    }
}
