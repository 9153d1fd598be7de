//! Answers that are sent piece by piece: `text/event-stream`.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use async_trait::async_trait;
use domain::ports::client::{AnswerSink, ClientGone};
use domain::ports::language_model::Piece;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A client that hears nothing gets a comment after so long, so that nobody between takes the connection for dead.
const COMMENT_AFTER: Duration = Duration::from_secs(10);
/// A second one follows so much later: where the client has closed its end, the first write is answered with a reset,
/// and the next one fails.
const PROBE_AFTER: Duration = Duration::from_millis(500);
const COMMENT: &[u8] = b": keep-alive\n\n";
/// A client that takes nothing for so long has left.
const SLOWEST: Duration = Duration::from_secs(30);
/// Frames that may wait for a slow client.
const WAITING: usize = 32;

/// How the pieces of an answer look to a client.
pub type Render = fn(&Piece) -> Vec<u8>;

/// The sending end of a streamed response.
pub struct Client {
    frames: mpsc::Sender<Bytes>,
    render: Render,
    /// Cancelled when the server cannot wait any longer for streams to end.
    cut: CancellationToken,
}

impl Client {
    /// Sends a frame; empty ones are not sent.
    pub async fn send(&self, frame: Vec<u8>) -> Result<(), ClientGone> {
        if frame.is_empty() {
            return Ok(());
        }
        match tokio::time::timeout(SLOWEST, self.frames.send(frame.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ClientGone),
        }
    }
}

#[async_trait]
impl AnswerSink for Client {
    async fn piece(&mut self, piece: &Piece) -> Result<(), ClientGone> {
        let frame = (self.render)(piece);
        tokio::select! {
            sent = self.send(frame) => sent,
            () = self.cut.cancelled() => Err(ClientGone),
        }
    }

    async fn gone(&mut self) {
        tokio::select! {
            () = self.frames.closed() => {}
            () = self.cut.cancelled() => {}
        }
    }
}

/// A response with the end that fills it. The response ends when that end is dropped.
pub fn open(render: Render, cut: CancellationToken) -> (Client, Frames) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Client { frames: sender, render, cut }, Frames(receiver))
}

/// The receiving end.
pub struct Frames(mpsc::Receiver<Bytes>);

impl Frames {
    /// The response. Dropped by the HTTP layer when the client has left.
    pub fn respond(self, mut response: HttpResponseBuilder) -> HttpResponse {
        head(&mut response);
        response.streaming(stream::unfold((self.0, COMMENT_AFTER), |(mut frames, patience)| async move {
            let (frame, patience) = match tokio::time::timeout(patience, frames.recv()).await {
                Ok(frame) => (frame?, COMMENT_AFTER),
                Err(_) if patience == COMMENT_AFTER => (Bytes::from_static(COMMENT), PROBE_AFTER),
                Err(_) => (Bytes::from_static(COMMENT), COMMENT_AFTER),
            };
            Some((Ok::<_, Infallible>(frame), (frames, patience)))
        }))
    }
}

/// A stream that is over already: the kept one of an earlier request.
pub fn finished(mut response: HttpResponseBuilder, events: Vec<u8>) -> HttpResponse {
    head(&mut response);
    response.body(events)
}

fn head(response: &mut HttpResponseBuilder) {
    response.insert_header((CONTENT_TYPE, "text/event-stream"));
    response.insert_header((CACHE_CONTROL, "no-store"));
    // Proxies of the nginx sort would else collect what is to be passed on at once.
    response.insert_header((HeaderName::from_static("x-accel-buffering"), "no"));
}

/// One named event with JSON in it.
pub fn event(name: &str, data: &impl serde::Serialize) -> Vec<u8> {
    let json = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
    format!("event: {name}\ndata: {json}\n\n").into_bytes()
}
