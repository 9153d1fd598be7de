//! Streamed answers of the assistant: events `delta`, then `done` or `error`.

use actix_web::HttpRequest;
use domain::ports::language_model::Piece;
use domain::services::assistant::AnswerKind;
use domain::services::metering::{Bill, Ended, Metered};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::envelope::request_id;
use crate::http::problem::Problem;
use crate::http::problems::{self, Asked};
use crate::http::sse::{self, Render};
use crate::openapi::words;
use crate::routes::streams;

/// How the assistant writes streams.
pub struct Dialect {
    asked: Asked,
    request_id: String,
}

impl Dialect {
    /// For the answer to a request.
    pub fn new(request: &HttpRequest) -> Self {
        Self { asked: Asked::of(request), request_id: request_id(request) }
    }
}

/// A piece of an answer.
#[derive(Serialize, ToSchema)]
pub struct Delta<'a> {
    text: &'a str,
}

/// The whole answer but for its text, which came before.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done<'a> {
    #[schema(value_type = words::AnswerKind)]
    r#type: &'static str,
    tokens_used: u64,
    credits_used: i64,
    credits_remaining: i64,
    model: &'a str,
    request_id: &'a str,
}

fn delta(text: &str) -> Vec<u8> {
    if text.is_empty() { Vec::new() } else { sse::event("delta", &Delta { text }) }
}

fn done(bill: &Bill, text: &str) -> Vec<u8> {
    let done = Done {
        r#type: AnswerKind::of(text).as_str(),
        tokens_used: bill.tokens.get(),
        credits_used: bill.charged.get(),
        credits_remaining: bill.remaining.get(),
        model: &bill.model,
        request_id: &bill.request_id,
    };
    sse::event("done", &done)
}

impl streams::Dialect for Dialect {
    const RENDER: Render = |piece: &Piece| delta(&piece.text);

    fn end(&self, ended: Ended) -> Option<Vec<u8>> {
        match ended {
            Ended::Done { bill, text, .. } => Some(done(&bill, &text)),
            Ended::Failed { error, bill } => {
                let problem = Problem::from(error);
                problems::log(&problem.kind, problem.cause.as_deref(), &self.request_id);
                let mut body = problems::problem(&problem.kind, &self.asked);
                let charged = bill.map_or(0, |bill| bill.charged_now().get());
                body.insert("credits_charged".to_owned(), charged.into());
                Some(sse::event("error", &body))
            }
            Ended::Left => None,
        }
    }

    fn replay(&self, metered: Metered) -> Vec<u8> {
        let mut frames = delta(&metered.text);
        frames.extend(done(&metered.bill, &metered.text));
        frames
    }
}
