//! Events of responses.

use domain::ports::language_model::{Interface, ModelError, Piece};
use serde_json::{Map, Value};

use super::{Reader, is_done_mark, object};
use crate::error::{self, Private};
use crate::said;
use crate::sse::Frame;
use crate::usage::usage;

/// What is remembered of the events so far.
pub(super) struct Responses {
    private: Private,
    /// Whether the last event has come.
    is_over: bool,
}

impl Responses {
    pub(super) fn new(private: Private) -> Self {
        Self { private, is_over: false }
    }

    fn failed(&self, event: &Map<String, Value>) -> ModelError {
        let response = event.get("response").and_then(|response| response.get("error"));
        let error = response.or_else(|| event.get("error")).filter(|error| !error.is_null()).cloned();
        // The event itself has the words where there is no such object; its type says nothing.
        let error = error.unwrap_or_else(|| {
            let own = event.iter().filter(|(name, _)| *name != "type");
            Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect())
        });
        error::failed(200, &error, &self.private.texts())
    }
}

impl Reader for Responses {
    fn read(&mut self, frame: Frame) -> Result<Option<Piece>, ModelError> {
        // No part of this protocol, but some servers end every stream so.
        if is_done_mark(&frame.data) {
            return Ok(None);
        }
        let event = object(&frame.data)?;
        let kind = event.get("type").and_then(Value::as_str).map(str::as_bytes);
        let kind = kind.unwrap_or(&frame.name);
        let mut piece = Piece::default();
        match kind {
            b"error" | b"response.failed" => return Err(self.failed(&event)),
            b"response.completed" | b"response.incomplete" => {
                let response = event.get("response").unwrap_or(&Value::Null);
                piece.usage = response.get("usage").and_then(|it| usage(Interface::Responses, it));
                piece.finish = said::response_finish(response);
                piece.is_end = true;
                self.is_over = true;
            }
            // What calls a tool has its name here; all else follows in deltas.
            b"response.output_item.added" => {
                let name = event.get("item").and_then(|item| item.get("name"));
                name.and_then(Value::as_str).unwrap_or_default().clone_into(&mut piece.text);
            }
            _ if kind.ends_with(b".delta") => {
                let delta = event.get("delta").and_then(Value::as_str);
                delta.unwrap_or_default().clone_into(&mut piece.text);
            }
            _ => {}
        }
        Ok(Some(Piece { frame: frame.raw, ..piece }))
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    /// Only its last event says how a response ended.
    fn may_end(&self) -> bool {
        false
    }
}
