//! News in every order, and no news at all.

use serde_json::Value;
use testkit::stripe::{Event, FakeStripe};

use super::shop::{Shop, eventually, on_both_stores, selling};
use crate::harness::{Setup, User};

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for place in 0..count {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}

/// What a history of events makes of a new user, in the order given.
async fn told(shop: &Shop, events: &[Event], order: &[usize], user: &User, session: &str) -> Value {
    for index in order {
        shop.deliver(std::slice::from_ref(&events[*index])).await;
    }
    shop.until_worked_off(events).await;
    let mut account = shop.server.credits(user).await;
    account["status"] = shop.purchase(user, session).await["status"].clone();
    account
}

/// The events of those kinds.
fn only(events: &[Event], kinds: &[&str]) -> Vec<Event> {
    let of_kind = |kind: &&str| {
        events.iter().find(|event| event.kind() == *kind).unwrap_or_else(|| panic!("no {kind}")).clone()
    };
    kinds.iter().map(of_kind).collect()
}

#[tokio::test]
async fn a_boleto_ends_the_same_in_every_order() {
    let shop = Shop::open(Setup::sqlite()).await;
    let kinds = [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "payment_intent.succeeded",
    ];
    for order in orders(kinds.len()) {
        let user = shop.server.stranger();
        let session = shop.session(&user, "starter", "payment").await;
        let mut events = shop.stripe.pay_by_boleto(&session).await;
        events.extend(shop.stripe.boleto_paid(&session).await);
        let end = told(&shop, &only(&events, &kinds), &order, &user, &session).await;
        assert_eq!(
            (&end["available_credits"], &end["status"]),
            (&5000.into(), &"paid".into()),
            "{order:?}: {end}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn a_payment_that_is_half_refunded_ends_the_same_in_every_order() {
    let shop = Shop::open(Setup::sqlite()).await;
    let kinds =
        ["checkout.session.completed", "charge.refunded", "payment_intent.succeeded", "refund.created"];
    for order in orders(kinds.len()) {
        let user = shop.server.stranger();
        let session = shop.session(&user, "starter", "payment").await;
        let mut events = shop.stripe.pay_by_card(&session).await;
        events.extend(shop.stripe.refund(&shop.charge(&session).await, 1450).await.1);
        let end = told(&shop, &only(&events, &kinds), &order, &user, &session).await;
        let expected = (&2500.into(), &"partly_refunded".into());
        assert_eq!((&end["available_credits"], &end["status"]), expected, "{order:?}: {end}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_dispute_ends_the_same_in_every_order() {
    let shop = Shop::open(Setup::sqlite()).await;
    for (result, available) in [("won", 5000), ("lost", 0)] {
        for order in orders(4) {
            let user = shop.server.stranger();
            let session = shop.session(&user, "starter", "payment").await;
            let mut events = shop.stripe.pay_by_card(&session).await;
            let (dispute, opened) = shop.stripe.dispute(&shop.charge(&session).await, 2900).await;
            events.extend(opened);
            events.extend(shop.stripe.close_dispute(&dispute, result).await);
            let kinds = [
                "checkout.session.completed",
                "charge.dispute.created",
                "charge.dispute.funds_withdrawn",
                "charge.dispute.closed",
            ];
            let end = told(&shop, &only(&events, &kinds), &order, &user, &session).await;
            assert_eq!(end["available_credits"], available, "{result} {order:?}: {end}");
            if result == "won" {
                assert_eq!(shop.server.ask(&user, "Oi").send().await.unwrap().status(), 200, "{order:?}");
            }
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn every_webhook_lost_and_every_payment_credited() {
    on_both_stores(async |setup| {
        let stripe = FakeStripe::start().await;
        let server = selling(setup, &stripe).with("STRIPE_RECONCILE_SECONDS", "1").start().await;
        let shop = Shop { stripe, server };
        let mut customers = Vec::new();
        for number in 0..10 {
            let user = shop.server.stranger();
            let session = shop.session(&user, "starter", "payment").await;
            if number % 2 == 0 {
                shop.stripe.pay_by_card(&session).await;
            } else {
                shop.stripe.pay_by_boleto(&session).await;
                shop.stripe.boleto_paid(&session).await;
            }
            customers.push(user);
        }
        for user in &customers {
            shop.until_available(user, 5000).await;
        }
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_was_down_catches_up_by_itself() {
    let stripe = FakeStripe::start().await;
    let server = selling(Setup::sqlite(), &stripe).with("STRIPE_RECONCILE_SECONDS", "1").start().await;
    let shop = Shop { stripe, server };
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    let Shop { stripe, server } = shop;
    let setup = server.stop_only().await;
    stripe.pay_by_card(&session).await;
    let (_, refunded) =
        stripe.refund(stripe.object(&session).await["payment_intent"].as_str().unwrap(), 2900).await;
    let shop = Shop { stripe, server: setup.start().await };
    eventually("paid and refunded", async || {
        (shop.purchase(&user, &session).await["status"] == "refunded").then_some(())
    })
    .await;
    assert!(!refunded.is_empty());
    assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
    shop.close().await;
}
