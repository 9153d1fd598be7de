//! Tokens that an issuer signs, with keys that it publishes.

use std::collections::BTreeMap;
use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::harness::{Server, Setup, read, token, until};

/// A token that was signed elsewhere; `crates/adapters-jwt/tests/keys` says how and by whom.
fn pinned(name: &str) -> String {
    let tokens = include_str!("../../../adapters-jwt/tests/keys/tokens.json");
    serde_json::from_str::<BTreeMap<String, String>>(tokens).unwrap()[name].clone()
}

/// Public keys under their own names.
fn keys(names: &[&str]) -> ResponseTemplate {
    let known: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../../../adapters-jwt/tests/keys/public.json")).unwrap();
    let named = names.iter().map(|name| {
        let mut key = known[*name].clone();
        key["kid"] = (*name).into();
        key["use"] = "sig".into();
        key
    });
    ResponseTemplate::new(200).set_body_json(json!({ "keys": named.collect::<Vec<_>>() }))
}

/// From now on the issuer answers this.
async fn publish(issuer: &MockServer, answer: ResponseTemplate) {
    issuer.reset().await;
    Mock::given(method("GET")).and(path("/keys")).respond_with(answer).mount(issuer).await;
}

async fn issuer(answer: ResponseTemplate) -> MockServer {
    let issuer = MockServer::start().await;
    publish(&issuer, answer).await;
    issuer
}

fn setup(issuer: &MockServer) -> Setup {
    let mut setup = Setup::sqlite().with("JWT_JWKS_URL", &format!("{}/keys", issuer.uri()));
    setup.variables.remove("JWT_SECRET");
    setup
}

async fn status(server: &Server, token: &str) -> u16 {
    server.get("/api/user/ai-credits").bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_the_issuer_signed_are_taken_and_no_others() {
    let issuer = issuer(keys(&["rsa-1", "p256", "p384", "ed25519"])).await;
    let server =
        setup(&issuer).with("JWT_ISSUER", "https://id.example").with("JWT_AUDIENCE", "saldo").start().await;
    for good in ["RS256", "PS256", "ES256", "ES384", "EdDSA", "RS256 of an admin"] {
        assert_eq!(status(&server, &pinned(good)).await, 200, "{good}");
    }
    for bad in [
        "HS256 with rsa-1's public key",
        "none",
        "RS256 expired",
        "RS256 of another issuer",
        "RS256 for another audience",
        "RS256 of rsa-2",
        "RS256 of an unknown key",
    ] {
        assert_eq!(status(&server, &pinned(bad)).await, 401, "{bad}");
    }
    assert_eq!(status(&server, &token("ana", "admin")).await, 401);
    assert_eq!(server.get("/readyz").send().await.unwrap().status(), 200);

    // The rest of the product does not care who signed.
    let given = server
        .post("/api/admin/users/ana/credits")
        .bearer_auth(pinned("RS256 of an admin"))
        .header("Idempotency-Key", "first")
        .json(&json!({ "amount": 100, "reason": "teste" }))
        .send()
        .await
        .unwrap();
    assert_eq!(given.status(), StatusCode::CREATED);
    let refused =
        server.post("/api/admin/users/ana/suspend").bearer_auth(pinned("RS256")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let (code, answer) = read(
        server
            .post("/api/ai-assistant")
            .bearer_auth(pinned("ES256"))
            .json(&json!({ "message": "Oi" }))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((code, &answer["creditsRemaining"]), (200, &json!(90)), "{answer}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_known_shortly_after_its_first_token() {
    let issuer = issuer(keys(&["rsa-1"])).await;
    let server = setup(&issuer).start().await;
    assert_eq!(status(&server, &pinned("RS256")).await, 200);
    publish(&issuer, keys(&["p256"])).await;
    // The first token of the new key makes the server ask.
    until("the new key is known", async || status(&server, &pinned("ES256")).await == 200).await;
    assert_eq!(status(&server, &pinned("RS256")).await, 401);
    assert_eq!(issuer.received_requests().await.unwrap().len(), 1);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_makes_the_server_ask_once() {
    let issuer = issuer(keys(&["rsa-1"])).await;
    let server = setup(&issuer).start().await;
    for _ in 0..4 {
        let flood = (0..50).map(|_| async { status(&server, &pinned("RS256 of an unknown key")).await });
        assert!(futures_util::future::join_all(flood).await.iter().all(|status| *status == 401));
    }
    until("the issuer was asked", async || issuer.received_requests().await.unwrap().len() == 2).await;
    let flood = (0..50).map(|_| async { status(&server, &pinned("RS256 of an unknown key")).await });
    assert!(futures_util::future::join_all(flood).await.iter().all(|status| *status == 401));
    assert_eq!(status(&server, &pinned("RS256")).await, 200);
    assert_eq!(issuer.received_requests().await.unwrap().len(), 2);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_the_server_starts_says_so_and_recovers() {
    let issuer = issuer(ResponseTemplate::new(503)).await;
    let server = setup(&issuer).start().await;
    let (code, problem) = read(server.get("/readyz").send().await.unwrap()).await;
    assert_eq!((code, &problem["code"]), (503, &json!("not_ready")));
    assert!(problem["reasons"].to_string().contains("jwks"), "{problem}");
    assert_eq!(server.get("/livez").send().await.unwrap().status(), 200);
    for name in ["RS256", "HS256 with rsa-1's public key", "none"] {
        let answer = server.get("/api/user/ai-credits").bearer_auth(pinned(name)).send().await.unwrap();
        assert!(answer.headers().contains_key("retry-after"), "{name}");
        let (code, problem) = read(answer).await;
        assert_eq!((code, &problem["code"]), (503, &json!("temporarily_unavailable")), "{name}");
    }
    assert_eq!(server.get("/api/user/ai-credits").send().await.unwrap().status(), 401);
    publish(&issuer, keys(&["rsa-1"])).await;
    until("the server is ready", async || server.get("/readyz").send().await.unwrap().status() == 200).await;
    assert_eq!(status(&server, &pinned("RS256")).await, 200);
    assert_eq!(status(&server, &pinned("none")).await, 401);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_away_locks_nobody_out() {
    let issuer = issuer(keys(&["rsa-1"])).await;
    let server = setup(&issuer).start().await;
    for answer in [ResponseTemplate::new(500), ResponseTemplate::new(200).set_body_string("<html>")] {
        publish(&issuer, answer).await;
        assert_eq!(status(&server, &pinned("RS256 of an unknown key")).await, 401);
        until("the issuer was asked", async || !issuer.received_requests().await.unwrap().is_empty()).await;
        assert_eq!(status(&server, &pinned("RS256")).await, 200);
        assert_eq!(server.get("/readyz").send().await.unwrap().status(), 200);
    }
    server.finish().await;
}

#[test]
fn the_command_line_mints_no_token_for_an_issuer() {
    let setup = Setup::sqlite().with("JWT_JWKS_URL", "https://id.example/keys");
    let said = |setup: &Setup, arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_api-server"))
            .args(arguments)
            .env_clear()
            .envs(&setup.variables)
            .current_dir(setup.path("").as_path())
            .output()
            .unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    for arguments in [["serve"].as_slice(), &["token", "--sub", "maria"]] {
        let both = said(&setup, arguments);
        assert!(both.contains("JWT_SECRET and JWT_JWKS_URL are both set; keep one"), "{both}");
    }
    let mut setup = setup;
    setup.variables.remove("JWT_SECRET");
    let refused = said(&setup, &["token", "--sub", "maria"]);
    assert!(refused.contains("tokens come from that issuer"), "{refused}");
}
