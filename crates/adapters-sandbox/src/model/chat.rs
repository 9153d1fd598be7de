//! Chat completions.

use domain::ports::language_model::{Finish, Piece};
use domain::tokens::TokenUsage;
use serde_json::{Value, json};

use super::asked::{Asked, Reply};
use super::{created, few_words, id};

/// A whole answer.
pub(super) fn body(asked: &Asked) -> Value {
    let choices = (0..asked.choices).map(|index| {
        let message = match &asked.reply {
            Reply::Text(text) => json!({"role": "assistant", "content": text, "refusal": null, "annotations": []}),
            Reply::Call { .. } => json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": [call(&asked.reply)]}),
        };
        json!({"index": index, "message": message, "logprobs": null, "finish_reason": reason(asked)})
    });
    let choices: Vec<Value> = choices.collect();
    json!({
        "id": id("chatcmpl", &asked.seed), "object": "chat.completion", "created": created(), "model": asked.model,
        "choices": choices, "usage": usage(asked.usage), "service_tier": "default", "system_fingerprint": "sandbox",
    })
}

/// The same, a few words at a time.
pub(super) fn pieces(asked: &Asked) -> Vec<Piece> {
    let (id, created) = (id("chatcmpl", &asked.seed), created());
    let frame = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": created, "model": asked.model,
            "service_tier": "default", "system_fingerprint": "sandbox", "choices": choices,
        });
        if asked.shows_usage {
            chunk["usage"] = usage.unwrap_or_default();
        }
        format!("data: {chunk}\n\n").into_bytes()
    };
    let choice = |index: u64, delta: Value, finish: Option<&str>| {
        frame(json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]), None)
    };
    let mut pieces = Vec::new();
    for index in 0..asked.choices {
        let first = json!({"role": "assistant", "content": first_content(&asked.reply), "refusal": null});
        pieces.push(Piece { frame: choice(index, first, None), ..Piece::default() });
        for (delta, text) in deltas(&asked.reply) {
            pieces.push(Piece { frame: choice(index, delta, None), text, ..Piece::default() });
        }
        let frame = choice(index, json!({}), Some(reason(asked)));
        pieces.push(Piece { frame, finish: Some(asked.finish), ..Piece::default() });
    }
    let frame = if asked.shows_usage { frame(json!([]), Some(usage(asked.usage))) } else { Vec::new() };
    pieces.push(Piece { frame, usage: Some(asked.usage), is_end: true, ..Piece::default() });
    pieces
}

fn first_content(reply: &Reply) -> Value {
    match reply {
        Reply::Text(_) => json!(""),
        Reply::Call { .. } => Value::Null,
    }
}

/// Each with the output in it.
fn deltas(reply: &Reply) -> Vec<(Value, String)> {
    match reply {
        Reply::Text(text) => {
            few_words(text).map(|words| (json!({"content": words}), words.to_owned())).collect()
        }
        Reply::Call { name, arguments, is_custom, .. } => {
            let (kind, field) = if *is_custom { ("custom", "input") } else { ("function", "arguments") };
            let mut begun = call(reply);
            begun["index"] = json!(0);
            begun[kind][field] = json!("");
            let begun = (json!({"tool_calls": [begun]}), name.clone());
            let more = few_words(arguments).map(|words| {
                let call = json!({"index": 0, kind: {field: words}});
                (json!({"tool_calls": [call]}), words.to_owned())
            });
            [begun].into_iter().chain(more).collect()
        }
    }
}

fn call(reply: &Reply) -> Value {
    match reply {
        Reply::Call { id, name, arguments, is_custom: false } => {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
        }
        Reply::Call { id, name, arguments, is_custom: true } => {
            json!({"id": id, "type": "custom", "custom": {"name": name, "input": arguments}})
        }
        Reply::Text(_) => Value::Null,
    }
}

fn reason(asked: &Asked) -> &'static str {
    match (asked.finish, &asked.reply) {
        (Finish::Length, _) => "length",
        (_, Reply::Call { .. }) => "tool_calls",
        (_, Reply::Text(_)) => "stop",
    }
}

fn usage(usage: TokenUsage) -> Value {
    json!({
        "prompt_tokens": usage.input.get(), "completion_tokens": usage.output.get(), "total_tokens": usage.total().get(),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0},
    })
}
