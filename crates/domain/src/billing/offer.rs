//! What is sold, as it stood in the catalogue at the moment of buying.

use crate::clock::{Span, Timestamp};
use crate::credits::Credits;
use crate::ledger::account::PlanName;
use crate::money::Money;

/// How a plan is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayMode {
    /// Once: a pack of credits.
    Payment,
    /// Every month, until it is cancelled.
    Subscription,
}

impl PayMode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::Payment, Self::Subscription];

    /// The word that clients, stores and the provider use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Subscription => "subscription",
        }
    }

    /// The mode that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// A plan's terms, frozen: what a purchase grants and costs whatever the catalogue says later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The plan.
    pub plan: PlanName,
    /// The credits that come with one payment; more than nothing.
    pub credits: Credits,
    /// What one payment costs; more than nothing.
    pub price: Money,
    /// Days after which a pack's credits expire; `None` is never. A subscription's credits follow its
    /// period instead.
    pub expires_after_days: Option<u32>,
}

const SECONDS_PER_DAY: u32 = 86_400;

impl Offer {
    /// When a pack's credits that are granted at `at` fall due.
    pub fn pack_expiry(&self, at: Timestamp) -> Option<Timestamp> {
        self.expires_after_days.map(|days| at.after(Span::from_secs(SECONDS_PER_DAY.saturating_mul(days))))
    }
}
