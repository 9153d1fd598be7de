//! A client that takes an answer piece by piece.

use async_trait::async_trait;

use super::language_model::Piece;

/// The client left: its connection is closed, or it stopped reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client left")]
pub struct ClientGone;

/// Takes the pieces of an answer, in order.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait AnswerSink: Send {
    /// Hands a piece to the client; waits while the client is slow, for a bounded time.
    async fn piece(&mut self, piece: &Piece) -> Result<(), ClientGone>;

    /// Returns when the client is known to have left, or is to be treated so. May be dropped while it waits.
    async fn gone(&mut self);
}
