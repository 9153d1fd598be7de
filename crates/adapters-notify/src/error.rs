//! What is wrong with a setting, and what errors say.

use std::error::Error;

/// Why a courier cannot be set up. Says nothing of what was set: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// No address of a mail server.
    #[error("is not smtp://user:password@host:587 or smtps://user:password@host:465: {0}")]
    Server(&'static str),
    /// No address that letters come from.
    #[error("is no e-mail address such as `Saldo <no-reply@example.com>`")]
    Sender,
    /// No address that events can be sent to.
    #[error("{0}")]
    Endpoint(String),
    /// No secret to sign events with.
    #[error("is no signing secret: whsec_ and the base64 of 24 to 64 random bytes")]
    Secret,
    /// TLS cannot be set up, most often for want of CA certificates.
    #[error("cannot be used: {0}")]
    Client(String),
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
