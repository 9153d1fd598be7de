//! Chunks of chat completions.

use std::collections::BTreeSet;

use domain::ports::language_model::{Ask, Finish, Interface, ModelError, Piece};
use serde_json::{Map, Value};

use super::{Reader, is_done_mark, object};
use crate::error::{self, Private};
use crate::outbound::wants_usage;
use crate::said;
use crate::sse::Frame;
use crate::usage::usage;

/// What is remembered of the chunks so far.
pub(super) struct Chat {
    private: Private,
    is_conversation: bool,
    /// Whether the client is to see usage.
    shows_usage: bool,
    /// Choices that have begun, and those that have ended.
    begun: BTreeSet<u64>,
    ended: BTreeSet<u64>,
    /// Whether nothing more is wanted: `[DONE]` has come, or usage behind the end of every choice.
    is_over: bool,
}

impl Chat {
    pub(super) fn new(private: Private) -> Self {
        Self {
            is_conversation: matches!(private.ask(), Ask::Conversation(_)),
            shows_usage: wants_usage(private.ask()),
            private,
            begun: BTreeSet::new(),
            ended: BTreeSet::new(),
            is_over: false,
        }
    }

    /// The output of a chunk, and how it ends the answer.
    fn choices(&mut self, chunk: &Map<String, Value>) -> (String, Option<Finish>) {
        let (mut text, mut finish) = (String::new(), None);
        for choice in said::list(chunk.get("choices")) {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            self.begun.insert(index);
            let delta = choice.get("delta").unwrap_or(&Value::Null);
            if self.is_conversation {
                text.push_str(&said::to_people(delta).unwrap_or_default());
            } else {
                text.push_str(&said::in_message(delta));
            }
            if let Some(end) = said::finish(choice) {
                self.ended.insert(index);
                finish = finish.or(Some(end));
            }
        }
        (text, finish)
    }

    /// The chunk for the client: as it came, but for usage that it did not ask for.
    fn frame(&self, raw: Vec<u8>, mut chunk: Map<String, Value>, is_usage_alone: bool) -> Vec<u8> {
        if self.is_conversation || (is_usage_alone && !self.shows_usage) {
            return Vec::new();
        }
        if self.shows_usage || chunk.shift_remove("usage").is_none() {
            return raw;
        }
        format!("data: {}\n\n", Value::Object(chunk)).into_bytes()
    }
}

impl Reader for Chat {
    fn read(&mut self, frame: Frame) -> Result<Option<Piece>, ModelError> {
        if is_done_mark(&frame.data) {
            self.is_over = true;
            return Ok(None);
        }
        let chunk = object(&frame.data);
        if frame.name == b"error" {
            let error = chunk.map(Value::Object).unwrap_or_default();
            return Err(error::failed(200, &error, &self.private.texts()));
        }
        let chunk = chunk?;
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(error::failed(200, error, &self.private.texts()));
        }
        let usage = chunk.get("usage").and_then(|it| usage(Interface::ChatCompletions, it));
        let is_alone = chunk.get("usage").is_some_and(|usage| !usage.is_null())
            && said::list(chunk.get("choices")).next().is_none();
        let is_end = is_alone && self.may_end();
        self.is_over |= is_end;
        let (text, finish) = self.choices(&chunk);
        let frame = self.frame(frame.raw, chunk, is_alone);
        let is_empty = frame.is_empty() && text.is_empty() && usage.is_none() && finish.is_none() && !is_end;
        Ok((!is_empty).then_some(Piece { frame, text, usage, finish, is_end }))
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn may_end(&self) -> bool {
        !self.ended.is_empty() && self.begun == self.ended
    }
}
