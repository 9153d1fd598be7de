//! Tokens that an issuer signs.

use adapters_jwt::{JwksConfig, JwksVerifier, user_id};
use domain::ports::identity::{Scope, TokenVerifier};
use serde_json::json;

use crate::issuer::{Issuer, all, check, key, key_with, pinned, reason, signed, verifier};
use crate::mint::now_plus;

const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

#[tokio::test]
async fn tokens_of_every_algorithm_are_taken() {
    let issuer = verifier(all()).await;
    for algorithm in ALGORITHMS {
        let caller = check(&issuer, &pinned(algorithm)).expect(algorithm);
        assert_eq!((caller.user, caller.scopes.as_slice()), (user_id("ana"), Scope::USER.as_slice()));
    }
    assert!(check(&issuer, &pinned("RS256 of rsa-2")).is_ok());
    assert_eq!(check(&issuer, &pinned("RS256 of an admin")).expect("good").scopes, Scope::ALL);
}

#[tokio::test]
async fn every_changed_character_is_refused() {
    let issuer = verifier(all()).await;
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let token = pinned(algorithm);
        for (index, byte) in token.bytes().enumerate() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] = if byte == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(check(&issuer, &changed).is_err(), "{algorithm}: character {index} changed");
        }
    }
}

#[tokio::test]
async fn a_public_key_used_as_a_secret_opens_nothing() {
    let issuer = verifier(all()).await;
    let forged = pinned("HS256 with rsa-1's public key");
    assert_eq!(reason(&issuer, &forged), "an algorithm without a public key");
    // Even where the issuer says that it is meant so, or publishes the secret itself.
    let pem = include_str!("../keys/rsa-1.public.pem");
    let secret =
        json!({"kty": "oct", "k": crate::mint::base64url(pem.as_bytes()), "kid": "rsa-1", "alg": "HS256"});
    let issuer = verifier(json!([key_with("rsa-1", &json!({"alg": "HS256"})), secret, key("p256")])).await;
    assert!(check(&issuer, &forged).is_err());
}

#[tokio::test]
async fn no_algorithm_opens_nothing() {
    let issuer = verifier(all()).await;
    assert!(check(&issuer, &pinned("none")).is_err());
    let (_, rest) =
        pinned("RS256").split_once('.').map(|(h, r)| (h.to_owned(), r.to_owned())).expect("parts");
    for none in ["none", "None", "NONE", ""] {
        let header = crate::mint::base64url(json!({"alg": none, "kid": "rsa-1"}).to_string().as_bytes());
        assert!(check(&issuer, &format!("{header}.{rest}")).is_err());
    }
}

#[tokio::test]
async fn a_key_of_another_kind_does_not_fit() {
    let issuer = verifier(all()).await;
    for kid in ["p256", "p384", "ed25519"] {
        let token = signed(&json!({"alg": "RS256", "kid": kid}));
        assert_eq!(reason(&issuer, &token), "no key of the issuer fits", "{kid}");
    }
    for algorithm in ["ES256", "ES384", "EdDSA"] {
        let token = signed(&json!({"alg": algorithm, "kid": "rsa-1"}));
        assert_eq!(reason(&issuer, &token), "no key of the issuer fits", "{algorithm}");
    }
    // The same key, another way to sign than the header says.
    for algorithm in ["RS384", "RS512", "PS256"] {
        assert_eq!(reason(&issuer, &signed(&json!({"alg": algorithm, "kid": "rsa-1"}))), "bad signature");
    }
    assert_eq!(reason(&issuer, &signed(&json!({"alg": "RS256", "kid": "rsa-2"}))), "bad signature");
}

#[tokio::test]
async fn a_key_meant_for_one_algorithm_is_used_with_no_other() {
    let issuer = verifier(json!([key_with("rsa-1", &json!({"alg": "RS256"}))])).await;
    assert!(check(&issuer, &pinned("RS256")).is_ok());
    for other in ["RS384", "RS512", "PS256"] {
        assert_eq!(reason(&issuer, &pinned(other)), "no key of the issuer fits", "{other}");
    }
}

#[tokio::test]
async fn a_token_names_its_key_where_more_than_one_fits() {
    let nameless = signed(&json!({"alg": "RS256"}));
    let two = verifier(json!([key("rsa-1"), key("rsa-2"), key("p256")])).await;
    assert_eq!(reason(&two, &nameless), "more than one key of the issuer fits");
    let one = verifier(json!([key("rsa-1"), key("p256"), key("ed25519")])).await;
    assert!(check(&one, &nameless).is_ok());
    let other = verifier(json!([key("rsa-2")])).await;
    assert_eq!(reason(&other, &nameless), "bad signature");
    let by_algorithm =
        json!([key_with("rsa-1", &json!({"alg": "RS256"})), key_with("rsa-2", &json!({"alg": "RS512"}))]);
    assert!(check(&verifier(by_algorithm).await, &nameless).is_ok());
}

