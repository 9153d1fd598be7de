//! Who may do what: every operation of the document, with every kind of token.

use adapters_jwt::{Hs256Config, issue};
use api_server::clock::to_timestamp;
use chrono::Utc;
use domain::clock::Span;
use domain::ports::identity::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::document::{Operation, document, operations};
use crate::harness::{SECRET, Server, Setup, read, token};

/// What a client presents.
struct Presented {
    name: String,
    header: Option<String>,
    kind: Kind,
}

enum Kind {
    /// Nothing, or nothing good.
    Bad,
    /// A token with these scopes.
    Token(Vec<Scope>),
    /// An API key with these.
    Key(Vec<Scope>),
    /// A token or a key of an account that is suspended.
    Suspended { is_key: bool, scopes: Vec<Scope> },
}

/// What an operation must answer.
#[derive(Debug, PartialEq)]
enum Expected {
    Unauthorized,
    Forbidden,
    Suspended,
    Neither,
}

fn expected(document: &Value, operation: &Operation, kind: &Kind) -> Expected {
    if !operation.by_token && !operation.by_key {
        return Expected::Neither;
    }
    let (is_key, scopes, suspended) = match kind {
        Kind::Bad => return Expected::Unauthorized,
        Kind::Token(scopes) => (false, scopes, false),
        Kind::Key(scopes) => (true, scopes, false),
        Kind::Suspended { is_key, scopes } => (*is_key, scopes, true),
    };
    let opens = if is_key { operation.by_key } else { operation.by_token };
    let has = |needed: &String| scopes.iter().any(|scope| scope.as_str() == needed);
    let codes = operation.codes(document, 403).unwrap_or_default();
    // An operation has one scope, or several of which any one will do.
    let may = operation.scopes.is_empty() || operation.scopes.iter().any(has);
    if !opens || !may {
        Expected::Forbidden
    } else if suspended && codes.iter().any(|code| code == "account_suspended") {
        Expected::Suspended
    } else {
        Expected::Neither
    }
}

fn minted(sub: &str, role: Option<&str>, scope: Option<&str>) -> String {
    issue(&Hs256Config::new(SECRET), sub, role, scope, to_timestamp(Utc::now()), 600).unwrap()
}

async fn key(server: &Server, maker: &str, wish: Value) -> (String, String) {
    let made = server.post("/api/user/api-keys").bearer_auth(maker).json(&wish).send().await.unwrap();
    let (status, made) = read(made).await;
    assert_eq!(status, 201, "{made}");
    let of = |field: &str| made[field].as_str().unwrap().to_owned();
    (of("id"), of("key"))
}

