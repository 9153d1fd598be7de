//! A fake receiver of webhooks: it takes events, and answers what it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::listen;

/// An event as it came.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body, as it came.
    pub body: Vec<u8>,
}

impl Hook {
    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Its body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Whether one of its signatures is that of this secret, as Standard Webhooks has it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of every length");
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// A receiver on a loopback port. It answers 200 unless it is told otherwise.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: AbortHandle,
}

/// A status, and headers.
type Answer = (u16, Vec<(&'static str, String)>);

#[derive(Debug, Default)]
struct Shared {
    hooks: Vec<Hook>,
    answers: VecDeque<Answer>,
}

impl Receiver {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = listen(None).await;
        let address = listener.local_addr().expect("a bound port");
        let shared = Arc::<Mutex<Shared>>::default();
        let task = tokio::spawn(serve(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, task }
    }

    /// `http://127.0.0.1:port/hooks`.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers the next event with this status.
    pub fn answer(&self, status: u16) {
        self.answer_with(status, &[]);
    }

    /// The same, with headers.
    pub fn answer_with(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        lock(&self.shared).answers.push_back((status, headers));
    }

    /// The events that came, oldest first.
    pub fn hooks(&self) -> Vec<Hook> {
        lock(&self.shared).hooks.clone()
    }

    /// Stops: connections are refused.
    pub async fn stop(&self) {
        self.task.abort();
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Starts again on the same port.
    pub async fn start_again(&mut self) {
        let listener = listen(Some(self.address)).await;
        self.task = tokio::spawn(serve(listener, Arc::clone(&self.shared))).abort_handle();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(
    shared: Arc<Mutex<Shared>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let (status, headers) = {
        let mut shared = lock(&shared);
        shared.hooks.push(Hook { headers, body });
        shared.answers.pop_front().unwrap_or((200, Vec::new()))
    };
    let response = headers
        .into_iter()
        .fold(Response::builder().status(status), |response, (name, value)| response.header(name, value));
    Ok(response
        .body(Full::new(Bytes::from("the receiver's own words")))
        .expect("a status and headers in range"))
}
