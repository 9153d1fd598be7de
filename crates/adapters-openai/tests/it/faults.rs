//! Streams that do not go well.

use std::time::{Duration, Instant};

use adapters_openai::Timeouts;
use domain::ports::language_model::{CompletionRequest, Interface, ModelError, Piece};
use serde_json::{Value, json};
use testkit::provider::{Script, canned};

use crate::ask::{PROMPT, SHORT, begun, drain, passed, patient, question, streamed, text};

fn chat() -> CompletionRequest {
    passed(Interface::ChatCompletions, &json!({"messages": [{"role": "user", "content": PROMPT}]}))
}

fn response() -> CompletionRequest {
    passed(Interface::Responses, &json!({"input": PROMPT}))
}

fn word(word: &str) -> Value {
    canned::chat_chunk(&json!({"content": word}), None)
}

fn delta(delta: &str) -> Value {
    json!({"type": "response.output_text.delta", "delta": delta})
}

/// How a stream fails that has said one word.
async fn failed(script: Script, request: CompletionRequest) -> ModelError {
    let (pieces, end) = streamed(script, request).await;
    assert_eq!(text(&pieces), "a");
    end.expect_err("it does not go well")
}

#[tokio::test]
async fn a_stream_that_stops_before_its_end_is_interrupted() {
    let chat_begun = || Script::sse().event(&word("a"));
    let response_begun = || Script::sse().event(&delta("a"));
    let scripts = [
        (chat_begun(), chat()),
        (chat_begun().close(), chat()),
        (chat_begun().reset(), chat()),
        (chat_begun().bytes("data: {\"choices\":").close(), chat()),
        (chat_begun().event(&canned::chat_usage_chunk(&canned::chat_usage(1, 1))), chat()),
        (chat_begun(), question()),
        (response_begun(), response()),
        (response_begun().close(), response()),
        (response_begun().reset(), response()),
        (response_begun().done(), response()),
        (response_begun().bytes("data: {\"type\":\"response.completed\"}"), response()),
    ];
    for (script, request) in scripts {
        let error = failed(script.clone(), request).await;
        assert!(matches!(error, ModelError::Interrupted(_)), "{error:?}: {script:?}");
    }
}

#[tokio::test]
async fn a_choice_that_did_not_end_makes_the_stream_incomplete() {
    let of = |index: u64, finish: Option<&str>| json!({"choices": [{"index": index, "delta": {}, "finish_reason": finish}]});
    let script = Script::sse().event(&word("a")).event(&of(1, None)).event(&of(0, Some("stop")));
    assert!(matches!(failed(script, chat()).await, ModelError::Interrupted(_)));
}

