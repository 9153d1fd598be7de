//! API keys, from their making to their end.

mod secrets;
mod spending;

use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{Server, Setup, User, read, token};

const KEYS: &str = "/api/user/api-keys";

impl Server {
    async fn wish(&self, token: &str, wish: Value) -> (u16, Value) {
        read(self.post(KEYS).bearer_auth(token).json(&wish).send().await.unwrap()).await
    }

    /// A key that must be made; its id and its text.
    pub async fn key(&self, user: &User, wish: Value) -> (String, User) {
        let (status, made) = self.wish(&user.token, wish).await;
        assert_eq!(status, 201, "{made}");
        let of = |field: &str| made[field].as_str().unwrap().to_owned();
        (of("id"), User { sub: user.sub.clone(), token: of("key") })
    }

    async fn keys(&self, user: &User) -> Vec<Value> {
        let (status, page) = read(self.get(KEYS).bearer_auth(&user.token).send().await.unwrap()).await;
        assert_eq!(status, 200, "{page}");
        page["data"].as_array().unwrap().clone()
    }

    async fn revoke(&self, token: &str, id: &str) -> Response {
        let request = self.client.delete(format!("{}{KEYS}/{id}", self.url));
        request.bearer_auth(token).send().await.unwrap()
    }

    /// Status and code of an attempt to read the credits.
    pub async fn look(&self, token: &str) -> (u16, Value) {
        let answer = self.get("/api/user/ai-credits").bearer_auth(token).send().await.unwrap();
        let (status, body) = read(answer).await;
        (status, body["code"].clone())
    }
}

