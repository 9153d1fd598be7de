//! Streams in OpenAI's framing.

use actix_web::HttpRequest;
use domain::ports::language_model::{Interface, Piece};
use domain::services::metering::{Bill, Ended, Metered};
use serde_json::{Map, Value, json};

use crate::http::envelope::request_id;
use crate::http::openai_errors;
use crate::http::problem::Problem;
use crate::http::problems::log;
use crate::http::sse::Render;
use crate::http::texts::Language;
use crate::routes::streams;

/// How clients of chat completions know that a stream is complete.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// How one of the interfaces ends its streams.
pub struct Dialect {
    interface: Interface,
    language: Language,
    request_id: String,
}

impl Dialect {
    /// For the answer to a request.
    pub fn new(interface: Interface, request: &HttpRequest) -> Self {
        Self { interface, language: openai_errors::language(request), request_id: request_id(request) }
    }

    fn closing(&self) -> &'static [u8] {
        match self.interface {
            Interface::ChatCompletions => DONE,
            Interface::Responses | Interface::Embeddings => b"",
        }
    }

    fn failure(&self, error: Map<String, Value>) -> Vec<u8> {
        match self.interface {
            Interface::ChatCompletions | Interface::Embeddings => {
                format!("data: {}\n\n", json!({ "error": error })).into_bytes()
            }
            Interface::Responses => {
                // The event of this interface; `error` is where its clients look in any stream.
                let (code, message) = (error.get("code"), error.get("message"));
                let data = json!({
                    "type": "error", "code": code, "message": message, "param": null, "error": error,
                });
                format!("event: error\ndata: {data}\n\n").into_bytes()
            }
        }
    }
}

impl streams::Dialect for Dialect {
    const RENDER: Render = |piece: &Piece| piece.frame.clone();

    fn end(&self, ended: Ended) -> Option<Vec<u8>> {
        match ended {
            Ended::Done { bill, last, .. } => {
                let mut frames: Vec<u8> = last.into_iter().flat_map(|piece| piece.frame).collect();
                frames.extend_from_slice(comment(&bill).as_bytes());
                frames.extend_from_slice(self.closing());
                Some(frames)
            }
            Ended::Failed { error, bill } => {
                let problem = Problem::from(error);
                log(&problem.kind, problem.cause.as_deref(), &self.request_id);
                let mut error = openai_errors::error(&problem.kind, self.language);
                let charged = bill.map_or(0, |bill| bill.charged_now().get());
                error.insert("credits_charged".to_owned(), charged.into());
                Some(self.failure(error))
            }
            Ended::Left => None,
        }
    }

    fn replay(&self, metered: Metered) -> Vec<u8> {
        let mut frames = metered.body;
        frames.extend_from_slice(comment(&metered.bill).as_bytes());
        frames.extend_from_slice(self.closing());
        frames
    }
}

/// What the answer cost: a comment, since this framing has no place for it.
fn comment(bill: &Bill) -> String {
    format!(": credits_charged={} credits_remaining={}\n\n", bill.charged_now(), bill.remaining)
}
