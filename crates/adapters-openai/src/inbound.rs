//! Clients' own requests in OpenAI's wire format, read for what they may cost.
//!
//! What is not known here is kept, and its JSON counts as text. Refused is what no bound on tokens holds the cost of:
//! tools that run at the provider, dearer tiers of service, audio, work in the background, context that the provider
//! rewrites by itself, and what other servers offer of the kind (a choice of models, searches).

mod chat;
mod content;
mod embeddings;
pub mod fields;
mod responses;
mod tools;

pub use embeddings::MOST_INPUTS;

use std::sync::Arc;

use domain::ports::language_model::Interface;
use domain::services::assistant::question::{FieldFault, FieldRule};
use domain::services::gateway::passed::{PassedRequest, Weight};
use domain::tokens::Tokens;
use serde_json::{Map, Value};

/// Reads a request: what it is for, and what of it may cost how much. All faults at once.
///
/// The body is to be passed on as it is written again here: a field that was given twice is in it once, so that a
/// provider cannot understand it otherwise.
pub fn read(interface: Interface, body: &Value) -> Result<PassedRequest, Vec<FieldFault>> {
    let Value::Object(object) = body else {
        return Err(vec![FieldFault::new("", FieldRule::Type("an object"))]);
    };
    let mut reading = Reading::new();
    let model = reading.model(object);
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        reading.check_spelling(name);
        let is_read = match interface {
            Interface::ChatCompletions => reading.chat(name, value),
            Interface::Responses => reading.response(name, value),
            Interface::Embeddings => reading.embeddings(name, value),
        };
        if !is_read && !reading.common(name, value) {
            reading.text_of(value);
        }
    }
    let required = match interface {
        Interface::ChatCompletions => "messages",
        Interface::Responses | Interface::Embeddings => "input",
    };
    let has = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
    // A prompt that the provider keeps may bring the input.
    let is_prompted = interface == Interface::Responses && has("prompt");
    if !has(required) && !is_prompted {
        reading.fault(format!("/{required}"), FieldRule::Required);
    }
    if !reading.faults.is_empty() {
        return Err(reading.faults);
    }
    Ok(PassedRequest {
        interface,
        model,
        body: Arc::from(body.to_string()),
        stream: reading.stream,
        weight: reading.weight,
    })
}

/// What was found out of a request so far.
struct Reading {
    weight: Weight,
    stream: bool,
    faults: Vec<FieldFault>,
}

impl Reading {
    fn new() -> Self {
        Self { weight: Weight { choices: 1, ..Weight::default() }, stream: false, faults: Vec::new() }
    }

    fn fault(&mut self, pointer: impl Into<String>, rule: FieldRule) {
        self.faults.push(FieldFault::new(pointer, rule));
    }

    fn model(&mut self, object: &Map<String, Value>) -> String {
        match object.get("model") {
            None | Some(Value::Null) => self.fault("/model", FieldRule::Required),
            Some(Value::String(model)) if model.trim().is_empty() => {
                self.fault("/model", FieldRule::NotBlank);
            }
            Some(Value::String(model)) => return model.clone(),
            Some(_) => self.fault("/model", FieldRule::Type("a string")),
        }
        String::new()
    }

    /// Some servers do not mind the case of names: what is measured here must not come in by another spelling.
    fn check_spelling(&mut self, name: &str) {
        // Up and down again, so that letters with an odd case fold too.
        let folded = name.to_uppercase().to_lowercase();
        if folded != name && fields::is_known(&folded) {
            self.fault(format!("/{}", escaped(name)), FieldRule::Unsupported);
        }
    }

    /// The most output; the smallest of several limits.
    fn limit(&mut self, name: &str, value: &Value) {
        const MOST: u64 = Tokens::MAX.get();
        match fields::as_whole(value).and_then(|limit| u64::try_from(limit).ok()) {
            Some(limit @ 1..=MOST) => {
                let limit = Tokens::new(limit);
                let smaller = self.weight.max_output.map_or(limit, |other| other.min(limit));
                self.weight.max_output = Some(smaller);
            }
            _ => self.fault(format!("/{name}"), FieldRule::WholeWithin(1, MOST.cast_signed())),
        }
    }

    /// Whatever it is, as text.
    fn text_of(&mut self, value: &Value) {
        self.weight.texts.push(match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
    }
}

/// A name within a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
