//! What a range of time came to. Each figure is asked for before anything is folded and after everything is.

use domain::billing::purchase::ReturnState;
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::UserId;
use domain::ledger::account::SuspensionSource;
use domain::ledger::usage::{Outcome, RequestKind};
use domain::money::NanoUsd;
use domain::reports::buckets::Buckets;
use domain::reports::latency::slot;
use domain::reports::{BucketFigures, CreditMoves, MoneySums, PeriodFigures, UsageSums};

use crate::Fixture;
use crate::requests::billing::{NewsExt, news, open};
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, adjust, claw_back, credits, grant, hold, settle, suspend, user, void,
};
use crate::time::time;

const HOUR: i64 = 3600;

/// The figures of these seconds, which must be the same before and after everything is folded.
async fn period(f: &Fixture, from: i64, to: i64) -> PeriodFigures {
    period_of(f, from, to, false).await
}

async fn period_of(f: &Fixture, from: i64, to: i64, livemode: bool) -> PeriodFigures {
    let ask = async || {
        let mut figures = f.reports.period(time(from), time(to), livemode).await.expect("the store answers");
        figures.usage.sort_by_key(|it| (it.model.clone(), it.kind, it.plan.clone(), it.outcome));
        figures
    };
    let before = ask().await;
    f.folded().await;
    assert_eq!(ask().await, before, "folding changes nothing");
    before
}

async fn series(f: &Fixture, boundaries: &[i64]) -> Vec<BucketFigures> {
    let boundaries: Vec<Timestamp> = boundaries.iter().map(|secs| time(*secs)).collect();
    let buckets = Buckets::between(boundaries).expect("ascending");
    let ask = async || f.reports.series(&buckets, false).await.expect("the store answers");
    let before = ask().await;
    f.folded().await;
    assert_eq!(ask().await, before, "folding changes nothing");
    before
}

fn all(figures: &PeriodFigures, outcome: impl Fn(Outcome) -> bool) -> UsageSums {
    let wanted = figures.usage.iter().filter(|slice| outcome(slice.outcome));
    wanted.fold(UsageSums::default(), |sum, slice| sum.plus(slice.sums).expect("in range"))
}

fn cost(nanos: i64) -> NanoUsd {
    NanoUsd::new(nanos).expect("not negative")
}

/// A request that is answered at this second.
async fn answered(f: &Fixture, user: UserId, charge: i64, secs: i64) {
    let held = f.held(hold(user).exactly(50).at(secs)).await;
    f.settled(settle(user, held.hold).charge(charge).costing(charge * 100).at(secs)).await;
}

/// A request that comes to nothing at this second.
async fn failed(f: &Fixture, user: UserId, secs: i64) {
    let held = f.held(hold(user).at(secs)).await;
    f.voided(void(user, held.hold).at(secs)).await;
}

async fn rich<const N: usize>(f: &Fixture, numbers: [u8; N]) {
    for number in numbers {
        f.granted(grant(user(number), "p").of(10_000)).await;
    }
}

pub async fn a_period_counts_requests_credits_cost_and_users(f: &Fixture) {
    rich(f, [1, 2, 3]).await;
    for (number, secs, charge) in [(1, 9, 11), (1, 10, 12), (1, 15, 13), (2, 19, 14), (3, 20, 15)] {
        answered(f, user(number), charge, secs).await;
    }
    failed(f, user(3), 12).await;
    let of = async |from, to| {
        let figures = period(f, from, to).await;
        let (good, bad) = (
            all(&figures, |outcome| outcome == Outcome::Settled),
            all(&figures, |outcome| outcome != Outcome::Settled),
        );
        (good.requests, good.credits, good.cost, figures.users, bad.requests)
    };
    assert_eq!(of(10, 20).await, (3, credits(39), cost(3900), 2, 1));
    assert_eq!(of(0, 100).await, (5, credits(65), cost(6500), 3, 1));
    assert_eq!(of(0, HOUR).await, (5, credits(65), cost(6500), 3, 1));
    assert_eq!(of(50, 100).await, (0, Credits::ZERO, cost(0), 0, 0));
}

