//! What a token must be, before anybody looks at its claims. The same for every way of signing.

use domain::ports::identity::BadToken;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};

use crate::claims::{Claims, refused};

/// The longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The header of a token, which nobody has vouched for yet. Its `jku`, `jwk`, `x5u` and `x5c` would let a
/// token bring its own key along: nobody reads them.
pub(crate) fn header(token: &str) -> Result<Header, BadToken> {
    // Before anything is decoded: the work that a stranger can cause stays small.
    if token.len() > MAX_TOKEN_BYTES {
        return Err(refused("longer than 8 KiB"));
    }
    decode_header(token).map_err(|_| refused("malformed, or an unknown algorithm"))
}

/// Refuses what we would misunderstand.
pub(crate) fn check_form(header: &Header) -> Result<(), BadToken> {
    if header.crit.is_some() {
        // RFC 7515, 4.1.11: who does not understand an extension must refuse the token.
        return Err(refused("extensions that we do not understand"));
    }
    let is_known = |typ: &str| ["JWT", "at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
    if header.typ.as_deref().is_some_and(|typ| !is_known(typ)) {
        return Err(refused("another type than JWT"));
    }
    Ok(())
}

/// One algorithm, and no opinion on claims: the signature is the library's part, every claim is ours.
pub(crate) fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// The claims, when the signature is good.
pub(crate) fn signed_claims(
    token: &str,
    key: &DecodingKey,
    validation: &Validation,
) -> Result<Claims, Unsigned> {
    let signed = decode::<Claims>(token, key, validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => Unsigned::Signature,
        _ => Unsigned::Malformed,
    })?;
    Ok(signed.claims)
}

/// Why nobody vouches for the claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// The key has not made the signature.
    Signature,
    /// Something cannot be read.
    Malformed,
}

impl From<Unsigned> for BadToken {
    fn from(unsigned: Unsigned) -> Self {
        match unsigned {
            Unsigned::Signature => refused("bad signature"),
            Unsigned::Malformed => refused("malformed"),
        }
    }
}
