//! Tokens signed with a shared secret: HMAC-SHA-256.

use std::fmt;

use domain::clock::Timestamp;
use domain::ports::identity::{BadToken, Caller, TokenVerifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, encode};
use serde_json::Value;

use crate::claims::{Claims, Rules, is_subject, refused};
use crate::token;

/// The shortest secret, in bytes: as long as the hash (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// How tokens are signed, and what they must say.
#[derive(Clone)]
pub struct Hs256Config {
    /// The shared secret, at least 32 bytes.
    pub secret: Vec<u8>,
    /// Where set, `iss` must be there and be this.
    pub issuer: Option<String>,
    /// Where set, `aud` must be there and be, or contain, this.
    pub audience: Option<String>,
    /// How far the issuer's clock and ours may be apart, in seconds.
    pub leeway_secs: u64,
}

impl Hs256Config {
    /// With this secret, any issuer, any audience and 30 seconds of leeway.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self { secret: secret.into(), issuer: None, audience: None, leeway_secs: 30 }
    }

    fn check_secret(&self) -> Result<(), WeakSecret> {
        let bytes = self.secret.len();
        if bytes < MIN_SECRET_BYTES { Err(WeakSecret { bytes }) } else { Ok(()) }
    }
}

impl fmt::Debug for Hs256Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hs256Config")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("leeway_secs", &self.leeway_secs)
            .finish_non_exhaustive()
    }
}

/// The secret is too short to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret has {bytes} bytes, at least 32 are needed")]
pub struct WeakSecret {
    /// How long it is.
    pub bytes: usize,
}

/// Why no token was minted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The verifier would refuse the secret.
    #[error(transparent)]
    Secret(#[from] WeakSecret),
    /// The verifier would refuse the `sub`.
    #[error("the subject must be 1 to 255 characters, not all of them blank")]
    Subject,
    /// The cryptographic library failed.
    #[error("signing failed: {0}")]
    Signing(String),
}

/// Checks tokens signed with HMAC-SHA-256.
///
/// Cheap to share behind an `Arc`; holds no state between tokens.
pub struct Hs256Verifier {
    key: DecodingKey,
    validation: Validation,
    rules: Rules,
}

impl Hs256Verifier {
    /// A verifier for tokens as `config` describes them; refuses a secret under 32 bytes.
    pub fn new(config: Hs256Config) -> Result<Self, WeakSecret> {
        config.check_secret()?;
        Ok(Self {
            key: DecodingKey::from_secret(&config.secret),
            validation: token::signature_only(Algorithm::HS256),
            rules: Rules::new(config.issuer, config.audience, config.leeway_secs),
        })
    }
}

impl fmt::Debug for Hs256Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hs256Verifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl TokenVerifier for Hs256Verifier {
    fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, BadToken> {
        let header = token::header(token)?;
        // Which algorithm is used is ours to say; the header may only agree.
        if header.alg != Algorithm::HS256 {
            return Err(refused("another algorithm than HS256"));
        }
        token::check_form(&header)?;
        let claims = token::signed_claims(token, &self.key, &self.validation)?;
        self.rules.caller(&claims, now)
    }
}

/// Mints a token that a verifier with the same `config` takes from `now` on for `ttl_secs` seconds.
///
/// Without `role` and `scope` it carries what every user may do; `scope` (words separated by spaces)
/// wins over `role`.
pub fn issue(
    config: &Hs256Config,
    sub: &str,
    role: Option<&str>,
    scope: Option<&str>,
    now: Timestamp,
    ttl_secs: u64,
) -> Result<String, IssueError> {
    config.check_secret()?;
    if !is_subject(sub) {
        return Err(IssueError::Subject);
    }
    let issued_at = now.as_micros().div_euclid(1_000_000);
    let expires_at = issued_at.saturating_add_unsigned(ttl_secs);
    let mut claims = Claims::new();
    claims.insert("sub".to_owned(), sub.into());
    claims.insert("iat".to_owned(), issued_at.into());
    claims.insert("exp".to_owned(), expires_at.into());
    let optional = [
        ("iss", config.issuer.as_deref()),
        ("aud", config.audience.as_deref()),
        ("role", role),
        ("scope", scope),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            claims.insert(name.to_owned(), Value::from(value));
        }
    }
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&config.secret))
        .map_err(|error| IssueError::Signing(error.to_string()))
}
