//! Plans that renew themselves.

use super::shop::{Shop, on_both_stores};
use crate::harness::{Setup, User};

/// A user who subscribed; the subscription's id too.
async fn subscriber(shop: &Shop, plan: &str, credits: i64) -> (User, String, String) {
    let user = shop.server.stranger();
    let session = shop.session(&user, plan, "subscription").await;
    shop.deliver(&shop.stripe.subscribe(&session).await).await;
    shop.until_available(&user, credits).await;
    let subscription = shop.stripe.object(&session).await["subscription"].as_str().unwrap().to_owned();
    (user, session, subscription)
}

#[tokio::test]
async fn a_subscription_grants_with_its_first_invoice_and_with_every_renewal() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let (user, session, subscription) = subscriber(&shop, "starter", 5000).await;
        let account = shop.server.credits(&user).await;
        assert_eq!(account["plan_type"], "starter");
        let first_end = account["renewal_date"].as_str().unwrap().to_owned();
        assert_eq!(shop.purchase(&user, &session).await["status"], "paid");
        let renewal = shop.stripe.renew(&subscription).await;
        shop.deliver(&renewal).await;
        shop.deliver(&renewal).await;
        let account = shop.until_available(&user, 10_000).await;
        shop.until_worked_off(&renewal).await;
        assert!(account["renewal_date"].as_str().unwrap() > first_end.as_str());
        let kinds: Vec<_> = shop
            .admin_purchases(&user)
            .await
            .iter()
            .map(|row| row["kind"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kinds, ["renewal", "subscription"]);
        assert_eq!(shop.notices(&user).await, ["purchase_paid", "renewal_paid"]);
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_news_of_a_subscription_may_come_backwards() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "subscription").await;
    let mut events = shop.stripe.subscribe(&session).await;
    let subscription = shop.stripe.object(&session).await["subscription"].as_str().unwrap().to_owned();
    events.extend(shop.stripe.renew(&subscription).await);
    events.reverse();
    shop.deliver(&events).await;
    shop.until_available(&user, 10_000).await;
    shop.until_worked_off(&events).await;
    assert_eq!(shop.server.credits(&user).await["total_credits"], 10_000);
    shop.close().await;
}

#[tokio::test]
async fn a_renewal_that_fails_grants_nothing_and_one_that_recovers_does() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, _, subscription) = subscriber(&shop, "starter", 5000).await;
    let failed = shop.stripe.renewal_fails(&subscription).await;
    shop.deliver(&failed).await;
    shop.until_worked_off(&failed).await;
    assert_eq!(shop.server.credits(&user).await["total_credits"], 5000);
    assert_eq!(shop.notices(&user).await, ["purchase_paid", "renewal_failed"]);
    shop.deliver(&shop.stripe.renewal_recovers(&subscription).await).await;
    shop.until_available(&user, 10_000).await;
    shop.close().await;
}

#[tokio::test]
async fn another_plan_counts_from_the_next_period() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, _, subscription) = subscriber(&shop, "starter", 5000).await;
    let change = shop.stripe.change_price(&subscription, 7900, "price_professional").await;
    shop.deliver(&change).await;
    shop.until_worked_off(&change).await;
    let account = shop.server.credits(&user).await;
    assert_eq!(
        (account["total_credits"].as_i64(), account["plan_type"].as_str()),
        (Some(5000), Some("starter"))
    );
    shop.deliver(&shop.stripe.renew(&subscription).await).await;
    let account = shop.until_available(&user, 25_000).await;
    assert_eq!(account["plan_type"], "professional");
    shop.close().await;
}

#[tokio::test]
async fn a_cancelled_subscription_keeps_its_plan_until_the_period_ends() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, _, subscription) = subscriber(&shop, "starter", 5000).await;
    for events in
        [shop.stripe.cancel_at_period_end(&subscription).await, shop.stripe.cancel_now(&subscription).await]
    {
        shop.deliver(&events).await;
        shop.until_worked_off(&events).await;
        let account = shop.server.credits(&user).await;
        assert_eq!(account["plan_type"], "starter");
        assert_eq!(account["available_credits"], 5000);
    }
    shop.close().await;
}

#[tokio::test]
async fn refunding_an_invoice_takes_its_credits_back() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, session, _) = subscriber(&shop, "starter", 5000).await;
    let purchase = shop.purchase(&user, &session).await;
    let (status, body) = shop.refund(&purchase, serde_json::json!({ "reason": "pedido" })).await;
    assert_eq!(status, 200, "{body}");
    let events = shop.stripe.events().await;
    shop.deliver(&events).await;
    shop.until_available(&user, 0).await;
    shop.close().await;
}
