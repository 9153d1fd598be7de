//! What we keep of a user as a customer: the provider's name for them, and automatic top-up.

use crate::credits::Credits;
use crate::ids::{PurchaseId, UserId};
use crate::ledger::account::PlanName;

/// Declined top-ups in a row after which automatic top-up is switched off.
pub const DECLINES_ALLOWED: u32 = 3;

/// One row of `billing_profiles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingProfile {
    /// Whose.
    pub user: UserId,
    /// The customer at the provider.
    pub customer: Option<String>,
    /// Automatic top-up, if the user ever set it.
    pub top_up: Option<TopUp>,
}

impl BillingProfile {
    /// That of a user who never bought anything.
    pub const fn of_newcomer(user: UserId) -> Self {
        Self { user, customer: None, top_up: None }
    }
}

/// What the user wants of automatic top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUpSettings {
    /// Whether it is on.
    pub enabled: bool,
    /// A pack is bought when fewer credits than this are available.
    pub threshold: Credits,
    /// Which pack.
    pub plan: PlanName,
    /// The most to spend in a calendar month, in minor units.
    pub monthly_cap_minor: i64,
}

/// Automatic top-up and how it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// What the user wants.
    pub settings: TopUpSettings,
    /// The top-up that is under way: there is never a second one.
    pub open: Option<PurchaseId>,
    /// Declined in a row.
    pub declines: u32,
    /// The calendar month that `month_minor` counts, as [`crate::clock::Day::month`] does.
    pub month: i64,
    /// Spent in that month or under way, in minor units.
    pub month_minor: i64,
}

impl TopUp {
    /// Spent in `month`, or under way.
    pub fn spent_in(&self, month: i64) -> i64 {
        if self.month == month { self.month_minor } else { 0 }
    }
}
