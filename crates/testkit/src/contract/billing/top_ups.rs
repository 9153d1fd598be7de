//! Packs that are bought by themselves when credits run low.

use domain::billing::purchase::{Progress, PurchaseKind};
use domain::credits::Credits;
use domain::ids::{PurchaseId, UserId};
use domain::ledger::account::SuspensionSource;
use domain::ledger::command::Refusal;

use crate::Fixture;
use crate::acts::must;
use crate::requests::billing::{NewsExt, OpenExt, PACK_MINOR, auto_top_up, news, offer, top_up};
use crate::requests::{At, GrantExt, HoldExt, grant, hold, suspend, user};
use crate::time::DAY;

/// A user with 99 credits and automatic top-up below 100.
async fn low(f: &Fixture, user: UserId) {
    f.granted(grant(user, "p").of(99)).await;
    f.top_up_set(auto_top_up(user)).await;
}

/// Opens a top-up that is called for; its id.
async fn begun(f: &Fixture, user: UserId) -> PurchaseId {
    f.opened(top_up(user)).await.purchase.id
}

pub async fn a_top_up_is_opened_below_the_threshold(f: &Fixture) {
    low(f, user(1)).await;
    let row = f.opened(top_up(user(1))).await.purchase;
    assert_eq!((row.kind, row.progress), (PurchaseKind::TopUp, Progress::Created));
    let state = f.top_up(user(1)).await;
    assert_eq!((state.open, state.month_minor, state.declines), (Some(row.id), PACK_MINOR, 0));
    assert_eq!(state.settings, auto_top_up(user(1)).settings);
    f.observed(news(user(1), row.id).paid()).await;
    let state = f.top_up(user(1)).await;
    assert_eq!((state.open, state.month_minor), (None, PACK_MINOR));
    assert_eq!(f.sums(user(1), 0).await, [5099, 0, 0, 5099, 0]);
    assert_eq!(f.plan(user(1), 0).await.0, "starter");
}

pub async fn no_top_up_while_there_are_enough_credits(f: &Fixture) {
    f.granted(grant(user(1), "p").of(100)).await;
    f.top_up_set(auto_top_up(user(1))).await;
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
    f.held(hold(user(1)).exactly(10)).await;
    assert!(!f.opened(top_up(user(1))).await.repeated, "what is held is not there");
}

pub async fn no_top_up_that_was_not_asked_for(f: &Fixture) {
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
    let mut off = auto_top_up(user(1));
    off.settings.enabled = false;
    f.top_up_set(off).await;
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
    let found = f.purchases.purchases(Some(user(1)), None, 10).await.expect("the store answers");
    assert!(found.is_empty(), "a refused purchase is not written down");
}

pub async fn no_top_up_of_another_plan(f: &Fixture) {
    low(f, user(1)).await;
    let other = top_up(user(1)).of(offer("bulk", 50, 100));
    assert_eq!(f.open_refused(other).await, Refusal::TopUpNotDue);
}

pub async fn one_top_up_at_a_time(f: &Fixture) {
    low(f, user(1)).await;
    let first = begun(f, user(1)).await;
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
    f.observed(news(user(1), first).unpaid(Progress::Processing)).await;
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue, "the outcome is unknown");
    f.observed(news(user(1), first).unpaid(Progress::Failed)).await;
    begun(f, user(1)).await;
}

/// R$ 60.00 are two packs of R$ 29.00, not three.
pub async fn a_month_costs_no_more_than_the_cap(f: &Fixture) {
    f.top_up_set(auto_top_up(user(1))).await;
    for round in 1..=2 {
        let id = begun(f, user(1)).await;
        f.observed(news(user(1), id).paid()).await;
        let held = f.held(hold(user(1)).exactly(5000)).await;
        assert_eq!(held.balances.available.get(), 0, "round {round}: all set aside");
    }
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
    let mut more = auto_top_up(user(1));
    more.settings.monthly_cap_minor = 3 * PACK_MINOR;
    f.top_up_set(more).await;
    begun(f, user(1)).await;
}

pub async fn the_cap_counts_calendar_months(f: &Fixture) {
    let mut once = auto_top_up(user(1));
    once.settings.monthly_cap_minor = PACK_MINOR;
    once.settings.threshold = Credits::MAX;
    f.top_up_set(once).await;
    let id = begun(f, user(1)).await;
    f.observed(news(user(1), id).paid()).await;
    assert_eq!(f.open_refused(top_up(user(1)).at(31 * DAY - 1)).await, Refusal::TopUpNotDue);
    f.opened(top_up(user(1)).at(31 * DAY)).await;
    assert_eq!(f.top_up(user(1)).await.month_minor, PACK_MINOR, "of February");
}

