//! A catalogue that changes while the server runs.

use serde_json::json;
use testkit::provider::{Provider, canned};

use super::{CHAT, setup};
use crate::crash::start;
use crate::harness::token;

#[tokio::test(flavor = "multi_thread")]
async fn at_sighup_the_catalogue_is_read_anew_and_a_wrong_one_changes_nothing() {
    let provider = Provider::start().await;
    provider.on(CHAT, canned::chat("ok", &canned::chat_usage(2000, 500)));
    let setup = setup(&provider);
    let path = setup.path("catalog.toml");
    let embedded = include_str!("../../../../../catalog.toml");
    std::fs::write(&path, embedded).unwrap();
    let setup = setup.with("CATALOG_FILE", &path.display().to_string());
    let server = start(&setup);
    let client = reqwest::Client::new();
    let grant = client
        .post(format!("{}/api/admin/users/ana/credits", server.url))
        .bearer_auth(token("boss", "admin"))
        .header("Idempotency-Key", "once")
        .json(&json!({ "amount": 1000, "reason": "teste" }));
    assert_eq!(grant.send().await.unwrap().status(), 201);
    // The charge for 2,000 tokens in and 500 out, and the version of its price.
    let charge = async |model: &str| {
        let answer = client
            .post(format!("{}/v1/chat/completions", server.url))
            .bearer_auth(token("ana", "user"))
            .json(&json!({ "model": model, "messages": [{ "role": "user", "content": "Oi" }] }))
            .send()
            .await
            .unwrap();
        let charged =
            answer.headers().get("x-credits-charged").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), charged)
    };
    let until = async |model: &str, expected: (u16, Option<&str>)| {
        let begun = std::time::Instant::now();
        loop {
            let (status, charged) = charge(model).await;
            if (status, charged.as_deref()) == expected {
                return;
            }
            assert!(begun.elapsed().as_secs() < 10, "{status} {charged:?}");
        }
    };
    until("gpt-4o-mini", (200, Some("3"))).await;
    assert_eq!(charge("rapido").await.0, 404);

    let dearer = embedded
        .replace("input = \"0.15\"", "input = \"1.5\"")
        .replace("snapshots = [\"gpt-4o-mini-2024-07-18\"]", "aliases = [\"rapido\"]");
    std::fs::write(&path, dearer).unwrap();
    server.signal("HUP");
    // 2,000 tokens at 1.50 and 500 at 0.60 dollars for a million are 0.0033 dollars.
    until("rapido", (200, Some("17"))).await;
    assert_eq!(provider.requests().last().unwrap().body["model"], "gpt-4o-mini");

    std::fs::write(&path, embedded.replace("input = \"0.15\"", "input = \"-1\"")).unwrap();
    server.signal("HUP");
    // There is nothing to wait for: a server that took it in could not answer as before.
    for _ in 0..5 {
        assert_eq!(charge("rapido").await, (200, Some("17".to_owned())));
    }
    server.kill();
}
