//! Opening a checkout.

use serde_json::json;

use super::shop::{Shop, on_both_stores};
use crate::harness::{Setup, read};

#[tokio::test]
async fn a_checkout_carries_our_names_and_the_catalogues_price() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let (status, body) =
        shop.checkout(&user, json!({ "planId": "starter", "userId": "somebody-else" })).await;
    assert_eq!(status, 200, "{body}");
    let session = shop.stripe.object(body["sessionId"].as_str().unwrap()).await;
    assert_eq!(body["url"], session["url"]);
    assert_eq!(session["amount_total"], 2900);
    assert_eq!(session["currency"], "brl");
    assert_eq!(session["mode"], "payment");
    assert_eq!(
        session["success_url"],
        "https://app.test/upgrade?success=true&session_id={CHECKOUT_SESSION_ID}"
    );
    assert_eq!(session["cancel_url"], "https://app.test/upgrade?canceled=true");
    let purchase = shop.purchase(&user, session["id"].as_str().unwrap()).await;
    assert_eq!(session["client_reference_id"], purchase["id"]);
    assert_eq!(session["metadata"]["purchase_id"], purchase["id"]);
    assert_eq!(purchase["status"], "created");
    assert_eq!(shop.admin_purchases(&user).await.len(), 1);
    shop.close().await;
}

#[tokio::test]
async fn a_key_opens_one_checkout_however_often_it_is_used() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let user = shop.server.stranger();
        let ask = async |plan: &str| {
            let request = shop.server.post("/api/billing/create-checkout-session").bearer_auth(&user.token);
            let request = request.header("Idempotency-Key", "buy-once").json(&json!({ "planId": plan }));
            read(request.send().await.unwrap()).await
        };
        let first = ask("starter").await;
        assert_eq!(first.0, 200);
        assert_eq!(ask("starter").await, first);
        let (status, body) = ask("professional").await;
        assert_eq!((status, &body["code"]), (422, &json!("idempotency_mismatch")));
        assert_eq!(shop.admin_purchases(&user).await.len(), 1);
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_and_opens_nothing_twice() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    // One may be lost on the reconciler, which looks at the list of events when the server starts.
    shop.stripe.lose_next_answers(2).await;
    let session = shop.session(&user, "starter", "payment").await;
    assert_eq!(shop.stripe.object(&session).await["status"], "open");
    let sessions = shop.stripe.requests().await;
    let opened: Vec<_> = sessions.iter().filter(|it| it.path.ends_with("/checkout/sessions")).collect();
    assert!(opened.len() >= 2, "the answer was lost, so it was asked for again");
    shop.close().await;
}

#[tokio::test]
async fn wrong_orders_are_refused_by_field() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    for (body, pointer) in [
        (json!({}), "/planId"),
        (json!({ "planId": "gold" }), "/planId"),
        (json!({ "planId": 3 }), "/planId"),
        (json!({ "planId": "starter", "mode": "setup" }), "/mode"),
    ] {
        let (status, answer) = shop.checkout(&user, body).await;
        assert_eq!(status, 422, "{answer}");
        assert_eq!(answer["errors"][0]["pointer"], pointer);
    }
    assert!(shop.admin_purchases(&user).await.is_empty());
    shop.close().await;
}

#[tokio::test]
async fn a_provider_that_fails_is_a_502_and_nothing_of_ours() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    shop.stripe.fail_next(10, 500).await;
    let (status, answer) = shop.checkout(&user, json!({ "planId": "starter" })).await;
    assert_eq!((status, &answer["code"]), (502, &json!("payment_unavailable")), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn other_peoples_sessions_are_nobodys_business() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (owner, other) = (shop.server.stranger(), shop.server.stranger());
    let session = shop.session(&owner, "starter", "payment").await;
    for path in
        [format!("/api/billing/checkout-sessions/{session}"), "/api/billing/checkout-sessions/x".into()]
    {
        let answer = shop.server.get(&path).bearer_auth(&other.token).send().await.unwrap();
        assert_eq!(answer.status(), 404);
    }
    shop.close().await;
}

#[tokio::test]
async fn the_plans_are_the_catalogues() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let answer = shop.server.get("/api/billing/plans").bearer_auth(&user.token).send().await.unwrap();
    let (status, body) = read(answer).await;
    assert_eq!(status, 200);
    let plans: Vec<_> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| {
            (plan["id"].as_str().unwrap(), plan["price"].as_str().unwrap(), plan["credits"].as_i64().unwrap())
        })
        .collect();
    let expected =
        [("starter", "29.00", 5000), ("professional", "79.00", 20_000), ("enterprise", "199.00", 100_000)];
    assert_eq!(plans, expected);
    shop.close().await;
}

#[tokio::test]
async fn the_portal_is_for_customers() {
    let shop = Shop::open(Setup::sqlite()).await;
    let portal = async |token: &str| {
        read(shop.server.post("/api/billing/portal-session").bearer_auth(token).send().await.unwrap()).await
    };
    let stranger = shop.server.stranger();
    let (status, body) = portal(&stranger.token).await;
    assert_eq!((status, &body["code"]), (409, &json!("no_customer")));
    let (customer, _) = shop.customer("starter", 5000).await;
    let (status, body) = portal(&customer.token).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["url"].as_str().unwrap().starts_with("http"));
    shop.close().await;
}

#[tokio::test]
async fn without_stripe_nothing_is_sold_in_production() {
    let server = Setup::sqlite()
        .with("APP_ENV", "production")
        .with("OPENAI_API_KEY", "sk-test")
        .with("FRONTEND_URL", "https://app.test")
        .start()
        .await;
    let user = server.stranger();
    let buy = server.post("/api/billing/create-checkout-session").bearer_auth(&user.token);
    let (status, body) = read(buy.json(&json!({ "planId": "starter" })).send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (503, &json!("billing_not_configured")));
    let hook = server.post("/api/billing/webhook").header("Stripe-Signature", "t=1,v1=00").body("{}");
    assert_eq!(hook.send().await.unwrap().status(), 503);
    assert_eq!(server.get("/sandbox/checkout/x").send().await.unwrap().status(), 404);
    server.finish().await;
}

#[tokio::test]
async fn a_customer_that_the_provider_does_not_know_locks_nobody_out() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    let mut events = shop.stripe.pay_by_card(&session).await;
    for event in &mut events {
        if event.object().get("customer").is_some() {
            event.object_mut()["customer"] = json!("cus_of_another_account");
        }
    }
    shop.deliver(&events).await;
    shop.until_available(&user, 5000).await;
    let again = shop.session(&user, "starter", "payment").await;
    shop.deliver(&shop.stripe.pay_by_card(&again).await).await;
    shop.until_available(&user, 10_000).await;
    shop.close().await;
}
