//! What a running server does for the books in the background.

use async_trait::async_trait;

use super::Unavailable;
use crate::clock::{Moment, Span, Timestamp};
use crate::ids::InstanceId;

/// How long a server's lease lasts. With the grace and a second for the next sweep, the holds of a
/// server that was killed right after a renewal are free 28 seconds later: within the promised 30.
pub const LEASE: Span = Span::from_secs(17);
/// How often it is renewed.
pub const LEASE_RENEWAL: Span = Span::from_secs(5);
/// How long after the end of a lease its server counts as dead.
pub const LEASE_GRACE: Span = Span::from_secs(10);

/// Work that any replica does and that is done once, whoever does it: each act is decided on the locked
/// account, so that two sweepers at the same time change nothing twice.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Writes this server's lease to last until `until`; creates its row the first time.
    async fn renew_lease(&self, instance: InstanceId, until: Timestamp) -> Result<(), Unavailable>;

    /// Ends this server's lease at `now`: it shut down in order and holds nothing any more.
    async fn end_lease(&self, instance: InstanceId, now: Timestamp) -> Result<(), Unavailable>;

    /// Expires open holds past their time, open holds whose server's lease ended more than
    /// [`LEASE_GRACE`] before `now` (or that has none, once the hold is older than [`LEASE`] and
    /// [`LEASE_GRACE`] together), and due lots: up to `limit` accounts. Answers how many accounts were
    /// visited.
    async fn expire_due(&self, now: Moment, limit: u32) -> Result<u32, Unavailable>;

    /// Deletes request texts older than `content_before`, idempotency keys (with their answers) made
    /// before `keys_before`, and leases that ended before it. Makes what storage future texts need.
    async fn purge(&self, content_before: Timestamp, keys_before: Timestamp) -> Result<(), Unavailable>;

    /// Whether the store answers, for readiness.
    async fn ping(&self) -> Result<(), Unavailable>;
}
