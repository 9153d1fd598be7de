//! Events as Stripe sends them: the envelope, and the signature over its bytes.

use domain::clock::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::desk::hex;
use super::objects::secs;

/// The generation of Stripe's API whose shapes these are.
pub const API_VERSION: &str = "2025-03-31.basil";

/// An event, to be delivered to the webhook just so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxEvent {
    /// The raw body: the bytes that the signature is over.
    pub body: Vec<u8>,
    /// The value of the `Stripe-Signature` header.
    pub signature: String,
}

/// An event that happened.
pub struct Event {
    pub id: String,
    pub created: Timestamp,
    pub body: Vec<u8>,
}

impl Event {
    pub fn new(id: String, kind: &str, object: Value, now: Timestamp) -> Self {
        let body = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": secs(now),
            "data": { "object": object },
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
            "type": kind,
        });
        Self { id, created: now, body: body.to_string().into_bytes() }
    }
}

/// A body with the signature that Stripe would send along with it.
pub fn signed(body: Vec<u8>, secret: &str, now: Timestamp) -> SandboxEvent {
    let time = secs(now);
    // The only error is a key of a wrong length, and HMAC takes keys of every length.
    let tag = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mut mac| {
        mac.update(format!("{time}.").as_bytes());
        mac.update(&body);
        hex(&mac.finalize().into_bytes())
    });
    let signature = format!("t={time},v1={}", tag.unwrap_or_default());
    SandboxEvent { body, signature }
}
