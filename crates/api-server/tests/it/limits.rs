//! Limits of accounts and of addresses.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Setup, read};

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_minutes_allowance_are_429_and_say_when_to_come_back() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.with("RATE_LIMIT_RPM", "3").start().await;
        let user = server.user(1000).await;
        let asked = (0..8).map(|_| server.ask(&user, "Oi").send());
        let (mut served, mut limited) = (0, 0);
        for answer in join_all(asked).await {
            let answer = answer.unwrap();
            match answer.status().as_u16() {
                200 => served += 1,
                429 => {
                    let wait: i64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                    assert!((1..=20).contains(&wait), "{wait}");
                    limited += 1;
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!((served, limited), (3, 5));
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_larger_than_the_limit_itself_is_422() {
    let server = Setup::sqlite().with("RATE_LIMIT_TPM", "200").start().await;
    let user = server.user(1000).await;
    let (status, body) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (422, &json!("invalid_request")));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_own_limit_before_anybody_looks_at_its_token() {
    let server = Setup::sqlite().with("RATE_LIMIT_IP_RPM", "5").start().await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(server.get("/api/user/ai-credits").send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let limited = server.get("/api/user/ai-credits").send().await.unwrap();
    assert!(limited.headers().contains_key("retry-after"));
    assert_eq!(read(limited).await.1["code"], "rate_limited");
    assert_eq!(server.get("/livez").send().await.unwrap().status(), 200);
    server.finish().await;
}
