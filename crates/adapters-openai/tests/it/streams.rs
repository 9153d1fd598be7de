//! What is made of streams that go well.

use std::time::Duration;

use domain::ports::language_model::{CompletionRequest, Finish, Interface, Piece};
use domain::tokens::{TokenUsage, Tokens};
use serde_json::{Value, json};
use testkit::provider::{Script, canned};

use crate::ask::{begun, drain, frames, passed, patient, question, streamed, text};

fn usage(input: u64, output: u64) -> TokenUsage {
    TokenUsage { input: Tokens::new(input), output: Tokens::new(output), ..TokenUsage::default() }
}

fn chat() -> CompletionRequest {
    passed(Interface::ChatCompletions, &json!({"messages": [{"role": "user", "content": "a"}]}))
}

fn chat_with_usage() -> CompletionRequest {
    let body = json!({"messages": [], "stream_options": {"include_usage": true}});
    passed(Interface::ChatCompletions, &body)
}

fn response() -> CompletionRequest {
    passed(Interface::Responses, &json!({"input": "a"}))
}

/// The pieces of a stream that goes well.
async fn pieces(script: Script, request: CompletionRequest) -> Vec<Piece> {
    let (pieces, end) = streamed(script, request).await;
    assert_eq!(end, Ok(()));
    pieces
}

/// The last thing that any piece says of it.
fn last<T>(pieces: &[Piece], of: impl Fn(&Piece) -> Option<T>) -> Option<T> {
    pieces.iter().filter_map(of).next_back()
}

#[tokio::test]
async fn a_conversation_comes_as_text_and_nothing_else() {
    let pieces =
        pieces(canned::chat_stream(&["Você ", "gastou ", "R$ 10."], &canned::chat_usage(20, 3)), question())
            .await;
    let texts: Vec<&str> =
        pieces.iter().map(|piece| piece.text.as_str()).filter(|text| !text.is_empty()).collect();
    assert_eq!(texts, ["Você ", "gastou ", "R$ 10."]);
    assert_eq!(frames(&pieces), "");
    assert_eq!(last(&pieces, |piece| piece.usage), Some(usage(20, 3)));
    assert_eq!(last(&pieces, |piece| piece.finish), Some(Finish::Stop));
    let ends: Vec<bool> = pieces.iter().map(|piece| piece.is_end).collect();
    assert_eq!(ends, [false, false, false, false, true], "only usage behind the end is the end");
}

#[tokio::test]
async fn a_refusal_is_said_to_the_user_and_reasoning_is_not() {
    let delta = |delta: Value| canned::chat_chunk(&delta, None);
    let script = Script::sse()
        .event(&delta(json!({"reasoning_content": "hm"})))
        .event(&delta(json!({"refusal": "Não "})))
        .event(&delta(json!({"refusal": "posso."})))
        .event(&canned::chat_chunk(&json!({}), Some("stop")))
        .done();
    assert_eq!(text(&pieces(script.clone(), question()).await), "Não posso.");
    assert_eq!(text(&pieces(script, chat()).await), "hmNão posso.");
}

#[tokio::test]
async fn usage_that_was_not_asked_for_is_not_shown() {
    let pieces = pieces(canned::chat_stream(&["a", "b"], &canned::chat_usage(20, 3)), chat()).await;
    let shown = frames(&pieces);
    assert!(!shown.contains("usage"), "{shown}");
    let events: Vec<Value> = shown
        .split("\n\n")
        .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
        .collect();
    let mut expected = canned::chat_chunk(&json!({"content": "a"}), None);
    expected.as_object_mut().expect("an object").remove("usage");
    assert_eq!((events.len(), &events[1]), (4, &expected));
    assert_eq!(last(&pieces, |piece| piece.usage), Some(usage(20, 3)));
    let end = pieces.last().expect("a piece");
    assert!(end.is_end && end.frame.is_empty());
}