#[tokio::test]
async fn a_name_fits_exactly_or_not_at_all() {
    let nameless = verifier(json!([key_with("rsa-1", &json!({"kid": null}))])).await;
    assert_eq!(reason(&nameless, &pinned("RS256")), "no key of the issuer fits");
    assert!(check(&nameless, &signed(&json!({"alg": "RS256"}))).is_ok());
    let named = verifier(json!([key("rsa-1")])).await;
    for kid in ["", "RSA-1", "rsa-1 ", "rsa", "../rsa-1"] {
        assert_eq!(
            reason(&named, &signed(&json!({"alg": "RS256", "kid": kid}))),
            "no key of the issuer fits"
        );
    }
    assert!(check(&named, &signed(&json!({"alg": "RS256", "kid": 1}))).is_err());
    let twins = verifier(json!([key("rsa-1"), key_with("rsa-2", &json!({"kid": "rsa-1"}))])).await;
    assert_eq!(reason(&twins, &pinned("RS256")), "more than one key of the issuer fits");
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let stranger = Issuer::with(json!([key_with("rsa-1", &json!({"kid": "mine"}))])).await;
    let issuer = verifier(json!([key_with("rsa-2", &json!({"kid": "mine"}))])).await;
    let address = stranger.config().url.to_string();
    for (name, value) in
        [("jku", json!(address)), ("x5u", json!(address)), ("jwk", key("rsa-1")), ("x5c", json!(["MIIB"]))]
    {
        let token = signed(&json!({"alg": "RS256", "kid": "mine", name: value}));
        assert_eq!(reason(&issuer, &token), "bad signature", "{name}");
    }
    assert_eq!(stranger.asked().await, 0);
}

#[tokio::test]
async fn critical_extensions_and_other_types_are_refused() {
    let issuer = verifier(all()).await;
    for crit in [json!(["exp"]), json!(["b64"]), json!([])] {
        let token = signed(&json!({"alg": "RS256", "kid": "rsa-1", "crit": crit, "b64": false}));
        assert_eq!(reason(&issuer, &token), "extensions that we do not understand");
    }
    for typ in ["JWT", "at+jwt"] {
        assert!(check(&issuer, &signed(&json!({"alg": "RS256", "kid": "rsa-1", "typ": typ}))).is_ok());
    }
    for typ in ["logout+jwt", "dpop+jwt", "JWE"] {
        let token = signed(&json!({"alg": "RS256", "kid": "rsa-1", "typ": typ}));
        assert_eq!(reason(&issuer, &token), "another type than JWT");
    }
}

#[tokio::test]
async fn claims_obey_the_same_rules_whoever_signs() {
    let issuer = Issuer::with(all()).await;
    let config = JwksConfig {
        issuer: Some("https://id.example".into()),
        audience: Some("saldo".into()),
        ..issuer.config()
    };
    let strict = JwksVerifier::new(config).expect("a usable address");
    strict.refresh().await.expect("a good set");
    assert!(check(&strict, &pinned("RS256")).is_ok());
    assert_eq!(reason(&strict, &pinned("RS256 expired")), "expired");
    assert_eq!(reason(&strict, &pinned("RS256 of another issuer")), "`iss` is missing or another");
    assert_eq!(reason(&strict, &pinned("RS256 for another audience")), "`aud` is missing or another");
    assert_eq!(
        reason(&strict, &signed(&json!({"alg": "RS256", "kid": "rsa-1"}))),
        "`iss` is missing or another"
    );
    // Thirty seconds of leeway.
    let lenient = issuer.fresh().await;
    let token = signed(&json!({"alg": "RS256", "kid": "rsa-1"}));
    assert!(lenient.verify(&token, now_plus(3600 + 29)).is_ok());
    assert!(lenient.verify(&token, now_plus(3600 + 30)).is_err());
}

#[tokio::test]
async fn a_token_over_eight_kibibytes_is_refused() {
    let issuer = verifier(all()).await;
    assert_eq!(reason(&issuer, &"x".repeat(10_000_000)), "longer than 8 KiB");
}

#[tokio::test]
async fn a_refusal_never_repeats_the_token() {
    let issuer = verifier(all()).await;
    let canary = "canary-7f3a";
    for header in [
        json!({"alg": canary}),
        json!({"alg": "RS256", "kid": canary}),
        json!({"alg": "RS256", "typ": canary}),
    ] {
        assert!(!reason(&issuer, &signed(&header)).contains(canary));
    }
}
