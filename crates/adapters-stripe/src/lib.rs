//! Stripe behind the [payment provider port](domain::ports::payments).
//!
//! - [`Stripe`] asks: checkouts, the portal, refunds, kept cards, look-ups, the list of events.
//! - [`StripeEvents`] listens: it checks the signature of a webhook, and reads what it says.
//!
//! Requests are made by the typed builders of async-stripe, so that a parameter cannot be misspelt. They are
//! sent, and answers are read, here: async-stripe's own client fails on an answer, or an error, that lacks one
//! field that it knows of, and a payment must not depend on that. Every field of an answer is optional, of
//! whichever API version it is.
//!
//! Four promises hold throughout. What changes something carries an idempotency key, and is repeated with the
//! same one. Everything is bounded: time by [`Timeouts`], repetition by [`Retries`], answers by 16 MiB.
//! Redirects are not followed, so that the key reaches nobody else. Errors, which are logged, repeat nothing of
//! the key.
//!
//! To follow another type of event: give it a `Kind` by its name, read it in a file of its own
//! below `objects`, and look it up by an `ObjectName` if it can be.

mod card;
mod checkout;
mod config;
mod error;
mod event_list;
mod json;
mod look_up;
mod objects;
mod provider;
mod reader;
mod refund;
mod signature;
mod transport;

pub use config::{API_BASE, API_VERSION, Retries, StripeConfig, Timeouts};
pub use error::{SecretError, SetupError};
pub use provider::Stripe;
pub use reader::StripeEvents;
