//! Tokens of any shape, well signed or not.

use adapters_jwt::{Hs256Config, Hs256Verifier};
use domain::clock::Timestamp;
use domain::ports::identity::{BadToken, Caller, TokenVerifier};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

pub const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// 2025-06-01, noon, in seconds.
pub const NOW: i64 = 1_748_779_200;

/// `NOW`, and so many seconds.
pub fn now_plus(secs: i64) -> Timestamp {
    Timestamp::from_micros((NOW + secs) * 1_000_000)
}

pub fn config() -> Hs256Config {
    Hs256Config::new(SECRET)
}

pub fn verify(token: &str) -> Result<Caller, BadToken> {
    verify_with(config(), token)
}

pub fn verify_with(config: Hs256Config, token: &str) -> Result<Caller, BadToken> {
    Hs256Verifier::new(config).expect("a long enough secret").verify(token, now_plus(0))
}

/// Why the token is refused.
pub fn reason(token: &str) -> String {
    verify(token).expect_err("must be refused").0
}

/// Good claims, with these laid over them; `null` takes a claim away.
pub fn claims(changes: &Value) -> Value {
    let mut claims = json!({"sub": "ana", "exp": NOW + 3600});
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// A well signed token with these claims.
pub fn token(claims: &Value) -> String {
    token_with(&json!({"alg": "HS256", "typ": "JWT"}), claims)
}

/// A well signed token with this header and these claims.
pub fn token_with(header: &Value, claims: &Value) -> String {
    token_of(header.to_string().as_bytes(), claims.to_string().as_bytes())
}

/// These bytes as header and payload, signed with HMAC-SHA-256 and the right secret, whatever they say.
pub fn token_of(header: &[u8], payload: &[u8]) -> String {
    sign(&format!("{}.{}", base64url(header), base64url(payload)), Algorithm::HS256)
}

/// The signing input with its signature behind it.
pub fn sign(message: &str, algorithm: Algorithm) -> String {
    let key = EncodingKey::from_secret(SECRET);
    let signature = crypto::sign(message.as_bytes(), &key, algorithm).expect("a signature");
    format!("{message}.{signature}")
}

pub fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[bits >> (18 - 6 * digit) & 63]));
        }
    }
    text
}
