//! What is sent of clients' own requests.

use domain::ports::language_model::Ask;
use domain::ports::language_model::{CompletionRequest, Interface, LanguageModel, ModelError};
use serde_json::{Value, json};
use testkit::provider::{Provider, Received, canned};

use crate::ask::{KEY, client, drain, passed, patient};

/// The one request that reaches the provider.
async fn sent(request: CompletionRequest, stream: bool) -> Received {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, canned::chat("ok", &Value::Null));
    provider.on(Interface::Responses, canned::response("ok", &Value::Null));
    provider.on_each(Interface::Embeddings, |received| canned::embeddings(&received.body));
    let model = client(&provider, patient());
    if stream {
        provider.on(Interface::ChatCompletions, canned::chat_stream(&["ok"], &Value::Null));
        provider.on(Interface::Responses, canned::response_stream(&["ok"], &Value::Null));
        assert_eq!(drain(model.stream(request).await).await.1, Ok(()));
    } else {
        model.complete(request).await.expect("an answer");
    }
    let mut requests = provider.requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

async fn body(interface: Interface, body: Value) -> Value {
    sent(passed(interface, &body), false).await.body
}

async fn streamed_body(interface: Interface, body: Value) -> Value {
    sent(passed(interface, &body), true).await.body
}

fn chat() -> Value {
    json!({
        "model": "saldo-mini", "messages": [{"role": "user", "content": "Oi", "own": {"x": 1.5}}], "stream": true,
        "temperature": 0.7, "max_tokens": 5, "max_completion_tokens": 6, "store": true, "user": "maria@example.com",
        "safety_identifier": "maria", "seed": 42, "stream_options": {"include_usage": false, "other": 1},
        "never_heard_of": [null, {"a": "b"}],
    })
}

#[tokio::test]
async fn a_chat_completion_keeps_every_field_that_is_not_ours_to_set() {
    let expected = json!({
        "model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Oi", "own": {"x": 1.5}}],
        "temperature": 0.7, "max_tokens": 777, "store": false, "user": "u-5f7c8ec7", "seed": 42,
        "never_heard_of": [null, {"a": "b"}],
    });
    let received = sent(passed(Interface::ChatCompletions, &chat()), false).await;
    assert_eq!(received.body, expected);
    assert_eq!(received.path, "/v1/chat/completions");
    assert_eq!(received.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(received.headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_streamed_chat_completion_always_asks_for_usage() {
    let body = streamed_body(Interface::ChatCompletions, chat()).await;
    assert_eq!((&body["stream"], &body["max_tokens"]), (&json!(true), &json!(777)));
    assert_eq!(body["stream_options"], json!({"include_usage": true, "other": 1}));
    for odd in [json!(null), json!([]), json!("x")] {
        let mut asked = chat();
        asked["stream_options"] = odd;
        let body = streamed_body(Interface::ChatCompletions, asked).await;
        assert_eq!(body["stream_options"], json!({"include_usage": true}));
    }
}

#[tokio::test]
async fn a_reasoning_model_gets_its_limit_under_its_own_name() {
    let request = CompletionRequest { reasoning: true, ..passed(Interface::ChatCompletions, &chat()) };
    let body = sent(request, false).await.body;
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(777), None));
}

#[tokio::test]
async fn a_response_is_not_kept_unless_the_client_wants_it() {
    let asked = json!({
        "model": "saldo-mini", "input": "Oi", "max_output_tokens": 5, "user": "maria", "instructions": "Seja breve.",
        "safety_identifier": "maria", "stream": false,
    });
    let expected = json!({
        "model": "gpt-4o-mini", "input": "Oi", "max_output_tokens": 777, "instructions": "Seja breve.", "store": false,
        "safety_identifier": "u-5f7c8ec7",
    });
    let received = sent(passed(Interface::Responses, &asked), false).await;
    assert_eq!((received.path.as_str(), received.body), ("/v1/responses", expected));
    for (wish, sent) in [(json!(true), true), (json!(false), false), (json!(null), false)] {
        let mut asked = asked.clone();
        asked["store"] = wish;
        assert_eq!(body(Interface::Responses, asked).await["store"], sent);
    }
}

#[tokio::test]
async fn a_streamed_response_needs_no_wish_for_usage() {
    let asked = json!({"model": "m", "input": "Oi", "stream_options": {"include_obfuscation": false}});
    let body = streamed_body(Interface::Responses, asked).await;
    assert_eq!((&body["stream"], &body["max_output_tokens"]), (&json!(true), &json!(777)));
    assert_eq!(body["stream_options"], json!({"include_obfuscation": false}));
}

#[tokio::test]
async fn embeddings_have_no_output_limit() {
    let asked = json!({"model": "m", "input": ["a", "b"], "dimensions": 3, "user": "maria"});
    let expected =
        json!({"model": "gpt-4o-mini", "input": ["a", "b"], "dimensions": 3, "user": "u-5f7c8ec7"});
    let received = sent(passed(Interface::Embeddings, &asked), false).await;
    assert_eq!((received.path.as_str(), received.body), ("/v1/embeddings", expected));
}

#[tokio::test]
async fn what_is_no_object_or_cannot_be_streamed_is_not_sent() {
    let provider = Provider::start().await;
    let model = client(&provider, patient());
    for body in ["[]", "1", "{", ""] {
        let ask = Ask::Passed { interface: Interface::Responses, body: body.into() };
        let request = CompletionRequest { ask, ..crate::ask::question() };
        let outcome = model.complete(request).await;
        assert!(matches!(outcome, Err(ModelError::Unusable(_))), "{outcome:?}");
    }
    let embeddings = passed(Interface::Embeddings, &json!({"input": "a"}));
    assert!(matches!(drain(model.stream(embeddings).await).await.1, Err(ModelError::Unusable(_))));
    assert_eq!(provider.state().connections, 0);
}
