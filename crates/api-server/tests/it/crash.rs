//! `kill -9` in mid-request, and a restart: nothing acknowledged is lost, nothing stays held.

use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::harness::{Setup, prove, token};
pub use crate::process::start;

async fn a_killed_server_leaves_nothing_held(setup: Setup, provider: &MockServer) {
    let setup =
        setup.with("OPENAI_BASE_URL", &format!("{}/v1", provider.uri())).with("OPENAI_API_KEY", "sk-test");
    let client = Client::new();
    let first = start(&setup);
    let grant = client
        .post(format!("{}/api/admin/users/crash/credits", first.url))
        .bearer_auth(token("boss", "admin"))
        .header("Idempotency-Key", "once")
        .json(&json!({ "amount": 1000, "reason": "teste" }));
    assert_eq!(grant.send().await.unwrap().status(), 201);
    let ask = |url: &str| {
        client
            .post(format!("{url}/api/ai-assistant"))
            .bearer_auth(token("crash", "user"))
            .json(&json!({ "message": "Oi" }))
            .send()
    };
    assert_eq!(ask(&first.url).await.unwrap().status(), 200);
    let (requests_before, url) = (provider.received_requests().await.unwrap().len(), first.url.clone());
    let cut: Vec<_> = (0..3).map(|_| tokio::spawn(ask(&url))).collect();
    // The model has the three requests: their holds are durable.
    while provider.received_requests().await.unwrap().len() < requests_before + 3 {
        tokio::task::yield_now().await;
    }
    let killed = Instant::now();
    first.kill();
    for task in cut {
        assert!(task.await.unwrap().is_err(), "the connection is cut");
    }

    let second = start(&setup);
    let credits = async || -> Value {
        let request = client.get(format!("{}/api/user/ai-credits", second.url));
        request.bearer_auth(token("crash", "user")).send().await.unwrap().json().await.unwrap()
    };
    let found = credits().await;
    assert_eq!(found["used_credits"], 10, "what was answered is charged");
    assert!(
        found["held_credits"].as_i64().unwrap() > 0,
        "what was cut is held until the dead server's lease is over"
    );
    while credits().await["held_credits"] != 0 {
        assert!(killed.elapsed() < Duration::from_secs(30), "free within 30 s of the kill");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(credits().await["available_credits"], 990);
    second.kill();
    let (stores, writer) = api_server::wiring::Stores::open(&setup.config().database).await.unwrap();
    prove(&stores).await;
    writer.shutdown(Duration::from_secs(5)).await;
}

async fn provider() -> MockServer {
    let provider = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({
                    "choices": [{ "message": { "role": "assistant", "content": "ok" }, "finish_reason": "stop" }],
                    "usage": { "prompt_tokens": 200, "completion_tokens": 2 },
                }))
                .set_delay(Duration::from_millis(1500)),
        )
        .mount(&provider)
        .await;
    provider
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    a_killed_server_leaves_nothing_held(Setup::sqlite(), &provider().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    a_killed_server_leaves_nothing_held(Setup::postgres().await, &provider().await).await;
}
