//! Fields of a request that do not stand for input, and what they must be.

use domain::services::assistant::question::FieldRule;
use serde_json::Value;

use super::Reading;

/// What a field must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Flag,
    /// A number.
    Number,
    /// A whole number.
    Whole,
    /// A string.
    Text,
    /// An object.
    Object,
    /// A list.
    List,
    /// Whatever it is.
    Anything,
}

/// Fields that cost nothing, or nothing beyond the output that is limited anyway.
pub const FREE: [(&str, Kind); 25] = [
    ("dimensions", Kind::Whole),
    ("encoding_format", Kind::Text),
    ("frequency_penalty", Kind::Number),
    ("include", Kind::List),
    ("logit_bias", Kind::Object),
    ("logprobs", Kind::Flag),
    ("max_tool_calls", Kind::Whole),
    ("metadata", Kind::Object),
    ("model", Kind::Anything),
    ("parallel_tool_calls", Kind::Flag),
    ("presence_penalty", Kind::Number),
    ("prompt_cache_key", Kind::Text),
    ("prompt_cache_retention", Kind::Text),
    ("reasoning_effort", Kind::Text),
    ("safety_identifier", Kind::Text),
    ("seed", Kind::Whole),
    ("stop", Kind::Anything),
    ("store", Kind::Flag),
    ("stream_options", Kind::Object),
    ("temperature", Kind::Number),
    ("top_logprobs", Kind::Whole),
    ("top_p", Kind::Number),
    ("truncation", Kind::Text),
    ("user", Kind::Text),
    ("verbosity", Kind::Text),
];

/// Fields whose cost nobody can bound: OpenAI's, Azure's, and those of other servers. They may be false or empty.
pub const UNBOUNDED: [&str; 14] = [
    "audio",
    "data_sources",
    "enable_search",
    "fallbacks",
    "models",
    "multi_agent",
    "plugins",
    // Lifetimes in the cache may have prices of their own.
    "prompt_cache_options",
    "provider",
    "route",
    "search_parameters",
    "web_search",
    "web_search_options",
    // Rewrites the context by itself, with output that no limit is known to hold.
    "context_management",
];

/// Other fields that are measured.
const MEASURED: [&str; 19] = [
    "background",
    "conversation",
    "functions",
    "input",
    "instructions",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "messages",
    "modalities",
    "n",
    "prediction",
    "previous_response_id",
    "prompt",
    "reasoning",
    "service_tier",
    "stream",
    "tools",
    "tool_choice",
];

/// Tiers of service that are not dearer than what the price book says.
pub const TIERS: [&str; 3] = ["auto", "default", "flex"];
/// The most choices that may be asked for.
pub const MOST_CHOICES: u64 = 128;

/// A whole number: to JSON, `5` and `5.0` are the same.
pub fn as_whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) if number.is_f64() => number.to_string().strip_suffix(".0")?.parse().ok(),
        _ => value.as_i64(),
    }
}

/// Whether a field of this name means anything here.
pub(super) fn is_known(name: &str) -> bool {
    FREE.iter().any(|(free, _)| *free == name) || UNBOUNDED.contains(&name) || MEASURED.contains(&name)
}

impl Reading {
    /// A field that means the same on every interface; false where it is none.
    pub(super) fn common(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "stream" => match value.as_bool() {
                Some(stream) => self.stream = stream,
                None => self.wrong_type(name, "true or false"),
            },
            "n" => match as_whole(value).and_then(|choices| u64::try_from(choices).ok()) {
                Some(choices @ 1..=MOST_CHOICES) => self.weight.choices = choices,
                _ => self.fault("/n", FieldRule::WholeWithin(1, MOST_CHOICES.cast_signed())),
            },
            "service_tier" if value.as_str().is_some_and(|tier| TIERS.contains(&tier)) => {}
            "service_tier" => self.fault("/service_tier", FieldRule::OneOf(&TIERS)),
            "modalities" => match value.as_array() {
                Some(kinds) if kinds.iter().all(|kind| kind == "text") => {}
                Some(_) => self.fault("/modalities", FieldRule::CostUnbounded),
                None => self.wrong_type(name, "a list"),
            },
            "reasoning" => self.reasoning(value),
            _ if is_unbounded(name, value) => self.fault(format!("/{name}"), FieldRule::CostUnbounded),
            _ if UNBOUNDED.contains(&name) => {}
            _ => return self.free(name, value),
        }
        true
    }

    /// How hard to think is held by the output limit; another way of thinking need not be.
    fn reasoning(&mut self, value: &Value) {
        match value.get("mode") {
            None | Some(Value::Null) => self.text_of(value),
            Some(mode) if mode == "standard" => self.text_of(value),
            Some(_) => self.fault("/reasoning/mode", FieldRule::CostUnbounded),
        }
    }

    fn free(&mut self, name: &str, value: &Value) -> bool {
        let Some((_, kind)) = FREE.iter().find(|(free, _)| *free == name) else { return false };
        let (is_fit, expected) = match kind {
            Kind::Flag => (value.is_boolean(), "true or false"),
            Kind::Number => (value.is_number(), "a number"),
            Kind::Whole => (value.is_u64() || as_whole(value).is_some(), "a whole number"),
            Kind::Text => (value.is_string(), "a string"),
            Kind::Object => (value.is_object(), "an object"),
            Kind::List => (value.is_array(), "a list"),
            Kind::Anything => (true, ""),
        };
        if !is_fit {
            self.wrong_type(name, expected);
        }
        true
    }

    pub(super) fn wrong_type(&mut self, name: &str, expected: &'static str) {
        self.fault(format!("/{name}"), FieldRule::Type(expected));
    }
}

/// Whether it asks for something of that kind: false and nothing do not.
fn is_unbounded(name: &str, value: &Value) -> bool {
    let is_nothing = match value {
        Value::Bool(wish) => !wish,
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    UNBOUNDED.contains(&name) && !is_nothing
}
