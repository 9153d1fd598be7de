//! A fake Stripe: it speaks HTTP on a loopback port, keeps its objects in memory, and does what a test says
//! its customers do.
//!
//! ```text
//! let stripe = FakeStripe::start().await;
//! // ... the server under test opens a checkout at stripe.url() with stripe.secret_key() ...
//! for event in stripe.pay_by_card(&session).await {
//!     let (signature, body) = stripe.signed(&event);
//!     // ... the test delivers it: once, twelve times, in any order, or never ...
//! }
//! ```
//!
//! Acts answer the events that they cause, oldest first, in the shapes of [`API_VERSION`]; the same events
//! can be listed at `/v1/events`. Nothing is sent by itself. An act that makes no sense, such as paying an
//! expired session, panics.
//!
//! | To find | Look in |
//! |---|---|
//! | what customers and banks do | `acts` |
//! | what a server may ask for | `endpoints`, `lists` |
//! | faults, idempotency | `answer` |
//! | signatures, right and wrong ones | [`signing`] |
//!
//! As at Stripe, metadata does not spread by itself: a payment intent has that of `payment_intent_data`, its
//! charge the same; a subscription has that of `subscription_data`, its invoices and their lines the same, and
//! the intents and charges of its invoices none.
//!
//! What is simpler than Stripe: a month has 30 days, a session one currency, a subscription one line; there
//! are no balance transactions; an invoice for a change of price comes at once.

mod acts;
mod answer;
mod billing;
mod endpoints;
mod event;
mod form;
mod lists;
mod objects;
mod payments;
mod problem;
mod server;
pub mod signing;
mod state;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;

pub use answer::Received;
pub use event::{API_VERSION, Event};
use server::Shared;
use state::{State, new_id};

/// A running fake, which stops with the last of its handles.
#[derive(Clone, Debug)]
pub struct FakeStripe(Arc<Running>);

#[derive(Debug)]
struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeStripe {
    /// Starts one on a free port, with nothing in it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            secret_key: new_id("sk_test"),
            webhook_secret: new_id("whsec"),
            state: Mutex::default(),
            hanging: watch::Sender::new(false),
            arrived: watch::Sender::new(0),
        });
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared))).abort_handle();
        Self(Arc::new(Running { address, shared, server }))
    }

    /// Where it listens: `http://127.0.0.1:<port>`, to be followed by `/v1/...`.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// The only API key that it takes, `sk_test_...`.
    pub fn secret_key(&self) -> &str {
        &self.0.shared.secret_key
    }

    /// The secret that [`Self::signed`] signs with, `whsec_...`.
    pub fn webhook_secret(&self) -> &str {
        &self.0.shared.webhook_secret
    }

    /// Header `Stripe-Signature` and body of an event, signed now.
    pub fn signed(&self, event: &Event) -> (String, Vec<u8>) {
        self.signed_with(self.webhook_secret(), unix_seconds(), event)
    }

    /// The same with any secret at any time. [`signing::header`] has several secrets, and any bytes.
    pub fn signed_with(&self, secret: &str, at_unix_seconds: i64, event: &Event) -> (String, Vec<u8>) {
        signing::signed_with(secret, at_unix_seconds, event)
    }

    /// An object as it is now. Panics if there is none of this id.
    pub async fn object(&self, id: &str) -> Value {
        self.state().await.object(id).clone()
    }

    /// Changes an object behind everyone's back: no event tells of it.
    pub async fn amend(&self, id: &str, change: impl FnOnce(&mut Value)) {
        self.state().await.edit(id, change);
    }

    /// The charge that an intent, an invoice or a session was paid or tried with, if there is one.
    pub async fn charge_of(&self, id: &str) -> Option<String> {
        self.state().await.charge_of(id)
    }

    /// All events, oldest first.
    pub async fn events(&self) -> Vec<Event> {
        self.state().await.events.clone()
    }

    /// All requests, in the order in which they came.
    pub async fn requests(&self) -> Vec<Received> {
        self.state().await.requests.clone()
    }

    /// Waits until this many requests have come in all, answered or not.
    pub async fn requests_reach(&self, count: usize) {
        let mut arrived = self.0.shared.arrived.subscribe();
        // Ends with an error only when there is no sender, and we hold it.
        let _ = arrived.wait_for(|arrived| *arrived >= count).await;
    }

    /// Does what the next requests ask for, and drops the connection instead of answering.
    pub async fn lose_next_answers(&self, count: u32) {
        self.state().await.losing = count;
    }

    /// Answers the next requests with an error, and does nothing of what they ask. The answer is not kept
    /// for their idempotency keys.
    pub async fn fail_next(&self, count: u32, status: u16) {
        self.state().await.failing = (count, status);
    }

    /// Keeps requests waiting until it is told to stop. A request whose client left meanwhile is not done.
    pub fn hang(&self, hanging: bool) {
        self.0.shared.hanging.send_replace(hanging);
    }

    async fn state(&self) -> tokio::sync::MutexGuard<'_, State> {
        self.0.shared.state.lock().await
    }

    /// Does something, and collects the events that it causes.
    async fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> (T, Vec<Event>) {
        let mut state = self.state().await;
        let first = state.events.len();
        let done = act(&mut state);
        (done, state.events[first..].to_vec())
    }
}

/// Now, by the machine's clock.
fn unix_seconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(now.as_secs()).expect("a second in range")
}
