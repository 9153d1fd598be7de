//! Idempotency of AI calls (row 15).

use serde_json::json;
use testkit::provider::{Provider, canned};

use super::{CHAT, chat, server, setup, stream_text};
use crate::harness::read;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_replayed_as_it_was_at_no_charge() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let user = server.user(1000).await;
    let usage = canned::chat_usage(2000, 500);
    for (stream, key) in [(false, "plain"), (true, "streamed")] {
        provider.on(
            CHAT,
            if stream { canned::chat_stream(&["Olá", "!"], &usage) } else { canned::chat("Olá!", &usage) },
        );
        let body = chat(json!({ "stream": stream }));
        let ask = || server.v1(&user, "chat/completions", &body).header("Idempotency-Key", key).send();
        let asked_before = provider.requests().len();
        let first = ask().await.unwrap();
        assert!(!first.headers().contains_key("idempotency-replayed"));
        let first = first.text().await.unwrap();
        server.settled_usage(&user).await;
        let again = ask().await.unwrap();
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        if !stream {
            assert_eq!(again.headers()["x-credits-charged"], "0");
        }
        let again = if stream { stream_text(again).await } else { again.text().await.unwrap() };
        assert_eq!(again.replace(&remaining(&again), ""), first.replace(&remaining(&first), ""));
        assert_eq!(provider.requests().len(), asked_before + 1);
        let other = chat(json!({ "stream": stream, "seed": 1 }));
        let other = server.v1(&user, "chat/completions", &other).header("Idempotency-Key", key).send().await;
        let (status, body) = read(other.unwrap()).await;
        assert_eq!((status, &body["error"]["code"]), (422, &json!("idempotency_mismatch")));
    }
    assert_eq!(server.credits(&user).await["used_credits"], 6);
    server.finish().await;
}

/// The comment that says what an answer cost; absent in a whole one.
fn remaining(text: &str) -> String {
    text.lines().find(|line| line.starts_with(": credits")).unwrap_or("\0").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_answer_leaves_its_key_free_and_without_retention_none_is_kept() {
    let provider = Provider::start().await;
    let server = setup(&provider).with("CONTENT_RETENTION_DAYS", "0").start().await;
    let user = server.user(1000).await;
    let body = chat(json!({ "stream": true }));
    let ask = || server.v1(&user, "chat/completions", &body).header("Idempotency-Key", "k").send();
    provider.once(CHAT, canned::error(500, "server_error", "x", "x"));
    assert_eq!(ask().await.unwrap().status(), 502);
    provider.on(CHAT, canned::chat_stream(&["Olá"], &canned::chat_usage(20, 5)));
    assert_eq!(ask().await.unwrap().status(), 200);
    server.settled_usage(&user).await;
    let (status, answer) = read(ask().await.unwrap()).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("idempotency_answer_not_kept")));
    server.finish().await;
}
