//! Tokens that nobody with the secret has signed, or not as tokens.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::mint::{base64url, claims, reason, sign, token, token_of, token_with, verify};

fn good() -> String {
    token(&claims(&json!({})))
}

#[test]
fn a_good_token_is_taken() {
    assert!(verify(&good()).is_ok());
}

#[test]
fn a_changed_payload_is_refused() {
    let token = good();
    let parts: Vec<&str> = token.split('.').collect();
    let payload = base64url(claims(&json!({"role": "admin"})).to_string().as_bytes());
    assert_eq!(reason(&format!("{}.{payload}.{}", parts[0], parts[2])), "bad signature");
}

#[test]
fn a_changed_header_is_refused() {
    let token = good();
    let rest = token.split_once('.').expect("three parts").1;
    let header = base64url(br#"{"alg":"HS256","typ":"at+jwt"}"#);
    assert_eq!(reason(&format!("{header}.{rest}")), "bad signature");
}

#[test]
fn every_changed_character_is_refused() {
    let token = good();
    for (index, byte) in token.bytes().enumerate() {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if byte == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert!(verify(&changed).is_err(), "character {index} changed");
    }
}

#[test]
fn a_cut_or_missing_signature_is_refused() {
    let token = good();
    let message = token.rsplit_once('.').expect("three parts").0;
    for forged in [&token[..token.len() - 1], &format!("{message}."), message] {
        assert!(verify(forged).is_err());
    }
}

#[test]
fn another_secret_is_refused() {
    let mut config = crate::mint::config();
    config.secret = b"another secret of at least 32 bytes".to_vec();
    assert!(crate::mint::verify_with(config, &good()).is_err());
}

#[test]
fn no_algorithm_is_refused_in_every_spelling() {
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = base64url(json!({"alg": none, "typ": "JWT"}).to_string().as_bytes());
        let payload = base64url(claims(&json!({})).to_string().as_bytes());
        assert!(verify(&format!("{header}.{payload}.")).is_err());
        assert!(verify(&token_with(&json!({"alg": none}), &claims(&json!({})))).is_err());
    }
}

#[test]
fn other_algorithms_are_refused_even_with_our_secret() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let header = base64url(json!({"alg": algorithm}).to_string().as_bytes());
        let payload = base64url(claims(&json!({})).to_string().as_bytes());
        let forged = sign(&format!("{header}.{payload}"), algorithm);
        assert_eq!(reason(&forged), "another algorithm than HS256");
    }
    // Signed with the secret as if it were HS256, the header says otherwise.
    for name in ["RS256", "RS512", "PS256", "ES256", "EdDSA", "HS384"] {
        let forged = token_with(&json!({"alg": name, "typ": "JWT"}), &claims(&json!({})));
        assert_eq!(reason(&forged), "another algorithm than HS256", "{name}");
    }
}

#[test]
fn an_algorithm_is_spelt_in_one_way() {
    for header in
        [json!({"alg": "hs256"}), json!({"alg": 1}), json!({"alg": ["HS256"]}), json!({"typ": "JWT"})]
    {
        assert!(verify(&token_with(&header, &claims(&json!({})))).is_err(), "{header}");
    }
}

#[test]
fn two_algorithms_in_one_header_are_refused() {
    let payload = claims(&json!({})).to_string();
    for header in [r#"{"alg":"HS256","alg":"none"}"#, r#"{"alg":"none","alg":"HS256"}"#] {
        assert!(verify(&token_of(header.as_bytes(), payload.as_bytes())).is_err());
    }
}

#[test]
fn types_are_jwt_or_access_token_in_any_case() {
    let with_type =
        |typ: &str| verify(&token_with(&json!({"alg": "HS256", "typ": typ}), &claims(&json!({}))));
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT"] {
        assert!(with_type(typ).is_ok(), "{typ}");
    }
    for typ in ["", "JWE", "logout+jwt", "dpop+jwt", " JWT"] {
        assert!(with_type(typ).is_err(), "{typ}");
    }
    assert!(verify(&token_with(&json!({"alg": "HS256"}), &claims(&json!({})))).is_ok());
    assert!(verify(&token_with(&json!({"alg": "HS256", "typ": 1}), &claims(&json!({})))).is_err());
}

#[test]
fn critical_extensions_are_refused() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("b64")] {
        let header = json!({"alg": "HS256", "crit": crit, "b64": false});
        assert!(verify(&token_with(&header, &claims(&json!({})))).is_err());
    }
}

#[test]
fn what_has_not_three_parts_is_refused() {
    let token = good();
    for text in ["", ".", "..", "...", "a", "a.b", "Bearer", &token.replace('.', ""), &format!("{token}.x")] {
        assert!(verify(text).is_err(), "{text:?}");
    }
    assert!(verify(&format!(" {token}")).is_err());
    assert!(verify(&format!("{token}\n")).is_err());
}

#[test]
fn garbage_is_refused() {
    let token = good();
    let parts: Vec<&str> = token.split('.').collect();
    for garbage in ["!!!!", "a", "====", "á", "\u{1f600}", "\0", "AA==", "+/+/"] {
        assert!(verify(&format!("{garbage}.{}.{}", parts[1], parts[2])).is_err());
        assert!(verify(&format!("{}.{garbage}.{}", parts[0], parts[2])).is_err());
        assert!(verify(&format!("{}.{}.{garbage}", parts[0], parts[1])).is_err());
        // And with a signature that fits the garbage.
        assert!(verify(&sign(&format!("{}.{garbage}", parts[0]), Algorithm::HS256)).is_err());
    }
}

#[test]
fn well_signed_payloads_that_are_no_object_are_refused() {
    let header = br#"{"alg":"HS256","typ":"JWT"}"#;
    let payloads: [&[u8]; 8] =
        [b"", b"null", b"[]", br#"["ana",1748782800]"#, b"\"ana\"", b"{", b"{}{}", b"{\"sub\":\"\xff\xfe\"}"];
    for payload in payloads {
        assert!(verify(&token_of(header, payload)).is_err());
    }
    let deep = format!(r#"{{"sub":"ana","x":{}}}"#, "[".repeat(2000));
    assert!(verify(&token_of(header, deep.as_bytes())).is_err());
}

#[test]
fn a_token_over_eight_kibibytes_is_refused() {
    let padded = |bytes: usize| token(&claims(&json!({"padding": "x".repeat(bytes)})));
    assert!(verify(&padded(5_500)).is_ok());
    assert_eq!(reason(&padded(8_192)), "longer than 8 KiB");
    assert_eq!(reason(&"x".repeat(10_000_000)), "longer than 8 KiB");
}

#[test]
fn a_refusal_never_repeats_the_token() {
    let canary = "canary-7f3a";
    let strange: [Value; 3] =
        [json!({"exp": canary}), json!({"aud": {canary: 1}}), json!({"scope": [canary]})];
    for changes in strange {
        assert!(!reason(&token(&claims(&changes))).contains(canary));
    }
    assert!(!reason(&token_with(&json!({"alg": canary}), &claims(&json!({})))).contains(canary));
}
