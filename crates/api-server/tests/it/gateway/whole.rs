//! Answers that come whole.

use domain::ports::language_model::Interface;
use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};

use super::{CHAT, server};
use crate::harness::read;

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_completion_passes_through_unchanged_and_is_charged_its_cost() {
    let provider = Provider::start().await;
    let body = canned::chat_body("Gastou R$ 10.", &canned::chat_usage(2000, 500));
    provider.on(CHAT, Script::json(200, &body));
    let server = server(&provider).await;
    let user = server.user(1000).await;
    let tools =
        json!([{ "type": "function", "function": { "name": "saldo", "parameters": { "type": "object" } } }]);
    let more = json!({ "temperature": 0.5, "tools": tools, "seed": 7, "user": "joao@example.com", "something_new": { "a": [1] } });
    let answer = server.chat(&user, more).await;
    let headers = answer.headers().clone();
    let (status, got) = read(answer).await;
    assert_eq!((status, &got), (200, &body));
    // 2,000 tokens at 0.15 and 500 at 0.60 dollars for a million are 0.0006 dollars: 3 credits at 5,000 a dollar.
    assert_eq!(headers["x-credits-charged"], "3");
    assert_eq!(headers["x-credits-remaining"], "997");
    assert!(headers.contains_key("x-request-id"));

    let sent = &provider.requests()[0];
    assert_eq!(sent.headers["authorization"], "Bearer sk-provider-123456");
    for (field, value) in [("temperature", json!(0.5)), ("tools", tools), ("seed", json!(7))] {
        assert_eq!(sent.body[field], value);
    }
    assert_eq!(sent.body["something_new"], json!({ "a": [1] }));
    assert_eq!(sent.body["store"], false);
    assert!(sent.body["max_tokens"].as_u64().unwrap() <= 16_384);
    assert!(!sent.body.to_string().contains("joao@example.com"));
    let usage = server.last_usage(&user).await;
    assert_eq!(
        (&usage["request_type"], &usage["tokens_used"], &usage["credits_used"], &usage["estimated"]),
        (&json!("chat_completions"), &json!(2500), &json!(3), &json!(false))
    );
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_and_embeddings_pass_too() {
    let provider = Provider::start().await;
    provider.on(Interface::Responses, canned::response("Olá!", &canned::response_usage(100, 10)));
    provider.on_each(Interface::Embeddings, |received| canned::embeddings(&received.body));
    let server = server(&provider).await;
    let user = server.user(1000).await;
    let body = json!({ "model": "gpt-4o-mini", "input": "Oi" });
    let (status, answer) = read(server.v1(&user, "responses", &body).send().await.unwrap()).await;
    assert_eq!((status, &answer["object"]), (200, &json!("response")), "{answer}");
    assert!(provider.requests()[0].body["max_output_tokens"].is_u64());
    let body = json!({ "model": "text-embedding-3-small", "input": ["a", "b"] });
    let (status, answer) = read(server.v1(&user, "embeddings", &body).send().await.unwrap()).await;
    assert_eq!((status, answer["data"].as_array().unwrap().len()), (200, 2), "{answer}");
    let usage = server.last_usage(&user).await;
    assert_eq!((&usage["request_type"], &usage["credits_used"]), (&json!("embeddings"), &json!(1)));
    assert_eq!(server.credits(&user).await["available_credits"], 998);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_pays_for_what_may_be_asked_and_a_header_says_so() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat("ok", &canned::chat_usage(20, 5)));
    let server = server(&provider).await;
    let user = server.user(20).await;
    // 20 credits are 0.004 dollars: 6,600 tokens of output, not 16,384.
    let answer = server.chat(&user, json!({ "max_tokens": 16_000 })).await;
    let lowered: u64 = answer.headers()["x-max-output-tokens"].to_str().unwrap().parse().unwrap();
    assert!((6_000..6_700).contains(&lowered), "{lowered}");
    assert_eq!(provider.requests()[0].body["max_tokens"], lowered);
    let answer = server.chat(&user, json!({ "max_tokens": 100 })).await;
    assert!(!answer.headers().contains_key("x-max-output-tokens"));
    assert_eq!(provider.requests()[1].body["max_tokens"], 100);

    // gpt-4-turbo's 64 tokens of output and its input are more than 10 credits; n multiplies.
    let dear = json!({ "model": "gpt-4-turbo", "n": 8, "max_tokens": 4000 });
    let (status, refused) = read(server.chat(&user, dear).await).await;
    assert_eq!((status, &refused["error"]["code"]), (402, &json!("insufficient_quota")));
    assert!(refused["error"]["required_credits"].as_i64().unwrap() > 70, "{refused}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_with_their_snapshots() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let user = server.stranger();
    let (status, list) = read(server.get("/v1/models").bearer_auth(&user.token).send().await.unwrap()).await;
    assert_eq!((status, &list["object"]), (200, &json!("list")));
    let ids: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    for id in ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "text-embedding-3-large"] {
        assert!(ids.contains(&&json!(id)), "{id}");
    }
    let one = server.get("/v1/models/gpt-4o-mini").bearer_auth(&user.token).send().await.unwrap();
    assert_eq!(read(one).await.1["object"], "model");
    let none = server.get("/v1/models/gpt-9").bearer_auth(&user.token).send().await.unwrap();
    assert_eq!(read(none).await.1["error"]["code"], "model_not_found");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_asked_for_by_its_own_name() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat("ok", &canned::chat_usage(20, 5)));
    let server = server(&provider).await;
    let user = server.user(100).await;
    for name in ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"] {
        assert_eq!(server.chat(&user, json!({ "model": name })).await.status(), 200);
        assert_eq!(provider.requests().last().unwrap().body["model"], name);
        assert_eq!(server.last_usage(&user).await["model"], "gpt-4o-mini");
    }
    server.finish().await;
}