pub async fn a_period_of_empty_books_is_zeros(f: &Fixture) {
    assert_eq!(period(f, 0, 1000).await, PeriodFigures::default());
    assert_eq!(period(f, -10 * HOUR, 10 * HOUR).await, PeriodFigures::default());
}

pub async fn a_period_without_time_is_what_is_outstanding(f: &Fixture) {
    rich(f, [1]).await;
    answered(f, user(1), 10, 5).await;
    let outstanding = PeriodFigures { outstanding: credits(9990), ..PeriodFigures::default() };
    assert_eq!(period(f, 5, 5).await, outstanding);
    assert_eq!(period(f, 10, 0).await, outstanding);
}

pub async fn usage_is_cut_by_model_type_plan_and_outcome(f: &Fixture) {
    rich(f, [1]).await;
    f.granted(grant(user(2), "p").of(1000).plan("starter", None)).await;
    for (number, model, kind, charge) in [
        (1, "a", RequestKind::Assistant, 10),
        (1, "a", RequestKind::Assistant, 20),
        (1, "a", RequestKind::Insights, 30),
        (1, "b", RequestKind::Insights, 40),
        (2, "a", RequestKind::Assistant, 50),
    ] {
        let held = f.held(hold(user(number)).exactly(50)).await;
        let mut request = settle(user(number), held.hold).charge(charge).costing(0).at(5);
        (request.facts.model, request.facts.kind) = (model.to_owned(), kind);
        f.settled(request).await;
    }
    for outcome in [Outcome::Unknown, Outcome::UpstreamFailed, Outcome::Unknown] {
        let held = f.held(hold(user(1))).await;
        let mut request = void(user(1), held.hold).at(6);
        (request.outcome, request.facts.model) = (outcome, "b".to_owned());
        f.voided(request).await;
    }
    let figures = period(f, 0, 10).await;
    let seen: Vec<_> = figures
        .usage
        .iter()
        .map(|it| (it.model.as_str(), it.kind.as_str(), it.plan.as_str(), it.outcome, it.sums.requests))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", "assistant", "free", Outcome::Settled, 2),
            ("a", "assistant", "starter", Outcome::Settled, 1),
            ("a", "insights", "free", Outcome::Settled, 1),
            ("b", "assistant", "free", Outcome::UpstreamFailed, 1),
            ("b", "assistant", "free", Outcome::Unknown, 2),
            ("b", "insights", "free", Outcome::Settled, 1),
        ]
    );
    assert_eq!(figures.usage[0].sums.credits, credits(30));
}

pub async fn what_the_house_bears_is_counted(f: &Fixture) {
    rich(f, [1]).await;
    let held = f.held(hold(user(1)).exactly(50)).await;
    f.settled(settle(user(1), held.hold).charge(80).at(5)).await;
    let sums = all(&period(f, 0, 10).await, |_| true);
    assert_eq!((sums.credits, sums.absorbed, sums.duration_ms), (credits(50), credits(30), 1250));
}

pub async fn those_who_spent_the_most_come_first(f: &Fixture) {
    for number in 1..=12 {
        rich(f, [number]).await;
        answered(f, user(number), i64::from(number.min(11)), 5).await;
    }
    answered(f, user(3), 20, 6).await;
    failed(f, user(1), 6).await;
    let figures = period(f, 0, 10).await;
    assert_eq!(figures.users, 12);
    let seen: Vec<_> = figures.top_users.iter().map(|it| (it.user, it.requests, it.credits.get())).collect();
    let mut expected = vec![(user(3), 2, 23), (user(11), 1, 11), (user(12), 1, 11)];
    expected.extend((4..=10).rev().map(|number| (user(number), 1, i64::from(number))));
    assert_eq!(seen, expected);
}