#[tokio::test]
async fn what_need_not_change_is_passed_on_byte_by_byte() {
    let odd = "data:  {\"choices\" : [ {\"delta\":{\"content\":\"\\u00e1\"}, \"x\":1e2}] }\r\n\r\n";
    let more = ": ping\n\nid: 7\nevent: chunk\ndata: {\"choices\":[{\"delta\":{},\n\
                data: \"finish_reason\":\"stop\"}]}\n\n";
    let end = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let script = Script::sse().bytes(format!("{odd}{more}{end}data: [DONE]\n\n"));
    let shown = more.strip_prefix(": ping\n\n").expect("a comment");
    let pieces = pieces(script.clone(), chat_with_usage()).await;
    assert_eq!(frames(&pieces), format!("{odd}{shown}{end}"));
    assert_eq!((text(&pieces).as_str(), last(&pieces, |piece| piece.usage)), ("á", Some(usage(1, 2))));
    assert_eq!(frames(&self::pieces(script, chat()).await), format!("{odd}{shown}"));
}

#[tokio::test]
async fn every_choice_and_every_call_of_a_tool_counts() {
    let chunk = |choices: Value| json!({"choices": choices});
    let script = Script::sse()
        .event(&chunk(json!([{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}])))
        .event(&chunk(json!([{"index": 1, "delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}}])))
        .event(&chunk(json!([{"index": 1, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}}])))
        .event(&chunk(json!([{"index": 0, "delta": {}, "finish_reason": "length"}])))
        .event(&chunk(json!([{"index": 1, "delta": {}, "finish_reason": "tool_calls"}])))
        .done();
    let pieces = pieces(script, chat()).await;
    assert_eq!(text(&pieces), "abf{}");
    let finishes: Vec<Finish> = pieces.iter().filter_map(|piece| piece.finish).collect();
    assert_eq!(finishes, [Finish::Length, Finish::Stop]);
}

#[tokio::test]
async fn a_stream_without_the_mark_of_its_end_is_complete_once_it_finished() {
    let finished = || Script::sse().event(&canned::chat_chunk(&json!({"content": "a"}), Some("stop")));
    for script in [finished(), finished().close(), finished().reset(), Script::sse().done()] {
        assert!(last(&pieces(script, chat()).await, |piece| piece.usage).is_none());
    }
    let script = finished().event(&canned::chat_usage_chunk(&canned::chat_usage(1, 2))).hang();
    assert_eq!(last(&pieces(script, chat()).await, |piece| piece.usage), Some(usage(1, 2)));
}

#[tokio::test]
async fn usage_in_other_places_is_found() {
    let mut finish = canned::chat_chunk(&json!({}), Some("stop"));
    finish["usage"] = canned::chat_usage(1, 2);
    let with_finish = Script::sse().event(&finish).done();
    let pieces = pieces(with_finish, chat()).await;
    assert_eq!(last(&pieces, |piece| piece.usage), Some(usage(1, 2)));
    assert!(pieces.iter().all(|piece| !piece.is_end), "a chunk with a choice is not the end");
    assert!(!frames(&pieces).contains("usage"));

    // Some servers count along; the last word counts.
    let counting = |output| canned::chat_usage_chunk(&canned::chat_usage(1, output));
    let script =
        Script::sse().event(&counting(1)).event(&finish).event(&counting(5)).event(&counting(6)).done();
    let pieces = self::pieces(script, chat()).await;
    let usages: Vec<_> = pieces.iter().filter_map(|piece| piece.usage).collect();
    assert_eq!(usages.last(), Some(&usage(1, 5)));
    assert_eq!(pieces.iter().filter(|piece| piece.is_end).count(), 1);
}

#[tokio::test]
async fn absurd_usage_is_none() {
    for absurd in [json!({"prompt_tokens": -1, "completion_tokens": 1}), json!({}), json!(7)] {
        let pieces = pieces(canned::chat_stream(&["a"], &absurd), chat()).await;
        assert_eq!(last(&pieces, |piece| piece.usage), None);
        assert!(pieces.last().expect("a piece").is_end);
    }
}

#[tokio::test]
async fn a_response_is_passed_on_as_it_comes() {
    let script = canned::response_stream(&["Olá, ", "mundo"], &canned::response_usage(20, 3));
    let pieces = pieces(script, response()).await;
    assert_eq!(text(&pieces), "Olá, mundo");
    let shown = frames(&pieces);
    assert!(shown.starts_with("event: response.created\ndata: {"), "{shown}");
    assert_eq!(shown.matches("event: ").count(), 7);
    let end = pieces.last().expect("a piece");
    assert_eq!((end.usage, end.finish, end.is_end), (Some(usage(20, 3)), Some(Finish::Stop), true));
    assert_eq!(pieces.iter().filter(|piece| piece.is_end || piece.usage.is_some()).count(), 1);
}

#[tokio::test]
async fn everything_that_is_said_in_a_response_counts_once() {
    let script = Script::sse()
        .named("response.reasoning_summary_text.delta", &json!({"type": "response.reasoning_summary_text.delta", "delta": "a"}))
        .named("x", &json!({"type": "response.output_text.delta", "delta": "b"}))
        .named("response.refusal.delta", &json!({"delta": "c"}))
        .named("x", &json!({"type": "response.output_item.added", "item": {"type": "function_call", "name": "d", "arguments": ""}}))
        .named("x", &json!({"type": "response.function_call_arguments.delta", "delta": "{e}"}))
        .named("x", &json!({"type": "response.custom_tool_call_input.delta", "delta": "f"}))
        .named("x", &json!({"type": "response.output_text.done", "text": "b"}))
        .named("x", &json!({"type": "response.something_new", "delta": {"x": 1}}))
        .named("x", &json!({"type": "response.incomplete", "response": {
            "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "usage": null}}))
        .event(&json!({"type": "too.late"}))
        .done();
    let pieces = pieces(script, response()).await;
    assert_eq!(text(&pieces), "abcd{e}f");
    let end = pieces.last().expect("a piece");
    assert_eq!((end.usage, end.finish, end.is_end), (None, Some(Finish::Length), true));
}

#[tokio::test]
async fn however_the_bytes_are_cut_the_pieces_are_the_same() {
    let chat_script = canned::chat_stream(&["Olá ", "😀 çã"], &canned::chat_usage(20, 3));
    let response_script = canned::response_stream(&["Olá ", "😀 çã"], &canned::response_usage(20, 3));
    for (script, request) in [(chat_script, chat_with_usage()), (response_script, response())] {
        let whole = pieces(script.clone(), request.clone()).await;
        for size in [1, 2, 3, 7, 64] {
            let cut = pieces(script.clone().sliced(size, Duration::ZERO), request.clone()).await;
            assert_eq!(cut, whole, "in slices of {size}");
        }
    }
}

#[tokio::test]
async fn a_piece_is_handed_on_as_soon_as_it_is_in() {
    let script = Script::sse()
        .event(&canned::chat_chunk(&json!({"content": "a"}), None))
        .pause()
        .event(&canned::chat_chunk(&json!({"content": "b"}), Some("stop")))
        .done();
    let (provider, stream) = begun(script, chat(), patient()).await;
    let mut stream = stream.expect("a stream");
    assert_eq!(stream.next().await.expect("a piece").expect("a piece").text, "a");
    // Asking and giving up loses nothing.
    for _ in 0..20 {
        let waited = tokio::time::timeout(Duration::from_millis(2), stream.next()).await;
        assert!(waited.is_err());
    }
    provider.release();
    let (pieces, end) = drain(Ok(stream)).await;
    assert_eq!((text(&pieces).as_str(), end), ("b", Ok(())));
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_its_connection() {
    for stop_in_the_middle in [false, true] {
        let script = Script::sse().event(&canned::chat_chunk(&json!({"content": "a"}), None)).hang();
        let (provider, stream) = begun(script, chat(), patient()).await;
        let mut stream = stream.expect("a stream");
        if stop_in_the_middle {
            assert!(stream.next().await.expect("a piece").is_some());
            assert!(tokio::time::timeout(Duration::from_millis(2), stream.next()).await.is_err());
        }
        drop(stream);
        provider.until(|state| state.left == 1 && state.open == 0).await;
    }
}

#[tokio::test]
async fn a_stream_that_ended_leaves_its_connection_for_the_next() {
    let (provider, stream) =
        begun(canned::chat_stream(&["a"], &canned::chat_usage(1, 1)), chat(), patient()).await;
    assert_eq!(drain(stream).await.1, Ok(()));
    provider.until(|state| state.answers == 1).await;
    let state = provider.state();
    assert_eq!((state.open, state.left), (1, 0));
}
