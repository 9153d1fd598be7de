//! Waiting. The only way that services do it.

use async_trait::async_trait;

use crate::clock::Span;

/// Waits for a while.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Timer: Send + Sync {
    /// Returns once `span` is over, not before. May be dropped while it waits.
    async fn after(&self, span: Span);
}
