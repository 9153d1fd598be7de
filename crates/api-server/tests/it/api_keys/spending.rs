//! What keys may spend, and on whose account.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::provider::{Provider, canned};

use crate::cli::{api_server, tamper, text};
use crate::gateway::{self, CHAT, stream_text};
use crate::harness::{Setup, read, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_that_is_reached_is_402_and_says_what_is_left() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(1000).await;
        let (id, program) = server.key(&user, json!({ "name": "n", "spend_cap": 25 })).await;
        for _ in 0..2 {
            let (status, answer) = read(server.ask(&program, "Oi").send().await.unwrap()).await;
            assert_eq!((status, &answer["creditsUsed"]), (200, &json!(10)), "{answer}");
        }
        let refused = server.ask(&program, "Oi").header("Idempotency-Key", "k").send().await.unwrap();
        let (status, body) = read(refused).await;
        assert_eq!((status, &body["code"]), (402, &json!("api_key_cap_reached")), "{body}");
        assert_eq!((&body["available_credits"], &body["required_credits"]), (&json!(5), &json!(10)));
        assert_eq!(body["error"], "Limite da chave de API atingido");
        assert_eq!(body["message"], "Esta chave de API só pode gastar mais 5 créditos.");
        let english = server.ask(&program, "Oi").header("Accept-Language", "en").send().await.unwrap();
        assert_eq!(read(english).await.1["message"], "This API key may spend only 5 more credits.");

        // Reading goes on, and so do the user and other keys; the refused idempotency key is free.
        assert_eq!(server.look(&program.token).await.0, 200);
        let (_, other) = server.key(&user, json!({ "name": "n", "spend_cap": 10 })).await;
        let asked = server.ask(&other, "Oi").header("Idempotency-Key", "k").send().await.unwrap();
        assert_eq!(asked.status(), 200);
        assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        let spent: Vec<Value> = server.keys(&user).await.iter().map(|key| key["spent"].clone()).collect();
        assert_eq!(spent, [10, 20]);
        assert_eq!(server.keys(&user).await[1]["id"], json!(id));
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_at_once_never_pass_a_cap() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(100_000).await;
        let (id, program) = server.key(&user, json!({ "name": "n", "spend_cap": 157 })).await;
        let mut served = 0;
        // A running request holds more than it will be charged: what it gives back, others may spend.
        loop {
            let asked = join_all((0..100).map(|_| server.ask(&program, "Oi").send())).await;
            let mut refused = 0;
            for answer in asked {
                match answer.unwrap().status().as_u16() {
                    200 => served += 1,
                    402 => refused += 1,
                    other => panic!("{other}"),
                }
            }
            if refused == 100 {
                break;
            }
        }
        assert_eq!(served, 15);
        let listed = server.keys(&user).await;
        assert_eq!((&listed[0]["id"], &listed[0]["spent"]), (&json!(id), &json!(150)));
        assert_eq!(server.credits(&user).await["used_credits"], 150);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_user_is_suspended_by_any_way_in() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    let (_, program) = server.key(&user, json!({ "name": "n" })).await;
    let suspend = server.post(&format!("/api/admin/users/{}/suspend", user.sub));
    let done = suspend.bearer_auth(token("boss", "admin")).json(&json!({ "reason": "teste" })).send().await;
    assert_eq!(done.unwrap().status(), 200);
    let (status, body) = read(server.ask(&program, "Oi").send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (403, &json!("account_suspended")));
    assert_eq!(server.look(&program.token).await.0, 200);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_replayed_to_the_key_that_asked() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    let (_, program) = server.key(&user, json!({ "name": "n", "spend_cap": 10 })).await;
    let ask = async || server.ask(&program, "Oi").header("Idempotency-Key", "k").send().await.unwrap();
    assert_eq!(ask().await.headers()["x-credits-charged"], "10");
    let again = ask().await;
    assert_eq!((again.status().as_u16(), &again.headers()["x-credits-charged"] == "0"), (200, true));
    assert_eq!(server.keys(&user).await[0]["spent"], 10);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sum_of_a_key_is_found_and_the_key_is_named() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    let (id, program) = server.key(&user, json!({ "name": "n", "spend_cap": 50 })).await;
    assert_eq!(server.ask(&program, "Oi").send().await.unwrap().status(), 200);
    let setup = server.stop_only().await;
    assert!(api_server(&setup, &["credits", "verify"]).status.success());
    tamper(&setup.path("saldo.db"), "UPDATE api_keys SET spent = 11");
    let found = api_server(&setup, &["credits", "verify"]);
    assert_eq!(found.status.code(), Some(1));
    let said = text(&found.stdout);
    let account = adapters_jwt::user_id(&user.sub);
    let breach = format!("I11 account {account}: API key {id} has spent 11, its holds were charged 10");
    assert!(said.contains(&breach), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn openais_interfaces_spend_a_keys_credits_whole_or_streamed() {
    let provider = Provider::start().await;
    let usage = canned::chat_usage(2000, 500);
    let server = gateway::server(&provider).await;
    let user = server.user(1000).await;
    let (id, program) = server.key(&user, json!({ "name": "n", "spend_cap": 15 })).await;
    provider.on(CHAT, canned::chat_stream(&["Olá"], &usage));
    stream_text(server.chat(&program, json!({ "stream": true })).await).await;
    provider.on(CHAT, canned::chat("Olá", &usage));
    assert_eq!(server.chat(&program, json!({})).await.headers()["x-credits-charged"], "3");
    server.settled_usage(&user).await;
    assert_eq!(server.keys(&user).await[0]["spent"], 6);

    let (status, body) = read(server.chat(&program, json!({})).await).await;
    assert_eq!(status, 402, "{body}");
    let error = &body["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("insufficient_quota"), &json!("api_key_cap_reached"))
    );
    assert_eq!((&error["available_credits"], &error["required_credits"]), (&json!(9), &json!(10)));
    assert_eq!(server.revoke(&user.token, &id).await.status(), 204);
    let (status, body) = read(server.chat(&program, json!({})).await).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("invalid_api_key")), "{body}");
    assert_eq!(provider.requests().len(), 2);
    server.finish().await;
}
