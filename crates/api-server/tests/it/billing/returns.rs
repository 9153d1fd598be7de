//! Money that goes back: refunds, disputes, refunds by hand.

use serde_json::json;

use super::shop::{Shop, eventually, on_both_stores};
use crate::harness::Setup;

#[tokio::test]
async fn three_partial_refunds_take_their_share_each() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let (user, session) = shop.customer("starter", 5000).await;
        let charge = shop.charge(&session).await;
        let mut all = Vec::new();
        for (minor, left) in [(1000, 3276), (900, 1725), (1000, 0)] {
            let (_, events) = shop.stripe.refund(&charge, minor).await;
            shop.deliver(&events).await;
            shop.until_available(&user, left).await;
            all.extend(events);
        }
        // All of them once more, backwards.
        all.reverse();
        shop.deliver(&all).await;
        shop.until_worked_off(&all).await;
        assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
        assert_eq!(shop.purchase(&user, &session).await["status"], "refunded");
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_refund_after_spending_is_owed_and_comes_off_the_next_purchase() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let (user, session) = shop.customer("starter", 5000).await;
        assert_eq!(shop.server.ask(&user, "Como economizar?").send().await.unwrap().status(), 200);
        let used = shop.server.credits(&user).await["used_credits"].as_i64().unwrap();
        assert!(used >= 10);
        let (_, events) = shop.stripe.refund(&shop.charge(&session).await, 2900).await;
        shop.deliver(&events).await;
        let account = shop.until_available(&user, 0).await;
        assert_eq!(account["owed_credits"], used);
        assert_eq!(shop.server.ask(&user, "E agora?").send().await.unwrap().status(), 402);
        let again = shop.session(&user, "starter", "payment").await;
        shop.deliver(&shop.stripe.pay_by_card(&again).await).await;
        shop.until_available(&user, 5000 - used).await;
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_refund_that_fails_gives_the_credits_back() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, session) = shop.customer("starter", 5000).await;
    let (refund, events) = shop.stripe.refund(&shop.charge(&session).await, 2900).await;
    shop.deliver(&events).await;
    shop.until_available(&user, 0).await;
    shop.deliver(&shop.stripe.fail_refund(&refund).await).await;
    shop.until_available(&user, 5000).await;
    shop.close().await;
}

#[tokio::test]
async fn a_dispute_suspends_and_a_won_one_gives_back() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let (user, session) = shop.customer("starter", 5000).await;
        let (dispute, events) = shop.stripe.dispute(&shop.charge(&session).await, 2900).await;
        shop.deliver(&events).await;
        shop.until_status(&user, &session, "disputed").await;
        let refused = shop.server.ask(&user, "Oi").send().await.unwrap();
        assert_eq!(refused.status(), 403);
        assert_eq!(shop.server.credits(&user).await["available_credits"], 0);
        assert!(shop.notices(&user).await.contains(&"dispute_opened".to_owned()));
        shop.deliver(&shop.stripe.close_dispute(&dispute, "won").await).await;
        shop.until_available(&user, 5000).await;
        assert_eq!(shop.server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_dispute_keeps_the_credits_and_lifts_the_suspension() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, session) = shop.customer("starter", 5000).await;
    let (dispute, events) = shop.stripe.dispute(&shop.charge(&session).await, 2900).await;
    shop.deliver(&events).await;
    shop.deliver(&shop.stripe.close_dispute(&dispute, "lost").await).await;
    shop.until_status(&user, &session, "refunded").await;
    assert_eq!(shop.server.ask(&user, "Oi").send().await.unwrap().status(), 402);
    shop.close().await;
}

