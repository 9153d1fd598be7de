//! Figures, added up from the rows each time: there is nothing to fold.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::billing::revenue::RevenueKind;
use domain::clock::{Span, Timestamp};
use domain::credits::Credits;
use domain::ids::UserId;
use domain::ledger::journal::EntryKind;
use domain::ledger::usage::{Outcome, UsageRecord};
use domain::ports::Unavailable;
use domain::ports::reports::{Folded, Reports};
use domain::reports::buckets::Buckets;
use domain::reports::latency::{Latencies, slot};
use domain::reports::{
    BucketFigures, CreditMoves, MoneySums, OutOfRange, PeriodFigures, TOP_USERS, UsageSlice, UsageSums,
    UserSum,
};

use super::tables::Tables;
use super::{MemoryStore, lock};

fn out_of_range(_: impl std::error::Error) -> Unavailable {
    Unavailable(OutOfRange.to_string())
}

fn usage(tables: &Tables, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &UsageRecord> {
    let all = tables.users.values().flat_map(|rows| rows.usage.values());
    all.filter(move |row| from <= row.at && row.at < to)
}

fn sums_of(row: &UsageRecord) -> UsageSums {
    UsageSums {
        requests: 1,
        credits: row.credits,
        absorbed: row.absorbed,
        cost: row.facts.cost,
        duration_ms: row.facts.duration.as_millis().unsigned_abs(),
    }
}

fn slices<'a>(rows: impl Iterator<Item = &'a UsageRecord>) -> Result<Vec<UsageSlice>, Unavailable> {
    let mut slices = BTreeMap::new();
    for row in rows {
        let key = (row.facts.model.clone(), row.facts.kind, row.plan.clone(), row.outcome);
        let sums: &mut UsageSums = slices.entry(key).or_default();
        *sums = sums.plus(sums_of(row)).map_err(out_of_range)?;
    }
    let slice = |((model, kind, plan, outcome), sums)| UsageSlice { model, kind, plan, outcome, sums };
    Ok(slices.into_iter().map(slice).collect())
}

fn users<'a>(answered: impl Iterator<Item = &'a UsageRecord>) -> Result<Vec<UserSum>, Unavailable> {
    let mut users: BTreeMap<UserId, UserSum> = BTreeMap::new();
    for row in answered {
        let new = UserSum { user: row.user, requests: 0, credits: Credits::ZERO };
        let sum = users.entry(row.user).or_insert(new);
        sum.requests += 1;
        sum.credits = sum.credits.plus(row.credits).map_err(out_of_range)?;
    }
    let mut users: Vec<UserSum> = users.into_values().collect();
    users.sort_by_key(|sum| (std::cmp::Reverse(sum.credits), sum.user));
    Ok(users)
}

fn money(tables: &Tables, from: Timestamp, to: Timestamp, livemode: bool) -> MoneySums {
    let mut sums = MoneySums::default();
    for entry in tables.revenue.iter().filter(|entry| entry.livemode == livemode) {
        if from <= entry.at && entry.at < to {
            match entry.kind {
                RevenueKind::Paid => sums.paid_minor += entry.minor,
                RevenueKind::Returned => sums.returned_minor += entry.minor,
            }
        }
    }
    sums
}

fn moves(tables: &Tables, from: Timestamp, to: Timestamp) -> Result<CreditMoves, Unavailable> {
    let mut moves = CreditMoves::default();
    let entries = tables.users.values().flat_map(|rows| &rows.journal);
    for entry in entries.filter(|entry| from <= entry.at && entry.at < to) {
        let add = |sum: &mut Credits| {
            *sum = sum.plus(entry.amount).map_err(out_of_range)?;
            Ok::<_, Unavailable>(())
        };
        match entry.kind {
            EntryKind::Grant => {
                if entry.source.starts_with("purchase:") || entry.source.starts_with("plan:") {
                    add(&mut moves.sold)?;
                }
                add(&mut moves.granted)?;
            }
            EntryKind::Use => {}
            EntryKind::Expire => add(&mut moves.expired)?,
            EntryKind::ClawBack | EntryKind::Restore => add(&mut moves.clawed_back)?,
            EntryKind::Adjust => add(&mut moves.adjusted)?,
        }
    }
    Ok(moves)
}

#[async_trait]
impl Reports for MemoryStore {
    async fn period(
        &self,
        from: Timestamp,
        to: Timestamp,
        livemode: bool,
    ) -> Result<PeriodFigures, Unavailable> {
        let tables = lock(&self.tables);
        let answered = || usage(&tables, from, to).filter(|row| row.outcome == Outcome::Settled);
        let mut top_users = users(answered())?;
        let count = u64::try_from(top_users.len()).unwrap_or(u64::MAX);
        top_users.truncate(TOP_USERS);
        let mut latency = Latencies::default();
        for row in answered() {
            latency.add(slot(row.facts.duration.as_millis()), 1);
        }
        let balances = tables.users.values().filter_map(|rows| rows.account.balance().ok());
        Ok(PeriodFigures {
            usage: slices(usage(&tables, from, to))?,
            users: count,
            top_users,
            latency,
            money: money(&tables, from, to, livemode),
            moves: moves(&tables, from, to)?,
            outstanding: Credits::sum(balances.map(Credits::or_zero)).map_err(out_of_range)?,
        })
    }

    async fn series(&self, buckets: &Buckets, livemode: bool) -> Result<Vec<BucketFigures>, Unavailable> {
        let tables = lock(&self.tables);
        let mut series = Vec::new();
        for each in buckets.each() {
            let mut figures = BucketFigures {
                money: money(&tables, each.from, each.to, livemode),
                ..BucketFigures::default()
            };
            let mut seen = BTreeSet::new();
            for row in usage(&tables, each.from, each.to) {
                if row.outcome != Outcome::Settled {
                    figures.failed += 1;
                    continue;
                }
                seen.insert(row.user);
                figures.requests += 1;
                figures.credits = figures.credits.plus(row.credits).map_err(out_of_range)?;
                figures.cost = figures.cost.plus(row.facts.cost).ok_or(OutOfRange).map_err(out_of_range)?;
            }
            figures.users = u64::try_from(seen.len()).unwrap_or(u64::MAX);
            series.push(figures);
        }
        Ok(series)
    }

    async fn fold(&self, _: Span, _: u32) -> Result<Folded, Unavailable> {
        Ok(Folded::default())
    }

    async fn recheck(&self, _: Timestamp, _: Timestamp) -> Result<u32, Unavailable> {
        Ok(0)
    }
}
