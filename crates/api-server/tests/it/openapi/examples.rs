//! The examples of the document work when they are pasted, and the answers have the shape of those in it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::document::{Operation, document, operations};
use crate::billing::sandbox::{act, open};
use crate::billing::shop::eventually;
use crate::harness::{Server, Setup, User, next_key, read, token};

/// What is not tried: its example cannot be signed here. The tests of billing deliver signed ones.
const NOT_TRIED: [&str; 1] = ["POST /api/billing/webhook"];

/// Somebody who may do everything, has bought, and has credits.
async fn customer(server: &Server) -> User {
    let user = User { sub: "somebody".to_owned(), token: token("somebody", "admin") };
    assert_eq!(server.move_credits(&user, 1_000_000, &next_key()).await.status(), StatusCode::CREATED);
    paid(server, &user).await;
    // The one that the examples name.
    let named = User { sub: "demo-user".to_owned(), token: user.token.clone() };
    assert_eq!(server.move_credits(&named, 1_000_000, &next_key()).await.status(), StatusCode::CREATED);
    user
}

/// The latest purchase, paid.
async fn paid(server: &Server, user: &User) -> Value {
    let url = open(server, user, "payment").await;
    act(&url, "pay-by-card").await;
    eventually("a paid purchase", async || {
        let purchases = server.get("/api/admin/purchases?limit=1").bearer_auth(&user.token);
        let (_, page) = read(purchases.send().await.unwrap()).await;
        let latest = page["data"][0].clone();
        (latest["status"] == "paid").then_some(latest)
    })
    .await
}

async fn new_key(server: &Server, user: &User) -> String {
    let wish = json!({ "name": "n" });
    let made = server.post("/api/user/api-keys").bearer_auth(&user.token).json(&wish).send().await.unwrap();
    read(made).await.1["id"].as_str().unwrap().to_owned()
}

/// The path of an operation, with the names of things that are there.
async fn path_of(operation: &Operation, document: &Value, server: &Server, user: &User) -> String {
    let id = match operation.path.as_str() {
        "/api/user/api-keys/{id}" => new_key(server, user).await,
        "/api/admin/purchases/{id}/refund" => paid(server, user).await["id"].as_str().unwrap().to_owned(),
        "/api/billing/checkout-sessions/{id}" => {
            let url = open(server, user, "payment").await;
            url.rsplit('/').next().unwrap().to_owned()
        }
        // They have credits, and give them up.
        "/api/user" if operation.method == Method::DELETE => return "/api/user?forfeit=true".to_owned(),
        _ => return operation.filled_path(document),
    };
    operation.path.replace("{id}", &id)
}

/// Where two values differ in shape: fields, and the kinds of values. Null fits anything, an empty list any list.
fn difference(said: &Value, got: &Value, at: &str) -> Option<String> {
    match (said, got) {
        (Value::Object(said), Value::Object(got)) => {
            let missing = said.keys().find(|name| !got.contains_key(*name));
            let more = got.keys().find(|name| !said.contains_key(*name));
            if let Some(name) = missing.or(more) {
                return Some(format!("{at}/{name} is in one of the two only"));
            }
            said.iter().find_map(|(name, value)| difference(value, &got[name], &format!("{at}/{name}")))
        }
        (Value::Array(said), Value::Array(got)) => {
            let (said, got) = (said.first()?, got.first()?);
            difference(said, got, &format!("{at}/0"))
        }
        (Value::Null, _)
        | (_, Value::Null)
        | (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => None,
        _ => Some(format!("{at} is of another kind")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_works_and_is_answered_like_the_example_of_its_answer() {
    let server = Setup::sqlite().start().await;
    let document = document();
    let user = customer(&server).await;
    let (last, first): (Vec<_>, Vec<_>) = operations(&document).into_iter().partition(ends_the_account);
    for operation in first.iter().chain(&last) {
        if NOT_TRIED.contains(&operation.name().as_str()) {
            continue;
        }
        let bodies: Vec<Option<Value>> = operation.bodies().into_values().map(Some).collect();
        for body in if bodies.is_empty() { vec![None] } else { bodies } {
            let path = path_of(operation, &document, &server, &user).await;
            let mut request = operation.request_to(&document, &server, &path).bearer_auth(&user.token);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let kind = answer.headers().get("content-type").map(|it| it.to_str().unwrap().to_owned());
            let (_, got) = read(answer).await;
            let what = format!("{} with {body:?}: {status} {got}", operation.name());
            assert!(status.is_success(), "{what}");
            let said = &operation.said["responses"][status.as_str()];
            assert!(said.is_object(), "not documented: {what}");
            let Some(kind) = kind else {
                assert!(said["content"].is_null(), "{what}");
                continue;
            };
            let kind = kind.split(';').next().unwrap();
            let content = &said["content"][kind];
            assert!(content.is_object(), "{kind} is not documented: {what}");
            if !operation.path.starts_with("/v1/") && kind == "application/json" && path != "/openapi.json" {
                assert_eq!(difference(&content["example"], &got, ""), None, "{what}");
            }
        }
    }
    server.finish().await;
}

/// What must come last, because nothing works after it.
fn ends_the_account(operation: &Operation) -> bool {
    (&operation.method, operation.path.as_str()) == (&Method::DELETE, "/api/user")
}
