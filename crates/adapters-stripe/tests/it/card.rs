//! Kept cards: which is charged, and what comes of it.

use domain::billing::facts::{Evidence, Paid};
use domain::billing::offer::PayMode;
use domain::billing::purchase::Progress;
use domain::ports::payments::{Fact, PaymentError, PaymentProvider};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::fixtures::{Fake, NOW_SECONDS, PURCHASE, card_charge, error, form, names, ok, purchase, seconds};

const CUSTOMER: &str = "/v1/customers/cus_1";
const CARDS: &str = "/v1/customers/cus_1/payment_methods";
const INTENTS: &str = "/v1/payment_intents";

/// A customer with a card for invoices, and a server that makes this of charging it.
async fn fake(answer: ResponseTemplate) -> Fake {
    let customer = json!({"invoice_settings": {"default_payment_method": "pm_1"}});
    Fake::start().await.answers("GET", CUSTOMER, ok(customer)).await.answers("POST", INTENTS, answer).await
}

fn succeeded() -> Value {
    json!({
        "id": "pi_1", "customer": "cus_1", "latest_charge": "ch_1", "status": "succeeded", "currency": "brl",
        "amount_received": 2900, "metadata": {"purchase_id": PURCHASE},
    })
}

#[tokio::test]
async fn the_card_for_invoices_is_charged_without_its_owner() {
    let fake = fake(ok(succeeded())).await;
    let sighting = fake.stripe.charge_card(card_charge()).await.expect("a charge");
    let paid = Paid { minor: 2900, currency: "brl".into(), mode: PayMode::Payment };
    assert_eq!(sighting.fact, Fact::Intent { evidence: Some(Evidence::Paid(paid)) });
    assert_eq!(sighting.names, names(&[("intent", "pi_1"), ("customer", "cus_1"), ("charge", "ch_1")]));
    assert_eq!(sighting.purchase, Some(purchase()));
    assert_eq!(sighting.as_of, seconds(NOW_SECONDS));

    let requests = fake.requests().await;
    let sent = form(&requests[1]);
    for (name, value) in [
        ("amount", "2900"),
        ("currency", "brl"),
        ("customer", "cus_1"),
        ("payment_method", "pm_1"),
        ("off_session", "true"),
        ("confirm", "true"),
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
        ("metadata[purchase_id]", PURCHASE),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    assert_eq!(requests[1].headers["idempotency-key"], PURCHASE);
}

#[tokio::test]
async fn without_one_for_invoices_the_newest_card_is_charged() {
    let cards = json!({"data": [{"id": "pm_2"}, {"id": "pm_3"}]});
    let fake = Fake::start().await.answers("GET", CUSTOMER, ok(json!({}))).await;
    let fake = fake.answers("GET", CARDS, ok(cards)).await.answers("POST", INTENTS, ok(succeeded())).await;
    fake.stripe.charge_card(card_charge()).await.expect("a charge");
    assert_eq!(form(&fake.requests().await[2])["payment_method"], "pm_2");
    assert_eq!(fake.asked().await[1], format!("GET {CARDS}?limit=1&type=card"));
}

#[tokio::test]
async fn cards_may_be_listed_beside_their_customer() {
    let fake = Fake::start().await.answers("GET", CUSTOMER, ok(json!({}))).await;
    let fake = fake.answers("GET", "/v1/payment_methods", ok(json!({"data": [{"id": "pm_2"}]}))).await;
    let fake = fake.answers("POST", INTENTS, ok(succeeded())).await;
    fake.stripe.charge_card(card_charge()).await.expect("a charge");
    assert_eq!(fake.asked().await[2], "GET /v1/payment_methods?customer=cus_1&limit=1&type=card");
}

#[tokio::test]
async fn who_has_no_card_is_refused() {
    let gone = Fake::start().await;
    let none = Fake::start().await.answers("GET", CUSTOMER, ok(json!({}))).await;
    let none = none.answers("GET", CARDS, ok(json!({"data": []}))).await;
    for fake in [gone, none] {
        let outcome = fake.stripe.charge_card(card_charge()).await;
        assert!(matches!(outcome, Err(PaymentError::Refused(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_decline_is_refused_whatever_else_its_error_holds() {
    for error in [
        json!({"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}),
        json!({"type": "card_error", "code": "authentication_required", "payment_intent": {"id": "pi_1"}}),
        json!({"type": "card_error", "code": "invented_in_2030", "payment_intent": 7, "more": [1]}),
    ] {
        let code = error["code"].as_str().expect("text").to_owned();
        let fake = fake(ResponseTemplate::new(402).set_body_json(json!({"error": error}))).await;
        let outcome = fake.stripe.charge_card(card_charge()).await;
        assert!(
            matches!(&outcome, Err(PaymentError::Refused(words)) if words.contains(&code)),
            "{outcome:?}"
        );
        // The customer, and the one attempt.
        assert_eq!(fake.requests().await.len(), 2);
    }
}

#[tokio::test]
async fn an_intent_that_waits_for_somebody_is_refused() {
    for status in ["requires_action", "requires_payment_method", "canceled"] {
        let fake = fake(ok(json!({"id": "pi_1", "status": status}))).await;
        let outcome = fake.stripe.charge_card(card_charge()).await;
        assert!(matches!(&outcome, Err(PaymentError::Refused(words)) if words.contains(status)));
    }
}

#[tokio::test]
async fn money_on_its_way_is_processing() {
    let fake = fake(ok(json!({"id": "pi_1", "status": "processing"}))).await;
    let sighting = fake.stripe.charge_card(card_charge()).await.expect("a charge");
    assert_eq!(sighting.fact, Fact::Intent { evidence: Some(Evidence::Unpaid(Progress::Processing)) });
}

#[tokio::test]
async fn an_outcome_that_is_unknown_is_no_decline() {
    for answer in [
        error(500, "api_error", "", "oops"),
        error(429, "invalid_request_error", "rate_limit", "slow down"),
        error(401, "invalid_request_error", "", "Invalid API Key"),
        error(400, "idempotency_error", "", "other parameters"),
        error(409, "idempotency_error", "idempotency_key_in_use", "at work"),
        ResponseTemplate::new(402).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_string("<html>"),
    ] {
        let outcome = fake(answer).await.stripe.charge_card(card_charge()).await;
        assert!(matches!(outcome, Err(PaymentError::Unavailable(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_knows_no_automatic_payment_methods_is_asked_without_them() {
    let no = error(400, "invalid_request_error", "", "Unexpected automatic_payment_methods");
    let customer = json!({"invoice_settings": {"default_payment_method": "pm_1"}});
    let fake = Fake::start().await.answers("GET", CUSTOMER, ok(customer)).await;
    let fake = fake.answers_once("POST", INTENTS, no).await.answers("POST", INTENTS, ok(succeeded())).await;
    fake.stripe.charge_card(card_charge()).await.expect("a charge");
    let requests = fake.requests().await;
    let last = form(&requests[2]);
    assert!(!last.keys().any(|name| name.contains("automatic")));
    assert_eq!(requests[2].headers["idempotency-key"], PURCHASE);
}
