//! What came in and what went back, entry by entry: a purchase's row says how things stand, these say when they
//! changed. Written in the commit that changed them, so that a day that is over keeps its figures.

use super::purchase::Purchase;
use crate::clock::Timestamp;
use crate::ids::{PurchaseId, UserId};

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevenueKind {
    /// A purchase was paid.
    Paid,
    /// Some of it was refunded or disputed; below zero: came back.
    Returned,
}

impl RevenueKind {
    /// The word that stores see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Returned => "returned",
        }
    }
}

/// One row of `revenue_entries`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevenueEntry {
    /// Whose purchase.
    pub user: UserId,
    /// Which.
    pub purchase: PurchaseId,
    /// Which way.
    pub kind: RevenueKind,
    /// How much, in centavos.
    pub minor: i64,
    /// Whether real money moved.
    pub livemode: bool,
    /// When the books learned of it.
    pub at: Timestamp,
}

/// What changed of a purchase's money between two states of its row. Adds up: all entries of a purchase together
/// are what was paid for it less what is returned of that now.
pub fn entries(before: Option<&Purchase>, after: &Purchase, at: Timestamp) -> Vec<RevenueEntry> {
    let paid = |row: &Purchase| if row.paid_at.is_some() { row.offer.price.minor() } else { 0 };
    let returned = |row: &Purchase| row.returned_minor().clamp(0, paid(row));
    let moved = |kind, minor: i64| {
        let Purchase { user, id: purchase, livemode, .. } = *after;
        (minor != 0).then_some(RevenueEntry { user, purchase, kind, minor, livemode, at })
    };
    let change = |of: &dyn Fn(&Purchase) -> i64| of(after).saturating_sub(before.map_or(0, of));
    let parts = [moved(RevenueKind::Paid, change(&paid)), moved(RevenueKind::Returned, change(&returned))];
    parts.into_iter().flatten().collect()
}
