//! The fake itself, over HTTP.

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::{Event, FakeStripe, signing};

const PACK: [(&str, &str); 9] = [
    ("mode", "payment"),
    ("success_url", "https://saldo.test/ok"),
    ("client_reference_id", "purchase-1"),
    ("metadata[purchase]", "purchase-1"),
    ("payment_intent_data[metadata][purchase]", "purchase-1"),
    ("line_items[0][quantity]", "1"),
    ("line_items[0][price_data][currency]", "brl"),
    ("line_items[0][price_data][unit_amount]", "2900"),
    ("line_items[0][price_data][product_data][name]", "Starter"),
];

const SUBSCRIPTION: [(&str, &str); 8] = [
    ("mode", "subscription"),
    ("success_url", "https://saldo.test/ok"),
    ("subscription_data[metadata][plan]", "starter"),
    ("line_items[0][quantity]", "1"),
    ("line_items[0][price_data][currency]", "brl"),
    ("line_items[0][price_data][unit_amount]", "2900"),
    ("line_items[0][price_data][recurring][interval]", "month"),
    ("line_items[0][price_data][product_data][name]", "Starter"),
];

fn post(stripe: &FakeStripe, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
    let url = format!("{}/v1/{path}", stripe.url());
    Client::new().post(url).bearer_auth(stripe.secret_key()).form(form)
}

async fn sent(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(stripe: &FakeStripe, path: &str) -> (u16, Value) {
    sent(Client::new().get(format!("{}/v1/{path}", stripe.url())).bearer_auth(stripe.secret_key())).await
}

async fn opened(stripe: &FakeStripe, form: &[(&str, &str)]) -> String {
    let (status, session) = sent(post(stripe, "checkout/sessions", form)).await;
    assert_eq!(status, 200, "{session}");
    session["id"].as_str().unwrap().to_owned()
}

async fn subscribed(stripe: &FakeStripe) -> (String, Vec<Event>) {
    let session = opened(stripe, &SUBSCRIPTION).await;
    let events = stripe.subscribe(&session).await;
    (stripe.object(&session).await["subscription"].as_str().unwrap().to_owned(), events)
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::kind).collect()
}

fn of_kind<'a>(events: &'a [Event], kind: &str) -> &'a Value {
    events.iter().find(|event| event.kind() == kind).unwrap().object()
}

#[tokio::test]
async fn a_session_paid_by_card_leads_to_its_intent_and_charge() {
    let stripe = FakeStripe::start().await;
    let session = opened(&stripe, &PACK).await;
    let events = stripe.pay_by_card(&session).await;
    let expected = [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ];
    assert_eq!(kinds(&events), expected);
    let path = format!("checkout/sessions/{session}?expand[]=payment_intent.latest_charge");
    let (_, session) = get(&stripe, &path).await;
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("complete"), &json!("paid")));
    let intent = &session["payment_intent"];
    assert_eq!((&intent["amount_received"], &intent["currency"]), (&json!(2900), &json!("brl")));
    assert_eq!(intent["latest_charge"]["metadata"], json!({ "purchase": "purchase-1" }));
    let intent = intent["id"].as_str().unwrap();
    let (_, found) = get(&stripe, &format!("checkout/sessions?payment_intent={intent}")).await;
    assert_eq!(found["data"][0]["id"], session["id"]);
}

