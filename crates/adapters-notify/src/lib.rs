//! Notices on their way out.
//!
//! [`Letters`] and [`Webhook`] implement the port [`Courier`](domain::ports::notices::Courier): one message, one try,
//! bounded in time. When to try again is the domain's to decide.
//!
//! | To find | Look in |
//! |---|---|
//! | letters over SMTP | [`Letters`], `smtp` |
//! | what letters say, in Portuguese and English | `words`, `letter`, the templates |
//! | signed events, as Standard Webhooks has them | [`Webhook`], `webhook`, [`signature`] |
//! | which addresses an event may be sent to | [`egress`] |
//! | what is wrong with a setting | [`SetupError`] |
//!
//! Nothing that is answered is repeated in an error: it may hold an address.

pub mod egress;
mod error;
mod letter;
pub mod signature;
mod smtp;
mod webhook;
mod words;

pub use egress::Egress;
pub use error::SetupError;
pub use letter::{Letter, write};
pub use signature::Secret;
pub use smtp::{Encryption, Letters, Sender, SmtpServer};
pub use webhook::{Webhook, WebhookAddress};
