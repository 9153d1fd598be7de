//! What answers say of an account's limits.

use serde_json::json;
use testkit::provider::{Provider, canned};

use super::{CHAT, setup};
use crate::harness::read;

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_in_the_headers_and_a_refusal_says_when_to_come_back() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat("ok", &canned::chat_usage(20, 5)));
    let server = setup(&provider).with("RATE_LIMIT_RPM", "2").with("RATE_LIMIT_TPM", "200000").start().await;
    let user = server.user(1000).await;
    let answer = server.chat(&user, json!({ "max_tokens": 100 })).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-ratelimit-limit-requests"), "2");
    assert_eq!(header("x-ratelimit-remaining-requests"), "1");
    assert_eq!(header("x-ratelimit-reset-requests"), "30s");
    assert_eq!(header("x-ratelimit-limit-tokens"), "200000");
    assert_eq!(header("ratelimit-policy"), "\"requests\";q=2;w=60, \"tokens\";q=200000;w=60");
    assert!(header("ratelimit").starts_with("\"requests\";r=1;t=30, \"tokens\";r=199"));
    assert_eq!(server.chat(&user, json!({ "max_tokens": 100 })).await.status(), 200);
    let refused = server.chat(&user, json!({ "max_tokens": 100, "stream": true })).await;
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait));
    let (status, body) = read(refused).await;
    assert_eq!(
        (status, &body["error"]["type"], &body["error"]["code"]),
        (429, &json!("requests"), &json!("rate_limit_exceeded"))
    );
    server.finish().await;
}
