//! `kill -9` between the webhook and the grant.

use testkit::stripe::FakeStripe;

use super::shop::{Shop, on_both_stores, selling};
use crate::crash::start;
use crate::harness::token;

#[tokio::test]
async fn an_event_that_was_acknowledged_is_granted_after_a_kill() {
    on_both_stores(async |setup| {
        let stripe = FakeStripe::start().await;
        let setup = selling(setup, &stripe).with("STRIPE_RECONCILE_SECONDS", "3600");
        let client = reqwest::Client::new();
        let mut sessions = Vec::new();
        let process = start(&setup);
        for number in 0..4 {
            let answer = client
                .post(format!("{}/api/billing/create-checkout-session", process.url))
                .bearer_auth(token(&format!("buyer-{number}"), "user"))
                .json(&serde_json::json!({ "planId": "starter" }))
                .send()
                .await
                .unwrap();
            let body: serde_json::Value = answer.json().await.unwrap();
            sessions.push(body["sessionId"].as_str().unwrap().to_owned());
        }
        let mut events = Vec::new();
        for session in &sessions {
            events.extend(stripe.pay_by_card(session).await);
        }
        for event in &events {
            let (signature, body) = stripe.signed(event);
            let hook = client.post(format!("{}/api/billing/webhook", process.url));
            let answer = hook.header("Stripe-Signature", signature).body(body).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        process.kill();
        let shop = Shop { stripe, server: setup.start().await };
        for (number, session) in sessions.iter().enumerate() {
            let sub = format!("buyer-{number}");
            let user = crate::harness::User { token: token(&sub, "user"), sub };
            shop.until_status(&user, session, "paid").await;
            assert_eq!(shop.server.credits(&user).await["total_credits"], 5000);
        }
        shop.close().await;
    })
    .await;
}
