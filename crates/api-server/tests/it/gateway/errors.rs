//! Errors, in OpenAI's error object.

use serde_json::{Value, json};
use testkit::provider::{Provider, canned};

use super::{CHAT, chat, server};
use crate::harness::{read, token};

#[tokio::test(flavor = "multi_thread")]
async fn each_error_is_openais_error_object_with_its_type_and_code() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat("ok", &canned::chat_usage(20, 5)));
    let server = server(&provider).await;
    let poor = server.stranger();
    let rich = server.user(1000).await;
    let no_scope = server.post("/v1/chat/completions").bearer_auth("nonsense").json(&chat(json!({})));
    let suspended = server.user(1000).await;
    let path = format!("/api/admin/users/{}/suspend", suspended.sub);
    let admin = token("the-admin", "admin");
    server.post(&path).bearer_auth(admin).json(&json!({ "reason": "x" })).send().await.unwrap();
    let malformed = server.post("/v1/chat/completions").bearer_auth(&rich.token).body("{").send();
    let cases = [
        (no_scope.send().await.unwrap(), 401, "invalid_request_error", "invalid_api_key"),
        (server.chat(&poor, json!({})).await, 402, "insufficient_quota", "insufficient_quota"),
        (server.chat(&suspended, json!({})).await, 403, "permission_error", "account_suspended"),
        (
            server.chat(&rich, json!({ "model": "gpt-9" })).await,
            404,
            "invalid_request_error",
            "model_not_found",
        ),
        (
            server.chat(&rich, json!({ "model": "text-embedding-3-small" })).await,
            404,
            "invalid_request_error",
            "model_not_found",
        ),
        (malformed.await.unwrap(), 400, "invalid_request_error", "malformed_json"),
        (
            server.chat(&rich, json!({ "messages": null })).await,
            422,
            "invalid_request_error",
            "missing_required_parameter",
        ),
        (
            server.get("/v1/nothing").bearer_auth(&rich.token).send().await.unwrap(),
            404,
            "invalid_request_error",
            "unknown_url",
        ),
        (
            server.get("/v1/responses").bearer_auth(&rich.token).send().await.unwrap(),
            405,
            "invalid_request_error",
            "method_not_allowed",
        ),
    ];
    for (answer, status, kind, code) in cases {
        let json = answer.headers()["content-type"] == "application/json";
        let (got, body) = read(answer).await;
        let error = &body["error"];
        assert!(json && error["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert_eq!(
            (got, error["type"].as_str(), error["code"].as_str()),
            (status, Some(kind), Some(code)),
            "{body}"
        );
        assert!(error.as_object().unwrap().contains_key("param"), "{body}");
    }
    assert!(provider.requests().is_empty());
    assert_eq!(server.credits(&rich).await["available_credits"], 1000);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_of_the_clients_own_request_is_passed_on() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let user = server.user(1000).await;
    for status in [400, 422] {
        provider.on(
            CHAT,
            canned::error(status, "invalid_request_error", "invalid_schema", "Invalid schema for `x`"),
        );
        for stream in [false, true] {
            let (got, body) = read(server.chat(&user, json!({ "stream": stream })).await).await;
            let error = &body["error"];
            assert_eq!((got, &error["code"]), (status, &json!("invalid_schema")), "{body}");
            assert_eq!(error["message"], "Invalid schema for `x`");
        }
    }
    assert_eq!(server.credits(&user).await["available_credits"], 1000);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_hold_can_bound_is_refused_before_it_is_sent() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat("ok", &canned::chat_usage(20, 5)));
    let server = server(&provider).await;
    let user = server.user(100_000).await;
    let cases = [
        json!({ "service_tier": "priority" }),
        json!({ "web_search_options": {} }),
        json!({ "modalities": ["text", "audio"], "audio": { "voice": "alloy", "format": "wav" } }),
        json!({ "tools": [{ "type": "web_search" }] }),
        json!({ "n": 1000 }),
        json!({ "messages": [{ "role": "user", "content": [{ "type": "input_audio", "input_audio": { "data": "", "format": "wav" } }] }] }),
    ];
    for case in cases {
        let (status, body) = read(server.chat(&user, case.clone()).await).await;
        assert_eq!(
            (status, &body["error"]["type"]),
            (422, &json!("invalid_request_error")),
            "{case}: {body}"
        );
    }
    assert!(provider.requests().is_empty());
    // A file may bring in anything: the whole window is held, 128,000 tokens at 0.15 dollars a million are 96 credits.
    let file: Value =
        json!([{ "role": "user", "content": [{ "type": "file", "file": { "file_id": "file-1" } }] }]);
    let few = server.user(50).await;
    let (status, body) = read(server.chat(&few, json!({ "messages": file })).await).await;
    assert_eq!(status, 402, "{body}");
    assert!(body["error"]["required_credits"].as_i64().unwrap() >= 96, "{body}");
    assert_eq!(server.chat(&user, json!({ "messages": file })).await.status(), 200);
    server.finish().await;
}
