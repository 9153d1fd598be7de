//! Sums by hour: they change no figure, whenever and by whomever they are made.

use std::collections::BTreeSet;

use domain::clock::{Span, Timestamp};
use domain::credits::Credits;
use domain::ledger::usage::{Outcome, UsageRecord};
use domain::reports::buckets::Buckets;

use crate::Fixture;
use crate::dice::Dice;
use crate::requests::{At, GrantExt, HoldExt, SettleExt, credits, grant, hold, settle, user, void};
use crate::time::{DAY, time};

const HOUR: i64 = 3600;
const USERS: u8 = 5;
const THREE_DAYS: u32 = 3 * 86_400;

fn number(small: u32) -> u8 {
    u8::try_from(small).expect("a small number")
}

fn count(count: usize) -> u64 {
    u64::try_from(count).expect("a count")
}

/// Some requests of some users at some time of three days.
async fn some_requests(f: &Fixture, dice: &mut Dice, many: u32) {
    for _ in 0..many {
        let who = user(number(dice.below(u32::from(USERS))) + 1);
        let secs = i64::from(dice.below(THREE_DAYS));
        let held = f.held(hold(who).exactly(50).at(secs)).await;
        if dice.below(4) == 0 {
            f.voided(void(who, held.hold).at(secs)).await;
        } else {
            let mut request = settle(who, held.hold).charge(1 + i64::from(dice.below(50))).at(secs);
            request.facts.duration = Span::from_micros(i64::from(dice.below(400_000_000)));
            request.facts.model = format!("model-{}", dice.below(3));
            f.settled(request).await;
        }
    }
}

/// What the figures of some buckets must be, by the rows themselves.
async fn check(f: &Fixture, dice: &mut Dice) {
    let mut rows = Vec::new();
    for number in 1..=USERS {
        rows.extend(f.usage(user(number)).await);
    }
    let boundaries: BTreeSet<i64> = (0..2 + dice.below(9))
        .map(|_| {
            let secs = i64::from(dice.below(THREE_DAYS));
            if dice.below(2) == 0 { secs - secs % HOUR } else { secs }
        })
        .collect();
    let Some(buckets) = Buckets::between(boundaries.into_iter().map(time).collect()) else { return };
    let series = f.reports.series(&buckets, false).await.expect("the store answers");
    for (each, figures) in buckets.each().zip(series) {
        let within: Vec<&UsageRecord> =
            rows.iter().filter(|row| each.from <= row.at && row.at < each.to).collect();
        let settled = || within.iter().filter(|row| row.outcome == Outcome::Settled);
        let users: BTreeSet<_> = settled().map(|row| row.user).collect();
        let sum = Credits::sum(settled().map(|row| row.credits)).expect("in range");
        assert_eq!(
            (figures.requests, figures.failed, figures.credits, figures.users),
            (count(settled().count()), count(within.len() - settled().count()), sum, count(users.len())),
            "{each:?}"
        );
        let period = f.reports.period(each.from, each.to, false).await.expect("the store answers");
        let settled_in_slices: u64 = period
            .usage
            .iter()
            .filter(|slice| slice.outcome == Outcome::Settled)
            .map(|slice| slice.sums.requests)
            .sum();
        assert_eq!((settled_in_slices, period.users), (figures.requests, figures.users), "{each:?}");
    }
}

pub async fn a_fold_changes_no_figure(f: &Fixture) {
    let mut dice = Dice::seeded(7);
    for number in 1..=USERS {
        f.granted(grant(user(number), "p").of(100_000)).await;
    }
    for round in 0..4 {
        some_requests(f, &mut dice, 25).await;
        check(f, &mut dice).await;
        // Some of the rows, all of them, or none.
        if round < 3 {
            f.reports.fold(Span::ZERO, 1 + dice.below(20)).await.expect("the store answers");
        }
        check(f, &mut dice).await;
    }
    f.folded().await;
    check(f, &mut dice).await;
    let again = f.reports.fold(Span::ZERO, 1000).await.expect("the store answers");
    assert_eq!((again.rows, again.more), (0, false), "nothing is left");
}

async fn requests(f: &Fixture, from: Timestamp, to: Timestamp) -> (u64, Credits) {
    let buckets = Buckets::between(vec![from, to]).expect("ascending");
    let series = f.reports.series(&buckets, false).await.expect("the store answers");
    series.first().map_or((0, Credits::ZERO), |it| (it.requests, it.credits))
}

pub async fn a_row_that_comes_late_is_added_to_its_hour(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    let (early, late) = (f.held(hold(user(1))).await.hold, f.held(hold(user(1))).await.hold);
    f.settled(settle(user(1), early).charge(5).at(2 * HOUR)).await;
    f.folded().await;
    f.settled(settle(user(1), late).charge(7).at(HOUR - 1)).await;
    assert_eq!(requests(f, time(0), time(HOUR)).await, (1, credits(7)), "before it is folded");
    assert_eq!(requests(f, time(0), time(3 * HOUR)).await, (2, credits(12)));
    f.folded().await;
    assert_eq!(requests(f, time(0), time(HOUR)).await, (1, credits(7)), "and after");
    assert_eq!(requests(f, time(0), time(3 * HOUR)).await, (2, credits(12)));
}

pub async fn each_row_is_folded_once_whoever_folds(f: &Fixture) {
    let mut dice = Dice::seeded(11);
    for number in 1..=USERS {
        f.granted(grant(user(number), "p").of(100_000)).await;
    }
    some_requests(f, &mut dice, 40).await;
    let folders = f.all_reports().into_iter().chain(f.all_reports()).map(|reports| {
        tokio::spawn(async move {
            for _ in 0..20 {
                reports.fold(Span::ZERO, 7).await.expect("the store answers");
            }
        })
    });
    for folder in folders.collect::<Vec<_>>() {
        folder.await.expect("no panic");
    }
    f.folded().await;
    check(f, &mut dice).await;
    check(f, &mut dice).await;
}

pub async fn a_recheck_finds_nothing_wrong(f: &Fixture) {
    let mut dice = Dice::seeded(13);
    for number in 1..=USERS {
        f.granted(grant(user(number), "p").of(100_000)).await;
    }
    some_requests(f, &mut dice, 30).await;
    for _ in 0..2 {
        assert_eq!(f.reports.recheck(time(0), time(3 * DAY)).await, Ok(0));
        f.reports.fold(Span::ZERO, 11).await.expect("the store answers");
    }
    f.folded().await;
    assert_eq!(f.reports.recheck(time(0), time(3 * DAY)).await, Ok(0));
    check(f, &mut dice).await;
}
