//! Well signed tokens: what they must say.

use adapters_jwt::{Hs256Config, Hs256Verifier};
use domain::ports::identity::{Scope, TokenVerifier};
use serde_json::{Value, json};

use crate::mint::{NOW, claims, config, now_plus, reason, token, verify, verify_with};

fn with(changes: &Value) -> String {
    token(&claims(changes))
}

fn taken_at(token: &str, secs: i64) -> bool {
    Hs256Verifier::new(config()).expect("a long enough secret").verify(token, now_plus(secs)).is_ok()
}

#[test]
fn a_token_ends_thirty_seconds_after_exp() {
    let token = with(&json!({"exp": NOW}));
    assert!(taken_at(&token, -1));
    assert!(taken_at(&token, 29));
    assert!(!taken_at(&token, 30));
    assert!(!taken_at(&token, 31));
}

#[test]
fn a_token_begins_thirty_seconds_before_nbf() {
    let token = with(&json!({"nbf": NOW}));
    assert!(!taken_at(&token, -31));
    assert!(taken_at(&token, -30));
    assert!(taken_at(&token, 0));
}

#[test]
fn leeway_is_configurable() {
    let mut strict = config();
    strict.leeway_secs = 0;
    assert!(verify_with(strict.clone(), &with(&json!({"exp": NOW}))).is_err());
    assert!(verify_with(strict.clone(), &with(&json!({"exp": NOW + 1, "nbf": NOW}))).is_ok());
    assert!(verify_with(strict.clone(), &with(&json!({"nbf": NOW + 1}))).is_err());
    strict.leeway_secs = u64::MAX;
    assert!(verify_with(strict, &with(&json!({"exp": NOW - 1_000_000}))).is_ok());
}

#[test]
fn dates_may_have_a_fraction() {
    let mut strict = config();
    strict.leeway_secs = 0;
    let precise = |exp: f64| verify_with(strict.clone(), &with(&json!({"exp": exp}))).is_ok();
    assert!(precise(1_748_779_200.5));
    assert!(!precise(1_748_779_200.0));
    assert!(!precise(1_748_779_199.999_5));
    assert!(verify(&with(&json!({"exp": 1.8e9}))).is_ok());
}

#[test]
fn exp_is_required() {
    assert_eq!(reason(&with(&json!({"exp": null}))), "`exp` is missing");
}

#[test]
fn absurd_dates_are_refused() {
    let dates = [
        json!(-1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(253_402_300_800_u64),
        json!(1e16),
        json!(1.123_456_789e27),
        json!(1.123_456_789e-27),
        json!(f64::MAX),
        json!(f64::MIN),
        json!(f64::MIN_POSITIVE),
        json!(-0.5),
        // Milliseconds, the usual mistake.
        json!(NOW * 1000),
    ];
    for date in dates {
        for name in ["exp", "nbf", "iat"] {
            assert!(verify(&with(&json!({name: date}))).is_err(), "{name} {date}");
        }
    }
    for text in ["1e999", "-1e999", "1e-999", "99999999999999999999999", "NaN", "01"] {
        let payload = format!(r#"{{"sub":"ana","exp":{text}}}"#);
        assert!(verify(&crate::mint::token_of(br#"{"alg":"HS256"}"#, payload.as_bytes())).is_err(), "{text}");
    }
}

#[test]
fn the_last_second_of_the_year_9999_is_a_date() {
    assert!(verify(&with(&json!({"exp": 253_402_300_799_u64}))).is_ok());
}

#[test]
fn claims_of_the_wrong_type_are_refused() {
    let wrong = [json!(true), json!([]), json!({}), json!(["a", 1])];
    for name in ["sub", "exp", "nbf", "iat", "iss", "scope", "role"] {
        for value in &wrong {
            assert!(verify(&with(&json!({name: value}))).is_err(), "{name} {value}");
        }
    }
    for value in [json!(true), json!(1), json!({}), json!(["a", 1]), json!([null])] {
        assert!(verify(&with(&json!({"aud": value}))).is_err(), "aud {value}");
    }
    for name in ["exp", "nbf", "iat"] {
        assert!(verify(&with(&json!({name: "1900000000"}))).is_err());
    }
    for name in ["sub", "iss", "scope", "role"] {
        assert!(verify(&with(&json!({name: 1}))).is_err());
    }
}

#[test]
fn null_is_not_an_absent_claim() {
    for name in ["sub", "exp", "nbf", "iat", "iss", "aud", "scope", "role"] {
        let mut claims = claims(&json!({}));
        claims[name] = Value::Null;
        assert!(verify(&token(&claims)).is_err(), "{name}");
    }
}

fn strict() -> Hs256Config {
    Hs256Config { issuer: Some("https://id.example".into()), audience: Some("saldo".into()), ..config() }
}

fn strictly(changes: &Value) -> bool {
    verify_with(strict(), &with(changes)).is_ok()
}

#[test]
fn issuer_and_audience_must_match_where_configured() {
    let (iss, aud) = ("https://id.example", "saldo");
    assert!(strictly(&json!({"iss": iss, "aud": aud})));
    assert!(strictly(&json!({"iss": iss, "aud": ["other", aud]})));
    assert!(!strictly(&json!({"iss": "https://id.example/", "aud": aud})));
    assert!(!strictly(&json!({"iss": "https://evil.example", "aud": aud})));
    assert!(!strictly(&json!({"iss": iss, "aud": "other"})));
    assert!(!strictly(&json!({"iss": iss, "aud": "Saldo"})));
    assert!(!strictly(&json!({"iss": iss, "aud": ["other"]})));
    assert!(!strictly(&json!({"iss": iss, "aud": []})));
}

#[test]
fn issuer_and_audience_must_be_there_where_configured() {
    assert!(!strictly(&json!({})));
    assert!(!strictly(&json!({"iss": "https://id.example"})));
    assert!(!strictly(&json!({"aud": "saldo"})));
}

#[test]
fn issuer_and_audience_do_not_matter_where_not_configured() {
    assert!(verify(&with(&json!({"iss": "anyone", "aud": ["any", "body"]}))).is_ok());
    assert!(verify(&with(&json!({"aud": "anybody"}))).is_ok());
}

fn scopes(changes: &Value) -> Vec<Scope> {
    verify(&with(changes)).expect("a good token").scopes
}

#[test]
fn a_token_without_scope_and_role_is_a_users() {
    assert_eq!(scopes(&json!({})), Scope::USER);
    assert_eq!(scopes(&json!({"role": "user"})), Scope::USER);
}

#[test]
fn the_admin_role_may_do_everything() {
    assert_eq!(scopes(&json!({"role": "admin"})), Scope::ALL);
}

#[test]
fn an_unknown_role_may_do_nothing() {
    for role in ["", "Admin", "root", "admin user"] {
        assert_eq!(scopes(&json!({"role": role})), []);
    }
}

#[test]
fn scope_names_what_is_allowed_and_unknown_words_grant_nothing() {
    assert_eq!(scopes(&json!({"scope": "credits:read ai:use"})), [Scope::AiUse, Scope::CreditsRead]);
    assert_eq!(scopes(&json!({"scope": "  ai:use  ai:use openid AI:USE "})), [Scope::AiUse]);
    assert_eq!(scopes(&json!({"scope": ""})), []);
    assert_eq!(scopes(&json!({"scp": ["admin:write"]})), Scope::USER);
}

#[test]
fn scope_wins_over_role() {
    assert_eq!(scopes(&json!({"scope": "ai:use", "role": "admin"})), [Scope::AiUse]);
    assert_eq!(scopes(&json!({"scope": "", "role": "admin"})), []);
}
