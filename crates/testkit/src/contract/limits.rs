//! Limits, decided with the hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::clock::Span;
use domain::ledger::account::PlanName;
use domain::ledger::command::{HoldRequest, Limit, Refusal};
use domain::ledger::limits::{LimitBook, Limits};

use crate::Fixture;
use crate::requests::{At, GrantExt, HoldExt, SettleExt, credits, grant, hold, settle, user, void};
use crate::time::{DAY, secs};

pub async fn a_minutes_requests_may_come_at_once_and_no_more(f: &Fixture) {
    funded(f).await;
    let limits = Limits { requests_per_minute: 3, ..Limits::default() };
    let request = || hold(user(1)).limited(limits);
    for _ in 0..3 {
        f.held(request()).await;
    }
    assert_eq!(f.hold_refused(request()).await, limited(Limit::Requests, secs(20)));
    assert_eq!(f.hold_refused(request().at(19)).await, limited(Limit::Requests, secs(1)));
    f.held(request().at(20)).await;
    assert_eq!(f.hold_refused(request().at(20)).await, limited(Limit::Requests, secs(20)));
}

pub async fn tokens_are_reserved_and_what_was_not_used_is_given_back(f: &Fixture) {
    funded(f).await;
    let limits = Limits { tokens_per_minute: 600, ..Limits::default() };
    let request = |tokens| hold(user(1)).tokens(tokens).limited(limits);
    let first = f.held(request(600)).await;
    assert_eq!(f.hold_refused(request(10)).await, limited(Limit::Tokens, secs(1)));
    f.settled(settle(user(1), first.hold).used_tokens(100)).await;
    assert_eq!(f.hold_refused(request(501)).await, limited(Limit::Tokens, Span::from_micros(100_000)));
    let second = f.held(request(500)).await;
    f.hold_refused(request(1)).await;
    f.voided(void(user(1), second.hold)).await;
    f.held(request(500)).await;
}

pub async fn requests_at_the_same_time_are_counted(f: &Fixture) {
    funded(f).await;
    let limits = Limits { concurrent: 2, ..Limits::default() };
    let request = || hold(user(1)).limited(limits);
    let first = f.held(request()).await;
    f.held(request().lasting(60)).await;
    assert_eq!(f.hold_refused(request()).await, limited(Limit::Concurrent, secs(1)));
    f.settled(settle(user(1), first.hold)).await;
    f.held(request()).await;
    f.hold_refused(request()).await;
    f.held(request().at(60)).await;
}

pub async fn a_days_credits_are_counted_until_the_day_ends(f: &Fixture) {
    funded(f).await;
    let limits = Limits { daily_credits: credits(100), ..Limits::default() };
    let request = |amount, at| hold(user(1)).exactly(amount).limited(limits).lasting(200_000).at(at);
    let first = f.held(request(60, 10)).await;
    let until_midnight = secs(u32::try_from(DAY - 10).expect("a day"));
    assert_eq!(f.hold_refused(request(50, 10)).await, limited(Limit::DailyCredits, until_midnight));
    f.settled(settle(user(1), first.hold).charge(20).at(11)).await;
    let second = f.held(request(80, 12)).await;
    f.hold_refused(request(10, 13)).await;
    f.voided(void(user(1), second.hold).at(14)).await;
    f.held(request(80, 15)).await;
    f.hold_refused(request(10, DAY - 1)).await;
    f.held(request(100, DAY)).await;
    f.hold_refused(request(10, DAY + 1)).await;
}

/// What was held yesterday and ends today counts for yesterday.
pub async fn yesterdays_hold_does_not_count_today(f: &Fixture) {
    funded(f).await;
    let limits = Limits { daily_credits: credits(100), ..Limits::default() };
    let request = |at| hold(user(1)).exactly(100).limited(limits).at(at);
    let yesterday = f.held(request(DAY - 5)).await;
    let today = f.held(request(DAY + 1)).await;
    f.settled(settle(user(1), yesterday.hold).charge(100).at(DAY + 2)).await;
    f.voided(void(user(1), today.hold).at(DAY + 3)).await;
    f.held(request(DAY + 4)).await;
}

pub async fn a_request_larger_than_a_limit_can_never_pass(f: &Fixture) {
    funded(f).await;
    let tokens = Limits { tokens_per_minute: 600, ..Limits::default() };
    let refusal = f.hold_refused(hold(user(1)).tokens(601).limited(tokens)).await;
    assert_eq!(refusal, Refusal::ExceedsLimit { limit: Limit::Tokens });
    let daily = Limits { daily_credits: credits(100), ..Limits::default() };
    let refusal = f.hold_refused(hold(user(1)).exactly(101).limited(daily)).await;
    assert_eq!(refusal, Refusal::ExceedsLimit { limit: Limit::DailyCredits });
}

pub async fn a_refused_request_uses_up_no_limit(f: &Fixture) {
    funded(f).await;
    let limits = Limits { requests_per_minute: 2, concurrent: 1, ..Limits::default() };
    let first = f.held(hold(user(1)).limited(limits)).await;
    for _ in 0..5 {
        f.hold_refused(hold(user(1)).limited(limits)).await;
    }
    f.settled(settle(user(1), first.hold)).await;
    f.held(hold(user(1)).limited(limits)).await;
}

/// Two servers whose clocks are minutes apart.
pub async fn without_limits_no_clock_refuses_a_request(f: &Fixture) {
    funded(f).await;
    f.held(hold(user(1)).tokens(1000).at(1000)).await;
    f.held(hold(user(1)).tokens(1000).at(0)).await;
}

pub async fn limits_follow_the_plan(f: &Fixture) {
    funded(f).await;
    let book = Arc::new(LimitBook {
        default: Limits { concurrent: 1, ..Limits::default() },
        by_plan: BTreeMap::from([(PlanName::new("pro"), Limits { concurrent: 2, ..Limits::default() })]),
    });
    let request = || HoldRequest { limits: Arc::clone(&book), ..hold(user(1)) };
    f.held(request()).await;
    f.hold_refused(request()).await;
    f.granted(grant(user(1), "pro").plan("pro", None)).await;
    f.held(request()).await;
    f.hold_refused(request()).await;
}

fn limited(limit: Limit, retry_after: Span) -> Refusal {
    Refusal::RateLimited { limit, retry_after }
}

async fn funded(f: &Fixture) {
    f.granted(grant(user(1), "p").of(10_000)).await;
}
