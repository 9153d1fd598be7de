//! Reads of what was bought.

use domain::billing::profile::BillingProfile;
use domain::billing::purchase::{Names, Progress, Purchase};
use domain::clock::Span;
use domain::ids::PurchaseId;
use domain::ports::billing::{PageEnd, PurchaseName};

use crate::Fixture;
use crate::requests::billing::{
    NewsExt, OpenExt, auto_top_up, new_purchase_id, news, open, subscribe, top_up,
};
use crate::requests::{At, GrantExt, HoldExt, grant, hold, user};
use crate::time::{DAY, secs, time};

async fn found(f: &Fixture, name: PurchaseName) -> Option<Purchase> {
    f.purchases.purchase(name).await.expect("the store answers")
}

pub async fn a_purchase_is_found_by_each_of_its_names(f: &Fixture) {
    f.pack_opened(user(1)).await;
    for number in 1..=2 {
        let some = |kind: &str| Some(format!("{kind}_{number}"));
        let id = f.opened(subscribe(user(number))).await.purchase.id;
        let names = Names {
            session: some("cs"),
            customer: some("cus"),
            intent: some("pi"),
            charge: some("ch"),
            invoice: some("in"),
            subscription: some("sub"),
        };
        f.observed(news(user(number), id).names(names)).await;
        for name in [
            PurchaseName::Id(id),
            PurchaseName::Session(format!("cs_{number}")),
            PurchaseName::Intent(format!("pi_{number}")),
            PurchaseName::Charge(format!("ch_{number}")),
            PurchaseName::Invoice(format!("in_{number}")),
        ] {
            assert_eq!(found(f, name.clone()).await.map(|row| row.id), Some(id), "by {name:?}");
        }
    }
}

pub async fn names_that_nobody_has_find_nothing(f: &Fixture) {
    f.pack_opened(user(1)).await;
    let no = || "none".to_owned();
    for name in [
        PurchaseName::Id(new_purchase_id(user(1))),
        PurchaseName::Session(no()),
        PurchaseName::Intent(no()),
        PurchaseName::Charge(no()),
        PurchaseName::Invoice(no()),
    ] {
        assert!(found(f, name).await.is_none());
    }
    assert!(f.purchases.subscription("none").await.expect("the store answers").is_none());
    assert!(f.purchases.user_of_customer("none").await.expect("the store answers").is_none());
    assert!(f.purchases.subscriptions(user(1)).await.expect("the store answers").is_empty());
}

/// All pages of this size, one after the other.
async fn pages(f: &Fixture, of: Option<u8>, size: u32) -> Vec<PurchaseId> {
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = f.purchases.purchases(of.map(user), before, size).await.expect("the store answers");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= usize::try_from(size).expect("small"));
        before = Some(PageEnd { at: last.created_at, name: last.id.to_string() });
        seen.extend(page.iter().map(|row| row.id));
    }
    seen
}

/// Purchases of the same time are told apart by their id, also across pages.
pub async fn purchases_are_read_page_by_page_newest_first(f: &Fixture) {
    let mut expected = Vec::new();
    for secs in [3, 1, 2, 2, 2, 2] {
        let id = f.opened(open(user(1)).at(secs)).await.purchase.id;
        expected.push((secs, id));
        f.opened(open(user(2)).at(secs)).await;
    }
    expected.sort();
    let expected: Vec<_> = expected.into_iter().rev().map(|(_, id)| id).collect();
    for size in [1, 2, 10] {
        assert_eq!(pages(f, Some(1), size).await, expected, "in pages of {size}");
    }
    assert!(f.purchases.purchases(None, None, 0).await.expect("the store answers").is_empty());
}

pub async fn purchases_of_all_users_are_read_together(f: &Fixture) {
    let mut expected = Vec::new();
    for (number, secs) in [(1, 5), (2, 9), (3, 5), (1, 7), (2, 1)] {
        expected.push((secs, f.opened(open(user(number)).at(secs)).await.purchase.id));
    }
    expected.sort();
    let expected: Vec<_> = expected.into_iter().rev().map(|(_, id)| id).collect();
    assert_eq!(pages(f, None, 2).await, expected);
}

pub async fn subscriptions_are_read_oldest_first(f: &Fixture) {
    for (secs, name) in [(1, "sub_b"), (2, "sub_a"), (3, "sub_c")] {
        let id = f.opened(subscribe(user(1)).at(secs)).await.purchase.id;
        let mut begun = news(user(1), id).at(secs);
        begun.facts.names.subscription = Some(name.to_owned());
        f.observed(begun).await;
    }
    let found = f.purchases.subscriptions(user(1)).await.expect("the store answers");
    let ids: Vec<_> = found.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["sub_b", "sub_a", "sub_c"]);
    assert_eq!(found[0].created_at, time(1));
}

pub async fn a_newcomer_has_an_empty_profile(f: &Fixture) {
    let profile = f.purchases.profile(user(1)).await;
    assert_eq!(profile, Ok(BillingProfile { user: user(1), customer: None, top_up: None }));
    assert!(f.books.account_books(user(1)).await.expect("the store answers").is_none(), "reading made none");
}

pub async fn a_user_is_found_by_the_customers_name(f: &Fixture) {
    for number in 1..=2 {
        let id = f.pack_opened(user(number)).await;
        let mut told = news(user(number), id);
        told.facts.names.customer = Some(format!("cus_{number}"));
        f.observed(told).await;
    }
    f.top_up_set(auto_top_up(user(3))).await;
    assert_eq!(f.purchases.user_of_customer("cus_2").await, Ok(Some(user(2))));
    let profile = f.purchases.profile(user(2)).await.expect("the store answers");
    assert_eq!((profile.user, profile.customer.as_deref(), profile.top_up), (user(2), Some("cus_2"), None));
}