pub async fn money_that_goes_back_switches_it_off(f: &Fixture) {
    let id = f.pack_paid(user(1)).await;
    f.top_up_set(auto_top_up(user(1))).await;
    f.observed(news(user(1), id).refunded(PACK_MINOR, 1)).await;
    assert!(!f.top_up(user(1)).await.settings.enabled);
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
    // Switched on again by its user, old news does not switch it off.
    f.top_up_set(auto_top_up(user(1))).await;
    f.observed(news(user(1), id).refunded(PACK_MINOR, 1)).await;
    assert!(f.top_up(user(1)).await.settings.enabled);
}

pub async fn no_top_up_of_a_suspended_account(f: &Fixture) {
    low(f, user(1)).await;
    must(f.ledger.suspend(suspend(user(1), SuspensionSource::dispute("dp_1"))).await);
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
}

pub async fn a_declined_top_up_does_not_count(f: &Fixture) {
    low(f, user(1)).await;
    let id = begun(f, user(1)).await;
    for _ in 0..2 {
        f.observed(news(user(1), id).unpaid(Progress::Failed)).await;
        let state = f.top_up(user(1)).await;
        assert_eq!((state.open, state.month_minor, state.declines), (None, 0, 1));
    }
}

pub async fn three_declines_in_a_row_switch_it_off(f: &Fixture) {
    low(f, user(1)).await;
    let mut last = None;
    for declines in 1..=3 {
        let id = begun(f, user(1)).await;
        f.observed(news(user(1), id).unpaid(Progress::Failed)).await;
        let state = f.top_up(user(1)).await;
        assert_eq!((state.declines, state.settings.enabled), (declines, declines < 3));
        last = Some(id);
    }
    let told = f.told(user(1)).await;
    let off: Vec<_> = told.iter().filter(|told| told.starts_with("top_up_disabled:")).collect();
    assert_eq!(off, [&format!("top_up_disabled:{}", last.expect("three"))]);
    assert_eq!(f.open_refused(top_up(user(1))).await, Refusal::TopUpNotDue);
}

pub async fn a_paid_top_up_forgives_declines(f: &Fixture) {
    low(f, user(1)).await;
    for _ in 0..2 {
        let id = begun(f, user(1)).await;
        f.observed(news(user(1), id).unpaid(Progress::Failed)).await;
    }
    let id = begun(f, user(1)).await;
    f.observed(news(user(1), id).paid()).await;
    assert_eq!(f.top_up(user(1)).await.declines, 0);
}

pub async fn a_top_up_that_is_paid_after_all_counts_again(f: &Fixture) {
    low(f, user(1)).await;
    let id = begun(f, user(1)).await;
    f.observed(news(user(1), id).unpaid(Progress::Failed)).await;
    let next = begun(f, user(1)).await;
    for _ in 0..2 {
        f.observed(news(user(1), id).paid()).await;
        let state = f.top_up(user(1)).await;
        assert_eq!((state.open, state.month_minor, state.declines), (Some(next), 2 * PACK_MINOR, 0));
    }
}

pub async fn setting_it_again_forgives_declines_and_keeps_the_open_one(f: &Fixture) {
    low(f, user(1)).await;
    let declined = begun(f, user(1)).await;
    f.observed(news(user(1), declined).unpaid(Progress::Failed)).await;
    let open = begun(f, user(1)).await;
    let mut other = auto_top_up(user(1));
    other.settings.monthly_cap_minor = 9000;
    let profile = f.top_up_set(other.clone()).await;
    assert_eq!(profile.top_up.as_ref(), Some(&f.top_up(user(1)).await));
    let state = f.top_up(user(1)).await;
    assert_eq!((state.declines, state.open, state.month_minor), (0, Some(open), PACK_MINOR));
    assert_eq!(state.settings, other.settings);
}

pub async fn a_top_up_that_is_repeated_answers_the_first(f: &Fixture) {
    low(f, user(1)).await;
    let first = begun(f, user(1)).await;
    assert!(f.opened(top_up(user(1)).id(first)).await.repeated);
    assert_eq!(f.top_up(user(1)).await.month_minor, PACK_MINOR, "counted once");
}
