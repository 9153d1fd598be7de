//! Packs that are bought by themselves.

use serde_json::{Value, json};

use super::shop::{Shop, eventually, on_both_stores};
use crate::harness::{Setup, User, read};

async fn set(shop: &Shop, user: &User, body: Value) -> (u16, Value) {
    let request = shop.server.client.put(format!("{}/api/billing/auto-top-up", shop.server.url));
    read(request.bearer_auth(&user.token).json(&body).send().await.unwrap()).await
}

fn wanted(threshold: i64, cap: i64) -> Value {
    json!({ "enabled": true, "threshold": threshold, "plan_id": "starter", "monthly_cap_minor": cap })
}

/// A customer with a card on file.
async fn with_a_card(shop: &Shop) -> User {
    let (user, session) = shop.customer("starter", 5000).await;
    let customer = shop.stripe.object(&session).await["customer"].as_str().unwrap().to_owned();
    shop.stripe.keep_card(&customer).await;
    user
}

#[tokio::test]
async fn a_pack_is_bought_when_credits_run_low_within_the_cap() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let user = with_a_card(&shop).await;
        // Always low: only the cap stops it, after two packs.
        let (status, body) = set(&shop, &user, wanted(1_000_000, 5800)).await;
        assert_eq!(status, 200, "{body}");
        shop.until_available(&user, 15_000).await;
        let body = eventually("both are done", async || {
            let request = shop.server.get("/api/billing/auto-top-up").bearer_auth(&user.token);
            let (_, body) = read(request.send().await.unwrap()).await;
            (body["in_progress"] == false && body["spent_this_month_minor"] == 5800).then_some(body)
        })
        .await;
        assert_eq!(body["declines"], 0);
        let events = shop.stripe.events().await;
        shop.deliver(&events).await;
        shop.until_worked_off(&events).await;
        assert_eq!(shop.server.credits(&user).await["total_credits"], 15_000);
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn three_declines_switch_it_off_with_a_notice() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, session) = shop.customer("starter", 5000).await;
    let customer = shop.stripe.object(&session).await["customer"].as_str().unwrap().to_owned();
    shop.stripe.keep_card(&customer).await;
    shop.stripe.decline_cards(&customer, true).await;
    assert_eq!(set(&shop, &user, wanted(1_000_000, 100_000)).await.0, 200);
    eventually("it is off", async || {
        let request = shop.server.get("/api/billing/auto-top-up").bearer_auth(&user.token);
        let (_, body) = read(request.send().await.unwrap()).await;
        (body["enabled"] == false).then_some(())
    })
    .await;
    assert!(shop.notices(&user).await.contains(&"top_up_disabled".to_owned()));
    assert_eq!(shop.server.credits(&user).await["total_credits"], 5000);
    shop.close().await;
}

#[tokio::test]
async fn settings_make_sense_or_are_refused() {
    let shop = Shop::open(Setup::sqlite()).await;
    let stranger = shop.server.stranger();
    let (status, body) = set(&shop, &stranger, wanted(100, 5000)).await;
    assert_eq!((status, &body["code"]), (409, &json!("no_customer")));
    for body in [
        json!({}),
        json!({ "enabled": true, "threshold": -1, "plan_id": "starter", "monthly_cap_minor": 5000 }),
        json!({ "enabled": true, "threshold": 10, "plan_id": "gold", "monthly_cap_minor": 5000 }),
        json!({ "enabled": "yes", "threshold": 10, "plan_id": "starter", "monthly_cap_minor": 5000 }),
    ] {
        assert_eq!(set(&shop, &stranger, body).await.0, 422);
    }
    shop.close().await;
}

#[tokio::test]
async fn who_gets_money_back_is_not_charged_again() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, session) = shop.customer("starter", 5000).await;
    let customer = shop.stripe.object(&session).await["customer"].as_str().unwrap().to_owned();
    shop.stripe.keep_card(&customer).await;
    assert_eq!(set(&shop, &user, wanted(100, 100_000)).await.0, 200);
    let (_, events) = shop.stripe.refund(&shop.charge(&session).await, 2900).await;
    shop.deliver(&events).await;
    shop.until_available(&user, 0).await;
    let request = shop.server.get("/api/billing/auto-top-up").bearer_auth(&user.token);
    let (_, body) = read(request.send().await.unwrap()).await;
    assert_eq!((&body["enabled"], &body["in_progress"]), (&json!(false), &json!(false)));
    assert_eq!(shop.admin_purchases(&user).await.len(), 1);
    shop.close().await;
}
