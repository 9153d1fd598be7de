//! What a token must say, whoever signed it and however.

use domain::clock::{Span, Timestamp};
use domain::ids::UserId;
use domain::ports::identity::{BadToken, Caller, Scope};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

/// The claims of a token, as they were signed.
pub(crate) type Claims = Map<String, Value>;

/// The longest `sub`, in characters.
const MAX_SUB_CHARS: usize = 255;
/// The end of the year 9999, in seconds since the Unix epoch. A later date is an error of the issuer
/// (most often milliseconds) and no date.
const LAST_SECOND: u64 = 253_402_300_799;

/// What is expected of claims, beyond what every token must have.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// `iss` must be there and be this.
    pub issuer: Option<String>,
    /// `aud` must be there and be, or contain, this.
    pub audience: Option<String>,
    /// How far the issuer's clock and ours may be apart.
    pub leeway: Span,
}

impl Rules {
    /// With the leeway in seconds.
    pub(crate) fn new(issuer: Option<String>, audience: Option<String>, leeway_secs: u64) -> Self {
        let leeway = Span::from_secs(u32::try_from(leeway_secs).unwrap_or(u32::MAX));
        Self { issuer, audience, leeway }
    }

    /// Who the claims name, at `now`. The signature must have been checked before.
    pub(crate) fn caller(&self, claims: &Claims, now: Timestamp) -> Result<Caller, BadToken> {
        self.check_times(claims, now)?;
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        let sub = text(claims, "sub")?.ok_or_else(|| refused("`sub` is missing"))?;
        if !is_subject(sub) {
            return Err(refused("`sub` is blank or too long"));
        }
        Ok(Caller { user: user_id(sub), scopes: scopes(claims)?, api_key: None })
    }

    /// A token is valid from `nbf` on and until just before `exp`, give or take the leeway.
    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<(), BadToken> {
        let exp = time(claims, "exp")?.ok_or_else(|| refused("`exp` is missing"))?;
        if now >= exp.after(self.leeway) {
            return Err(refused("expired"));
        }
        if time(claims, "nbf")?.is_some_and(|nbf| now.after(self.leeway) < nbf) {
            return Err(refused("not valid yet"));
        }
        // Nothing follows from `iat`, but an issuer that writes it wrongly is not trusted with the rest.
        time(claims, "iat").map(|_| ())
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), BadToken> {
        let iss = text(claims, "iss")?;
        match &self.issuer {
            Some(expected) if iss != Some(expected) => Err(refused("`iss` is missing or another")),
            _ => Ok(()),
        }
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), BadToken> {
        let audiences = audiences(claims)?;
        match &self.audience {
            Some(expected) if !audiences.contains(&expected.as_str()) => {
                Err(refused("`aud` is missing or another"))
            }
            _ => Ok(()),
        }
    }
}

/// The user that a token's `sub` names: a hyphenated UUID, in either case, is the user's id itself; any
/// other text maps to a UUID version 5 that stays the same for ever.
pub fn user_id(sub: &str) -> UserId {
    sub.parse().unwrap_or_else(|_| {
        let users = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://saldo.dev/users");
        UserId::from_bytes(Uuid::new_v5(&users, sub.as_bytes()).into_bytes())
    })
}

/// Whether this can be a `sub`: 1 to 255 characters, not all of them blank.
pub(crate) fn is_subject(sub: &str) -> bool {
    !sub.trim().is_empty() && sub.chars().count() <= MAX_SUB_CHARS
}

/// A refusal; `reason` is constant text, so that no token reaches a log.
pub(crate) fn refused(reason: &str) -> BadToken {
    BadToken(reason.to_owned())
}

/// `scope` where there is one, else `role`, else what every user may do. Words that we do not know
/// grant nothing, and so does a role that we do not know.
fn scopes(claims: &Claims) -> Result<Vec<Scope>, BadToken> {
    let (scope, role) = (text(claims, "scope")?, text(claims, "role")?);
    Ok(match (scope, role) {
        (Some(words), _) => {
            let mut scopes: Vec<Scope> = words.split_whitespace().filter_map(Scope::from_word).collect();
            scopes.sort_unstable();
            scopes.dedup();
            scopes
        }
        (None, None | Some("user")) => Scope::USER.to_vec(),
        (None, Some("admin")) => Scope::ALL.to_vec(),
        (None, Some(_)) => Vec::new(),
    })
}

/// `aud` is one text or a list of texts (RFC 7519, 4.1.3).
fn audiences(claims: &Claims) -> Result<Vec<&str>, BadToken> {
    match claims.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(many)) => many
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(|| refused("`aud` has the wrong type")),
        Some(_) => Err(refused("`aud` has the wrong type")),
    }
}

/// A claim that is text. `null` is not text, and not an absent claim either.
fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, BadToken> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(BadToken(format!("`{name}` has the wrong type"))),
    }
}

/// A claim that is a date.
fn time(claims: &Claims, name: &str) -> Result<Option<Timestamp>, BadToken> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => numeric_date(number)
            .map(Some)
            .ok_or_else(|| BadToken(format!("`{name}` is no date between 1970 and 9999"))),
        Some(_) => Err(BadToken(format!("`{name}` has the wrong type"))),
    }
}

/// Seconds since the Unix epoch, with or without a fraction. Read from the number's decimal text, so
/// that no float is computed with; what needs an exponent is either absurd or zero, and refused.
fn numeric_date(number: &Number) -> Option<Timestamp> {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let secs = whole.parse::<u64>().ok().filter(|secs| *secs <= LAST_SECOND)?;
    let micros: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    let micros = secs.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?;
    i64::try_from(micros).ok().map(Timestamp::from_micros)
}