pub async fn the_first_customer_stays(f: &Fixture) {
    for name in ["cus_1", "cus_2"] {
        let id = f.pack_opened(user(1)).await;
        let mut told = news(user(1), id);
        told.facts.names.customer = Some(name.to_owned());
        f.observed(told).await;
    }
    f.top_up_set(auto_top_up(user(1))).await;
    assert_eq!(
        f.purchases.profile(user(1)).await.expect("the store answers").customer.as_deref(),
        Some("cus_1")
    );
    assert_eq!(f.purchases.user_of_customer("cus_2").await, Ok(None));
}

/// Waits of 60 s, then 600 s for ever.
fn waits() -> [Span; 2] {
    [secs(60), secs(600)]
}

async fn claimed(f: &Fixture, at: i64, limit: u32) -> Vec<Purchase> {
    f.purchases.claim_lookups(time(at), &waits(), limit).await.expect("the store answers")
}

pub async fn a_purchase_is_looked_up_when_its_time_has_come(f: &Fixture) {
    let row = f.opened(open(user(1)).looked_up(120)).await.purchase;
    f.opened(open(user(2)).looked_up(121)).await;
    assert!(claimed(f, 119, 10).await.is_empty());
    assert_eq!(claimed(f, 120, 10).await, [row], "as it was before");
    assert!(claimed(f, 120, 10).await.is_empty(), "it was given to another caller");
}

pub async fn lookups_wait_longer_each_time(f: &Fixture) {
    let id = f.opened(open(user(1)).looked_up(100)).await.purchase.id;
    for (lookups, at, next) in [(0, 100, 160), (1, 165, 765), (2, 765, 1365), (3, 2000, 2600)] {
        let [before] = &claimed(f, at, 10).await[..] else { panic!("due at {at}") };
        assert_eq!(before.lookups, lookups);
        let row = f.purchase(id).await;
        assert_eq!((row.lookups, row.next_lookup), (lookups + 1, Some(time(next))));
        assert!(claimed(f, next - 1, 10).await.is_empty());
    }
}

pub async fn no_more_lookups_are_claimed_than_asked_for(f: &Fixture) {
    for number in 1..=5 {
        f.opened(open(user(number)).looked_up(i64::from(number))).await;
    }
    let mut seen = Vec::new();
    for size in [2, 2, 1, 0] {
        let rows = claimed(f, 50, 2).await;
        assert_eq!(rows.len(), size);
        seen.extend(rows.into_iter().map(|row| row.user));
    }
    seen.sort();
    assert_eq!(seen, [1, 2, 3, 4, 5].map(user));
}

pub async fn a_closed_purchase_is_not_looked_up(f: &Fixture) {
    for (number, progress) in [(1, Progress::Failed), (2, Progress::Expired)] {
        let id = f.pack_opened(user(number)).await;
        f.observed(news(user(number), id).unpaid(progress)).await;
    }
    f.pack_paid(user(3)).await;
    assert!(claimed(f, DAY, 10).await.is_empty());
    let id = f.pack_opened(user(4)).await;
    assert_eq!(claimed(f, DAY, 10).await.len(), 1);
    f.observed(news(user(4), id).paid()).await;
    assert!(claimed(f, 2 * DAY, 10).await.is_empty());
}

async fn low(f: &Fixture, limit: u32) -> Vec<domain::ids::UserId> {
    let mut users = f.purchases.low_on_credits(limit).await.expect("the store answers");
    users.sort();
    users
}

pub async fn users_low_on_credits_are_found(f: &Fixture) {
    for (number, amount) in [(1, 99), (2, 100), (3, 105), (4, 99), (5, 99)] {
        f.granted(grant(user(number), "p").of(amount)).await;
        if number != 4 {
            f.top_up_set(auto_top_up(user(number))).await;
        }
    }
    f.held(hold(user(3)).exactly(10)).await;
    let mut off = auto_top_up(user(5));
    off.settings.enabled = false;
    f.top_up_set(off).await;
    f.top_up_set(auto_top_up(user(6))).await;
    assert_eq!(low(f, 10).await, [1, 3, 6].map(user));
    let id = f.opened(top_up(user(1))).await.purchase.id;
    assert_eq!(low(f, 10).await, [3, 6].map(user), "one is under way");
    f.observed(news(user(1), id).unpaid(Progress::Failed)).await;
    assert_eq!(low(f, 10).await, [1, 3, 6].map(user));
}

pub async fn no_more_users_are_found_than_asked_for(f: &Fixture) {
    for number in 1..=5 {
        f.top_up_set(auto_top_up(user(number))).await;
    }
    assert_eq!(low(f, 3).await.len(), 3);
    assert!(low(f, 0).await.is_empty());
}

pub async fn the_oldest_open_purchase_is_known(f: &Fixture) {
    assert_eq!(f.purchases.oldest_open().await, Ok(None));
    let paid = f.opened(open(user(1)).at(1)).await.purchase.id;
    let waiting = f.opened(open(user(2)).at(2)).await.purchase.id;
    f.opened(open(user(3)).at(3)).await;
    assert_eq!(f.purchases.oldest_open().await, Ok(Some(time(1))));
    f.observed(news(user(1), paid).paid().at(4)).await;
    f.observed(news(user(2), waiting).unpaid(Progress::Processing).at(4)).await;
    assert_eq!(f.purchases.oldest_open().await, Ok(Some(time(2))));
}
