//! Checkouts and the portal: what is sent, and what is made of the answer.

use std::collections::BTreeMap;

use adapters_stripe::API_VERSION;
use domain::billing::offer::PayMode;
use domain::ports::payments::{CheckoutOrder, CheckoutPage, PaymentError, PaymentProvider};
use serde_json::{Value, json};

use crate::fixtures::{Fake, KEY, NOW_SECONDS, PURCHASE, USER, error, form, ok, order};

const SESSIONS: &str = "/v1/checkout/sessions";

async fn opened(order: CheckoutOrder) -> BTreeMap<String, String> {
    let page = json!({"id": "cs_1", "url": "https://checkout.example/cs_1"});
    let fake = Fake::start().await.answers("POST", SESSIONS, ok(page)).await;
    fake.stripe.open_checkout(order).await.expect("a page");
    form(&fake.requests().await[0])
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_pack_is_sold_with_everything_naming_its_purchase() {
    let expires_at = (NOW_SECONDS + 3600).to_string();
    let expected = fields(&[
        ("cancel_url", "https://app.example/upgrade?canceled=true"),
        ("client_reference_id", PURCHASE),
        ("customer_creation", "always"),
        ("expires_at", &expires_at),
        ("line_items[0][price_data][currency]", "brl"),
        ("line_items[0][price_data][product_data][description]", "5000 créditos de IA"),
        ("line_items[0][price_data][product_data][name]", "Créditos de IA - Starter"),
        ("line_items[0][price_data][unit_amount]", "2900"),
        ("line_items[0][quantity]", "1"),
        ("locale", "pt-BR"),
        ("metadata[plan_id]", "starter"),
        ("metadata[purchase_id]", PURCHASE),
        ("metadata[user_id]", USER),
        ("mode", "payment"),
        ("payment_intent_data[metadata][plan_id]", "starter"),
        ("payment_intent_data[metadata][purchase_id]", PURCHASE),
        ("payment_intent_data[metadata][user_id]", USER),
        ("success_url", "https://app.example/upgrade?success=true&session_id={CHECKOUT_SESSION_ID}"),
    ]);
    assert_eq!(opened(order()).await, expected);
}

#[tokio::test]
async fn a_subscription_is_sold_by_the_month_with_its_metadata() {
    let sent = opened(CheckoutOrder { mode: PayMode::Subscription, keep_card: true, ..order() }).await;
    assert_eq!(sent["mode"], "subscription");
    assert_eq!(sent["line_items[0][price_data][recurring][interval]"], "month");
    assert_eq!(sent["subscription_data[metadata][purchase_id]"], PURCHASE);
    assert_eq!(sent["subscription_data[metadata][plan_id]"], "starter");
    // What only a single payment may have.
    let only = ["payment_intent_data", "customer_creation", "payment_method_options"];
    assert!(!sent.keys().any(|name| only.iter().any(|prefix| name.starts_with(prefix))), "{sent:?}");
}

#[tokio::test]
async fn a_price_of_the_providers_is_used_where_the_catalogue_has_one() {
    let sent = opened(CheckoutOrder { price: Some("price_1".into()), ..order() }).await;
    assert_eq!(sent["line_items[0][price]"], "price_1");
    assert!(!sent.keys().any(|name| name.contains("price_data")));
}

#[tokio::test]
async fn a_known_customer_is_named_and_not_made_anew() {
    for mode in [PayMode::Payment, PayMode::Subscription] {
        let sent = opened(CheckoutOrder { customer: Some("cus_1".into()), mode, ..order() }).await;
        assert_eq!(sent["customer"], "cus_1");
        assert_eq!(sent.get("customer_creation"), None);
    }
}

#[tokio::test]
async fn a_card_is_kept_only_when_asked_for() {
    let keeps = |sent: BTreeMap<String, String>| {
        sent.get("payment_method_options[card][setup_future_usage]").cloned()
    };
    assert_eq!(keeps(opened(CheckoutOrder { keep_card: true, ..order() }).await), Some("off_session".into()));
    assert_eq!(keeps(opened(order()).await), None);
}

#[tokio::test]
async fn every_request_names_key_version_and_idempotency_key() {
    let page = json!({"id": "cs_1", "url": "https://checkout.example/cs_1"});
    let fake = Fake::start().await.answers("POST", SESSIONS, ok(page)).await;
    fake.stripe.open_checkout(order()).await.expect("a page");
    let requests = fake.requests().await;
    let header = |name: &str| requests[0].headers[name].to_str().expect("text").to_owned();
    assert_eq!(header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(header("stripe-version"), API_VERSION);
    assert_eq!(header("idempotency-key"), PURCHASE);
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn the_same_order_is_sent_the_same_to_the_byte() {
    let page = json!({"id": "cs_1", "url": "https://checkout.example/cs_1"});
    let fake = Fake::start().await.answers("POST", SESSIONS, ok(page)).await;
    for _ in 0..8 {
        fake.stripe.open_checkout(order()).await.expect("a page");
    }
    let requests = fake.requests().await;
    assert!(requests.iter().all(|request| request.body == requests[0].body));
}

async fn answered(body: Value) -> Result<CheckoutPage, PaymentError> {
    let fake = Fake::start().await.answers("POST", SESSIONS, ok(body)).await;
    fake.stripe.open_checkout(order()).await
}

#[tokio::test]
async fn of_the_answer_only_id_and_url_are_needed() {
    let page = CheckoutPage { session: "cs_1".into(), url: "https://checkout.example/cs_1".into() };
    let (id, url) = (&page.session, &page.url);
    for body in [
        json!({"id": id, "url": url}),
        json!({"id": id, "url": url, "object": 7, "mode": ["new"], "status": {"of": "2030"}, "more": true}),
    ] {
        assert_eq!(answered(body).await, Ok(page.clone()));
    }
    for body in [json!({}), json!([]), json!({"id": id}), json!({"id": id, "url": null}), json!({"url": url})]
    {
        assert!(matches!(answered(body).await, Err(PaymentError::Unavailable(_))));
    }
}

#[tokio::test]
async fn the_portal_is_opened_for_a_customer() {
    let page = json!({"id": "bps_1", "url": "https://billing.example/p"});
    let fake = Fake::start().await.answers("POST", "/v1/billing_portal/sessions", ok(page)).await;
    let url = fake.stripe.open_portal("cus_1", "https://app.example/billing").await;
    assert_eq!(url, Ok("https://billing.example/p".into()));
    let sent = form(&fake.requests().await[0]);
    assert_eq!(sent, fields(&[("customer", "cus_1"), ("return_url", "https://app.example/billing")]));
}

#[tokio::test]
async fn a_portal_that_is_not_set_up_is_refused_with_its_words() {
    let no = error(400, "invalid_request_error", "portal_missing", "No configuration provided");
    let fake = Fake::start().await.answers("POST", "/v1/billing_portal/sessions", no).await;
    let outcome = fake.stripe.open_portal("cus_1", "https://app.example/billing").await;
    let Err(PaymentError::Refused(words)) = outcome else { panic!("{outcome:?}") };
    assert!(words.contains("No configuration provided"), "{words}");
}
