//! Stand-ins for a first run without keys, and for tests: a model and a payment provider that need no
//! network and move no money.
//!
//! [`SandboxModel`] stands in for a provider of models. It is deterministic, so the same question always costs
//! the same, and every answer says that it is simulated.
//!
//! [`SandboxCheckout`] stands in for Stripe: checkouts, subscriptions, refunds and disputes that somebody
//! clicks through on a local page, and the signed events that Stripe would have sent for them.
//!
//! [`SandboxMail`] stands in for a mail server: it sends nothing, and says so of every letter.

mod checkout;
mod mail;
mod model;

pub use checkout::act::{Act, ActError};
pub use checkout::events::SandboxEvent;
pub use checkout::view::{CheckoutView, DisputeView, PaymentView, PortalView, SubscriptionView};
pub use checkout::{SandboxCheckout, SandboxOptions, Stage};
pub use mail::SandboxMail;
pub use model::{SandboxConfig, SandboxModel};
