//! Tokens that are none. Who may do what is tested from the document: `openapi/access.rs`.

use adapters_jwt::{Hs256Config, issue};
use api_server::clock::to_timestamp;
use chrono::Utc;
use serde_json::json;

use crate::harness::{SECRET, Setup, read};

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_of_every_kind_are_401() {
    let server = Setup::sqlite().with("JWT_ISSUER", "the-app").with("JWT_AUDIENCE", "saldo").start().await;
    let now = to_timestamp(Utc::now());
    let good = Hs256Config {
        issuer: Some("the-app".into()),
        audience: Some("saldo".into()),
        ..Hs256Config::new(SECRET)
    };
    let mint = |config: &Hs256Config, at| issue(config, "someone", Some("user"), None, at, 60).unwrap();
    let valid = mint(&good, now);
    let [header, claims, signature] = valid.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let hour = domain::clock::Span::from_secs(3600);
    let bad = [
        String::new(),
        "x".into(),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{}", signature.chars().rev().collect::<String>()),
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        format!("{header}.eyJzdWIiOiJhZG1pbiJ9.{signature}"),
        mint(&good, now.before(hour)),
        mint(&Hs256Config { issuer: None, ..good.clone() }, now),
        mint(&Hs256Config { audience: Some("other".into()), ..good.clone() }, now),
        mint(&Hs256Config { secret: [b'y'; 48].to_vec(), ..good.clone() }, now),
        "a".repeat(20_000),
    ];
    for token in bad {
        let answer =
            server.get("/api/user/ai-credits").header("Authorization", format!("Bearer {token}")).send();
        let answer = answer.await.unwrap();
        // A head of 20 kB may be refused before anybody looks at it.
        if token.len() < 10_000 {
            assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"saldo\"", "{token}");
            let (status, body) = read(answer).await;
            assert_eq!((status, &body["code"]), (401, &json!("unauthorized")), "{token}");
            assert!(body["message"].is_string());
        } else {
            assert!(answer.status().is_client_error());
        }
    }
    for header in ["Basic abc", "Bearer", &format!("Token {valid}"), &format!("Bearer  {valid} x")] {
        let answer = server.get("/api/user/ai-credits").header("Authorization", header).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{header}");
    }
    let answer = server.get("/api/user/ai-credits").bearer_auth(&valid).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    server.finish().await;
}