pub async fn answers_are_counted_by_how_long_they_took(f: &Fixture) {
    rich(f, [1]).await;
    let durations = [0, 50, 51, 1250, 300_000, 300_001];
    for millis in durations {
        let held = f.held(hold(user(1))).await;
        let mut request = settle(user(1), held.hold).at(5);
        request.facts.duration = domain::clock::Span::from_micros(millis * 1000 + 999);
        f.settled(request).await;
    }
    failed(f, user(1), 5).await;
    let mut expected = domain::reports::latency::Latencies::default();
    for millis in durations {
        expected.add(slot(millis), 1);
    }
    assert_eq!(period(f, 0, 10).await.latency, expected);
    assert_eq!(period(f, 0, HOUR).await.latency, expected);
}

async fn money(f: &Fixture, from: i64, to: i64) -> (i64, i64) {
    let MoneySums { paid_minor, returned_minor } = period(f, from, to).await.money;
    (paid_minor, returned_minor)
}

pub async fn money_counts_when_the_books_learn_of_it(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).paid().at(10)).await;
    f.observed(news(user(1), id).paid().at(11)).await;
    f.observed(news(user(1), id).refunded(1000, 1).at(20)).await;
    f.observed(news(user(1), id).refunded(1900, 2).at(30)).await;
    f.observed(news(user(1), id).refunded(1900, 2).at(31)).await;
    assert_eq!(money(f, 0, 10).await, (0, 0));
    assert_eq!(money(f, 10, 20).await, (2900, 0));
    assert_eq!(money(f, 20, 30).await, (0, 1000));
    assert_eq!(money(f, 30, 40).await, (0, 900));
    assert_eq!(money(f, 0, 40).await, (2900, 1900));
}

pub async fn money_that_comes_back_counts_again(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).paid().at(10)).await;
    f.observed(news(user(1), id).refunded(2900, 1).at(20)).await;
    f.observed(news(user(1), id).refunded(0, 2).at(30)).await;
    assert_eq!(money(f, 20, 30).await, (0, 2900));
    assert_eq!(money(f, 30, 40).await, (0, -2900));
    assert_eq!(money(f, 0, 40).await, (2900, 0));
}

pub async fn a_refund_before_its_payment_counts_with_it(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).refunded(1450, 5).at(10)).await;
    f.observed(news(user(1), id).paid().at(20)).await;
    assert_eq!(money(f, 10, 20).await, (0, 0));
    assert_eq!(money(f, 20, 30).await, (2900, 1450));
}

pub async fn a_dispute_takes_money_and_may_give_it_back(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    // All of it at the same time: the entries of one moment add up.
    f.observed(news(user(1), id).paid().at(10)).await;
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Open, 1).at(10)).await;
    assert_eq!(money(f, 10, 11).await, (2900, 2900));
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Won, 2).at(10)).await;
    assert_eq!(money(f, 10, 11).await, (2900, 0));
}

pub async fn no_more_goes_back_than_was_paid(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).paid().at(10)).await;
    f.observed(news(user(1), id).refunded(2900, 1).at(20)).await;
    f.observed(news(user(1), id).dispute("dp_1", 2900, ReturnState::Lost, 2).at(30)).await;
    assert_eq!(money(f, 0, 40).await, (2900, 2900));
}

pub async fn money_of_the_other_mode_does_not_count(f: &Fixture) {
    let mut live = open(user(1));
    live.livemode = true;
    let id = f.opened(live).await.purchase.id;
    f.observed(news(user(1), id).paid().at(10)).await;
    assert_eq!(money(f, 0, 40).await, (0, 0));
    assert_eq!(period_of(f, 0, 40, true).await.money.paid_minor, 2900);
}

