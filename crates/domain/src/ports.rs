//! Ports: what the services need of the world, in the words of the domain.
//!
//! Every verb of a port is one atomic act. Absence is an `Option`, a business no is a
//! [`crate::ledger::command::Refusal`], breakage is [`Unavailable`]. With the feature `mock`, each port
//! has a generated mock (`MockLedger`, `MockLanguageModel`, ...).

pub mod api_keys;
pub mod audit;
pub mod billing;
pub mod books;
pub mod client;
pub mod identity;
pub mod language_model;
pub mod ledger;
pub mod overview;
pub mod payments;
pub mod reports;
pub mod statements;
pub mod timer;
pub mod upkeep;
pub mod vitals;

/// A part of the world did not answer. Says what for the log; never shown to a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unavailable: {0}")]
pub struct Unavailable(pub String);
