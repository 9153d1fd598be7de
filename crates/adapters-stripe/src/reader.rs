//! Reading the events that Stripe sends, and that its list holds.

use domain::clock::Timestamp;
use domain::ports::payments::{EventReader, ForgedEvent, ProviderEvent, UnreadableEvent};
use secrecy::SecretString;
use serde_json::Value;

use crate::error::SecretError;
use crate::json;
use crate::objects::{self, Kind};
use crate::signature::{self, Secret};

/// Checks and reads Stripe's events, of every API version.
#[derive(Clone, Debug)]
pub struct StripeEvents {
    secrets: Vec<Secret>,
}

impl StripeEvents {
    /// A reader that takes what is signed with the current secret or, while secrets are being changed, with the
    /// previous one.
    pub fn new(current: SecretString, previous: Option<SecretString>) -> Result<Self, SecretError> {
        let secrets = std::iter::once(current).chain(previous).map(Secret::new);
        Ok(Self { secrets: secrets.collect::<Result<_, _>>()? })
    }
}

impl EventReader for StripeEvents {
    fn verify(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), ForgedEvent> {
        signature::verify(&self.secrets, signature, body, now)
    }

    fn read(&self, body: &[u8]) -> Result<ProviderEvent, UnreadableEvent> {
        // serde's message may quote the body, so only the kind of mistake is told.
        let event: Value = serde_json::from_slice(body)
            .map_err(|error| UnreadableEvent(format!("{:?} error in its JSON", error.classify())))?;
        let missing = |field: &str| UnreadableEvent(format!("it has no {field}"));
        let id = json::text(&event, "/id").ok_or_else(|| missing("id"))?;
        let kind = json::text(&event, "/type").ok_or_else(|| missing("type"))?;
        // Without a time, it outweighs nothing that has one.
        let created_at = json::time(&event, "/created").unwrap_or_default();
        let object = event.pointer("/data/object").unwrap_or(&Value::Null);
        let sighting = objects::read(Kind::of_event(&kind), &kind, object, created_at);
        Ok(ProviderEvent { id, livemode: json::says(&event, "/livemode"), created_at, sighting, kind })
    }
}
