//! What counts as output in OpenAI's shapes: texts, refusals, reasoning that is shown, and calls of tools.

use domain::ports::language_model::Finish;
use serde_json::Value;

/// All output in the message of a chat completion, or in a delta of one.
pub(crate) fn in_message(message: &Value) -> String {
    let mut said = String::new();
    // Compatible servers show reasoning under either of the latter names.
    for name in ["content", "refusal", "reasoning_content", "reasoning"] {
        push_content(&mut said, message.get(name));
    }
    for call in list(message.get("tool_calls")) {
        for kind in ["function", "custom"] {
            push_call(&mut said, call.get(kind));
        }
    }
    push_call(&mut said, message.get("function_call"));
    said
}

/// What a user is to read of a message or a delta: its text; a refusal where nothing else was said. `None` where the
/// text is neither text nor parts.
pub(crate) fn to_people(message: &Value) -> Option<String> {
    let mut said = String::new();
    match message.get("content") {
        None | Some(Value::Null | Value::String(_) | Value::Array(_)) => {
            push_content(&mut said, message.get("content"));
        }
        Some(_) => return None,
    }
    if said.is_empty() {
        push_text(&mut said, message.get("refusal"));
    }
    Some(said)
}

/// All output in an item of a response.
pub(crate) fn in_item(item: &Value) -> String {
    let mut said = String::new();
    // Messages; calls of functions; calls of custom tools; reasoning.
    for name in ["content", "name", "arguments", "input", "summary"] {
        push_content(&mut said, item.get(name));
    }
    said
}

/// How a chat completion's choice ended; `None` where it has not.
pub(crate) fn finish(choice: &Value) -> Option<Finish> {
    Some(match choice.get("finish_reason")?.as_str()? {
        "length" => Finish::Length,
        "content_filter" => Finish::ContentFilter,
        "error" => Finish::Error,
        // "stop", calls of tools, what is yet to be invented.
        _ => Finish::Stop,
    })
}

/// How a response ended, by its status; `None` where it has not.
pub(crate) fn response_finish(response: &Value) -> Option<Finish> {
    Some(match response.get("status").and_then(Value::as_str)? {
        "completed" => Finish::Stop,
        "incomplete" => match response.pointer("/incomplete_details/reason").and_then(Value::as_str) {
            Some("max_output_tokens") => Finish::Length,
            Some("content_filter") => Finish::ContentFilter,
            _ => Finish::Stop,
        },
        "failed" | "cancelled" => Finish::Error,
        _ => return None,
    })
}

/// The elements of a list; none of what is no list.
pub(crate) fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// Text, or a list of parts with text or a refusal. A part with neither is something else than output.
fn push_content(said: &mut String, content: Option<&Value>) {
    push_text(said, content);
    for part in list(content) {
        push_text(said, part.get("text"));
        push_text(said, part.get("refusal"));
    }
}

fn push_call(said: &mut String, call: Option<&Value>) {
    for name in ["name", "arguments", "input"] {
        push_text(said, call.and_then(|call| call.get(name)));
    }
}

fn push_text(said: &mut String, text: Option<&Value>) {
    said.push_str(text.and_then(Value::as_str).unwrap_or_default());
}