#[tokio::test]
async fn an_admin_refunds_through_stripe_once_for_a_key() {
    on_both_stores(async |setup| {
        let shop = Shop::open(setup).await;
        let (user, session) = shop.customer("starter", 5000).await;
        let purchase = shop.purchase(&user, &session).await;
        let (status, body) =
            shop.refund(&purchase, json!({ "amount_minor": 1450, "reason": "pedido" })).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["status"], "partly_refunded");
        assert_eq!(shop.server.credits(&user).await["available_credits"], 2500);
        let (status, body) = shop.refund(&purchase, json!({ "reason": "o resto" })).await;
        assert_eq!((status, &body["status"]), (200, &json!("refunded")), "{body}");
        let events = shop.stripe.events().await;
        shop.deliver(&events).await;
        shop.until_worked_off(&events).await;
        assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
        for (body, expected) in [
            (json!({}), 422),
            (json!({ "reason": "x", "amount_minor": 0 }), 422),
            (json!({ "reason": "x", "amount_minor": 999_999 }), 422),
        ] {
            assert_eq!(shop.refund(&purchase, body).await.0, expected);
        }
        shop.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_boleto_is_refunded_by_hand_and_recorded() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    shop.deliver(&shop.stripe.pay_by_boleto(&session).await).await;
    shop.deliver(&shop.stripe.boleto_paid(&session).await).await;
    shop.until_available(&user, 5000).await;
    let purchase = shop.purchase(&user, &session).await;
    let refusal = eventually("how it was paid", async || {
        let (status, body) = shop.refund(&purchase, json!({ "reason": "pedido" })).await;
        (status == 409).then_some(body)
    })
    .await;
    assert_eq!(refusal["code"], "refund_by_hand");
    let (status, body) = shop.refund(&purchase, json!({ "reason": "transferência", "manual": true })).await;
    assert_eq!((status, &body["status"]), (200, &json!("refunded")), "{body}");
    assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
    shop.close().await;
}

#[tokio::test]
async fn a_card_that_was_declined_first_does_not_stand_in_a_refunds_way() {
    let shop = Shop::open(Setup::sqlite()).await;
    let user = shop.server.stranger();
    let session = shop.session(&user, "starter", "payment").await;
    shop.deliver(&shop.stripe.card_declined(&session).await).await;
    shop.deliver(&shop.stripe.pay_by_card(&session).await).await;
    shop.until_available(&user, 5000).await;
    let purchase = shop.purchase(&user, &session).await;
    let path = format!("/api/admin/purchases/{}/refund", purchase["id"].as_str().unwrap());
    // The same request twice, as a double click sends it.
    for _ in 0..2 {
        let request = shop.server.post(&path).bearer_auth(crate::harness::token("the-admin", "admin"));
        let request = request.header("Idempotency-Key", "refund-once");
        let answer = request.json(&json!({ "reason": "pedido", "amount_minor": 2900 })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
    }
    let events = shop.stripe.events().await;
    shop.deliver(&events).await;
    shop.until_worked_off(&events).await;
    assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
    shop.close().await;
}

#[tokio::test]
async fn what_was_paid_back_by_hand_is_not_paid_back_again() {
    let shop = Shop::open(Setup::sqlite()).await;
    let (user, session) = shop.customer("starter", 5000).await;
    let purchase = shop.purchase(&user, &session).await;
    let by_hand = json!({ "reason": "transferência", "manual": true, "amount_minor": 1000 });
    assert_eq!(shop.refund(&purchase, by_hand).await.0, 200);
    let (status, body) = shop.refund(&purchase, json!({ "reason": "tudo", "amount_minor": 2900 })).await;
    assert_eq!(status, 422, "{body}");
    let (status, body) = shop.refund(&purchase, json!({ "reason": "o resto" })).await;
    assert_eq!((status, &body["refunded_minor"]), (200, &json!(2900)), "{body}");
    assert_eq!(shop.stripe.object(&shop.charge(&session).await).await["amount_refunded"], 1900);
    let (status, _) = shop.refund(&purchase, json!({ "reason": "mais" })).await;
    assert_eq!(status, 409);
    assert_eq!(shop.server.credits(&user).await["total_credits"], 0);
    shop.close().await;
}

#[tokio::test]
async fn a_fraud_warning_suspends_where_the_catalogue_says_so_and_an_admin_lifts_it() {
    let setup = Setup::sqlite();
    let path = setup.path("catalog.toml");
    let strict = include_str!("../../../../../catalog.toml")
        .replace("suspend_on_fraud_warning = false", "suspend_on_fraud_warning = true");
    std::fs::write(&path, strict).unwrap();
    let shop = Shop::open(setup.with("CATALOG_FILE", path.to_str().unwrap())).await;
    let (user, session) = shop.customer("starter", 5000).await;
    let events = shop.stripe.early_fraud_warning(&shop.charge(&session).await).await;
    shop.deliver(&events).await;
    shop.until_worked_off(&events).await;
    assert_eq!(shop.server.ask(&user, "Oi").send().await.unwrap().status(), 403);
    let resume = shop.server.post(&format!("/api/admin/users/{}/resume", user.sub));
    let answer = resume.bearer_auth(crate::harness::token("the-admin", "admin")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(shop.server.ask(&user, "Oi").send().await.unwrap().status(), 200);
    shop.close().await;
}
