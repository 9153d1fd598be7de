//! An event: what happened, with the object as it then was.

use serde_json::{Value, json};

/// The API version that events are written in.
pub const API_VERSION: &str = "2025-08-27.basil";

/// An event, as a copy of one's own: changing it changes nothing at the fake.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// All of it, to be read and tampered with.
    pub json: Value,
}

impl Event {
    pub(super) fn new(id: &str, at: i64, kind: &str, object: Value, cause: &Cause) -> Self {
        let json = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": at,
            "data": { "object": object },
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": cause.request, "idempotency_key": cause.key },
            "type": kind,
        });
        Self { json }
    }

    /// Its id, `evt_...`.
    pub fn id(&self) -> &str {
        self.json["id"].as_str().unwrap_or_default()
    }

    /// What happened, such as `invoice.paid`.
    pub fn kind(&self) -> &str {
        self.json["type"].as_str().unwrap_or_default()
    }

    /// The object that it is about.
    pub fn object(&self) -> &Value {
        &self.json["data"]["object"]
    }

    /// The same, to be tampered with.
    pub fn object_mut(&mut self) -> &mut Value {
        &mut self.json["data"]["object"]
    }

    /// The bytes as Stripe sends them: indented, so that only who checks the raw body gets the signature right.
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.json).expect("JSON can be written")
    }
}

/// The request that an event came of; nothing where a customer or the bank did it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause {
    pub request: Option<String>,
    pub key: Option<String>,
}
