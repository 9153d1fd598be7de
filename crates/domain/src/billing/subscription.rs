//! A subscription: a plan that is paid every month until it is cancelled.

use super::offer::Offer;
use crate::clock::{Span, Timestamp};
use crate::ids::{PurchaseId, UserId};

/// How long after its period a subscription that is expected to renew keeps its plan and its credits: time
/// for the provider to collect.
pub const GRACE: Span = Span::from_secs(3 * 86_400);

/// One row of `subscriptions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The provider's id.
    pub id: String,
    /// Whose.
    pub user: UserId,
    /// The purchase that began it.
    pub purchase: PurchaseId,
    /// The plan's terms, as last paid.
    pub offer: Offer,
    /// The provider's word for its state: `active`, `past_due`, `canceled` and so on.
    pub status: String,
    /// Whether it ends with its period instead of renewing.
    pub cancel_at_period_end: bool,
    /// Whether it has ended. An end is final.
    pub ended: bool,
    /// End of the last period that was paid.
    pub paid_until: Option<Timestamp>,
    /// When status and cancellation were so.
    pub as_of: Timestamp,
    /// When we first heard of it.
    pub created_at: Timestamp,
}

impl Subscription {
    /// Whether another period will be asked for when this one is over.
    pub fn renews(&self) -> bool {
        !self.ended && !self.cancel_at_period_end
    }

    /// When its plan lapses unless another period is paid; `None` while nothing was paid.
    pub fn lapses_at(&self) -> Option<Timestamp> {
        self.paid_until.map(|until| if self.renews() { until.after(GRACE) } else { until })
    }
}
