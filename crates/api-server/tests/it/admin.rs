//! What admins see and do.

mod audit;
mod exports;
mod figures;
mod users;

use serde_json::json;

use crate::harness::{Setup, next_key, read, token};

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_given_and_taken_once_for_their_key() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.stranger();
        let key = next_key();
        let (status, first) = read(server.move_credits(&user, 100, &key).await).await;
        assert_eq!((status, &first["available_credits"]), (201, &json!(100)));
        let again = server.move_credits(&user, 100, &key).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        let (status, again) = read(again).await;
        assert_eq!((status, &again["available_credits"]), (201, &json!(100)));
        let (status, other) = read(server.move_credits(&user, 200, &key).await).await;
        assert_eq!((status, &other["code"]), (422, &json!("idempotency_mismatch")));

        let (status, taken) = read(server.move_credits(&user, -30, &next_key()).await).await;
        assert_eq!((status, &taken["available_credits"]), (201, &json!(70)));
        let (status, much) = read(server.move_credits(&user, -71, &next_key()).await).await;
        assert_eq!(
            (status, &much["code"], &much["available_credits"]),
            (409, &json!("not_enough_credits"), &json!(70))
        );
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_says_what_is_wrong_with_it() {
    let server = Setup::sqlite().start().await;
    let admin = token("boss", "admin");
    let send = |body: serde_json::Value| {
        server
            .post("/api/admin/users/someone/credits")
            .bearer_auth(&admin)
            .header("Idempotency-Key", next_key())
            .json(&body)
            .send()
    };
    for (body, pointer) in [
        (json!({ "reason": "x" }), "/amount"),
        (json!({ "amount": 0, "reason": "x" }), "/amount"),
        (json!({ "amount": 1.5, "reason": "x" }), "/amount"),
        (json!({ "amount": "10", "reason": "x" }), "/amount"),
        (json!({ "amount": 1_000_000_001_i64, "reason": "x" }), "/amount"),
        (json!({ "amount": i64::MIN, "reason": "x" }), "/amount"),
        (json!({ "amount": u64::MAX, "reason": "x" }), "/amount"),
        (json!({ "amount": 10 }), "/reason"),
        (json!({ "amount": 10, "reason": " " }), "/reason"),
        (json!({ "amount": 10, "reason": "x".repeat(501) }), "/reason"),
        (json!({ "amount": 10, "reason": "x", "expires_at": "2020-01-01T00:00:00Z" }), "/expires_at"),
        (json!({ "amount": 10, "reason": "x", "expires_at": "amanhã" }), "/expires_at"),
        (json!({ "amount": -10, "reason": "x", "expires_at": "2999-01-01T00:00:00Z" }), "/expires_at"),
    ] {
        let (status, answer) = read(send(body.clone()).await.unwrap()).await;
        assert_eq!(status, 422, "{body}: {answer}");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{body}: {answer}");
    }
    let without_key = server.post("/api/admin/users/x/credits").bearer_auth(&admin).json(&json!({})).send();
    let (status, answer) = read(without_key.await.unwrap()).await;
    assert_eq!((status, &answer["errors"][0]["pointer"]), (422, &json!("Idempotency-Key")));
    let good = json!({ "amount": 10, "reason": "presente", "expires_at": "2999-01-01T00:00:00-03:00" });
    assert_eq!(send(good).await.unwrap().status(), 201);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_cannot_spend_until_it_is_resumed() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(100).await;
        let admin = token("boss", "admin");
        let act = |what: &str| {
            let path = format!("/api/admin/users/{}/{what}", user.sub);
            server.post(&path).bearer_auth(&admin).json(&json!({ "reason": "investigação" })).send()
        };
        let (status, answer) = read(act("suspend").await.unwrap()).await;
        assert_eq!((status, &answer["suspended"]), (200, &json!(true)));
        let (status, refused) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
        assert_eq!((status, &refused["code"]), (403, &json!("account_suspended")));
        assert_eq!(server.credits(&user).await["available_credits"], 100);
        let (status, answer) = read(act("resume").await.unwrap()).await;
        assert_eq!((status, &answer["suspended"]), (200, &json!(false)));
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn analytics_sum_up_the_day_and_are_zero_without_one() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let admin = token("boss", "admin");
        let analytics =
            |query: &str| server.get(&format!("/api/admin/ai-analytics{query}")).bearer_auth(&admin).send();
        let (_, empty) = read(analytics("").await.unwrap()).await;
        assert_eq!(
            (
                &empty["total_requests"],
                &empty["total_credits_used"],
                &empty["total_cost"],
                &empty["unique_users"]
            ),
            (&json!(0), &json!(0), &json!("0"), &json!(0))
        );
        for _ in 0..2 {
            let user = server.user(100).await;
            for _ in 0..2 {
                assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
            }
        }
        let (_, day) = read(analytics("").await.unwrap()).await;
        assert_eq!((&day["total_requests"], &day["unique_users"]), (&json!(4), &json!(2)));
        assert_eq!(day["total_credits_used"], 40);
        assert!(day["total_cost"].as_str().unwrap().starts_with("0.0"));
        let (_, past) = read(analytics("?date=2020-02-29").await.unwrap()).await;
        assert_eq!(past["from"], "2020-02-29T03:00:00Z");
        assert_eq!(past["total_requests"], 0);
        let (_, range) = read(analytics("?from=2020-01-01&to=2999-01-01").await.unwrap()).await;
        assert_eq!(range["total_requests"], 4);
        for bad in [
            "?date=2020-02-30",
            "?date=x",
            "?from=2020-01-02&to=2020-01-01",
            "?to=2020-01-01",
            "?from=99999-01-01",
        ] {
            assert_eq!(analytics(bad).await.unwrap().status(), 422, "{bad}");
        }
        server.finish().await;
    }
}
