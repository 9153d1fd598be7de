//! HTTP over loopback.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use super::answer::{Answer, Received};
use super::event::API_VERSION;
use super::state::State;

/// What the server and the test's handle share.
#[derive(Debug)]
pub(super) struct Shared {
    pub secret_key: String,
    pub webhook_secret: String,
    pub state: Mutex<State>,
    pub hanging: watch::Sender<bool>,
    /// How many requests came.
    pub arrived: watch::Sender<usize>,
}

/// Breaks the connection where the answer should be.
type Broken = Box<dyn Error + Send + Sync>;

/// Serves until it is dropped; its connections end with it.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                // A connection that breaks is the client's news, not ours.
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let received = receive(request).await?;
    let number = shared.state.lock().await.log(received);
    shared.arrived.send_modify(|arrived| *arrived += 1);
    // Ends with an error only when there is no sender, and we hold it.
    let _ = shared.hanging.subscribe().wait_for(|hanging| !hanging).await;
    let answer = shared.state.lock().await.answer(number, &shared.secret_key);
    Ok(respond(&answer.ok_or("the answer is lost")?))
}

async fn receive(request: Request<Incoming>) -> Result<Received, Broken> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let header = |name: HeaderName| {
        let value = parts.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let form = match parts.uri.query() {
        Some(query) if body.is_empty() => query.to_owned(),
        _ => String::from_utf8_lossy(&body).into_owned(),
    };
    let bearer = header(AUTHORIZATION);
    Ok(Received {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        params: Value::Null,
        idempotency_key: header(HeaderName::from_static("idempotency-key")),
        stripe_version: header(HeaderName::from_static("stripe-version")),
        status: None,
        lost: false,
        bearer: bearer.and_then(|bearer| bearer.strip_prefix("Bearer ").map(str::to_owned)),
        form,
    })
}

fn respond(answer: &Answer) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec_pretty(&answer.body).expect("JSON can be written");
    let mut response = Response::builder()
        .status(answer.status)
        .header(CONTENT_TYPE, "application/json")
        .header("request-id", &answer.request)
        .header("stripe-version", API_VERSION);
    if answer.replayed {
        response = response.header("idempotent-replayed", "true");
    }
    response.body(Full::new(Bytes::from(body))).expect("a status and headers in range")
}
