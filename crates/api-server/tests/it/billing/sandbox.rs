//! The simulated checkout: a purchase from `cargo run` alone.

use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::json;

use super::shop::eventually;
use crate::harness::{Server, Setup, User, read};

pub async fn open(server: &Server, user: &User, mode: &str) -> String {
    let request = server.post("/api/billing/create-checkout-session").bearer_auth(&user.token);
    let order = json!({ "planId": "starter", "mode": mode });
    let (status, body) = read(request.json(&order).send().await.unwrap()).await;
    assert_eq!(status, 200, "{body}");
    let url = body["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&server.url), "{url}");
    url
}

pub async fn act(url: &str, act: &str) {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let answer = client.post(format!("{url}/{act}")).send().await.unwrap();
    assert_eq!(answer.status(), 303, "{act}: {}", answer.text().await.unwrap());
}

async fn until_available(server: &Server, user: &User, credits: i64) {
    eventually("credits", async || {
        (server.credits(user).await["available_credits"] == credits).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_page_says_that_it_is_a_simulation_and_pays() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    let url = open(&server, &user, "payment").await;
    let page = server.client.get(&url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    let html = page.text().await.unwrap();
    for part in ["Simula", "29,00", "5.000"] {
        assert!(html.contains(part), "{part} not in {html}");
    }
    act(&url, "pay-by-card").await;
    until_available(&server, &user, 5000).await;
    act(&url, "refund-all").await;
    until_available(&server, &user, 0).await;
    server.finish().await;
}

#[tokio::test]
async fn a_boleto_is_paid_later_and_a_subscription_renews() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    let url = open(&server, &user, "payment").await;
    act(&url, "take-boleto").await;
    assert_eq!(server.credits(&user).await["total_credits"], 0);
    act(&url, "pay-boleto").await;
    until_available(&server, &user, 5000).await;
    let url = open(&server, &user, "subscription").await;
    act(&url, "pay-by-card").await;
    until_available(&server, &user, 10_000).await;
    act(&url, "renew").await;
    until_available(&server, &user, 15_000).await;
    assert_eq!(server.credits(&user).await["plan_type"], "starter");
    server.finish().await;
}

#[tokio::test]
async fn a_page_that_never_was_is_a_404() {
    let server = Setup::sqlite().start().await;
    let answer = server.get("/sandbox/checkout/cs_test_sandbox_never").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    server.finish().await;
}
