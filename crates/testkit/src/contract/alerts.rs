//! When and where users want to be told.

use domain::contact::Contact;
use domain::ids::UserId;
use domain::language::Language;

use crate::Fixture;
use crate::acts::must;
use crate::requests::{
    AlertsExt, At, GrantExt, HoldExt, SettleExt, alerts, credits, grant, hold, settle, user,
};

async fn spend(f: &Fixture, user: UserId, amount: i64) {
    let held = f.held(hold(user).exactly(amount)).await;
    f.settled(settle(user, held.hold).charge(amount)).await;
}

async fn low_balances(f: &Fixture, user: UserId) -> usize {
    f.told(user).await.iter().filter(|name| name.starts_with("low_balance:")).count()
}

async fn contact(f: &Fixture, user: UserId) -> Contact {
    f.personal.contact(user).await.expect("the store answers")
}

pub async fn the_threshold_is_the_users_own_or_follows_the_last_grant(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    assert_eq!(f.account(user(1), 0).await.alert_threshold, None);
    assert_eq!(must(f.ledger.set_alerts(alerts(user(1)).below(300)).await), credits(300));
    let view = f.account(user(1), 0).await;
    assert_eq!((view.alert_threshold, view.low_balance_threshold), (Some(credits(300)), credits(300)));
    assert_eq!(must(f.ledger.set_alerts(alerts(user(1))).await), credits(100));
    assert_eq!(f.account(user(1), 0).await.alert_threshold, None);
}

pub async fn a_threshold_below_the_balance_is_armed(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    spend(f, user(1), 950).await;
    assert_eq!(low_balances(f, user(1)).await, 1, "50 left, the threshold is 100");
    must(f.ledger.set_alerts(alerts(user(1)).below(30)).await);
    assert_eq!(low_balances(f, user(1)).await, 1);
    spend(f, user(1), 20).await;
    assert_eq!(low_balances(f, user(1)).await, 2, "30 left");
}

pub async fn a_threshold_at_or_above_the_balance_tells_nobody_until_the_balance_has_risen(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    must(f.ledger.set_alerts(alerts(user(1)).below(1000)).await);
    spend(f, user(1), 100).await;
    assert_eq!(low_balances(f, user(1)).await, 0, "it did not fall to the threshold: it lay there");
    f.granted(grant(user(1), "q").of(300)).await;
    spend(f, user(1), 250).await;
    assert_eq!(low_balances(f, user(1)).await, 1, "a grant lifted it above, and it fell again");
}

pub async fn setting_the_same_again_leaves_the_alert_as_it_is(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    must(f.ledger.set_alerts(alerts(user(1)).below(100)).await);
    spend(f, user(1), 900).await;
    assert_eq!(low_balances(f, user(1)).await, 1);
    for _ in 0..2 {
        must(f.ledger.set_alerts(alerts(user(1)).below(100)).await);
        spend(f, user(1), 10).await;
    }
    assert_eq!(low_balances(f, user(1)).await, 1, "the alert is not armed by asking for it again");
}

pub async fn a_contact_is_kept_and_replaced(f: &Fixture) {
    assert_eq!(contact(f, user(1)).await, Contact::of_newcomer(user(1)));
    must(f.ledger.set_alerts(alerts(user(1)).to("maria@example.com").in_english()).await);
    let kept = contact(f, user(1)).await;
    assert_eq!(kept.email.as_ref().map(domain::contact::EmailAddress::as_str), Some("maria@example.com"));
    assert_eq!((kept.user, kept.language), (user(1), Language::English));
    must(f.ledger.set_alerts(alerts(user(1)).at(1)).await);
    assert_eq!(contact(f, user(1)).await, Contact::of_newcomer(user(1)));
    assert_eq!(contact(f, user(2)).await, Contact::of_newcomer(user(2)));
}

pub async fn a_user_who_was_never_seen_can_set_alerts(f: &Fixture) {
    assert_eq!(must(f.ledger.set_alerts(alerts(user(1)).to("a@example.com")).await), credits(10));
    assert!(contact(f, user(1)).await.email.is_some());
    f.account(user(1), 0).await;
    f.granted(grant(user(1), "p").of(100)).await;
    spend(f, user(1), 90).await;
    assert_eq!(low_balances(f, user(1)).await, 1);
}
