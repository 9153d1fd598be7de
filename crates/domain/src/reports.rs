//! Figures over all users: what a range of time, or each of many buckets of it, came to.
//!
//! Stores add up; what is derived from their sums stands here, as pure functions: rates, money, percentiles.
//!
//! | To find | Look in |
//! |---|---|
//! | ranges cut into buckets; which hours lie wholly in one | [`buckets`] |
//! | who was there in an hour, counted once over many | [`crowd`] |
//! | latencies in fixed slots, and percentiles of them | [`latency`] |
//! | a range's report, with its breakdowns | [`period`] |
//! | reais, for what is paid in dollars | [`reais`] |

pub mod buckets;
pub mod crowd;
pub mod latency;
pub mod period;
pub mod reais;

use crate::credits::Credits;
use crate::ids::UserId;
use crate::ledger::account::PlanName;
use crate::ledger::usage::{Outcome, RequestKind};
use crate::money::NanoUsd;

/// Sums over usage rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageSums {
    /// How many.
    pub requests: u64,
    /// Credits charged.
    pub credits: Credits,
    /// What they came to above their holds; borne by the house.
    pub absorbed: Credits,
    /// What the provider charges for them.
    pub cost: NanoUsd,
    /// How long they took together, in milliseconds.
    pub duration_ms: u64,
}

/// A sum that leaves its range: figures that large are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sum is out of range")]
pub struct OutOfRange;

impl UsageSums {
    /// Both together.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        Ok(Self {
            requests: self.requests.saturating_add(other.requests),
            credits: self.credits.plus(other.credits).map_err(|_| OutOfRange)?,
            absorbed: self.absorbed.plus(other.absorbed).map_err(|_| OutOfRange)?,
            cost: self.cost.plus(other.cost).ok_or(OutOfRange)?,
            duration_ms: self.duration_ms.saturating_add(other.duration_ms),
        })
    }
}

/// The sums of one kind of usage rows: same model, request type, plan and outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSlice {
    /// The model that was asked.
    pub model: String,
    /// What kind of request.
    pub kind: RequestKind,
    /// The plan in force when they ended; `unknown` for rows from before plans were kept with them.
    pub plan: PlanName,
    /// How they ended.
    pub outcome: Outcome,
    /// Their sums.
    pub sums: UsageSums,
}

/// One user's answered requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSum {
    /// Who.
    pub user: UserId,
    /// How many.
    pub requests: u64,
    /// What was charged for them.
    pub credits: Credits,
}

/// Money of customers, in centavos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoneySums {
    /// What was paid.
    pub paid_minor: i64,
    /// What was refunded or disputed, less what came back.
    pub returned_minor: i64,
}

/// Movements of credits that are no requests, each as its effect on balances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreditMoves {
    /// Granted, for whatever reason.
    pub granted: Credits,
    /// Of these, for payments.
    pub sold: Credits,
    /// Expired; zero or below.
    pub expired: Credits,
    /// Taken back for refunds and disputes, less restored; zero or below, mostly.
    pub clawed_back: Credits,
    /// Corrected by hand; either sign.
    pub adjusted: Credits,
}

/// What a store adds up of a range of time, all from one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeriodFigures {
    /// Usage, in slices; one for each combination that there is, in no order.
    pub usage: Vec<UsageSlice>,
    /// How many users had answered requests.
    pub users: u64,
    /// Those of them who spent the most credits, in that order, then by id; ten at most.
    pub top_users: Vec<UserSum>,
    /// How long answered requests took.
    pub latency: latency::Latencies,
    /// Money that moved.
    pub money: MoneySums,
    /// Credits that moved otherwise than for requests.
    pub moves: CreditMoves,
    /// What all accounts together may still spend: their balances, held credits included, now.
    pub outstanding: Credits,
}

/// What a store adds up of one bucket of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketFigures {
    /// Requests that were answered and charged.
    pub requests: u64,
    /// Requests that ended without an answer and without a charge.
    pub failed: u64,
    /// Credits charged.
    pub credits: Credits,
    /// What the provider charges for them.
    pub cost: NanoUsd,
    /// How many users had answered requests.
    pub users: u64,
    /// Money that moved.
    pub money: MoneySums,
}

/// How many users a report names.
pub const TOP_USERS: usize = 10;
