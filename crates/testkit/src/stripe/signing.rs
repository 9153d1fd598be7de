//! `Stripe-Signature`: `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`, one `v1` for each secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::event::Event;

/// The `v1` value of a body: 64 hexadecimal digits.
pub fn v1(secret: &str, at_unix_seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(format!("{at_unix_seconds}.").as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The header over any bytes. Several secrets give several `v1`, as while a secret is rolled.
pub fn header(secrets: &[&str], at_unix_seconds: i64, body: &[u8]) -> String {
    let start = format!("t={at_unix_seconds}");
    secrets.iter().fold(start, |header, secret| format!("{header},v1={}", v1(secret, at_unix_seconds, body)))
}

/// Header and body of an event, signed with any secret at any time.
pub fn signed_with(secret: &str, at_unix_seconds: i64, event: &Event) -> (String, Vec<u8>) {
    let body = event.body();
    (header(&[secret], at_unix_seconds, &body), body)
}
