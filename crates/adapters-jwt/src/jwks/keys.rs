//! The keys that an issuer publishes: which of them we take, and which of these fits a token.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde_json::Value;

use super::fetch::FetchError;

/// The most keys that a set may have: whoever publishes more publishes something else.
const MAX_KEYS: usize = 100;
/// The least and the most bits of an RSA modulus. Less is too weak; more takes too long.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What a key is for. Every algorithm that we take belongs to exactly one; none is symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Kind {
    /// The kind of key that signs with this algorithm, if it is one that we take.
    fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => Some(Self::Rsa),
            Algorithm::ES256 => Some(Self::P256),
            Algorithm::ES384 => Some(Self::P384),
            Algorithm::EdDSA => Some(Self::Ed25519),
            // HS*, whose secret would be a public key; and what the library may learn one day.
            _ => None,
        }
    }
}

/// Whether tokens may be signed this way at all.
pub(super) fn is_taken(algorithm: Algorithm) -> bool {
    Kind::of(algorithm).is_some()
}

struct Key {
    id: Option<String>,
    kind: Kind,
    /// The one algorithm that the issuer allows for the key, where it says so.
    only: Option<Algorithm>,
    key: DecodingKey,
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        Kind::of(algorithm) == Some(self.kind) && self.only.is_none_or(|only| only == algorithm)
    }
}

/// The usable keys of an issuer, at least one.
pub(super) struct KeySet {
    keys: Vec<Key>,
    skipped: usize,
}

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// None fits.
    Unknown,
    /// Several fit, and the token does not say which.
    Ambiguous,
}

impl KeySet {
    /// Reads a JWK set. Keys that we cannot use, or that are not for signatures, are left out; a set without
    /// any other key is refused, as is what is no set.
    pub(super) fn parse(document: &[u8]) -> Result<Self, FetchError> {
        let document: Value =
            serde_json::from_slice(document).map_err(|_| FetchError::NotASet("it is not JSON"))?;
        let Some(Value::Array(listed)) = document.get("keys") else {
            return Err(FetchError::NotASet("it has no list of `keys`"));
        };
        if listed.len() > MAX_KEYS {
            return Err(FetchError::NotASet("it has more than 100 keys"));
        }
        let keys: Vec<Key> = listed.iter().filter_map(key).collect();
        if keys.is_empty() {
            return Err(FetchError::NotASet("it has no key that can be used"));
        }
        Ok(Self { skipped: listed.len().saturating_sub(keys.len()), keys })
    }

    /// How many keys are used.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many keys were left out.
    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }

    /// The only key that fits the algorithm and, where the token names one, the key's id.
    pub(super) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Result<&DecodingKey, NoKey> {
        let named = |key: &&Key| id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm)).filter(named);
        match (fitting.next(), fitting.next()) {
            (None, _) => Err(NoKey::Unknown),
            (Some(key), None) => Ok(&key.key),
            (Some(_), Some(_)) => Err(NoKey::Ambiguous),
        }
    }
}

/// A key of a set, if it is a public key that we can check signatures with.
fn key(listed: &Value) -> Option<Key> {
    // Whoever publishes a private key has lost it: anybody signs with it.
    if listed.get("d").is_some() {
        return None;
    }
    let jwk: Jwk = serde_json::from_value(listed.clone()).ok()?;
    if !is_for_signatures(&jwk) {
        return None;
    }
    let (kind, key) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            (Kind::Rsa, strong(&DecodingKey::from_rsa_components(&rsa.n, &rsa.e).ok()?)?)
        }
        AlgorithmParameters::EllipticCurve(ec) => {
            // An uncompressed point: a leading byte and two coordinates.
            let (kind, bytes) = match ec.curve {
                EllipticCurve::P256 => (Kind::P256, 1 + 2 * 32),
                EllipticCurve::P384 => (Kind::P384, 1 + 2 * 48),
                _ => return None,
            };
            (kind, of_length(bytes, DecodingKey::from_ec_components(&ec.x, &ec.y).ok()?)?)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Kind::Ed25519, of_length(32, DecodingKey::from_ed_components(&pair.x).ok()?)?)
        }
        // A symmetric key above all: a secret that everybody can read.
        _ => return None,
    };
    let only = match jwk.common.key_algorithm {
        None => None,
        Some(named) => Some(Algorithm::try_from(named).ok().filter(|only| Kind::of(*only) == Some(kind))?),
    };
    Some(Key { id: jwk.common.key_id, kind, only, key })
}

fn is_for_signatures(jwk: &Jwk) -> bool {
    let used = jwk.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let operations = jwk.common.key_operations.as_ref();
    used && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

/// An RSA key in its shortest form, if it is neither weak nor a burden.
fn strong(key: &DecodingKey) -> Option<DecodingKey> {
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else { return None };
    let (n, e) = (without_zeros(n), without_zeros(e));
    let bits = n.len().saturating_mul(8).saturating_sub(n.first()?.leading_zeros() as usize);
    // With an exponent of 1 every text would be its own signature.
    let odd_and_not_one = e.last()? & 1 == 1 && e != [1];
    (RSA_BITS.contains(&bits) && odd_and_not_one).then(|| DecodingKey::from_rsa_raw_components(n, e))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn of_length(bytes: usize, key: DecodingKey) -> Option<DecodingKey> {
    key.try_get_as_bytes().is_ok_and(|found| found.len() == bytes).then_some(key)
}
