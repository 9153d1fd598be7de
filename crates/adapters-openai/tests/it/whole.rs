//! What is made of whole answers to clients' own requests.

use domain::ports::language_model::{Completion, Finish, Interface, LanguageModel, ModelError};
use domain::tokens::{TokenUsage, Tokens};
use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};

use crate::ask::{client, passed, patient};

async fn answered(interface: Interface, script: Script) -> Result<Completion, ModelError> {
    let provider = Provider::start().await;
    provider.on(interface, script);
    client(&provider, patient()).complete(passed(interface, &json!({"input": "a", "messages": []}))).await
}

async fn json_answered(interface: Interface, body: Value) -> Result<Completion, ModelError> {
    answered(interface, Script::json(200, &body)).await
}

fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> TokenUsage {
    TokenUsage {
        input: Tokens::new(input),
        cached_input: Tokens::new(cached),
        output: Tokens::new(output),
        reasoning: Tokens::new(reasoning),
    }
}

#[tokio::test]
async fn the_body_is_passed_back_byte_by_byte() {
    let bodies = [
        (
            Interface::ChatCompletions,
            "{ \"choices\":[{\"message\":{\"content\":\"ol\\u00e1\"}}],\n\t\"x\": 1e2 }\n",
        ),
        (Interface::Responses, "{\"status\":\"completed\" ,\"output\":[],\"x\":{\"b\":1,\"a\":0.10}}"),
        (Interface::Embeddings, "{\"data\":[{\"embedding\":\"AAAA\"}],\"data2\":[1.0]}"),
    ];
    for (interface, body) in bodies {
        let answer =
            answered(interface, Script::body(200, "application/json", body)).await.expect("an answer");
        assert_eq!(String::from_utf8(answer.body).expect("text"), body);
    }
}

#[tokio::test]
async fn everything_that_is_said_in_a_chat_completion_counts() {
    let body = json!({
        "choices": [
            {"index": 0, "finish_reason": "tool_calls", "message": {
                "content": "a", "refusal": "b", "reasoning_content": "c",
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "d", "arguments": "{e}"}},
                    {"id": "2", "type": "custom", "custom": {"name": "f", "input": "g"}},
                ],
            }},
            {"index": 1, "finish_reason": "length", "message": {
                "content": [{"type": "text", "text": "h"}, {"type": "refusal", "refusal": "i"}],
                "function_call": {"name": "j", "arguments": "k"},
            }},
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 5}},
    });
    let answer = json_answered(Interface::ChatCompletions, body).await.expect("an answer");
    assert_eq!(answer.text, "abcd{e}fghijk");
    assert_eq!((answer.usage, answer.finish), (Some(usage(10, 4, 20, 5)), Finish::Stop));
}

#[tokio::test]
async fn one_choice_that_did_not_fail_is_an_answer() {
    let choice = |finish: &str| json!({"message": {"content": ""}, "finish_reason": finish});
    for (choices, finish) in [
        (vec![choice("error"), choice("length")], Finish::Length),
        (vec![choice("error"), choice("error")], Finish::Error),
        (vec![choice("content_filter"), choice("stop")], Finish::ContentFilter),
    ] {
        let answer = json_answered(Interface::ChatCompletions, json!({"choices": choices})).await;
        assert_eq!(answer.expect("an answer").finish, finish);
    }
}

#[tokio::test]
async fn everything_that_is_said_in_a_response_counts() {
    let body = json!({
        "status": "completed", "error": null,
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "b"}, {"type": "refusal", "refusal": "c"}]},
            {"type": "function_call", "name": "d", "arguments": "{e}", "call_id": "x"},
            {"type": "custom_tool_call", "name": "f", "input": "g"},
            {"type": "something_new", "x": 1},
        ],
        "usage": {"input_tokens": 10, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 30},
    });
    let answer = json_answered(Interface::Responses, body).await.expect("an answer");
    assert_eq!(answer.text, "abcd{e}fg");
    assert_eq!((answer.usage, answer.finish), (Some(usage(10, 4, 20, 5)), Finish::Stop));
}

