//! The content of messages and items: texts, images, files.

use domain::services::assistant::question::FieldRule;
use domain::services::gateway::passed::Brought;
use serde_json::{Map, Value};

use super::Reading;

impl Reading {
    /// A text, or a list of parts.
    pub(super) fn content(&mut self, at: &str, content: &Value) {
        match content {
            Value::Null => {}
            Value::String(text) => self.weight.texts.push(text.clone()),
            Value::Array(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let at = format!("{at}/{index}");
                    match part {
                        Value::Object(part) => self.part(&at, part),
                        _ => self.fault(at, FieldRule::Type("an object")),
                    }
                }
            }
            _ => self.fault(at, FieldRule::Type("a string or a list")),
        }
    }

    fn part(&mut self, at: &str, part: &Map<String, Value>) {
        let Some(kind) = self.kind(at, part) else { return };
        match kind {
            "text" | "input_text" | "output_text" | "refusal" | "summary_text" | "reasoning_text" => {
                self.texts_in(part, &["annotations", "logprobs", "prompt_cache_breakpoint"]);
            }
            "image_url" => match part.get("image_url") {
                Some(Value::Object(image)) if image.get("url").is_some_and(Value::is_string) => {
                    self.image(&format!("{at}/image_url"), image);
                }
                Some(Value::String(_)) => self.image(at, part),
                _ => self.fault(format!("{at}/image_url/url"), FieldRule::Type("a string")),
            },
            "input_image" => match (part.get("image_url"), part.get("file_id")) {
                (_, Some(Value::String(_))) => self.brings(Brought::File),
                (Some(Value::String(_)), None | Some(Value::Null)) => self.image(at, part),
                _ => self.fault(format!("{at}/image_url"), FieldRule::Type("a string")),
            },
            // Inline or not: how many pages and pictures are in it, nobody says.
            "file" | "input_file" => self.brings(Brought::File),
            "input_audio" => self.fault(format!("{at}/type"), FieldRule::CostUnbounded),
            _ => self.brings(Brought::Unknown),
        }
    }

    /// An image of a known detail costs so much at the most; any other is beyond what is known.
    fn image(&mut self, at: &str, image: &Map<String, Value>) {
        match image.get("detail") {
            None | Some(Value::Null) => self.weight.images += 1,
            Some(Value::String(detail)) => match detail.as_str() {
                "low" => self.weight.small_images += 1,
                "auto" | "high" => self.weight.images += 1,
                _ => self.brings(Brought::Unknown),
            },
            Some(_) => self.fault(format!("{at}/detail"), FieldRule::Type("a string")),
        }
    }

    /// The `type` of a part or a tool.
    pub(super) fn kind<'a>(&mut self, at: &str, object: &'a Map<String, Value>) -> Option<&'a str> {
        match object.get("type") {
            Some(Value::String(kind)) => return Some(kind),
            None | Some(Value::Null) => self.fault(format!("{at}/type"), FieldRule::Required),
            Some(_) => self.fault(format!("{at}/type"), FieldRule::Type("a string")),
        }
        None
    }

    /// Every value of an object as text, but its type and those that are free.
    pub(super) fn texts_in(&mut self, object: &Map<String, Value>, free: &[&str]) {
        for (name, value) in object {
            if name != "type" && !value.is_null() && !free.contains(&name.as_str()) {
                self.text_of(value);
            }
        }
    }

    pub(super) fn brings(&mut self, what: Brought) {
        if !self.weight.brings.contains(&what) {
            self.weight.brings.push(what);
        }
    }
}
