//! The simulated model: answers without a key, a network or a bill.
//!
//! [`SandboxModel`] stands in for a provider on a first run and in tests. It is deterministic, so the
//! same question always costs the same, and every answer says that it is simulated.

mod model;

pub use model::{SandboxConfig, SandboxModel};
