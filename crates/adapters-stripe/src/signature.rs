//! Stripe's signature of a webhook: `t=1492774577,v1=5257a8...,v1=...`.
//!
//! A signature `v1` is HMAC-SHA256 over the time, a full stop and the raw body, in lower-case hexadecimal; its
//! key is the whole text of the secret. Other schemes (`v0`, for Stripe's own tests) prove nothing.

use domain::clock::{Span, Timestamp};
use domain::ports::payments::ForgedEvent;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::error::SecretError;

/// How far the time of a signature may be from now.
pub(crate) const TOLERANCE: Span = Span::from_secs(300);

const PREFIX: &str = "whsec_";
/// A secret that a webhook is signed with.
#[derive(Clone, Debug)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// Refuses whatever is not of a secret's form: with an empty one, everybody could sign.
    pub(crate) fn new(secret: SecretString) -> Result<Self, SecretError> {
        let random = secret.expose_secret().strip_prefix(PREFIX).ok_or(SecretError)?;
        let fits = !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(secret)) } else { Err(SecretError) }
    }

    /// The one signature of a body at a time.
    fn sign(&self, time: &str, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).ok()?;
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        Some(hexadecimal(&mac.finalize().into_bytes()))
    }
}

/// Checks that one of the header's signatures is one of the secrets', and that its time is near.
pub(crate) fn verify(
    secrets: &[Secret],
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), ForgedEvent> {
    let header = Header::parse(header).ok_or(ForgedEvent::NoSignature)?;
    let mut matches = Choice::from(0);
    for secret in secrets {
        let expected = secret.sign(header.time, body).ok_or(ForgedEvent::WrongSignature)?;
        // All are compared, and each to its end: how long it takes says nothing of how much is right.
        for signature in &header.signatures {
            matches |= expected.as_bytes().ct_eq(signature.as_bytes());
        }
    }
    if !bool::from(matches) {
        return Err(ForgedEvent::WrongSignature);
    }
    let apart = now.as_micros().abs_diff(header.at.as_micros());
    if apart > TOLERANCE.as_micros().unsigned_abs() { Err(ForgedEvent::Stale) } else { Ok(()) }
}

/// The parts of the header.
struct Header<'a> {
    /// The time as it is written, which is what was signed.
    time: &'a str,
    at: Timestamp,
    signatures: Vec<&'a str>,
}

impl<'a> Header<'a> {
    /// `None` without just one time that is a number, or without a signature.
    fn parse(header: &'a str) -> Option<Self> {
        let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
        let mut times = parts().filter(|(name, _)| *name == "t").map(|(_, time)| time);
        let (time, None) = (times.next()?, times.next()) else { return None };
        if !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let at = Timestamp::from_micros(time.parse::<i64>().ok()?.saturating_mul(1_000_000));
        let signatures: Vec<&str> =
            parts().filter(|(name, _)| *name == "v1").map(|(_, signature)| signature).collect();
        (!signatures.is_empty()).then_some(Self { time, at, signatures })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(digit).collect()
}
