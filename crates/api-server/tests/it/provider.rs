//! OpenAI's protocol, and what the user pays when the provider fails.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::harness::{Setup, read};

fn setup(provider: &MockServer) -> Setup {
    let url = format!("{}/v1", provider.uri());
    Setup::sqlite().with("OPENAI_BASE_URL", &url).with("OPENAI_API_KEY", "sk-test-123")
}

fn completion(text: &str, usage: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-mini-2024-07-18",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": usage,
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_is_asked_as_the_design_says_and_its_figures_are_charged() {
    let provider = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", "Bearer sk-test-123"))
        .and(body_partial_json(json!({ "model": "gpt-4o-mini", "store": false, "max_tokens": 1000 })))
        .respond_with(completion(
            "Recomendo poupar.",
            json!({ "prompt_tokens": 2000, "completion_tokens": 345, "total_tokens": 2345,
                "prompt_tokens_details": { "cached_tokens": 1000 } }),
        ))
        .expect(1)
        .mount(&provider)
        .await;
    let server = setup(&provider).start().await;
    let user = server.user(1000).await;
    let (status, answer) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["response"], &answer["type"]), (&json!("Recomendo poupar."), &json!("suggestion")));
    // The hold was made for what our own count said; the provider's larger figure is charged up to it.
    let charged = answer["creditsUsed"].as_i64().unwrap();
    assert!((10..=24).contains(&charged), "{answer}");
    assert_eq!(answer["creditsRemaining"], 1000 - charged);
    let sent: Value = provider.received_requests().await.unwrap()[0].body_json().unwrap();
    let user_id = adapters_jwt::user_id(&user.sub).to_string();
    assert!(!sent.to_string().contains(&user_id) && !sent.to_string().contains(&user.sub));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reasoning_model_gets_its_limit_under_its_own_name() {
    let provider = MockServer::start().await;
    Mock::given(body_partial_json(json!({ "model": "gpt-5-mini", "max_completion_tokens": 1000 })))
        .respond_with(completion("ok", json!({ "prompt_tokens": 300, "completion_tokens": 20 })))
        .expect(1)
        .mount(&provider)
        .await;
    let server = setup(&provider).start().await;
    let user = server.user(1000).await;
    let body = json!({ "message": "Oi", "model": "gpt-5-mini" });
    let answer = server.post("/api/ai-assistant").bearer_auth(&user.token).json(&body).send().await.unwrap();
    let (status, answer) = read(answer).await;
    assert_eq!((status, &answer["model"], &answer["creditsUsed"]), (200, &json!("gpt-5-mini"), &json!(10)));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_provider_does_wrong_is_free_and_never_a_401() {
    let usage = json!({ "prompt_tokens": 300, "completion_tokens": 5 });
    let error = |status| {
        ResponseTemplate::new(status)
            .set_body_json(json!({ "error": { "message": "segredo interno", "type": "x" } }))
    };
    let cases = [
        (error(400), 502, "ai_unavailable"),
        (error(401), 502, "ai_unavailable"),
        (error(403), 502, "ai_unavailable"),
        (error(429), 503, "ai_unavailable"),
        (error(500), 502, "ai_unavailable"),
        (error(503), 502, "ai_unavailable"),
        (ResponseTemplate::new(200).set_body_string("<html>"), 502, "ai_unavailable"),
        (ResponseTemplate::new(200).set_body_json(json!({ "choices": [] })), 502, "ai_unavailable"),
        (completion("", usage), 502, "ai_unavailable"),
    ];
    for (answer, status, code) in cases {
        let provider = MockServer::start().await;
        Mock::given(method("POST")).respond_with(answer).expect(1).mount(&provider).await;
        let server = setup(&provider).start().await;
        let user = server.user(100).await;
        let asked = server.ask(&user, "Oi").header("Idempotency-Key", "k").send().await.unwrap();
        let (got, body) = read(asked).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(body["error"], "Conexão com OpenAI falhou");
        assert!(!body.to_string().contains("segredo"));
        let credits = server.credits(&user).await;
        assert_eq!((&credits["available_credits"], &credits["held_credits"]), (&json!(100), &json!(0)));
        let usage = server.get("/api/user/ai-usage").bearer_auth(&user.token).send().await.unwrap();
        let (_, usage) = read(usage).await;
        assert_eq!(usage["data"][0]["credits_used"], 0);
        assert_ne!(usage["data"][0]["outcome"], "settled");
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_is_502_and_free() {
    let server = Setup::sqlite()
        .with("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        .with("OPENAI_API_KEY", "sk-test")
        .start()
        .await;
    let user = server.user(100).await;
    let (status, body) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (502, &json!("ai_unavailable")));
    assert_eq!(server.credits(&user).await["available_credits"], 100);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_pays_for_the_work_and_its_hold_is_settled() {
    let provider = MockServer::start().await;
    let answer = completion("ok", json!({ "prompt_tokens": 300, "completion_tokens": 20 }));
    Mock::given(method("POST"))
        .respond_with(answer.set_delay(Duration::from_millis(700)))
        .mount(&provider)
        .await;
    let server = setup(&provider).start().await;
    let user = server.user(100).await;
    let impatient =
        server.ask(&user, "Oi").header("Idempotency-Key", "k").timeout(Duration::from_millis(300));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    assert!(server.credits(&user).await["held_credits"].as_i64().unwrap() > 0);
    // Under its key the answer can be fetched once it is there, at no further charge.
    let answer = loop {
        let answer = server.ask(&user, "Oi").header("Idempotency-Key", "k").send().await.unwrap();
        if answer.status() != 409 {
            break answer;
        }
    };
    assert_eq!(answer.headers()["idempotency-replayed"], "true");
    let credits = server.credits(&user).await;
    assert_eq!((&credits["used_credits"], &credits["held_credits"]), (&json!(10), &json!(0)));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_requests_whose_client_left() {
    let provider = MockServer::start().await;
    let answer = completion("ok", json!({ "prompt_tokens": 300, "completion_tokens": 20 }));
    Mock::given(method("POST"))
        .respond_with(answer.set_delay(Duration::from_millis(500)))
        .mount(&provider)
        .await;
    let setup = setup(&provider);
    let database = setup.config().database;
    let kept = setup.path("saldo.db");
    let server = setup.start().await;
    let user = server.user(100).await;
    let impatient = server.ask(&user, "Oi").timeout(Duration::from_millis(100)).send().await;
    assert!(impatient.unwrap_err().is_timeout());
    assert!(kept.exists());
    let stores = server.stores.clone();
    let id = adapters_jwt::user_id(&user.sub);
    let ended = server.stop_only().await;
    let (again, writer) = api_server::wiring::Stores::open(&database).await.unwrap();
    drop(stores);
    let view = again.statements.account(id, domain::clock::Timestamp::default()).await.unwrap().unwrap();
    assert_eq!((view.balances.used.get(), view.balances.held.get()), (10, 0));
    writer.shutdown(Duration::from_secs(5)).await;
    drop(ended);
}
