//! Responses.

use domain::ports::language_model::{Finish, Piece};
use domain::tokens::TokenUsage;
use serde_json::{Value, json};

use super::asked::{Asked, Reply};
use super::{created, few_words, id};

/// A whole response.
pub(super) fn body(asked: &Asked) -> Value {
    let is_whole = asked.finish != Finish::Length;
    let status = if is_whole { "completed" } else { "incomplete" };
    let mut response = response(asked, created(), status);
    response["output"] = json!([item(asked, status)]);
    response["usage"] = usage(asked.usage);
    if !is_whole {
        response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    }
    response
}

/// The same, a few words at a time.
pub(super) fn pieces(asked: &Asked) -> Vec<Piece> {
    let mut events = Events { pieces: Vec::new() };
    let whole = body(asked);
    let created = whole["created_at"].as_i64().unwrap_or_default();
    let begun = response(asked, created, "in_progress");
    events.push("response.created", json!({"response": begun}), "");
    events.push("response.in_progress", json!({"response": begun}), "");
    let item = whole["output"][0].clone();
    let at = json!({"item_id": item["id"], "output_index": 0});
    let with = |fields: Value| {
        let mut event = at.clone();
        for (name, value) in fields.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        event
    };
    let mut empty = item.clone();
    empty["status"] = json!("in_progress");
    match &asked.reply {
        Reply::Text(text) => {
            empty["content"] = json!([]);
            events.push("response.output_item.added", json!({"output_index": 0, "item": empty}), "");
            let part = |text: &str| json!({"content_index": 0, "part": part(text)});
            events.push("response.content_part.added", with(part("")), "");
            for words in few_words(text) {
                let delta = json!({"content_index": 0, "delta": words, "logprobs": []});
                events.push("response.output_text.delta", with(delta), words);
            }
            let done = json!({"content_index": 0, "text": text, "logprobs": []});
            events.push("response.output_text.done", with(done), "");
            events.push("response.content_part.done", with(part(text)), "");
        }
        Reply::Call { name, arguments, is_custom, .. } => {
            let (kind, field) = if *is_custom {
                ("response.custom_tool_call_input", "input")
            } else {
                ("response.function_call_arguments", "arguments")
            };
            empty[field] = json!("");
            events.push("response.output_item.added", json!({"output_index": 0, "item": empty}), name);
            for words in few_words(arguments) {
                events.push(&format!("{kind}.delta"), with(json!({"delta": words})), words);
            }
            events.push(&format!("{kind}.done"), with(json!({field: arguments})), "");
        }
    }
    events.push("response.output_item.done", json!({"output_index": 0, "item": item}), "");
    let end = format!("response.{}", whole["status"].as_str().unwrap_or_default());
    events.push(&end, json!({"response": whole}), "");
    if let Some(end) = events.pieces.last_mut() {
        (end.usage, end.finish, end.is_end) = (Some(asked.usage), Some(asked.finish), true);
    }
    events.pieces
}

/// Events, numbered as they come.
struct Events {
    pieces: Vec<Piece>,
}

impl Events {
    fn push(&mut self, kind: &str, mut event: Value, text: &str) {
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.pieces.len());
        let frame = format!("event: {kind}\ndata: {event}\n\n").into_bytes();
        self.pieces.push(Piece { frame, text: text.to_owned(), ..Piece::default() });
    }
}

/// A response with nothing in it yet.
fn response(asked: &Asked, created: i64, status: &str) -> Value {
    json!({
        "id": id("resp", &asked.seed), "object": "response", "created_at": created, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "max_output_tokens": null, "model": asked.model,
        "output": [], "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "store": false, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
        "usage": null, "metadata": {},
    })
}

fn item(asked: &Asked, status: &str) -> Value {
    match &asked.reply {
        Reply::Text(text) => json!({
            "id": id("msg", &asked.seed), "type": "message", "status": status, "role": "assistant",
            "content": [part(text)],
        }),
        Reply::Call { id: call, name, arguments, is_custom: false } => json!({
            "id": id("fc", &asked.seed), "type": "function_call", "status": status, "call_id": call, "name": name,
            "arguments": arguments,
        }),
        Reply::Call { id: call, name, arguments, is_custom: true } => json!({
            "id": id("ctc", &asked.seed), "type": "custom_tool_call", "status": status, "call_id": call, "name": name,
            "input": arguments,
        }),
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn usage(usage: TokenUsage) -> Value {
    json!({
        "input_tokens": usage.input.get(), "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.output.get(), "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total().get(),
    })
}