pub async fn credits_that_moved_without_a_request_are_counted(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    let mut gift = grant(user(1), "gift").of(200).due(50).at(5);
    gift.source.kind = domain::ledger::lots::SourceKind::Bonus;
    f.granted(gift).await;
    f.adjusted(adjust(user(1), "a", -30).at(6)).await;
    f.clawed_back(claw_back(user(1), "p", 100, 100).at(7)).await;
    f.clawed_back(claw_back(user(1), "p", 40, 100).at(8)).await;
    answered(f, user(1), 10, 9).await;
    f.adjusted(adjust(user(1), "b", 1).at(60)).await;
    let figures = period(f, 0, 100).await;
    let CreditMoves { granted, sold, expired, clawed_back, adjusted } = figures.moves;
    assert_eq!([granted, sold].map(Credits::get), [1200, 1000]);
    assert_eq!([clawed_back, adjusted].map(Credits::get), [-400, -29]);
    let sums = f.sums(user(1), 100).await;
    let moved = granted.get() + expired.get() + clawed_back.get() + adjusted.get();
    assert_eq!([sums[0], sums[0] - sums[1]], [moved, figures.outstanding.get()]);
    assert!(expired.get() < 0);
    assert_eq!(period(f, 5, 6).await.moves, CreditMoves { granted: credits(200), ..CreditMoves::default() });
    // Who owes has nothing outstanding, and takes nothing from the others'.
    f.granted(grant(user(2), "p").of(50)).await;
    answered(f, user(2), 50, 9).await;
    f.clawed_back(claw_back(user(2), "p", 100, 100).at(10)).await;
    f.suspend_for(user(2)).await;
    assert_eq!(period(f, 0, 100).await.outstanding, figures.outstanding);
}

impl Fixture {
    async fn suspend_for(&self, user: UserId) {
        let source = SuspensionSource::admin();
        crate::acts::must(self.ledger.suspend(suspend(user, source)).await);
    }
}

pub async fn a_series_has_zeros_where_nothing_happened(f: &Fixture) {
    rich(f, [1]).await;
    answered(f, user(1), 10, HOUR + 5).await;
    failed(f, user(1), 3 * HOUR - 1).await;
    let seen = series(f, &[0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]).await;
    let one = BucketFigures {
        requests: 1,
        credits: credits(10),
        cost: cost(1000),
        users: 1,
        ..BucketFigures::default()
    };
    let none = BucketFigures::default();
    assert_eq!(seen, [none, one, BucketFigures { failed: 1, ..none }, none]);
}

pub async fn a_series_counts_users_once_in_each_bucket(f: &Fixture) {
    rich(f, [1, 2]).await;
    for (number, secs) in [(1, 10), (1, HOUR + 10), (1, HOUR + 20), (2, HOUR + 30), (1, 2 * HOUR + 10)] {
        answered(f, user(number), 10, secs).await;
    }
    let users = async |boundaries: &[i64]| {
        series(f, boundaries).await.iter().map(|it| (it.requests, it.users)).collect::<Vec<_>>()
    };
    assert_eq!(users(&[0, HOUR, 2 * HOUR, 3 * HOUR]).await, [(1, 1), (3, 2), (1, 1)]);
    assert_eq!(users(&[0, 3 * HOUR]).await, [(5, 2)]);
    // Hours cut in two, and a bucket within one hour.
    assert_eq!(users(&[5, HOUR + 15, HOUR + 25, 3 * HOUR - 5]).await, [(2, 1), (1, 1), (2, 2)]);
}

pub async fn a_series_knows_the_money_of_each_bucket(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    f.observed(news(user(1), id).paid().at(10)).await;
    f.observed(news(user(1), id).refunded(1000, 1).at(2 * HOUR)).await;
    let seen = series(f, &[0, HOUR, 2 * HOUR, 3 * HOUR]).await;
    let money: Vec<_> = seen.iter().map(|it| (it.money.paid_minor, it.money.returned_minor)).collect();
    assert_eq!(money, [(2900, 0), (0, 0), (0, 1000)]);
}
