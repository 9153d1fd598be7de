//! Answers that come piece by piece.

use domain::ports::language_model::Interface;
use futures_util::StreamExt;
use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};

use super::{CHAT, events, server, stream_text};
use crate::harness::read;

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_stream_is_openais_framing_and_says_usage_only_when_asked() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat_stream(&["Olá", ", ", "mundo"], &canned::chat_usage(2000, 500)));
    let server = server(&provider).await;
    let user = server.user(1000).await;
    let text = stream_text(server.chat(&user, json!({ "stream": true })).await).await;
    let said = events(&text);
    assert_eq!(said.last().map(String::as_str), Some("[DONE]"));
    assert!(text.ends_with("data: [DONE]\n\n"));
    let chunks: Vec<Value> =
        said[..said.len() - 1].iter().map(|it| serde_json::from_str(it).unwrap()).collect();
    let content: String =
        chunks.iter().filter_map(|it| it["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(content, "Olá, mundo");
    assert!(chunks.iter().all(|it| it.get("usage").is_none_or(Value::is_null)));
    assert!(provider.requests()[0].body["stream_options"]["include_usage"].as_bool().unwrap());

    let asked = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let text = stream_text(server.chat(&user, asked).await).await;
    let said = events(&text);
    let usage: Value = serde_json::from_str(&said[said.len() - 2]).unwrap();
    assert_eq!((&usage["usage"]["total_tokens"], &usage["choices"]), (&json!(2500), &json!([])));
    let row = server.settled_usage(&user).await;
    assert_eq!((&row["credits_used"], &row["estimated"]), (&json!(3), &json!(false)));
    assert_eq!(server.credits(&user).await["available_credits"], 994);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_sent_on_as_they_come_and_the_end_waits_for_the_settlement() {
    let provider = Provider::start().await;
    let chunk = |text: &str| canned::chat_chunk(&json!({ "content": text }), None);
    let script = Script::sse().event(&chunk("um")).pause().event(&chunk("dois")).pause();
    let script = script.event(&canned::chat_chunk(&json!({}), Some("stop"))).done();
    provider.on(CHAT, script);
    let server = server(&provider).await;
    let user = server.user(1000).await;
    let answer = server.chat(&user, json!({ "stream": true })).await;
    let mut bytes = answer.bytes_stream();
    let mut next = async || String::from_utf8(bytes.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(next().await.contains("um"));
    assert!(server.credits(&user).await["held_credits"].as_i64().unwrap() > 0);
    provider.release();
    assert!(next().await.contains("dois"));
    provider.release();
    let mut rest = String::new();
    while !rest.contains("[DONE]") {
        rest.push_str(&next().await);
    }
    // Whoever has the end has been charged.
    let credits = server.credits(&user).await;
    assert_eq!((&credits["held_credits"], &credits["used_credits"]), (&json!(0), &json!(1)));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_responses_ends_with_its_own_last_event() {
    let provider = Provider::start().await;
    provider
        .on(Interface::Responses, canned::response_stream(&["Olá", "!"], &canned::response_usage(100, 10)));
    let server = server(&provider).await;
    let user = server.user(1000).await;
    let body = json!({ "model": "gpt-4o-mini", "input": "Oi", "stream": true });
    let text = stream_text(server.v1(&user, "responses", &body).send().await.unwrap()).await;
    let last: Value = serde_json::from_str(events(&text).last().unwrap()).unwrap();
    assert_eq!(last["type"], "response.completed");
    assert!(text.contains("event: response.output_text.delta"));
    assert_eq!(server.settled_usage(&user).await["tokens_used"], 110);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assistant_streams_deltas_and_then_the_whole_answer_but_its_text() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat_stream(&["Sugiro ", "poupar."], &canned::chat_usage(300, 40)));
    let server = server(&provider).await;
    let user = server.user(100).await;
    let ask = || {
        let body = json!({ "message": "Oi", "stream": true });
        server.post("/api/ai-assistant").bearer_auth(&user.token).header("Idempotency-Key", "k").json(&body)
    };
    let text = stream_text(ask().send().await.unwrap()).await;
    assert!(text.starts_with("event: delta\ndata: {\"text\":\"Sugiro \"}\n\nevent: delta\n"), "{text}");
    let done: Value = serde_json::from_str(events(&text).last().unwrap()).unwrap();
    assert_eq!(
        (&done["type"], &done["tokensUsed"], &done["creditsUsed"], &done["creditsRemaining"], &done["model"]),
        (&json!("suggestion"), &json!(340), &json!(10), &json!(90), &json!("gpt-4o-mini"))
    );
    assert!(done["requestId"].is_string() && done.get("response").is_none());

    let replay = ask().send().await.unwrap();
    assert_eq!(replay.headers()["idempotency-replayed"], "true");
    let replayed = stream_text(replay).await;
    assert_eq!(events(&replayed)[0], "{\"text\":\"Sugiro poupar.\"}");
    assert_eq!(events(&replayed).last(), events(&text).last());
    assert_eq!(server.credits(&user).await["used_credits"], 10);
    assert_eq!(provider.requests().len(), 1);

    let poor = server.stranger();
    let body = json!({ "message": "Oi", "stream": true });
    let refused = server.post("/api/ai-assistant").bearer_auth(&poor.token).json(&body).send().await.unwrap();
    let (status, problem) = read(refused).await;
    assert_eq!((status, &problem["code"]), (402, &json!("no_credits")));
    server.finish().await;
}