#[tokio::test]
async fn truncated_at_every_event_a_stream_is_interrupted_until_it_finished() {
    let chat_events = |count: usize| {
        let events = [
            word("a"),
            word("b"),
            canned::chat_chunk(&json!({}), Some("stop")),
            canned::chat_usage_chunk(&canned::chat_usage(1, 1)),
        ];
        events.iter().take(count).fold(Script::sse(), Script::event).close()
    };
    for count in 0..=4 {
        let (_, end) = streamed(chat_events(count), chat()).await;
        assert_eq!(end.is_ok(), count >= 3, "{count} events: {end:?}");
    }
    let response_events = |count: usize| {
        let completed = json!({"type": "response.completed", "response": {"status": "completed"}});
        let events = [json!({"type": "response.created"}), delta("a"), completed];
        events.iter().take(count).fold(Script::sse(), Script::event).close()
    };
    for count in 0..=3 {
        let (_, end) = streamed(response_events(count), response()).await;
        assert_eq!(end.is_ok(), count == 3, "{count} events: {end:?}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_is_a_failure() {
    let overloaded = json!({"code": "overloaded", "message": "Try later"});
    let chat_begun = || Script::sse().event(&word("a"));
    let response_begun = || Script::sse().event(&delta("a"));
    let scripts = [
        (chat_begun().event(&json!({"error": overloaded})), chat()),
        (chat_begun().named("error", &json!({"error": overloaded})), chat()),
        (chat_begun().named("error", &overloaded), chat()),
        (chat_begun().event(&json!({"error": overloaded})), question()),
        (
            response_begun()
                .named("error", &json!({"type": "error", "code": "overloaded", "message": "Try later"})),
            response(),
        ),
        (response_begun().named("error", &json!({"type": "error", "error": overloaded})), response()),
        (
            response_begun().event(&json!({"type": "response.failed", "response": {"error": overloaded}})),
            response(),
        ),
    ];
    for (script, request) in scripts {
        let expected = ModelError::Failed { status: 200, detail: "overloaded: Try later".into() };
        assert_eq!(failed(script.clone(), request).await, expected, "{script:?}");
    }
    let plain = chat_begun().bytes("event: error\ndata: out of memory\n\n");
    assert_eq!(failed(plain, chat()).await, ModelError::Failed { status: 200, detail: "no details".into() });
}

#[tokio::test]
async fn an_error_that_quotes_the_client_is_not_kept() {
    let error = json!({"error": {"message": format!("cannot say '{PROMPT}'"), "code": "bad"}});
    let expected = ModelError::Failed { status: 200, detail: "bad".into() };
    assert_eq!(failed(Script::sse().event(&word("a")).event(&error), chat()).await, expected);
    assert_eq!(failed(Script::sse().event(&delta("a")).named("error", &error), response()).await, expected);
}

#[tokio::test]
async fn what_is_no_event_of_the_protocol_is_unusable() {
    for data in ["{", "nonsense", "[1]", "7", "\"a\"", ""] {
        let event = format!("data: {data}\n\n");
        let error = failed(Script::sse().event(&word("a")).bytes(event.clone()), chat()).await;
        assert!(matches!(error, ModelError::Unusable(_)), "{data}: {error:?}");
        let error = failed(Script::sse().event(&delta("a")).bytes(event), response()).await;
        assert!(matches!(error, ModelError::Unusable(_)), "{data}: {error:?}");
    }
    let not_text = Script::sse().event(&word("a")).bytes(b"data: {\"a\":\"\xff\"}\n\n".to_vec());
    assert!(matches!(failed(not_text, chat()).await, ModelError::Unusable(_)));
}

#[tokio::test]
async fn a_huge_event_is_unusable() {
    let huge = word(&"x".repeat(1024 * 1024));
    assert!(matches!(
        failed(Script::sse().event(&word("a")).event(&huge), chat()).await,
        ModelError::Unusable(_)
    ));
    // Without an end: only a bound stops this one.
    let endless =
        (0..20).fold(Script::sse().event(&word("a")), |script, _| script.bytes("x".repeat(64 * 1024)));
    assert!(matches!(failed(endless.hang(), chat()).await, ModelError::Unusable(_)));
    let endless =
        (0..140).fold(Script::sse().event(&delta("a")), |script, _| script.bytes("x".repeat(64 * 1024)));
    assert!(matches!(failed(endless.hang(), response()).await, ModelError::Unusable(_)));
}

#[tokio::test]
async fn a_response_may_be_repeated_whole_in_its_last_event() {
    let text = "x".repeat(2 * 1024 * 1024);
    let completed = json!({"type": "response.completed", "response": canned::response_body("completed", &text, &Value::Null)});
    let (pieces, end) = streamed(Script::sse().event(&delta("a")).event(&completed), response()).await;
    assert_eq!((pieces.len(), end), (2, Ok(())));
}

#[tokio::test]
async fn what_is_no_stream_is_unusable_and_an_error_in_it_a_failure() {
    let error = json!({"error": {"code": "overloaded"}});
    for request in [chat(), response(), question()] {
        let (pieces, end) = streamed(Script::json(200, &error), request.clone()).await;
        let expected = ModelError::Failed { status: 200, detail: "overloaded".into() };
        assert_eq!((pieces, end), (vec![], Err(expected)));
        for script in [
            canned::chat("a", &Value::Null),
            Script::body(200, "text/html", "<html>"),
            Script::body(204, "text/event-stream2", ""),
            Script::json(200, &json!({"error": null})),
        ] {
            let (_, end) = streamed(script, request.clone()).await;
            assert!(matches!(end, Err(ModelError::Unusable(_))), "{end:?}");
        }
    }
}

#[tokio::test]
async fn the_type_of_a_stream_is_read_as_loosely_as_http_wants() {
    for kind in ["text/event-stream", "Text/Event-Stream", "text/event-stream ; charset=utf-8"] {
        let script = Script::chunks(200, kind).event(&word("a")).done();
        assert_eq!(streamed(script, chat()).await.1, Ok(()));
    }
}

/// What comes of a stream with these bounds, and how long that took.
async fn within(
    script: Script,
    change: impl FnOnce(&mut Timeouts),
) -> (Vec<Piece>, Result<(), ModelError>, Duration) {
    let mut timeouts = patient();
    change(&mut timeouts);
    let begins = Instant::now();
    let (_provider, stream) = begun(script, chat(), timeouts).await;
    let (pieces, end) = drain(stream).await;
    (pieces, end, begins.elapsed())
}

#[tokio::test]
async fn silence_before_the_head_is_a_timeout() {
    for script in [
        Script::silent(),
        Script::raw().wire("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n").hang(),
    ] {
        let (_, end, _) = within(script.clone(), |timeouts| timeouts.first_byte = SHORT).await;
        assert_eq!(end, Err(ModelError::TimedOut));
        let (_, end, _) = within(script, |timeouts| timeouts.total = SHORT).await;
        assert_eq!(end, Err(ModelError::TimedOut));
    }
}

#[tokio::test]
async fn silence_in_the_middle_is_a_timeout() {
    let begun = || Script::sse().event(&word("a"));
    for script in [begun().hang(), begun().bytes("data: {\"cho").hang()] {
        let (pieces, end, _) = within(script, |timeouts| timeouts.idle = SHORT).await;
        assert_eq!((text(&pieces).as_str(), end), ("a", Err(ModelError::TimedOut)));
    }
}

#[tokio::test]
async fn a_model_may_think_longer_before_its_first_word() {
    let script = Script::sse().event(&word("")).wait(3 * SHORT).event(&word("a")).done();
    let (_, end, _) = within(script, |timeouts| timeouts.idle = SHORT).await;
    assert_eq!(end, Ok(()));
    let script = Script::sse().event(&word("")).hang();
    let (_, end, took) =
        within(script, |timeouts| (timeouts.idle, timeouts.first_byte) = (SHORT / 3, SHORT)).await;
    assert_eq!(end, Err(ModelError::TimedOut));
    assert!(took >= SHORT, "{took:?}");
}

#[tokio::test]
async fn a_byte_now_and_then_is_no_sign_of_life_but_a_comment_is() {
    let begun = || Script::sse().event(&word("a"));
    let dripping = begun().bytes(format!("data: {}\n\n", word("b"))).sliced(1, SHORT / 10);
    let (_, end, _) = within(dripping, |timeouts| timeouts.idle = SHORT).await;
    assert_eq!(end, Err(ModelError::TimedOut));

    let pinging = (0..24).fold(begun(), |script, _| script.wait(SHORT / 4).comment("ping"));
    let (_, end, took) = within(pinging.event(&word("b")).done(), |timeouts| timeouts.idle = 3 * SHORT).await;
    assert_eq!(end, Ok(()));
    assert!(took >= 6 * SHORT, "{took:?}");

    let endless = (0..100).fold(begun(), |script, _| script.wait(SHORT / 4).comment("ping"));
    let (_, end, _) = within(endless, |timeouts| (timeouts.idle, timeouts.total) = (SHORT, 3 * SHORT)).await;
    assert_eq!(end, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn giving_up_and_asking_again_does_not_put_off_the_timeout() {
    let mut timeouts = patient();
    timeouts.idle = SHORT;
    let (_provider, stream) = begun(Script::sse().event(&word("a")).hang(), chat(), timeouts).await;
    let mut stream = stream.expect("a stream");
    assert!(stream.next().await.expect("a piece").is_some());
    let begins = Instant::now();
    let end = loop {
        if let Ok(end) = tokio::time::timeout(SHORT / 10, stream.next()).await {
            break end;
        }
        assert!(begins.elapsed() < 20 * SHORT, "it never ends");
    };
    assert_eq!(end, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn a_slow_listener_is_not_a_silent_provider() {
    let mut timeouts = patient();
    timeouts.idle = SHORT;
    let script = Script::sse().event(&word("a")).pause().event(&word("b")).done();
    let (provider, stream) = begun(script, chat(), timeouts).await;
    let mut stream = stream.expect("a stream");
    assert!(stream.next().await.expect("a piece").is_some());
    tokio::time::sleep(3 * SHORT).await;
    provider.release();
    let (pieces, end) = drain(Ok(stream)).await;
    assert_eq!((text(&pieces).as_str(), end), ("b", Ok(())));
}

#[tokio::test]
async fn a_stream_that_failed_closes_its_connection() {
    let script = Script::sse().event(&word("a")).event(&json!({"error": "x"})).hang();
    let (provider, stream) = begun(script, chat(), patient()).await;
    let mut stream = stream.expect("a stream");
    assert!(stream.next().await.is_ok());
    assert!(stream.next().await.is_err());
    // Though the stream is still there.
    provider.until(|state| state.left == 1).await;
    drop(stream);
}
