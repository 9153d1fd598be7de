//! Figures over all users, for admins.

use async_trait::async_trait;

use super::Unavailable;
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::money::NanoUsd;

/// Usage over a range of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Requests that were answered and charged.
    pub requests: u64,
    /// Credits charged.
    pub credits: Credits,
    /// What the provider charges for them.
    pub cost: NanoUsd,
    /// Users among them.
    pub users: u64,
    /// Requests that ended without an answer and without a charge.
    pub failed: u64,
}

/// Sums over the usage rows.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Reports: Send + Sync {
    /// Totals of usage rows with `from <= time < to`. Zeros when there are none.
    async fn usage_totals(&self, from: Timestamp, to: Timestamp) -> Result<UsageTotals, Unavailable>;
}
