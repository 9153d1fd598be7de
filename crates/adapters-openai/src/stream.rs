//! Answers that come piece by piece.

mod chat;
mod responses;

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::language_model::{AnswerStream, Ask, Interface, ModelError, Piece};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::config::Timeouts;
use crate::error::{self, Private};
use crate::outbound::interface;
use crate::sse::{Frame, Splitter, TooLong};

use chat::Chat;
use responses::Responses;

/// The longest event of a chat completion, in bytes.
const MAX_CHUNK_BYTES: usize = 1024 * 1024;
/// The longest event of a response, in bytes: the last one repeats the whole answer.
const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;
/// How long usage is waited for once the answer itself is complete.
const USAGE_PATIENCE: Duration = Duration::from_secs(5);
/// How long the connection's end is waited for behind the answer's, so that it can be used again.
const LINGER: Duration = Duration::from_secs(1);

/// Makes pieces of the events of one interface.
trait Reader: Send {
    /// The piece in an event; `None` where there is nothing in it for anybody.
    fn read(&mut self, frame: Frame) -> Result<Option<Piece>, ModelError>;

    /// Whether nothing more is wanted.
    fn is_over(&self) -> bool;

    /// Whether the answer is complete, though more would be welcome.
    fn may_end(&self) -> bool;
}

/// An answer that is being made.
pub(crate) struct Sse {
    /// Taken when the answer ended, in any way.
    response: Option<Response>,
    splitter: Splitter,
    reader: Box<dyn Reader>,
    timeouts: Timeouts,
    /// When there must have been an end.
    ends: Instant,
    /// Since when no line has come, while one was waited for.
    silent_since: Option<Instant>,
    /// Lines that had come when it was last looked.
    lines: u64,
    has_output: bool,
}

/// Whether an answer says that it is a stream of events.
pub(crate) fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/event-stream")
}

impl Sse {
    /// The stream of an answer that has begun.
    pub(crate) fn new(response: Response, private: Private, timeouts: Timeouts, ends: Instant) -> Self {
        let is_response =
            matches!(private.ask(), Ask::Passed { .. }) && interface(private.ask()) == Interface::Responses;
        let max_bytes = if is_response { MAX_RESPONSE_BYTES } else { MAX_CHUNK_BYTES };
        let reader: Box<dyn Reader> =
            if is_response { Box::new(Responses::new(private)) } else { Box::new(Chat::new(private)) };
        Self {
            response: Some(response),
            splitter: Splitter::new(max_bytes),
            reader,
            timeouts,
            ends,
            silent_since: None,
            lines: 0,
            has_output: false,
        }
    }

    async fn piece(&mut self) -> Result<Option<Piece>, ModelError> {
        loop {
            if self.reader.is_over() {
                self.release();
                return Ok(None);
            }
            let frame = self.splitter.next();
            if self.splitter.lines() > self.lines {
                self.lines = self.splitter.lines();
                self.silent_since = None;
            }
            if let Some(frame) = frame.map_err(|TooLong| too_long(self.splitter.max_bytes()))? {
                if let Some(piece) = self.reader.read(frame)? {
                    self.has_output |= !piece.text.is_empty();
                    return Ok(Some(piece));
                }
                continue;
            }
            match self.more().await {
                Ok(true) => {}
                // What else could come is not worth an error.
                _ if self.reader.may_end() => return Ok(None),
                Ok(false) => return Err(ModelError::Interrupted("the stream ended early".to_owned())),
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for more bytes; false where there are no more. Nothing is lost when the future is dropped: bytes are taken
    /// only when it is ready.
    async fn more(&mut self) -> Result<bool, ModelError> {
        let Some(response) = &mut self.response else { return Ok(false) };
        if self.ends <= Instant::now() {
            return Err(ModelError::TimedOut);
        }
        let Timeouts { first_byte, idle, .. } = self.timeouts;
        let patience = match (self.has_output, self.reader.may_end()) {
            (_, true) => idle.min(USAGE_PATIENCE),
            (true, false) => idle,
            // A model may think for a while before it says anything.
            (false, false) => idle.max(first_byte),
        };
        let silent_since = *self.silent_since.get_or_insert_with(Instant::now);
        let chunk = timeout_at(self.ends.min(silent_since + patience), response.chunk())
            .await
            .map_err(|_| ModelError::TimedOut)?
            .map_err(|error| ModelError::Interrupted(error::chain(error)))?;
        if let Some(chunk) = &chunk {
            self.splitter.push(chunk);
        }
        Ok(chunk.is_some())
    }

    /// Lets the connection be used again, once the provider ends it in order.
    fn release(&mut self) {
        let Some(mut response) = self.response.take() else { return };
        tokio::spawn(tokio::time::timeout(LINGER, async move {
            while let Ok(Some(_)) = response.chunk().await {}
        }));
    }
}

#[async_trait]
impl AnswerStream for Sse {
    async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
        let outcome = self.piece().await;
        if !matches!(outcome, Ok(Some(_))) {
            self.response = None;
        }
        outcome
    }
}

fn too_long(max_bytes: usize) -> ModelError {
    ModelError::Unusable(format!("an event longer than {max_bytes} bytes"))
}

/// The JSON object in an event.
fn object(data: &[u8]) -> Result<Map<String, Value>, ModelError> {
    match serde_json::from_slice(data) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ModelError::Unusable("an event that is no JSON object".to_owned())),
        // serde's message may quote the answer, so only the kind of mistake is told.
        Err(error) => Err(ModelError::Unusable(format!("{:?} error in an event's JSON", error.classify()))),
    }
}

/// The mark that ends streams of chat completions.
fn is_done_mark(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]"
}
