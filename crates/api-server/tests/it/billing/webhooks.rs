//! What is taken for Stripe's, and what is made of it.

use futures_util::future::join_all;
use serde_json::json;
use testkit::stripe::signing;

use super::shop::{Shop, on_both_stores};
use crate::harness::{Setup, read};

fn unix_now() -> i64 {
    chrono::Utc::now().timestamp()
}

#[tokio::test]
async fn a_boleto_grants_when_it_is_paid_and_not_before() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let user = shop.server.stranger();
        let session = shop.session(&user, "professional", "payment").await;
        let taken = shop.stripe.pay_by_boleto(&session).await;
        shop.deliver(&taken).await;
        shop.until_status(&user, &session, "processing").await;
        shop.until_worked_off(&taken).await;
        assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
        shop.deliver(&shop.stripe.boleto_paid(&session).await).await;
        let purchase = shop.until_status(&user, &session, "paid").await;
        assert_eq!(purchase["credits_granted"], true);
        let account = shop.until_available(&user, 20_000).await;
        assert_eq!(account["plan_type"], "professional");
        assert_eq!(shop.notices(&user).await, ["purchase_paid"]);
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_boleto_that_is_not_paid_grants_nothing_and_says_so() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    shop.deliver(&shop.stripe.pay_by_boleto(&session).await).await;
    shop.deliver(&shop.stripe.boleto_failed(&session).await).await;
    shop.until_status(&user, &session, "failed").await;
    assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
    assert_eq!(shop.notices(&user).await, ["payment_failed"]);
    shop.close().await;
}

#[tokio::test]
async fn twelve_copies_at_once_grant_once() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let user = shop.server.stranger();
        let session = shop.session(&user, "starter", "payment").await;
        let events = shop.stripe.pay_by_card(&session).await;
        let mut copies = Vec::new();
        for _ in 0..12 {
            copies.push(shop.deliver(&events));
        }
        join_all(copies).await;
        shop.until_available(&user, 5000).await;
        shop.until_worked_off(&events).await;
        // The same news under other names: as many events of their own.
        let paid = events.iter().find(|event| event.kind() == "checkout.session.completed").unwrap();
        let mut others = Vec::new();
        for number in 0..12 {
            let mut other = paid.clone();
            other.json["id"] = json!(format!("evt_other_{number}"));
            others.push(other);
        }
        join_all(others.iter().map(|other| shop.deliver(std::slice::from_ref(other)))).await;
        shop.until_worked_off(&others).await;
        assert_eq!(shop.server.credits(&user).await["total_credits"], 5000);
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn forged_stale_and_mutated_webhooks_are_refused_and_kept_nowhere() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    let events = shop.stripe.pay_by_card(&session).await;
    let event = events.iter().find(|event| event.kind() == "checkout.session.completed").unwrap();
    let (good, body) = shop.stripe.signed(event);
    let (now, secret) = (unix_now(), shop.stripe.webhook_secret().to_owned());
    let mut headers = vec![
        String::new(),
        "t=,v1=".to_owned(),
        good.replace("v1=", "v0="),
        good.split(',').next().unwrap().to_owned(),
        signing::header(&["whsec_somebody_elses"], now, &body),
        signing::header(&[""], now, &body),
        signing::header(&[&secret], now - 600, &body),
        signing::header(&[&secret], now + 600, &body),
        signing::header(&[&secret], now, b"another body"),
    ];
    // Every digit of the signature, changed.
    for (at, digit) in good.char_indices().filter(|(at, _)| *at > good.find("v1=").unwrap() + 2) {
        let mut mutated = good.clone();
        mutated.replace_range(at..=at, if digit == '0' { "1" } else { "0" });
        headers.push(mutated);
    }
    for header in &headers {
        let (status, answer) = read(shop.deliver_raw(header, body.clone()).await).await;
        assert_eq!((status, &answer["code"]), (400, &json!("bad_signature")), "{header}");
    }
    assert_eq!(shop.server.stores.inbox.event(event.id()).await.unwrap(), None);
    // The same body, honestly signed, among signatures of others.
    let both = signing::header(&["whsec_somebody_elses", &secret], now, &body);
    assert_eq!(shop.deliver_raw(&both, body).await.status(), 200);
    shop.until_available(&user, 5000).await;
    shop.close().await;
}