fn pointers(body: &Value) -> Vec<&str> {
    body["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_works_wherever_a_token_does_and_ends_at_once() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(1000).await;
        let (status, made) = server.wish(&user.token, json!({ "name": " caixa " })).await;
        assert_eq!(status, 201, "{made}");
        let (id, text) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
        let prefix = made["prefix"].as_str().unwrap();
        assert!(text.starts_with("sk-saldo-") && text.starts_with(prefix) && prefix.len() == 20, "{made}");
        assert_eq!((&made["name"], &made["scopes"]), (&json!("caixa"), &json!(["ai:use", "credits:read"])));
        for (field, expected) in [
            ("spend_cap", json!(null)),
            ("spent", json!(0)),
            ("expires_at", json!(null)),
            ("last_used_at", json!(null)),
            ("revoked_at", json!(null)),
        ] {
            assert_eq!(made[field], expected, "{field}");
        }

        let program = User { sub: user.sub.clone(), token: text.to_owned() };
        let (status, answer) = read(server.ask(&program, "Oi").send().await.unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(server.credits(&program).await, server.credits(&user).await);
        assert_eq!(server.credits(&program).await["used_credits"], 10);
        let usage = server.get("/api/user/ai-usage").bearer_auth(text).send().await.unwrap();
        assert_eq!(read(usage).await.1["data"][0]["request_id"], answer["requestId"]);

        let listed = server.keys(&user).await;
        assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["spent"]), (1, &json!(id), &json!(10)));
        assert!(listed[0]["last_used_at"].is_string() && listed[0].get("key").is_none(), "{listed:?}");
        assert!(!json!(listed).to_string().contains(&text[prefix.len()..]));

        for _ in 0..2 {
            assert_eq!(server.revoke(&user.token, id).await.status(), 204);
            assert_eq!(server.look(text).await, (401, json!("unauthorized")));
            assert_eq!(server.ask(&program, "Oi").send().await.unwrap().status(), 401);
        }
        assert!(server.keys(&user).await[0]["revoked_at"].is_string());
        assert_eq!(server.credits(&user).await["available_credits"], 990);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_a_key_more_than_they_have() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    let wanted = ["credits:read", "account:write", "admin:read", "root", "ai:use"];
    let wish = json!({ "name": "n", "scopes": wanted });
    let (status, body) = server.wish(&user.token, wish.clone()).await;
    assert_eq!((status, pointers(&body)), (422, vec!["/scopes/1", "/scopes/2", "/scopes/3"]));
    let detail = body["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.ends_with("ai:use, credits:read, billing:write"), "{detail}");
    let (_, body) = server.wish(&token("boss", "admin"), wish).await;
    assert_eq!(pointers(&body), ["/scopes/1", "/scopes/3"]);
    assert!(server.keys(&user).await.is_empty());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_a_wish_is_named_at_once() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    for (wish, expected) in [
        (json!({}), vec!["/name"]),
        (json!({ "name": "  " }), vec!["/name"]),
        (json!({ "name": "a\nb" }), vec!["/name"]),
        (json!({ "name": "é".repeat(101) }), vec!["/name"]),
        (
            json!({ "name": 5, "scopes": "ai:use", "spend_cap": "x", "expires_at": 1 }),
            vec!["/name", "/scopes", "/spend_cap", "/expires_at"],
        ),
        (json!({ "name": "n", "scopes": [] }), vec!["/scopes"]),
        (json!({ "name": "n", "scopes": ["ai:use", 7] }), vec!["/scopes/1"]),
        (
            json!({ "name": "n", "spend_cap": 0, "expires_at": "2020-01-01T00:00:00Z" }),
            vec!["/expires_at", "/spend_cap"],
        ),
        (json!({ "name": "n", "spend_cap": 2.5, "expires_at": "amanhã" }), vec!["/spend_cap", "/expires_at"]),
        (
            json!({ "name": "n", "spend_cap": i64::MAX, "expires_at": "2026-11-25" }),
            vec!["/expires_at", "/spend_cap"],
        ),
        (json!({ "name": "n", "expires_at": "9999-12-31T23:59:59-12:00" }), vec!["/expires_at"]),
    ] {
        let (status, body) = server.wish(&user.token, wish.clone()).await;
        assert_eq!((status, &body["code"]), (422, &json!("invalid_request")), "{wish}: {body}");
        assert_eq!(pointers(&body), expected, "{wish}");
    }
    let (status, body) = server.wish(&user.token, json!([])).await;
    assert_eq!((status, pointers(&body)), (422, vec![""]));
    assert!(server.keys(&user).await.is_empty());
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_others_are_not_there() {
    let server = Setup::sqlite().start().await;
    let (owner, other) = (server.user(100).await, server.user(100).await);
    let (id, program) = server.key(&owner, json!({ "name": "n" })).await;
    let unknown = "00112233-4455-6677-8899-aabbccddeeff";
    for (token, id) in [(&other.token, id.as_str()), (&owner.token, unknown), (&owner.token, "x")] {
        let (status, body) = read(server.revoke(token, id).await).await;
        assert_eq!((status, &body["code"]), (404, &json!("not_found")), "{id}");
    }
    assert!(server.keys(&other).await.is_empty());
    assert_eq!(server.look(&program.token).await.0, 200);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_page_by_page_and_a_hundred_are_enough() {
    let server = Setup::sqlite().start().await;
    let user = server.stranger();
    let mut made = Vec::new();
    for _ in 0..100 {
        made.push(server.key(&user, json!({ "name": "n" })).await.0);
    }
    let (status, body) = server.wish(&user.token, json!({ "name": "n" })).await;
    assert_eq!((status, &body["code"]), (409, &json!("too_many_api_keys")), "{body}");
    assert_eq!(body["message"], "Você já tem 100 chaves de API ativas. Revogue uma para criar outra.");
    assert_eq!(server.revoke(&user.token, &made[3]).await.status(), 204);
    made.push(server.key(&user, json!({ "name": "n" })).await.0);

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("{KEYS}?limit=30&cursor={cursor}")).bearer_auth(&user.token);
        let (_, page) = read(page.send().await.unwrap()).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == false {
            break;
        }
        cursor = page["next_cursor"].as_str().unwrap().to_owned();
    }
    made.reverse();
    assert_eq!(seen, made, "revoked ones too, newest first");
    let wrong = server.get(&format!("{KEYS}?cursor=1_x")).bearer_auth(&user.token).send().await.unwrap();
    assert_eq!(wrong.status(), 422);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_by_itself() {
    let server = Setup::sqlite().start().await;
    let user = server.user(1000).await;
    let end = Utc::now() + chrono::Duration::milliseconds(1500);
    let until = end.to_rfc3339_opts(SecondsFormat::Micros, true);
    let (_, program) = server.key(&user, json!({ "name": "n", "expires_at": until })).await;
    let listed = server.keys(&user).await;
    assert_eq!(listed[0]["expires_at"], json!(until));
    let begun = Instant::now();
    loop {
        let asked = Utc::now();
        let status = server.look(&program.token).await.0;
        // What was asked before the end may be answered after it.
        assert!(if Utc::now() < end { status == 200 } else { asked < end || status == 401 }, "{status}");
        if status == 401 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.ask(&program, "Oi").send().await.unwrap().status(), 401);
    assert!(server.keys(&user).await[0]["revoked_at"].is_null());
    server.finish().await;
}
