//! The charge policy, row by row, streamed and not.

use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};

use super::{CHAT, events, server, stream_text};
use crate::harness::{Server, User, read};

/// Nothing was charged and nothing is held; the usage row says how it ended.
async fn free(server: &Server, user: &User, outcome: &str) {
    let row = server.settled_usage(user).await;
    assert_eq!((&row["credits_used"], &row["outcome"]), (&json!(0), &json!(outcome)), "{row}");
    assert_eq!(server.credits(user).await["available_credits"], 1000);
}

fn chunk(text: &str) -> Value {
    canned::chat_chunk(&json!({ "content": text }), None)
}

fn stop() -> Value {
    canned::chat_chunk(&json!({}), Some("stop"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_2_3_and_6_a_provider_that_gives_no_answer_is_free() {
    let usage = canned::chat_usage(20, 5);
    let event_error =
        Script::sse().event(&json!({ "error": { "message": "segredo", "type": "server_error" } }));
    let plain = [
        (canned::error(500, "server_error", "x", "segredo"), 502, "upstream_failed"),
        (canned::error(401, "x", "invalid_api_key", "segredo"), 502, "upstream_failed"),
        (canned::error(404, "x", "x", "segredo"), 502, "upstream_failed"),
        (canned::error(429, "requests", "rate_limit_exceeded", "segredo"), 503, "upstream_failed"),
        (canned::chat("", &canned::chat_usage(20, 0)), 502, "no_output"),
        (Script::body(200, "application/json", "<html>"), 502, "unusable"),
        (Script::json(200, &json!({ "choices": [] })), 502, "unusable"),
        (Script::raw().close(), 502, "unknown"),
    ];
    let streamed = [
        (canned::error(500, "server_error", "x", "segredo"), 502, "upstream_failed"),
        (canned::error(429, "requests", "rate_limit_exceeded", "segredo"), 503, "upstream_failed"),
        (event_error, 502, "upstream_failed"),
        (Script::sse().event(&stop()).event(&canned::chat_usage_chunk(&usage)).done(), 502, "no_output"),
        (Script::sse().done(), 502, "no_output"),
        (Script::sse().event(&canned::chat_chunk(&json!({}), Some("error"))).done(), 502, "no_output"),
        (Script::body(200, "text/html", "<html>"), 502, "unusable"),
        (Script::sse().bytes("data: {\n\n").done(), 502, "unusable"),
        (
            Script::sse().event(&canned::chat_chunk(&json!({ "role": "assistant" }), None)).close(),
            502,
            "unknown",
        ),
    ];
    let plain = plain.into_iter().map(|case| (false, case));
    for (stream, (script, status, outcome)) in plain.chain(streamed.into_iter().map(|case| (true, case))) {
        // Each has a provider of its own: one that fails often is left alone for a while.
        let provider = Provider::start().await;
        let shown = format!("{stream} {script:?}");
        provider.on(CHAT, script);
        let server = server(&provider).await;
        let user = server.user(1000).await;
        let (got, body) = read(server.chat(&user, json!({ "stream": stream })).await).await;
        assert_eq!(got, status, "{shown}: {body}");
        assert_eq!(
            (&body["error"]["type"], &body["error"]["code"]),
            (&json!("server_error"), &json!("ai_unavailable"))
        );
        assert!(!body.to_string().contains("segredo"));
        free(&server, &user, outcome).await;
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_5_without_usage_our_own_count_is_charged_and_says_so() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    for usage in [
        Value::Null,
        json!({ "prompt_tokens": -1, "completion_tokens": 5 }),
        canned::chat_usage(10, 999_999_999),
    ] {
        for stream in [false, true] {
            let user = server.user(1000).await;
            provider.on(
                CHAT,
                if stream { canned::chat_stream(&["Olá"], &usage) } else { canned::chat("Olá", &usage) },
            );
            let answer = server.chat(&user, json!({ "stream": stream })).await;
            assert_eq!(answer.status(), 200);
            drop(answer.text().await.unwrap());
            let row = server.settled_usage(&user).await;
            assert_eq!((&row["estimated"], &row["outcome"]), (&json!(true), &json!("settled")), "{row}");
            assert!(
                row["input_tokens"].as_u64().unwrap() > 4 && row["output_tokens"].as_u64().unwrap() <= 3,
                "{row}"
            );
            assert_eq!(row["credits_used"], 1);
        }
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_7_a_provider_that_fails_half_way_is_free_until_it_happens_too_often() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    let user = server.user(1000).await;
    for fault in 0..6 {
        // An error in the stream, and a broken connection, in turns; a server error would break the circuit.
        let begun = Script::sse().event(&chunk("Olá")).event(&chunk(" mundo"));
        provider.on(
            CHAT,
            begun.event(&json!({ "error": { "message": "segredo", "type": "invalid_request_error" } })),
        );
        let text = stream_text(server.chat(&user, json!({ "stream": true })).await).await;
        let last: Value = serde_json::from_str(events(&text).last().unwrap()).unwrap();
        let charged = i64::from(fault == 5);
        assert_eq!(last["error"]["credits_charged"], charged, "{text}");
        assert_eq!(last["error"]["code"], "ai_unavailable");
        assert!(!text.contains("segredo") && !text.contains("[DONE]"));
        let row = server.settled_usage(&user).await;
        let outcome = if fault == 5 { "settled" } else { "broken_off" };
        assert_eq!((&row["outcome"], &row["credits_used"]), (&json!(outcome), &json!(charged)), "{row}");
        assert_eq!(row["estimated"], fault == 5);
    }
    assert_eq!(server.credits(&user).await["available_credits"], 999);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_16_what_goes_beyond_the_hold_is_borne_by_the_house() {
    let provider = Provider::start().await;
    let server = server(&provider).await;
    for stream in [false, true] {
        let user = server.user(15).await;
        // 15 credits are 0.003 dollars; this is 0.012 dollars: 60 credits.
        let usage = canned::chat_usage(40_000, 10_000);
        provider.on(
            CHAT,
            if stream { canned::chat_stream(&["Olá"], &usage) } else { canned::chat("Olá", &usage) },
        );
        drop(server.chat(&user, json!({ "stream": stream })).await.text().await.unwrap());
        let row = server.settled_usage(&user).await;
        assert_eq!((&row["credits_used"], &row["outcome"]), (&json!(15), &json!("settled")), "{row}");
        let credits = server.credits(&user).await;
        assert_eq!((&credits["available_credits"], &credits["owed_credits"]), (&json!(0), &json!(0)));
    }
    server.finish().await;
}