#[tokio::test]
async fn the_previous_secret_still_counts() {
    let stripe = testkit::stripe::FakeStripe::start().await;
    let server = super::shop::selling(Setup::sqlite(), &stripe)
        .with("STRIPE_WEBHOOK_SECRET", "whsec_the_new_one")
        .with("STRIPE_WEBHOOK_SECRET_PREVIOUS", stripe.webhook_secret())
        .start()
        .await;
    let shop = Shop { stripe, server };
    shop.customer("starter", 5000).await;
    shop.close().await;
}

#[tokio::test]
async fn wrong_amount_currency_mode_or_session_grant_nothing_and_are_parked() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        for (pointer, value) in [
            ("/amount_total", json!(100)),
            ("/amount_total", json!(0)),
            ("/currency", json!("usd")),
            ("/mode", json!("subscription")),
            ("/id", json!("cs_test_of_somebody_else")),
        ] {
            let user = shop.server.stranger();
            let session = shop.session(&user, "starter", "payment").await;
            let events = shop.stripe.pay_by_card(&session).await;
            let mut event =
                events.into_iter().find(|event| event.kind() == "checkout.session.completed").unwrap();
            *event.object_mut().pointer_mut(pointer).unwrap() = value.clone();
            shop.deliver(std::slice::from_ref(&event)).await;
            shop.until_worked_off(std::slice::from_ref(&event)).await;
            assert_eq!(shop.event_state(&event).await, "parked", "{pointer} {value}");
            assert_eq!(shop.server.credits(&user).await["total_credits"], 0, "{pointer} {value}");
            assert!(shop.admin_purchases(&user).await[0]["fault"].is_string(), "{pointer} {value}");
        }
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn metadata_that_was_tampered_with_changes_nothing() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, other) = (shop.server.stranger(), shop.server.stranger());
    let session = shop.session(&user, "starter", "payment").await;
    let others = shop.session(&other, "starter", "payment").await;
    let purchase = shop.purchase(&other, &others).await;
    let mut events = shop.stripe.pay_by_card(&session).await;
    for event in &mut events {
        let object = event.object_mut();
        object["metadata"] = json!({
            "purchase_id": purchase["id"], "userId": other.sub, "credits": 1_000_000, "planId": "enterprise"
        });
        if object.get("client_reference_id").is_some() {
            object["client_reference_id"] = purchase["id"].clone();
        }
    }
    shop.deliver(&events).await;
    shop.until_available(&user, 5000).await;
    shop.until_worked_off(&events).await;
    assert_eq!(shop.server.credits(&other).await["total_credits"], 0);
    shop.close().await;
}

#[tokio::test]
async fn another_mode_than_our_keys_is_kept_and_ignored() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    let mut events = shop.stripe.pay_by_card(&session).await;
    for event in &mut events {
        event.json["livemode"] = json!(true);
    }
    shop.deliver(&events).await;
    for event in &events {
        assert_eq!(shop.event_state(event).await, "ignored");
    }
    assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
    shop.close().await;
}

#[tokio::test]
async fn what_we_do_not_know_is_kept_and_answered() {
    let shop = Shop::open(Setup::sqlite()).await;
    let unknown = shop.stripe.announce("terminal.reader.action_failed", json!({ "id": "tmr_1" })).await;
    shop.deliver(std::slice::from_ref(&unknown)).await;
    assert_eq!(shop.event_state(&unknown).await, "ignored");
    // Signed, and not even an event: kept for a human.
    let (now, secret) = (unix_now(), shop.stripe.webhook_secret().to_owned());
    for body in ["{}", "[]", "not json", r#"{"id": 5}"#] {
        let header = signing::header(&[&secret], now, body.as_bytes());
        assert_eq!(shop.deliver_raw(&header, body.into()).await.status(), 200, "{body}");
    }
    let long = vec![b' '; 1024 * 1024 + 1];
    let header = signing::header(&[&secret], now, &long);
    assert_eq!(shop.deliver_raw(&header, long).await.status(), 413);
    shop.close().await;
}

#[tokio::test]
async fn a_session_that_lost_most_of_its_fields_still_pays() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    let events = shop.stripe.pay_by_card(&session).await;
    let mut event = events.into_iter().find(|event| event.kind() == "checkout.session.completed").unwrap();
    let keep = ["id", "object", "mode", "payment_status", "amount_total", "currency", "client_reference_id"];
    event.object_mut().as_object_mut().unwrap().retain(|name, _| keep.contains(&name.as_str()));
    event.object_mut()["something_new"] = json!({ "deep": [1, 2, 3] });
    event.json.as_object_mut().unwrap().remove("api_version");
    shop.deliver(std::slice::from_ref(&event)).await;
    shop.until_available(&user, 5000).await;
    shop.close().await;
}
