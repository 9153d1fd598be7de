//! Limits of an account, decided with the hold: requests and tokens per minute (GCRA), requests at
//! the same time, credits per day. A refusal changes nothing.

use std::collections::BTreeMap;

use super::account::{LimitState, PlanName};
use super::command::{Allowance, Allowances, HoldRequest, Limit, Refusal};
use super::holds::Hold;
use crate::clock::{Moment, Span, Timestamp};
use crate::credits::{Credits, Overflow};
use crate::tokens::Tokens;

/// One minute: the period that rates count over, and the largest burst.
const MINUTE: Span = Span::from_secs(60);
/// What a client that has too many requests open is told to wait: nobody knows when one ends.
const CONCURRENT_RETRY: Span = Span::from_secs(1);

/// The limits of one plan; 0 is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests per minute; a full minute's worth may come at once.
    pub requests_per_minute: u32,
    /// Tokens per minute, reserved at the ceiling; a full minute's worth may come at once.
    pub tokens_per_minute: u32,
    /// Requests at the same time.
    pub concurrent: u32,
    /// Credits per day of the reporting time zone.
    pub daily_credits: Credits,
}

/// The limits of every plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitBook {
    /// For plans that say nothing else, and for `free`.
    pub default: Limits,
    /// By plan.
    pub by_plan: BTreeMap<PlanName, Limits>,
}

impl LimitBook {
    /// No limits at all.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// The limits of a plan.
    pub fn of(&self, plan: &PlanName) -> Limits {
        self.by_plan.get(plan).copied().unwrap_or(self.default)
    }
}

/// Whether a hold of `amount` fits the limits; answers the state after it.
pub(super) fn admit(
    limits: Limits,
    state: LimitState,
    open_holds: usize,
    request: &HoldRequest,
    amount: Credits,
) -> Result<Result<LimitState, Refusal>, Overflow> {
    let now = request.now;
    let mut after = roll(state, now);
    let open = u32::try_from(open_holds).unwrap_or(u32::MAX);
    if limits.concurrent > 0 && open >= limits.concurrent {
        let refusal = Refusal::RateLimited { limit: Limit::Concurrent, retry_after: CONCURRENT_RETRY };
        return Ok(Err(refusal));
    }
    match arrive(after.requests_tat, now.at, cost_of(Tokens::new(1), limits.requests_per_minute)) {
        Ok(tat) => after.requests_tat = tat,
        Err(no) => return Ok(Err(no.refusal(Limit::Requests))),
    }
    match arrive(after.tokens_tat, now.at, cost_of(request.tokens, limits.tokens_per_minute)) {
        Ok(tat) => after.tokens_tat = tat,
        Err(no) => return Ok(Err(no.refusal(Limit::Tokens))),
    }
    after.day_held = after.day_held.plus(amount)?;
    if limits.daily_credits.is_positive() {
        if amount > limits.daily_credits {
            return Ok(Err(Refusal::ExceedsLimit { limit: Limit::DailyCredits }));
        }
        if after.day_used.plus(after.day_held)? > limits.daily_credits {
            let retry_after = now.day_ends.since(now.at);
            return Ok(Err(Refusal::RateLimited { limit: Limit::DailyCredits, retry_after }));
        }
    }
    Ok(Ok(after))
}

/// The microseconds of the minute's allowance that a hold reserves for its tokens; kept on the hold,
/// so that giving back does not depend on the limits of a later day.
pub(super) fn reserved_for(tokens: Tokens, limits: Limits) -> Span {
    cost_of(tokens, limits.tokens_per_minute)
}

/// Takes a hold that ended out of the limits: what its reservation was too large by is given back,
/// and its credits are counted as used, on the day that it was made.
pub(super) fn release(
    state: LimitState,
    hold: &Hold,
    used_tokens: Tokens,
    charged: Credits,
    now: Moment,
) -> Result<LimitState, Overflow> {
    let mut after = roll(state, now);
    let unused = hold.tokens.less(used_tokens);
    let back = share(hold.tokens_span, unused, hold.tokens);
    after.tokens_tat = after.tokens_tat.before(back);
    if hold.day == after.day {
        after.day_held = after.day_held.minus(hold.amount)?.or_zero();
        after.day_used = after.day_used.plus(charged)?;
    }
    Ok(after)
}

/// What the limits per minute leave.
pub(super) fn allowances(limits: Limits, state: LimitState, now: Timestamp) -> Allowances {
    Allowances {
        requests: allowance(limits.requests_per_minute, state.requests_tat, now),
        tokens: allowance(limits.tokens_per_minute, state.tokens_tat, now),
    }
}

fn allowance(limit: u32, tat: Timestamp, now: Timestamp) -> Option<Allowance> {
    let reset = tat.since(now);
    let free = u128::from(MINUTE.as_micros().saturating_sub(reset.as_micros()).max(0).unsigned_abs());
    let remaining = free.saturating_mul(u128::from(limit)).div_euclid(60_000_000);
    let remaining = u32::try_from(remaining).unwrap_or(limit).min(limit);
    (limit > 0).then_some(Allowance { limit, remaining, reset })
}

/// The state on the day of `now`: a new day starts at zero. Days never run backwards, whatever the
/// clocks of two replicas say.
fn roll(state: LimitState, now: Moment) -> LimitState {
    if now.day > state.day {
        LimitState { day: now.day, day_used: Credits::ZERO, day_held: Credits::ZERO, ..state }
    } else {
        state
    }
}

enum NotNow {
    Never,
    After(Span),
}

impl NotNow {
    fn refusal(self, limit: Limit) -> Refusal {
        match self {
            Self::Never => Refusal::ExceedsLimit { limit },
            Self::After(retry_after) => Refusal::RateLimited { limit, retry_after },
        }
    }
}

/// GCRA: the theoretical arrival time after an arrival that costs `cost`, or why not.
fn arrive(tat: Timestamp, now: Timestamp, cost: Span) -> Result<Timestamp, NotNow> {
    if cost == Span::ZERO {
        // Unlimited: free whatever the state says, also when a clock stepped back behind it.
        return Ok(tat);
    }
    if cost > MINUTE {
        return Err(NotNow::Never);
    }
    let next = tat.max(now).after(cost);
    let ahead = next.since(now);
    if ahead > MINUTE {
        return Err(NotNow::After(next.before(MINUTE).since(now)));
    }
    Ok(next)
}

/// How much of the minute `count` takes at `per_minute`, rounded up; nothing when unlimited.
fn cost_of(count: Tokens, per_minute: u32) -> Span {
    let micros = u128::from(count.get()).saturating_mul(60_000_000);
    if per_minute == 0 {
        return Span::ZERO;
    }
    Span::from_micros(i64::try_from(micros.div_ceil(u128::from(per_minute))).unwrap_or(i64::MAX))
}

/// `span * part / whole`, rounded down.
fn share(span: Span, part: Tokens, whole: Tokens) -> Span {
    let scaled = i128::from(span.as_micros()).saturating_mul(i128::from(part.get()));
    let micros = scaled.checked_div(i128::from(whole.get())).unwrap_or(0);
    Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
