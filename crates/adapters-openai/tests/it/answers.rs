//! What is made of answers.

use domain::ports::language_model::{Completion, Finish, ModelError};
use domain::tokens::{TokenUsage, Tokens};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::ask::{answered, answered_json};

const CANARY: &str = "resposta-canário";

fn answer(message: &Value, finish_reason: &Value, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason}],
        "usage": usage, "system_fingerprint": null, "something_new": {"a": [1]},
    })
}

async fn saying(message: Value) -> Completion {
    answered_json(answer(&message, &json!("stop"), &Value::Null)).await.expect("a completion")
}

async fn ending(finish_reason: Value) -> Finish {
    answered_json(answer(&json!({"content": "ok"}), &finish_reason, &Value::Null))
        .await
        .expect("a completion")
        .finish
}

async fn using(usage: Value) -> Option<TokenUsage> {
    answered_json(answer(&json!({"content": "ok"}), &json!("stop"), &usage))
        .await
        .expect("a completion")
        .usage
}

#[tokio::test]
async fn a_full_answer_is_read() {
    let usage = json!({
        "prompt_tokens": 120, "completion_tokens": 40, "total_tokens": 160,
        "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 30, "accepted_prediction_tokens": 0},
    });
    let message =
        json!({"role": "assistant", "content": "Você gastou R$ 10.", "refusal": null, "annotations": []});
    let completion = answered_json(answer(&message, &json!("stop"), &usage)).await;
    let usage = TokenUsage {
        input: Tokens::new(120),
        cached_input: Tokens::new(100),
        output: Tokens::new(40),
        reasoning: Tokens::new(30),
    };
    let expected = Completion {
        text: "Você gastou R$ 10.".into(),
        body: Vec::new(),
        usage: Some(usage),
        finish: Finish::Stop,
    };
    assert_eq!(completion, Ok(expected));
}

#[tokio::test]
async fn content_may_be_text_parts_or_nothing() {
    let parts = json!([{"type": "thinking", "thinking": []}, {"type": "other", "text": null}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    assert_eq!(saying(json!({"content": parts})).await.text, "ab");
    assert_eq!(saying(json!({"content": []})).await.text, "");
    assert_eq!(saying(json!({"content": null})).await.text, "");
    assert_eq!(saying(json!({})).await.text, "");
}

#[tokio::test]
async fn a_refusal_is_the_text_where_there_is_no_other() {
    assert_eq!(saying(json!({"content": null, "refusal": "Não posso."})).await.text, "Não posso.");
    assert_eq!(saying(json!({"content": "Posso.", "refusal": "Não."})).await.text, "Posso.");
}

#[tokio::test]
async fn the_first_choice_counts() {
    let choice = |text: &str| json!({"message": {"content": text}, "finish_reason": "length"});
    let completion =
        answered_json(json!({"choices": [choice("a"), choice("b")]})).await.expect("a completion");
    assert_eq!((completion.text.as_str(), completion.finish), ("a", Finish::Length));
}

#[tokio::test]
async fn every_way_to_end_is_known() {
    for (reason, finish) in [
        (json!("stop"), Finish::Stop),
        (json!("length"), Finish::Length),
        (json!("content_filter"), Finish::ContentFilter),
        (json!("error"), Finish::Error),
        (json!("tool_calls"), Finish::Stop),
        (json!("function_call"), Finish::Stop),
        (json!("something_new"), Finish::Stop),
        (Value::Null, Finish::Stop),
    ] {
        assert_eq!(ending(reason.clone()).await, finish, "{reason}");
    }
}

#[tokio::test]
async fn usage_without_details_is_usage() {
    let expected = TokenUsage { input: Tokens::new(3), output: Tokens::new(4), ..TokenUsage::default() };
    for usage in [
        json!({"prompt_tokens": 3, "completion_tokens": 4}),
        json!({"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": null}),
        json!({"prompt_tokens": 3, "completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": null}}),
    ] {
        assert_eq!(using(usage).await, Some(expected));
    }
}

#[tokio::test]
async fn absent_or_absurd_usage_is_no_usage() {
    let max = Tokens::MAX.get();
    let absurd = [
        json!(-1),
        json!(1.5),
        json!("12"),
        json!(null),
        json!(true),
        json!(max + 1),
        json!(u64::MAX),
        json!(1e300),
    ];
    assert_eq!(using(Value::Null).await, None);
    assert_eq!(using(json!({})).await, None);
    assert_eq!(using(json!([1, 2])).await, None);
    assert_eq!(using(json!("many")).await, None);
    for count in &absurd {
        assert_eq!(using(json!({"prompt_tokens": count, "completion_tokens": 1})).await, None, "{count}");
        assert_eq!(using(json!({"prompt_tokens": 1, "completion_tokens": count})).await, None, "{count}");
        if !count.is_null() {
            let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": count}});
            assert_eq!(using(usage).await, None, "{count}");
        }
    }
    let most = json!({"prompt_tokens": max, "completion_tokens": max});
    assert_eq!(using(most).await.map(|usage| usage.input), Some(Tokens::MAX));
}

#[tokio::test]
async fn a_part_is_never_more_than_its_whole() {
    let usage = using(json!({
        "prompt_tokens": 3, "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 30}, "completion_tokens_details": {"reasoning_tokens": 40},
    }));
    let usage = usage.await.expect("usage");
    assert_eq!((usage.cached_input, usage.reasoning), (Tokens::new(3), Tokens::new(4)));
}

#[tokio::test]
async fn what_is_no_completion_is_unusable() {
    let bodies = [
        String::new(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        "<html>".into(),
        format!("\"{CANARY}\""),
        format!("{{\"choices\": [{{\"message\": {{\"content\": \"{CANARY}"),
        json!({"choices": []}).to_string(),
        json!({"choices": null}).to_string(),
        json!({"choices": {CANARY: 1}}).to_string(),
        json!({"choices": [{}]}).to_string(),
        json!({"choices": [{"message": null}]}).to_string(),
        json!({"choices": [{"message": CANARY}]}).to_string(),
        json!({"choices": [{"message": {"content": 1}}]}).to_string(),
        json!({"choices": [{"message": {"content": "ok"}, "finish_reason": 1}]}).to_string(),
        "[".repeat(100_000),
    ];
    for body in bodies {
        let error = answered(ResponseTemplate::new(200).set_body_string(body.clone())).await;
        let Err(ModelError::Unusable(detail)) = error else { panic!("{body}: {error:?}") };
        assert!(!detail.contains(CANARY));
    }
    assert!(matches!(answered(ResponseTemplate::new(204)).await, Err(ModelError::Unusable(_))));
    let not_text = ResponseTemplate::new(200).set_body_bytes(b"{\"choices\": \"\xff\"}".to_vec());
    assert!(matches!(answered(not_text).await, Err(ModelError::Unusable(_))));
}

#[tokio::test]
async fn an_error_with_status_200_is_an_error() {
    let error = answered_json(json!({"error": {"code": "overloaded", "message": "Try later"}})).await;
    assert_eq!(error, Err(ModelError::Failed { status: 200, detail: "overloaded: Try later".into() }));
    let error = answered_json(json!({"error": "overloaded", "choices": []})).await;
    assert_eq!(error, Err(ModelError::Failed { status: 200, detail: "overloaded".into() }));
}
