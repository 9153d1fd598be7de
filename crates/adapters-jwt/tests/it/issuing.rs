//! Tokens that we mint ourselves.

use adapters_jwt::{Hs256Config, Hs256Verifier, IssueError, WeakSecret, issue, user_id};
use domain::ports::identity::{Scope, TokenVerifier};
use jsonwebtoken::decode_header;

use crate::mint::{SECRET, config, now_plus, verify};

#[test]
fn what_we_issue_we_take_until_it_ends() {
    let config = Hs256Config { issuer: Some("us".into()), audience: Some("saldo".into()), ..config() };
    let token = issue(&config, "ana", None, None, now_plus(0), 60).expect("a token");
    let verifier = Hs256Verifier::new(config).expect("a long enough secret");
    let caller = verifier.verify(&token, now_plus(0)).expect("our own token");
    assert_eq!(caller.user, user_id("ana"));
    assert_eq!(caller.scopes, Scope::USER);
    assert!(verifier.verify(&token, now_plus(89)).is_ok());
    assert!(verifier.verify(&token, now_plus(90)).is_err());
}

#[test]
fn role_and_scope_are_carried() {
    let admin = issue(&config(), "ana", Some("admin"), None, now_plus(0), 60).expect("a token");
    assert_eq!(verify(&admin).expect("our own token").scopes, Scope::ALL);
    let narrow =
        issue(&config(), "ana", Some("admin"), Some("admin:read"), now_plus(0), 60).expect("a token");
    assert_eq!(verify(&narrow).expect("our own token").scopes, [Scope::AdminRead]);
}

#[test]
fn an_issued_token_says_what_it_is() {
    let token = issue(&config(), "ana", None, None, now_plus(0), 60).expect("a token");
    assert_eq!(decode_header(&token).expect("a header").typ.as_deref(), Some("JWT"));
}

#[test]
fn a_secret_under_32_bytes_is_refused() {
    for bytes in [0, 1, 31] {
        let weak = Hs256Config::new(&SECRET[..bytes]);
        assert_eq!(Hs256Verifier::new(weak.clone()).err(), Some(WeakSecret { bytes }));
        let issued = issue(&weak, "ana", None, None, now_plus(0), 60);
        assert_eq!(issued, Err(IssueError::Secret(WeakSecret { bytes })));
    }
}

#[test]
fn a_subject_that_would_be_refused_is_not_issued() {
    for sub in ["", "  ", &"x".repeat(256)] {
        assert_eq!(issue(&config(), sub, None, None, now_plus(0), 60), Err(IssueError::Subject));
    }
}

#[test]
fn a_lifetime_beyond_the_end_of_time_does_not_wrap() {
    let token = issue(&config(), "ana", None, None, now_plus(0), u64::MAX).expect("a token");
    assert!(verify(&token).is_err());
}

#[test]
fn the_secret_is_never_printed() {
    let secret = String::from_utf8_lossy(SECRET).into_owned();
    let numbers = format!("{SECRET:?}");
    for text in [format!("{:?}", config()), format!("{:?}", Hs256Verifier::new(config()))] {
        assert!(!text.contains(&secret) && !text.contains(&numbers));
    }
}