#[tokio::test]
async fn every_status_of_a_response_is_known() {
    let incomplete = |reason: &str| json!({"status": "incomplete", "incomplete_details": {"reason": reason}});
    for (mut body, finish) in [
        (json!({"status": "completed"}), Finish::Stop),
        (incomplete("max_output_tokens"), Finish::Length),
        (incomplete("content_filter"), Finish::ContentFilter),
        (incomplete("something_new"), Finish::Stop),
        (json!({"status": "failed"}), Finish::Error),
        (json!({"status": "cancelled"}), Finish::Error),
    ] {
        body["output"] = json!([]);
        assert_eq!(json_answered(Interface::Responses, body).await.expect("an answer").finish, finish);
    }
}

#[tokio::test]
async fn embeddings_have_input_only() {
    let provider = Provider::start().await;
    provider.on_each(Interface::Embeddings, |received| canned::embeddings(&received.body));
    let request = passed(Interface::Embeddings, &json!({"input": ["a", "b", "c"]}));
    let answer = client(&provider, patient()).complete(request).await.expect("an answer");
    assert_eq!(
        (answer.text.as_str(), answer.usage, answer.finish),
        ("", Some(usage(3, 0, 0, 0)), Finish::Stop)
    );
}

#[tokio::test]
async fn absent_and_absurd_usage_is_none() {
    let odd = [
        json!(null),
        json!({}),
        json!({"input_tokens": -1, "output_tokens": 1}),
        json!({"prompt_tokens": 1.5}),
    ];
    for usage in odd {
        let answer =
            json_answered(Interface::Responses, canned::response_body("completed", "a", &usage)).await;
        assert_eq!(answer.expect("an answer").usage, None);
        let body = json!({"data": [{"embedding": []}], "usage": usage});
        assert_eq!(json_answered(Interface::Embeddings, body).await.expect("an answer").usage, None);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_unusable() {
    let chat =
        [json!({}), json!({"choices": []}), json!({"choices": [{}]}), json!({"choices": [{"message": 1}]})];
    let responses = [
        json!({}),
        json!({"output": []}),
        json!({"status": "completed"}),
        json!({"status": "completed", "output": {}}),
        json!({"status": "queued", "output": []}),
        json!({"status": "in_progress", "output": []}),
    ];
    let embeddings =
        [json!({}), json!({"data": []}), json!({"data": [{}]}), json!({"data": {}}), json!({"data": [1]})];
    let of = |interface, bodies: &[Value]| {
        bodies.iter().map(|body| (interface, body.to_string())).collect::<Vec<_>>()
    };
    let mut bodies = of(Interface::ChatCompletions, &chat);
    bodies.extend(of(Interface::Responses, &responses));
    bodies.extend(of(Interface::Embeddings, &embeddings));
    for interface in [Interface::ChatCompletions, Interface::Responses, Interface::Embeddings] {
        bodies.extend(
            ["", "null", "[]", "<html>", "{\"output\": [", "\u{1}"].map(|text| (interface, text.to_owned())),
        );
    }
    for (interface, body) in bodies {
        let answer = answered(interface, Script::body(200, "application/json", body.clone())).await;
        assert!(matches!(answer, Err(ModelError::Unusable(_))), "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn an_error_object_with_status_200_is_a_failure() {
    for interface in [Interface::ChatCompletions, Interface::Responses, Interface::Embeddings] {
        let body = json!({"error": {"code": "overloaded", "message": "Try later"}, "status": "failed", "output": []});
        let expected = ModelError::Failed { status: 200, detail: "overloaded: Try later".into() };
        assert_eq!(json_answered(interface, body).await, Err(expected));
    }
}

#[tokio::test]
async fn embeddings_may_be_longer_than_other_answers() {
    let body = format!("{{\"data\":[{{\"embedding\":[{}0]}}]}}", "0.123456789,".repeat(1_000_000));
    let script = || Script::body(200, "application/json", body.clone());
    assert_eq!(answered(Interface::Embeddings, script()).await.expect("an answer").body.len(), body.len());
    let other = answered(Interface::Responses, script()).await;
    assert!(matches!(other, Err(ModelError::Unusable(_))));
}