#[tokio::test]
async fn a_session_outlives_a_declined_card_and_keeps_the_one_that_pays() {
    let stripe = FakeStripe::start().await;
    let kept = ("payment_method_options[card][setup_future_usage]", "off_session");
    let form: Vec<_> = PACK.into_iter().chain([kept, ("customer_creation", "always")]).collect();
    let session = opened(&stripe, &form).await;
    let declined = stripe.card_declined(&session).await;
    assert_eq!(declined.last().unwrap().kind(), "payment_intent.payment_failed");
    assert_eq!(stripe.object(&session).await["status"], "open");
    let paid = stripe.pay_by_card(&session).await;
    let intent = of_kind(&declined, "payment_intent.payment_failed");
    assert_eq!(of_kind(&paid, "payment_intent.succeeded")["id"], intent["id"]);
    let customer = stripe.object(&session).await["customer"].as_str().unwrap().to_owned();
    let (_, cards) = get(&stripe, &format!("payment_methods?customer={customer}&type=card")).await;
    assert_eq!(cards["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_boleto_is_unpaid_until_its_money_arrives() {
    let stripe = FakeStripe::start().await;
    let session = opened(&stripe, &PACK).await;
    let taken = stripe.pay_by_boleto(&session).await;
    assert_eq!(of_kind(&taken, "checkout.session.completed")["payment_status"], "unpaid");
    let paid = stripe.boleto_paid(&session).await;
    let paid = of_kind(&paid, "checkout.session.async_payment_succeeded");
    assert_eq!((&paid["status"], &paid["payment_status"]), (&json!("complete"), &json!("paid")));
    let charge = stripe.charge_of(&session).await.unwrap();
    let (status, refusal) = sent(post(&stripe, "refunds", &[("charge", &charge)])).await;
    assert_eq!((status, &refusal["error"]["code"]), (400, &json!("charge_not_refundable")));
    let other = opened(&stripe, &PACK).await;
    stripe.pay_by_boleto(&other).await;
    let failed = stripe.boleto_failed(&other).await;
    assert_eq!(kinds(&failed), ["payment_intent.payment_failed", "checkout.session.async_payment_failed"]);
}

#[tokio::test]
async fn a_renewal_is_an_invoice_for_the_next_period() {
    let stripe = FakeStripe::start().await;
    let (subscription, first) = subscribed(&stripe).await;
    let first = of_kind(&first, "invoice.paid").clone();
    let renewed = stripe.renew(&subscription).await;
    let second = of_kind(&renewed, "invoice.paid");
    assert_eq!(second["billing_reason"], "subscription_cycle");
    let line = |invoice: &Value| invoice["lines"]["data"][0].clone();
    assert_eq!(line(second)["period"]["start"], line(&first)["period"]["end"]);
    assert_eq!(second["period_end"], line(second)["period"]["start"]);
    assert_eq!(line(second)["metadata"], json!({ "plan": "starter" }));
    let details = &second["parent"]["subscription_details"];
    assert_eq!(details, &json!({ "metadata": { "plan": "starter" }, "subscription": subscription }));
    let intent = of_kind(&renewed, "payment_intent.succeeded")["id"].as_str().unwrap();
    let filter = format!("payment[type]=payment_intent&payment[payment_intent]={intent}");
    let (_, ties) = get(&stripe, &format!("invoice_payments?{filter}")).await;
    assert_eq!(ties["data"][0]["invoice"], second["id"]);
    let failed = stripe.renewal_fails(&subscription).await;
    assert_eq!(of_kind(&failed, "invoice.payment_failed")["status"], "open");
    assert_eq!(stripe.object(&subscription).await["status"], "past_due");
    let recovered = stripe.renewal_recovers(&subscription).await;
    assert_eq!(of_kind(&recovered, "invoice.paid")["attempt_count"], 2);
}

#[tokio::test]
async fn a_change_of_price_is_a_proration_and_a_cancellation_ends_it() {
    let stripe = FakeStripe::start().await;
    let (subscription, _) = subscribed(&stripe).await;
    let up = stripe.change_price(&subscription, 7900, "price_professional").await;
    let invoice = of_kind(&up, "invoice.paid");
    assert_eq!(
        (&invoice["billing_reason"], &invoice["total"]),
        (&json!("subscription_update"), &json!(5000))
    );
    let price = &invoice["lines"]["data"][1]["pricing"]["price_details"]["price"];
    assert_eq!(price, "price_professional");
    let down = stripe.change_price(&subscription, 2900, "price_starter").await;
    let invoice = of_kind(&down, "invoice.paid");
    assert_eq!((&invoice["total"], &invoice["amount_due"]), (&json!(-5000), &json!(0)));
    let cancelled = stripe.cancel_at_period_end(&subscription).await;
    assert_eq!(cancelled[0].json["data"]["previous_attributes"]["cancel_at_period_end"], false);
    let ended = stripe.cancel_now(&subscription).await;
    assert_eq!(kinds(&ended), ["customer.subscription.deleted"]);
    assert_eq!(ended[0].object()["status"], "canceled");
}

#[tokio::test]
async fn refunds_add_up_on_the_charge_and_fall_when_one_fails() {
    let stripe = FakeStripe::start().await;
    let session = opened(&stripe, &PACK).await;
    stripe.pay_by_card(&session).await;
    let charge = stripe.charge_of(&session).await.unwrap();
    let (refund, events) = stripe.refund(&charge, 1000).await;
    assert_eq!(kinds(&events), ["refund.created", "charge.refunded"]);
    let (_, rest) = sent(post(&stripe, "refunds", &[("charge", &charge)])).await;
    assert_eq!(rest["amount"], 1900);
    let (_, now) = get(&stripe, &format!("charges/{charge}")).await;
    assert_eq!((&now["amount_refunded"], &now["refunded"]), (&json!(2900), &json!(true)));
    let (status, _) = sent(post(&stripe, "refunds", &[("charge", &charge)])).await;
    assert_eq!(status, 400);
    stripe.fail_refund(&refund).await;
    let (_, now) = get(&stripe, &format!("charges/{charge}")).await;
    assert_eq!((&now["amount_refunded"], &now["refunded"]), (&json!(1900), &json!(false)));
    let (dispute, events) = stripe.dispute(&charge, 1000).await;
    assert_eq!(kinds(&events), ["charge.dispute.created", "charge.dispute.funds_withdrawn"]);
    let won = stripe.close_dispute(&dispute, "won").await;
    assert_eq!(kinds(&won), ["charge.dispute.closed", "charge.dispute.funds_reinstated"]);
}

#[tokio::test]
async fn a_kept_card_is_charged_until_it_is_declined() {
    let stripe = FakeStripe::start().await;
    let (customer, _) = stripe.customer().await;
    let (card, _) = stripe.keep_card(&customer).await;
    let (_, cards) = get(&stripe, &format!("customers/{customer}/payment_methods?type=card")).await;
    assert_eq!(cards["data"][0]["id"], card.as_str());
    let form = [
        ("amount", "2900"),
        ("currency", "brl"),
        ("customer", &customer),
        ("payment_method", &card),
        ("off_session", "true"),
        ("confirm", "true"),
    ];
    let (status, intent) = sent(post(&stripe, "payment_intents", &form)).await;
    assert_eq!((status, &intent["status"]), (200, &json!("succeeded")));
    stripe.decline_cards(&customer, true).await;
    let (status, refusal) = sent(post(&stripe, "payment_intents", &form)).await;
    assert_eq!((status, &refusal["error"]["code"]), (402, &json!("card_declined")));
    assert_eq!(refusal["error"]["payment_intent"]["status"], "requires_payment_method");
}

#[tokio::test]
async fn a_key_answers_the_first_again_even_when_that_was_lost() {
    let stripe = FakeStripe::start().await;
    let with_key = |form: &[(&str, &str)]| post(&stripe, "customers", form).header("Idempotency-Key", "k");
    stripe.fail_next(1, 500).await;
    assert_eq!(sent(with_key(&[("name", "Ana")])).await.0, 500);
    stripe.lose_next_answers(1).await;
    assert!(with_key(&[("name", "Ana")]).send().await.is_err());
    let (status, again) = sent(with_key(&[("name", "Ana")])).await;
    assert_eq!((status, again["id"].as_str()), (200, stripe.events().await[0].object()["id"].as_str()));
    let (status, refusal) = sent(with_key(&[("name", "Bia")])).await;
    assert_eq!((status, &refusal["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(stripe.events().await.len(), 1);
    let told: Vec<_> = stripe.requests().await.iter().map(|one| (one.status, one.lost)).collect();
    assert_eq!(told, [(Some(500), false), (Some(200), true), (Some(200), false), (Some(400), false)]);
}

#[tokio::test]
async fn a_hanging_request_is_answered_when_the_hanging_ends() {
    let stripe = FakeStripe::start().await;
    stripe.hang(true);
    let waiting = tokio::spawn(sent(post(&stripe, "customers", &[])));
    stripe.requests_reach(1).await;
    assert_eq!((stripe.requests().await[0].status, stripe.events().await.len()), (None, 0));
    stripe.hang(false);
    assert_eq!(waiting.await.unwrap().0, 200);
    assert_eq!(stripe.events().await.len(), 1);
}

#[tokio::test]
async fn events_are_listed_newest_first_page_by_page() {
    let stripe = FakeStripe::start().await;
    for _ in 0..5 {
        stripe.customer().await;
    }
    let since = stripe.events().await[0].json["created"].as_i64().unwrap();
    let mut listed = Vec::new();
    let mut path = format!("events?created[gte]={since}&limit=2");
    loop {
        let (status, page) = get(&stripe, &path).await;
        assert_eq!((status, &page["object"]), (200, &json!("list")));
        listed.extend(page["data"].as_array().unwrap().clone());
        if page["has_more"] == false {
            break;
        }
        let last = listed.last().unwrap()["id"].as_str().unwrap();
        path = format!("events?created[gte]={since}&limit=2&starting_after={last}");
    }
    let mut told: Vec<Value> = stripe.events().await.into_iter().map(|event| event.json).collect();
    told.reverse();
    assert_eq!(listed, told);
}

#[tokio::test]
async fn what_stripe_refuses_is_refused_in_its_words() {
    let stripe = FakeStripe::start().await;
    let url = format!("{}/v1/customers", stripe.url());
    let (status, _) = sent(Client::new().get(&url).bearer_auth("sk_test_other")).await;
    assert_eq!(status, 401);
    let (status, refusal) = get(&stripe, "payment_intents/pi_none").await;
    let error = &refusal["error"];
    assert_eq!((status, &error["code"]), (404, &json!("resource_missing")));
    assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &json!("id")));
    let mut dear = PACK;
    dear[7].1 = "29.00";
    let (status, refusal) = sent(post(&stripe, "checkout/sessions", &dear)).await;
    let param = &refusal["error"]["param"];
    assert_eq!((status, param), (400, &json!("line_items[0][price_data][unit_amount]")));
    assert_eq!(get(&stripe, "refunds?chrage=ch_1").await.0, 400);
    assert_eq!(get(&stripe, "nothing").await.0, 404);
}

#[tokio::test]
async fn a_signature_is_over_time_and_raw_body() {
    // The value is of another implementation: `printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test`.
    let known = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
    assert_eq!(signing::v1("whsec_test", 1_700_000_000, b"{}"), known);
    let header = signing::header(&["whsec_old", "whsec_test"], 1_700_000_000, b"{}");
    assert!(header.starts_with("t=1700000000,v1=") && header.ends_with(&format!(",v1={known}")));
    let stripe = FakeStripe::start().await;
    let mut event = stripe.announce("nothing.known", json!({ "id": "x_1" })).await;
    let (signature, body) = stripe.signed_with(stripe.webhook_secret(), 5, &event);
    assert_eq!(signature, signing::header(&[stripe.webhook_secret()], 5, &body));
    event.json["livemode"] = json!(true);
    assert_ne!(stripe.signed_with(stripe.webhook_secret(), 5, &event).0, signature);
    assert_eq!(stripe.events().await[0].json["livemode"], false);
}
