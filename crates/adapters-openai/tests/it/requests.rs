//! What is sent.

use adapters_openai::OpenAi;
use domain::ports::language_model::{CompletionRequest, LanguageModel};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::ask::{KEY, PROMPT, config, question};

/// The one request that reaches a server whose base address ends in `suffix`.
async fn sent(suffix: &str, key: &str, request: CompletionRequest) -> Request {
    let server = MockServer::start().await;
    let answer = json!({"choices": [{"message": {"content": "ok"}}]});
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&server).await;
    let mut config = config(&format!("{}{suffix}", server.uri()));
    config.api_key = key.into();
    OpenAi::new(&config).expect("a client").complete(request).await.expect("an answer");
    let mut requests = server.received_requests().await.expect("recorded");
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

async fn body(request: CompletionRequest) -> Value {
    sent("/v1", KEY, request).await.body_json().expect("JSON")
}

#[tokio::test]
async fn an_ordinary_model_is_asked_with_max_tokens() {
    let expected = json!({
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "Você é um assistente financeiro."},
            {"role": "user", "content": "Oi"},
            {"role": "assistant", "content": "Olá!"},
            {"role": "user", "content": PROMPT},
        ],
        "max_tokens": 777,
        "store": false,
        "user": "u-5f7c8ec7",
    });
    assert_eq!(body(question()).await, expected);
}

#[tokio::test]
async fn a_reasoning_model_is_asked_with_max_completion_tokens() {
    let body = body(CompletionRequest { reasoning: true, ..question() }).await;
    assert_eq!(body["max_completion_tokens"], 777);
    assert_eq!(body.get("max_tokens"), None);
}

#[tokio::test]
async fn the_key_is_sent_as_a_bearer_token() {
    let request = sent("/v1", KEY, question()).await;
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(request.headers.get_all("authorization").iter().count(), 1);
    assert_eq!(request.headers["content-type"], "application/json");
}

#[tokio::test]
async fn no_key_is_sent_where_there_is_none() {
    assert!(sent("/v1", "", question()).await.headers.get("authorization").is_none());
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_address_does_not_matter() {
    for (suffix, path) in [
        ("", "/chat/completions"),
        ("/", "/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/a/b/", "/a/b/chat/completions"),
    ] {
        assert_eq!(sent(suffix, KEY, question()).await.url.path(), path);
    }
}

#[tokio::test]
async fn a_query_of_the_address_is_kept() {
    assert_eq!(sent("/v1?api-version=1", KEY, question()).await.url.query(), Some("api-version=1"));
}
