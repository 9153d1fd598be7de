//! Requests for responses.

use domain::services::assistant::question::FieldRule;
use domain::services::gateway::passed::Brought;
use serde_json::{Map, Value};

use super::Reading;

impl Reading {
    /// A field that is a response's own; false where it is none.
    pub(super) fn response(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "input" => self.input(value),
            "instructions" => {
                self.weight.parts += 1;
                self.text_of(value);
            }
            "max_output_tokens" => self.limit(name, value),
            "tools" => self.tools(value),
            "previous_response_id" | "conversation" | "prompt" => self.brings(Brought::Kept),
            "background" => match value {
                Value::Bool(false) => {}
                Value::Bool(true) => self.fault("/background", FieldRule::CostUnbounded),
                _ => self.wrong_type(name, "true or false"),
            },
            _ => return false,
        }
        true
    }

    fn input(&mut self, input: &Value) {
        match input {
            Value::String(text) => {
                self.weight.parts += 1;
                self.weight.texts.push(text.clone());
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let at = format!("/input/{index}");
                    match item {
                        Value::Object(item) => self.item(&at, item),
                        _ => self.fault(at, FieldRule::Type("an object")),
                    }
                }
            }
            _ => self.wrong_type("input", "a string or a list"),
        }
    }

    fn item(&mut self, at: &str, item: &Map<String, Value>) {
        let kind = match item.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            // Messages and references need no type.
            None | Some(Value::Null) if item.contains_key("role") || !item.contains_key("id") => "message",
            None | Some(Value::Null) => "item_reference",
            Some(_) => return self.fault(format!("{at}/type"), FieldRule::Type("a string")),
        };
        match kind {
            "message" => self.message(at, item),
            "function_call_output" | "custom_tool_call_output" => {
                self.weight.parts += 1;
                if let Some(output) = item.get("output") {
                    self.content(&format!("{at}/output"), output);
                }
                self.texts_in(item, &["id", "status", "output"]);
            }
            // Encrypted reasoning is longer than what is in it.
            "function_call" | "custom_tool_call" | "reasoning" => {
                self.weight.parts += 1;
                self.texts_in(item, &["id", "status"]);
            }
            "item_reference" => self.brings(Brought::Kept),
            "compaction_trigger" => self.fault(format!("{at}/type"), FieldRule::CostUnbounded),
            _ => self.brings(Brought::Unknown),
        }
    }
}
