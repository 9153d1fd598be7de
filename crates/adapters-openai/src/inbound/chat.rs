//! Requests for chat completions.

use domain::services::assistant::question::FieldRule;
use serde_json::{Map, Value};

use super::Reading;

impl Reading {
    /// A field that is a chat completion's own; false where it is none.
    pub(super) fn chat(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "messages" => self.messages(value),
            "max_tokens" | "max_completion_tokens" => self.limit(name, value),
            "tools" => self.tools(value),
            "functions" => self.functions(value),
            "prediction" => self.prediction(value),
            _ => return false,
        }
        true
    }

    fn messages(&mut self, messages: &Value) {
        let Some(messages) = messages.as_array() else { return self.wrong_type("messages", "a list") };
        if messages.is_empty() {
            self.fault("/messages", FieldRule::AtLeastItems(1));
        }
        for (index, message) in messages.iter().enumerate() {
            let at = format!("/messages/{index}");
            match message {
                Value::Object(message) => self.message(&at, message),
                _ => self.fault(at, FieldRule::Type("an object")),
            }
        }
    }

    /// A message: of a chat completion, or among the items of a response.
    pub(super) fn message(&mut self, at: &str, message: &Map<String, Value>) {
        self.weight.parts += 1;
        match message.get("role") {
            Some(Value::String(_)) => {}
            None | Some(Value::Null) => self.fault(format!("{at}/role"), FieldRule::Required),
            Some(_) => self.fault(format!("{at}/role"), FieldRule::Type("a string")),
        }
        if let Some(content) = message.get("content") {
            self.content(&format!("{at}/content"), content);
        }
        // An earlier answer by voice, to be listened to again.
        if message.get("audio").is_some_and(|audio| !audio.is_null()) {
            self.fault(format!("{at}/audio"), FieldRule::CostUnbounded);
        }
        // Names, calls of tools, whatever else there may be.
        self.texts_in(message, &["role", "content", "audio", "id", "status", "phase"]);
    }

    /// Output that the client foresees: what does not come true is billed as output.
    fn prediction(&mut self, prediction: &Value) {
        let Value::Object(prediction) = prediction else { return self.wrong_type("prediction", "an object") };
        match prediction.get("content") {
            Some(Value::String(text)) => self.weight.predicted.push_str(text),
            Some(content @ Value::Array(_)) => self.weight.predicted.push_str(&content.to_string()),
            None | Some(Value::Null) => self.fault("/prediction/content", FieldRule::Required),
            Some(_) => self.fault("/prediction/content", FieldRule::Type("a string or a list")),
        }
    }
}
