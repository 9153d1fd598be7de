//! Whom a `sub` names.

use adapters_jwt::user_id;
use serde_json::{Value, json};

use crate::mint::{claims, reason, token, verify};

fn user_of(sub: &str) -> String {
    verify(&token(&claims(&json!({"sub": sub})))).expect("a good token").user.to_string()
}

#[test]
fn a_uuid_is_the_user_in_either_case() {
    let id = "00112233-4455-6677-8899-aabbccddeeff";
    assert_eq!(user_of(id), id);
    assert_eq!(user_of(&id.to_uppercase()), id);
}

#[test]
fn any_other_text_maps_to_an_id_that_never_changes() {
    // Stored books depend on these: a change here loses every such user's credits.
    assert_eq!(user_of("ana"), "0707d682-e589-5389-a7e7-59d087718995");
    assert_eq!(user_of("auth0|5f7c8ec7c33c6c004bbafe82"), "b72cb3db-67a1-5b57-93f0-7b11b8e214f1");
    assert_eq!(user_id("ana").to_string(), user_of("ana"));
}

#[test]
fn texts_that_differ_name_different_users() {
    let subs =
        ["ana", "Ana", " ana", "00112233445566778899aabbccddeeff", "{00112233-4455-6677-8899-aabbccddeeff}"];
    let users: std::collections::BTreeSet<String> = subs.iter().map(|sub| user_of(sub)).collect();
    assert_eq!(users.len(), subs.len());
}

#[test]
fn a_mapped_id_is_a_uuid_of_version_five() {
    let bytes = *user_id("ana").as_bytes();
    assert_eq!(bytes[6] >> 4, 5);
    assert_eq!(bytes[8] >> 6, 0b10);
}

#[test]
fn a_subject_is_1_to_255_characters_and_not_blank() {
    let with = |sub: Value| token(&claims(&json!({"sub": sub})));
    assert_eq!(reason(&with(Value::Null)), "`sub` is missing");
    for blank in ["", " ", "\t\n", "\u{a0}"] {
        assert!(verify(&with(json!(blank))).is_err());
    }
    assert!(verify(&with(json!("é".repeat(255)))).is_ok());
    assert!(verify(&with(json!("é".repeat(256)))).is_err());
}
