//! Whole answers, with status 200. Unknown fields are ignored.

use domain::ports::language_model::{Ask, Completion, Finish, Interface, ModelError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::error;
use crate::outbound::interface;
use crate::said;
use crate::usage::usage;

/// The completion in the body of an answer to `ask`. No error repeats what is `private`.
pub(crate) fn completion(ask: &Ask, body: Vec<u8>, private: &[&str]) -> Result<Completion, ModelError> {
    let interface = interface(ask);
    let mut completion = match interface {
        Interface::Embeddings => embeddings(&body, private)?,
        Interface::ChatCompletions | Interface::Responses => {
            let answer: Value = json(&body)?;
            if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
                return Err(error::failed(200, error, private));
            }
            let (text, finish) = match (ask, interface) {
                (Ask::Conversation(_), _) => conversation(&answer)?,
                (Ask::Passed { .. }, Interface::ChatCompletions) => chat(&answer)?,
                (Ask::Passed { .. }, _) => response(&answer)?,
            };
            let usage = answer.get("usage").and_then(|it| usage(interface, it));
            Completion { text, body: Vec::new(), usage, finish }
        }
    };
    if let Ask::Passed { .. } = ask {
        completion.body = body;
    }
    Ok(completion)
}

/// The first choice.
fn conversation(answer: &Value) -> Result<(String, Finish), ModelError> {
    let choice = said::list(answer.get("choices")).next().ok_or_else(|| unusable("no choices"))?;
    let message =
        choice.get("message").filter(|message| message.is_object()).ok_or_else(|| unusable("no message"))?;
    let text = said::to_people(message).ok_or_else(|| unusable("content of no known kind"))?;
    match choice.get("finish_reason") {
        None | Some(Value::Null | Value::String(_)) => {
            Ok((text, said::finish(choice).unwrap_or(Finish::Stop)))
        }
        Some(_) => Err(unusable("a finish of no known kind")),
    }
}

/// Every choice. It ended with an error if all of them did, and like the first other one otherwise.
fn chat(answer: &Value) -> Result<(String, Finish), ModelError> {
    let (mut text, mut finish) = (String::new(), None);
    for choice in said::list(answer.get("choices")) {
        let message = choice.get("message").filter(|message| message.is_object());
        text.push_str(&said::in_message(message.ok_or_else(|| unusable("a choice without a message"))?));
        if finish.is_none_or(|finish| finish == Finish::Error) {
            finish = Some(said::finish(choice).unwrap_or(Finish::Stop));
        }
    }
    Ok((text, finish.ok_or_else(|| unusable("no choices"))?))
}

fn response(answer: &Value) -> Result<(String, Finish), ModelError> {
    let output = answer.get("output").and_then(Value::as_array).ok_or_else(|| unusable("no output"))?;
    let finish = said::response_finish(answer).ok_or_else(|| unusable("a response that has not ended"))?;
    Ok((output.iter().map(said::in_item).collect(), finish))
}

/// Numbers are many, so they are skipped rather than read.
#[derive(Deserialize)]
struct Embeddings {
    error: Option<Value>,
    data: Option<Vec<Embedding>>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Embedding {
    #[serde(rename = "embedding")]
    _embedding: IgnoredAny,
}

fn embeddings(body: &[u8], private: &[&str]) -> Result<Completion, ModelError> {
    let answer: Embeddings = json(body)?;
    if let Some(error) = answer.error {
        return Err(error::failed(200, &error, private));
    }
    if answer.data.is_none_or(|data| data.is_empty()) {
        return Err(unusable("no embeddings"));
    }
    let usage = answer.usage.and_then(|it| usage(Interface::Embeddings, &it));
    Ok(Completion { text: String::new(), body: Vec::new(), usage, finish: Finish::Stop })
}

fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ModelError> {
    // serde's message may quote the answer, so only the kind of mistake is told.
    serde_json::from_slice(body)
        .map_err(|error| ModelError::Unusable(format!("{:?} error in its JSON", error.classify())))
}

fn unusable(what: &str) -> ModelError {
    ModelError::Unusable(what.to_owned())
}