/// What is good for nothing.
async fn bad(server: &Server) -> Vec<Presented> {
    let now = to_timestamp(Utc::now());
    let good = minted("someone", Some("admin"), None);
    let [head, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let hours_ago = now.before(Span::from_secs(3600));
    let expired = issue(&Hs256Config::new(SECRET), "someone", Some("admin"), None, hours_ago, 60).unwrap();
    let other = Hs256Config { secret: [b'y'; 48].to_vec(), ..Hs256Config::new(SECRET) };
    let others = issue(&other, "someone", Some("admin"), None, now, 600).unwrap();
    let maker = token("maker", "user");
    let (id, revoked) = key(server, &maker, json!({ "name": "revoked" })).await;
    let ended = server.client.delete(format!("{}/api/user/api-keys/{id}", server.url)).bearer_auth(&maker);
    assert_eq!(ended.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let (_, unknown) = key(server, &maker, json!({ "name": "changed" })).await;
    let changed =
        format!("{}{}", &unknown[..unknown.len() - 1], if unknown.ends_with('0') { '1' } else { '0' });
    let bearer = |text: &str| Some(format!("Bearer {text}"));
    [
        ("nothing", None),
        ("an empty header", Some(String::new())),
        ("another scheme", Some(format!("Basic {good}"))),
        ("no scheme", Some(good.clone())),
        ("garbage", bearer("garbage")),
        ("an expired token", bearer(&expired)),
        ("a token of another secret", bearer(&others)),
        (
            "a token with a wrong signature",
            bearer(&format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>())),
        ),
        ("a token without a signature", bearer(&format!("{head}.{claims}."))),
        ("a token that says it needs none", bearer(&format!("eyJhbGciOiJub25lIn0.{claims}."))),
        ("a token without an end", bearer(&format!("{head}.eyJzdWIiOiJhZG1pbiJ9.{signature}"))),
        ("a revoked key", bearer(&revoked)),
        ("a changed key", bearer(&changed)),
        ("no key", bearer("sk-saldo-0123456789")),
    ]
    .map(|(name, header)| Presented { name: name.to_owned(), header, kind: Kind::Bad })
    .into()
}

/// What is good for something. `turn` makes users of its own: an operation may end an account.
async fn good(server: &Server, turn: usize) -> Vec<Presented> {
    let mut all = Vec::new();
    let mut put = |name: String, text: &str, kind| {
        all.push(Presented { name, header: Some(format!("bearer {text}")), kind });
    };
    for (role, scopes) in [("user", Scope::USER.to_vec()), ("admin", Scope::ALL.to_vec())] {
        let text = minted(&format!("{role}-{turn}"), Some(role), None);
        put(format!("role {role}"), &text, Kind::Token(scopes));
    }
    put(
        "neither role nor scope".to_owned(),
        &minted(&format!("plain-{turn}"), None, None),
        Kind::Token(Scope::USER.to_vec()),
    );
    let unknown = minted(&format!("odd-{turn}"), Some("admin"), Some("unknown:scope"));
    put("an unknown scope".to_owned(), &unknown, Kind::Token(vec![]));
    for scope in Scope::ALL {
        let text = minted(&format!("{}-{turn}", scope.as_str()), None, Some(scope.as_str()));
        put(format!("scope {}", scope.as_str()), &text, Kind::Token(vec![scope]));
    }
    let maker = minted(&format!("maker-{turn}"), Some("admin"), None);
    for scope in Scope::ALL.into_iter().filter(|scope| *scope != Scope::AccountWrite) {
        let (_, text) = key(server, &maker, json!({ "name": "n", "scopes": [scope.as_str()] })).await;
        put(format!("key with {}", scope.as_str()), &text, Kind::Key(vec![scope]));
    }
    let sub = format!("suspended-{turn}");
    let suspended = minted(&sub, Some("admin"), None);
    let scopes = vec![Scope::AiUse, Scope::CreditsRead, Scope::BillingWrite];
    let wish =
        json!({ "name": "n", "scopes": scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>() });
    let (_, keys) = key(server, &suspended, wish).await;
    let path = format!("/api/admin/users/{sub}/suspend");
    let stop = server.post(&path).bearer_auth(token("boss", "admin")).json(&json!({ "reason": "teste" }));
    assert_eq!(stop.send().await.unwrap().status(), StatusCode::OK);
    // The key first: with the token an operation may close the account, which ends the key.
    put("a suspended user's key".to_owned(), &keys, Kind::Suspended { is_key: true, scopes });
    put(
        "a suspended user's token".to_owned(),
        &suspended,
        Kind::Suspended { is_key: false, scopes: Scope::ALL.to_vec() },
    );
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_open_to_whom_the_document_says_and_to_nobody_else() {
    let server = Setup::sqlite().start().await;
    let document = document();
    let bad = bad(&server).await;
    for (turn, operation) in operations(&document).iter().enumerate() {
        for presented in bad.iter().chain(&good(&server, turn).await) {
            let mut request = operation.request(&document, &server);
            if let Some(header) = &presented.header {
                request = request.header("Authorization", header);
            }
            let answer = request.send().await.unwrap();
            let challenged = answer.headers().contains_key("www-authenticate");
            let (status, body) = read(answer).await;
            let what = format!("{} with {}: {status} {body}", operation.name(), presented.name);
            let code = body.get("code").or_else(|| body["error"].get("code")).and_then(Value::as_str);
            let found = match (status, code) {
                (401, _) => Expected::Unauthorized,
                (403, Some("account_suspended")) => Expected::Suspended,
                (403, _) => Expected::Forbidden,
                _ => Expected::Neither,
            };
            assert_eq!(found, expected(&document, operation, &presented.kind), "{what}");
            assert_eq!(challenged, status == 401, "{what}");
            let codes =
                operation.codes(&document, status).unwrap_or_else(|| panic!("not documented: {what}"));
            if let (Some(code), true) = (code, status >= 400) {
                assert!(codes.iter().any(|known| known == code), "not documented: {what}");
            }
        }
    }
    server.finish().await;
}
