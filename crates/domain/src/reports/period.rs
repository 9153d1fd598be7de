//! A range's report: totals, rates, money and breakdowns, of what a store added up.

use std::collections::BTreeMap;

use super::reais::NanoBrl;
use super::{OutOfRange, PeriodFigures, UsageSlice, UsageSums, UserSum};
use crate::credits::Credits;
use crate::ledger::usage::Outcome;

/// The sums of all requests that share something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// What they share, as stores and clients spell it.
    pub name: String,
    /// The answered ones.
    pub answered: UsageSums,
    /// How many failed.
    pub failed: u64,
}

/// A range's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Answered requests.
    pub answered: UsageSums,
    /// How many failed.
    pub failed: u64,
    /// How many of ten thousand requests failed, rounded up.
    pub errors_e4: u64,
    /// Users with answered requests.
    pub users: u64,
    /// What customers paid, less what went back.
    pub revenue: NanoBrl,
    /// What they paid.
    pub paid: NanoBrl,
    /// What went back.
    pub returned: NanoBrl,
    /// What the provider charges, in reais.
    pub cost: NanoBrl,
    /// Revenue less cost.
    pub margin: NanoBrl,
    /// Credits granted for payments.
    pub sold: Credits,
    /// Credits granted in all.
    pub granted: Credits,
    /// What all accounts together may still spend.
    pub outstanding: Credits,
    /// The average time of an answer, and the bounds that 50, 95 and 99 of 100 stay within; in milliseconds.
    pub latency_ms: [u64; 4],
    /// By model, request type, plan and outcome; those that charged most first, then by name.
    pub by_model: Vec<Part>,
    /// By request type.
    pub by_request_type: Vec<Part>,
    /// By plan.
    pub by_plan: Vec<Part>,
    /// By outcome.
    pub by_outcome: Vec<Part>,
    /// Who spent the most.
    pub top_users: Vec<UserSum>,
}

impl Report {
    /// The report of these figures, at so many ten-thousandths of a real for a dollar.
    pub fn of(figures: PeriodFigures, usd_brl_e4: i64) -> Result<Self, OutOfRange> {
        let all = parts(&figures.usage, |_| "")?.pop().unwrap_or_default();
        let requests = all.answered.requests;
        let both = requests.saturating_add(all.failed);
        let money = figures.money;
        let (paid, returned) = (NanoBrl::of_minor(money.paid_minor), NanoBrl::of_minor(money.returned_minor));
        let (revenue, cost) = (paid.less(returned), NanoBrl::of_usd(all.answered.cost, usd_brl_e4));
        let bound = |per_mille| u64::from(figures.latency.bound_of(per_mille));
        Ok(Self {
            answered: all.answered,
            failed: all.failed,
            errors_e4: if both == 0 { 0 } else { all.failed.saturating_mul(10_000).div_ceil(both) },
            users: figures.users,
            revenue,
            paid,
            returned,
            cost,
            margin: revenue.less(cost),
            sold: figures.moves.sold,
            granted: figures.moves.granted,
            outstanding: figures.outstanding,
            latency_ms: [
                all.answered.duration_ms.checked_div(requests).unwrap_or(0),
                bound(500),
                bound(950),
                bound(990),
            ],
            by_model: parts(&figures.usage, |slice| &slice.model)?,
            by_request_type: parts(&figures.usage, |slice| slice.kind.as_str())?,
            by_plan: parts(&figures.usage, |slice| slice.plan.as_str())?,
            by_outcome: parts(&figures.usage, |slice| slice.outcome.as_str())?,
            top_users: figures.top_users,
        })
    }
}

/// Slices put together by what `name` says of them.
fn parts(slices: &[UsageSlice], name: impl Fn(&UsageSlice) -> &str) -> Result<Vec<Part>, OutOfRange> {
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for slice in slices {
        let name = name(slice);
        let part = parts.entry(name).or_insert_with(|| Part { name: name.to_owned(), ..Part::default() });
        if slice.outcome == Outcome::Settled {
            part.answered = part.answered.plus(slice.sums)?;
        } else {
            part.failed = part.failed.saturating_add(slice.sums.requests);
        }
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_by_key(|part| std::cmp::Reverse((part.answered.credits, part.answered.requests, part.failed)));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::super::latency::{Latencies, slot};
    use super::super::{CreditMoves, MoneySums};
    use super::*;
    use crate::ledger::account::PlanName;
    use crate::ledger::usage::RequestKind;
    use crate::money::NanoUsd;

    fn slice(model: &str, outcome: Outcome, requests: u64, credits: u32) -> UsageSlice {
        let nanos = i64::from(credits).saturating_mul(100_000);
        let sums = UsageSums {
            requests,
            credits: Credits::whole(credits),
            absorbed: Credits::whole(1),
            cost: NanoUsd::new(nanos).expect("not negative"),
            duration_ms: requests.saturating_mul(200),
        };
        let (model, plan) = (model.to_owned(), PlanName::free());
        UsageSlice { model, kind: RequestKind::Assistant, plan, outcome, sums }
    }

    #[test]
    fn a_report_adds_up_its_slices() {
        let mut latency = Latencies::default();
        latency.add(slot(200), 4);
        let figures = PeriodFigures {
            usage: vec![
                slice("a", Outcome::Settled, 1, 10),
                slice("b", Outcome::Settled, 3, 40),
                slice("b", Outcome::Unknown, 2, 0),
            ],
            users: 3,
            latency,
            money: MoneySums { paid_minor: 2900, returned_minor: 900 },
            moves: CreditMoves { sold: Credits::whole(5), ..CreditMoves::default() },
            ..PeriodFigures::default()
        };
        let report = Report::of(figures, 55_000).expect("in range");
        assert_eq!((report.answered.requests, report.failed, report.errors_e4), (4, 2, 3334));
        assert_eq!(report.answered.absorbed, Credits::whole(2), "nothing is absorbed of what failed");
        assert_eq!(report.revenue.to_string(), "20.00");
        assert_eq!(report.cost.to_string(), "0.0275");
        assert_eq!(report.margin.to_string(), "19.9725");
        assert_eq!(report.latency_ms, [200, 200, 200, 200]);
        let names: Vec<_> = report.by_model.iter().map(|part| (part.name.as_str(), part.failed)).collect();
        assert_eq!(names, [("b", 2), ("a", 0)]);
        let outcomes: Vec<_> = report.by_outcome.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(outcomes, ["settled", "unknown"]);
    }

    #[test]
    fn nothing_comes_to_zeros() {
        let report = Report::of(PeriodFigures::default(), 55_000).expect("in range");
        assert_eq!(
            (report.errors_e4, report.latency_ms, report.margin.to_string()),
            (0, [0; 4], "0.00".into())
        );
        assert!(report.by_model.is_empty());
    }
}
