//! Letters that are never sent.

use async_trait::async_trait;
use domain::ports::notices::{Courier, CourierError, Message};

/// Sends nothing, and says so of every letter.
#[derive(Clone, Copy, Debug, Default)]
pub struct SandboxMail;

#[async_trait]
impl Courier for SandboxMail {
    async fn send(&self, _message: &Message) -> Result<(), CourierError> {
        Err(CourierError::Simulated("e-mails are SIMULATED: this one was not sent".to_owned()))
    }
}
