//! Answers in the shapes of OpenAI's interfaces.

use serde_json::{Value, json};

use super::Script;

/// Usage of chat completions.
pub fn chat_usage(input: u64, output: u64) -> Value {
    json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

/// Usage of responses.
pub fn response_usage(input: u64, output: u64) -> Value {
    json!({
        "input_tokens": input, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input + output,
    })
}

/// The body of a whole chat completion.
pub fn chat_body(text: &str, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": null, "annotations": []},
            "logprobs": null, "finish_reason": "stop",
        }],
        "usage": usage, "service_tier": "default", "system_fingerprint": null,
    })
}

/// A whole chat completion.
pub fn chat(text: &str, usage: &Value) -> Script {
    Script::json(200, &chat_body(text, usage))
}

/// A chunk of a streamed chat completion. Usage is null in it, as OpenAI sends it to those who want usage.
pub fn chat_chunk(delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000,
        "model": "gpt-4o-mini-2024-07-18", "service_tier": "default", "system_fingerprint": null,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}],
        "usage": null,
    })
}

/// The chunk that tells usage and nothing else.
pub fn chat_usage_chunk(usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000,
        "model": "gpt-4o-mini-2024-07-18", "service_tier": "default", "system_fingerprint": null,
        "choices": [], "usage": usage,
    })
}

/// A streamed chat completion of these words; without usage where that is null.
pub fn chat_stream(words: &[&str], usage: &Value) -> Script {
    let start =
        Script::sse().event(&chat_chunk(&json!({"role": "assistant", "content": "", "refusal": null}), None));
    let said =
        words.iter().fold(start, |script, word| script.event(&chat_chunk(&json!({"content": word}), None)));
    let ended = said.event(&chat_chunk(&json!({}), Some("stop")));
    if usage.is_null() { ended.done() } else { ended.event(&chat_usage_chunk(usage)).done() }
}

/// The body of a response with one message; with status `in_progress` there is no message yet.
pub fn response_body(status: &str, text: &str, usage: &Value) -> Value {
    let message = json!([{
        "id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }]);
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_760_000_000, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "max_output_tokens": null,
        "model": "gpt-4o-mini-2024-07-18",
        "output": if status == "in_progress" { json!([]) } else { message },
        "parallel_tool_calls": true, "previous_response_id": null, "store": false, "usage": usage,
    })
}

/// A whole response.
pub fn response(text: &str, usage: &Value) -> Script {
    Script::json(200, &response_body("completed", text, usage))
}

/// A streamed response of these words.
pub fn response_stream(words: &[&str], usage: &Value) -> Script {
    let text = words.concat();
    let mut number = 0;
    let mut next = |name: &str, mut data: Value| {
        data["type"] = json!(name);
        data["sequence_number"] = json!(number);
        number += 1;
        (name.to_owned(), data)
    };
    let begun = response_body("in_progress", "", &Value::Null);
    let part = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
    let with = |name: &str, value: &str| {
        let mut data = part.clone();
        data[name] = json!(value);
        data
    };
    let mut events = vec![
        next("response.created", json!({"response": begun})),
        next("response.in_progress", json!({"response": begun})),
        next(
            "response.output_item.added",
            json!({"output_index": 0, "item": {"id": "msg_1", "type": "message", "status": "in_progress",
                "role": "assistant", "content": []}}),
        ),
    ];
    for word in words {
        events.push(next("response.output_text.delta", with("delta", word)));
    }
    events.push(next("response.output_text.done", with("text", &text)));
    events.push(next("response.completed", json!({"response": response_body("completed", &text, usage)})));
    events.iter().fold(Script::sse(), |script, (name, data)| script.named(name, data))
}

/// An embedding (three numbers) for each text of the request, each token costing one.
pub fn embeddings(request: &Value) -> Script {
    let count = match &request["input"] {
        Value::Array(inputs) if !inputs.first().is_some_and(Value::is_number) => inputs.len(),
        _ => 1,
    };
    let data: Vec<Value> = (0..count)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": [0.6, 0.8, 0.0]}))
        .collect();
    let body = json!({
        "object": "list", "data": data, "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": count, "total_tokens": count},
    });
    Script::json(200, &body)
}

/// An error object, as OpenAI words them.
pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Script {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    Script::json(status, &body)
}

/// What is answered where there is no script.
pub(super) fn not_found() -> Script {
    error(404, "invalid_request_error", "unknown_url", "the test gave no script for this interface")
}
