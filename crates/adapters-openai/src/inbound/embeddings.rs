//! Requests for embeddings.

use domain::services::assistant::question::FieldRule;
use domain::tokens::Tokens;
use serde_json::Value;

use super::Reading;
use super::fields::as_whole;

/// The most texts in one request.
pub const MOST_INPUTS: usize = 2_048;
/// What input may be.
const INPUT: &str = "a string, or a list of strings, of tokens, or of lists of tokens";

impl Reading {
    /// A field that is an embedding's own; false where it is none.
    pub(super) fn embeddings(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "input" => self.inputs(value),
            "stream" if value.as_bool() == Some(true) => self.fault("/stream", FieldRule::Unsupported),
            "encoding_format" if value != "float" && value != "base64" => {
                self.fault("/encoding_format", FieldRule::OneOf(&["float", "base64"]));
            }
            "dimensions" if as_whole(value).is_none_or(|dimensions| !(1..=65_536).contains(&dimensions)) => {
                self.fault("/dimensions", FieldRule::WholeWithin(1, 65_536));
            }
            _ => return false,
        }
        true
    }

    fn inputs(&mut self, input: &Value) {
        let list = match input {
            Value::String(text) => return self.text(text),
            Value::Array(list) => list,
            _ => return self.wrong_type("input", INPUT),
        };
        match list.first() {
            Some(Value::String(_) | Value::Array(_)) if list.len() > MOST_INPUTS => {
                self.fault("/input", FieldRule::AtMostItems(MOST_INPUTS));
            }
            Some(Value::String(_)) => {
                self.each(list, |reading, input| input.as_str().map(|text| reading.text(text)).is_some());
            }
            Some(Value::Array(_)) => self
                .each(list, |reading, input| input.as_array().is_some_and(|tokens| reading.tokens(tokens))),
            Some(Value::Number(_)) => {
                if !self.tokens(list) {
                    self.wrong_type("input", INPUT);
                }
            }
            Some(_) => self.wrong_type("input", INPUT),
            None => self.fault("/input", FieldRule::AtLeastItems(1)),
        }
    }

    /// Reads each input; what is not of the first one's kind is a fault.
    fn each(&mut self, list: &[Value], read: impl Fn(&mut Self, &Value) -> bool) {
        for (index, input) in list.iter().enumerate() {
            if !read(self, input) {
                self.fault(format!("/input/{index}"), FieldRule::Type(INPUT));
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.weight.parts += 1;
        self.weight.texts.push(text.to_owned());
    }

    /// Input that is counted already; false where it is not tokens, or none.
    fn tokens(&mut self, tokens: &[Value]) -> bool {
        self.weight.parts += 1;
        let count = Tokens::new(u64::try_from(tokens.len()).unwrap_or(u64::MAX));
        self.weight.tokens = self.weight.tokens.plus(count);
        !tokens.is_empty() && tokens.iter().all(|token| as_whole(token).is_some_and(|token| token >= 0))
    }
}
