//! Which published keys are taken.

use adapters_jwt::{FetchError, Fetched};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::issuer::{Issuer, all, check, fetched, key, key_with, pinned, reason, verifier};

/// Whether a key is taken, beside one that certainly is.
async fn taken(listed: Value) -> bool {
    match fetched(json!([key("p384"), listed])).await.expect("one good key") {
        Fetched { keys: 2, skipped: 0 } => true,
        Fetched { keys: 1, skipped: 1 } => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_kind_of_key_is_taken() {
    assert_eq!(fetched(all()).await, Ok(Fetched { keys: 5, skipped: 0 }));
}

#[tokio::test]
async fn a_symmetric_key_is_never_taken() {
    let secret = json!({"kty": "oct", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", "kid": "rsa-1"});
    assert!(!taken(secret.clone()).await);
    assert!(fetched(json!([secret])).await.is_err());
}

#[tokio::test]
async fn a_key_for_something_else_than_signatures_is_left_out() {
    assert!(taken(key_with("rsa-1", &json!({"use": "sig"}))).await);
    assert!(taken(key_with("rsa-1", &json!({"key_ops": ["verify"]}))).await);
    for other in [
        json!({"use": "enc"}),
        json!({"use": "SIG"}),
        json!({"use": ""}),
        json!({"use": ["sig"]}),
        json!({"key_ops": ["encrypt"]}),
        json!({"key_ops": []}),
        json!({"key_ops": "verify"}),
    ] {
        assert!(!taken(key_with("rsa-1", &other)).await, "{other}");
    }
}

#[tokio::test]
async fn a_published_private_key_is_left_out() {
    assert!(!taken(key_with("rsa-1", &json!({"d": "AQAB"}))).await);
}

#[tokio::test]
async fn a_weak_rsa_key_is_left_out() {
    assert!(!taken(key("rsa-1024")).await);
    let issuer = verifier(json!([key("rsa-1024"), key("p256")])).await;
    assert_eq!(reason(&issuer, &pinned("RS256 of rsa-1024")), "no key of the issuer fits");
    // Zeros in front make a number longer, not larger.
    let n = key("rsa-1024")["n"].as_str().expect("text").to_owned();
    assert!(!taken(key_with("rsa-1024", &json!({"n": format!("{}{n}", "A".repeat(172))}))).await);
    for exponent in ["AQ", "AAAB", "Ag", "AQAA", "", "AA"] {
        assert!(!taken(key_with("rsa-1", &json!({"e": exponent}))).await, "{exponent}");
    }
    assert!(!taken(key_with("rsa-1", &json!({"n": "_".repeat(1400)}))).await);
    assert!(!taken(key_with("rsa-1", &json!({"n": ""}))).await);
}

#[tokio::test]
async fn zeros_in_front_of_an_rsa_key_do_not_matter() {
    // A Java habit. Three bytes are four characters, so the rest of the text stays as it is.
    let n = key("rsa-1")["n"].as_str().expect("text").to_owned();
    let padded = key_with("rsa-1", &json!({"n": format!("AAAA{n}"), "e": "AAABAAE"}));
    let padded_set = json!([padded]);
    let issuer = verifier(padded_set).await;
    assert!(check(&issuer, &pinned("RS256")).is_ok());
}

#[tokio::test]
async fn unknown_curves_and_broken_points_are_left_out() {
    assert!(!taken(key("p521")).await);
    let p256 = key("p256");
    let changes = [
        ("p256", json!({"crv": "secp256k1"})),
        ("p256", json!({"crv": "P-384"})),
        ("p256", json!({"crv": null})),
        ("p256", json!({"y": null})),
        ("p256", json!({"x": "!"})),
        ("p256", json!({"x": ""})),
        ("p256", json!({"kty": "OKP"})),
        ("p256", json!({"kty": "RSA"})),
        ("ed25519", json!({"crv": "Ed448"})),
        ("ed25519", json!({"crv": "X25519"})),
        ("ed25519", json!({"crv": "P-256", "y": p256["y"]})),
        ("ed25519", json!({"x": "AAAA"})),
        ("ed25519", json!({"kty": "EC"})),
        ("rsa-1", json!({"kty": "rsa"})),
        ("rsa-1", json!({"kty": null})),
    ];
    for (name, change) in changes {
        assert!(!taken(key_with(name, &change)).await, "{name} {change}");
    }
}

#[tokio::test]
async fn a_key_for_another_algorithm_than_its_kind_has_is_left_out() {
    for (name, algorithm) in [
        ("rsa-1", "HS256"),
        ("rsa-1", "ES256"),
        ("rsa-1", "RSA-OAEP"),
        ("rsa-1", "none"),
        ("p256", "ES384"),
        ("p256", "HS256"),
        ("ed25519", "ES256"),
    ] {
        assert!(!taken(key_with(name, &json!({"alg": algorithm}))).await, "{name} {algorithm}");
    }
}

#[tokio::test]
async fn what_is_no_key_is_left_out() {
    for nothing in [json!(null), json!(1), json!("key"), json!([]), json!({}), json!({"kty": 1})] {
        assert!(!taken(nothing.clone()).await, "{nothing}");
    }
}

#[tokio::test]
async fn a_set_has_at_most_a_hundred_keys() {
    let many = |count: usize| Value::Array(vec![key("ed25519"); count]);
    assert_eq!(fetched(many(100)).await, Ok(Fetched { keys: 100, skipped: 0 }));
    assert_eq!(fetched(many(101)).await, Err(FetchError::NotASet("it has more than 100 keys")));
}

#[tokio::test]
async fn what_is_no_set_is_refused() {
    let issuer = Issuer::with(all()).await;
    let verifier = issuer.verifier();
    for body in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "<html>",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[]}"#,
        r#"{"keys":[{}]}"#,
    ] {
        issuer.answer(ResponseTemplate::new(200).set_body_string(body));
        assert!(matches!(verifier.refresh().await, Err(FetchError::NotASet(_))), "{body}");
    }
    issuer.answer(ResponseTemplate::new(200).set_body_string("[".repeat(100_000)));
    assert!(matches!(verifier.refresh().await, Err(FetchError::NotASet(_))));
    issuer.answer(ResponseTemplate::new(200).set_body_bytes(b"{\"keys\":[\"\xff\"]}".to_vec()));
    assert!(matches!(verifier.refresh().await, Err(FetchError::NotASet(_))));
}

#[tokio::test]
async fn an_answer_over_256_kibibytes_is_refused() {
    let issuer = Issuer::with(all()).await;
    let verifier = issuer.verifier();
    let answer = |bytes: usize| {
        let set = json!({ "keys": all() }).to_string();
        ResponseTemplate::new(200).set_body_string(format!("{set}{}", " ".repeat(bytes - set.len())))
    };
    issuer.answer(answer(256 * 1024));
    assert!(verifier.refresh().await.is_ok());
    issuer.answer(answer(256 * 1024 + 1));
    assert_eq!(verifier.refresh().await, Err(FetchError::TooLong));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Issuer::with(all()).await;
    let issuer = Issuer::with(all()).await;
    let elsewhere = other.config().url.to_string();
    for status in [301, 302, 303, 307, 308] {
        issuer.answer(ResponseTemplate::new(status).insert_header("location", elsewhere.as_str()));
        assert_eq!(issuer.verifier().refresh().await, Err(FetchError::Status(status)));
    }
    assert_eq!(other.asked().await, 0);
}

#[test]
fn keys_come_over_https_or_from_this_machine() {
    let refused = |address: &str| {
        let config = adapters_jwt::JwksConfig::new(address.parse().expect("an address"));
        adapters_jwt::JwksVerifier::new(config).is_err()
    };
    for good in
        ["https://id.example/keys", "http://127.0.0.1:8080/keys", "http://[::1]/keys", "http://127.9.9.9/"]
    {
        assert!(!refused(good), "{good}");
    }
    for bad in [
        "http://id.example/keys",
        "http://localhost/keys",
        "http://127.0.0.1.example/keys",
        "http://0.0.0.0/keys",
        "http://10.0.0.1/keys",
        "http://[::ffff:10.0.0.1]/keys",
        "http://user@127.0.0.1/keys",
        "https://user:password@id.example/keys",
        "file:///etc/keys",
        "data:,keys",
    ] {
        assert!(refused(bad), "{bad}");
    }
}
