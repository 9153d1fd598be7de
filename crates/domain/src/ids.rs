//! Names of things. Each is a type of its own, so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// How many lanes the books are divided into.
pub const LANES: u8 = 64;

/// A slice of all users (0 to 63): the unit that writers own and that a cluster distributes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(u8);

impl Lane {
    /// The lane with this number; `None` from 64 on.
    pub const fn new(number: u8) -> Option<Self> {
        if number < LANES { Some(Self(number)) } else { None }
    }

    /// Its number, 0 to 63.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// All lanes, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..LANES).map(Self)
    }
}

/// Text that does not name anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct NotAnId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// From the 16 bytes of a UUID.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes of the UUID.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                write_uuid(&self.0, f)?;
                f.write_str(")")
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse_uuid(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// The user whom the token names. There is no table of users: the token is the user.
    UserId
}
uuid_id! {
    /// One hold, and the AI request it pays for. Its last six bits are the user's lane.
    HoldId
}
uuid_id! {
    /// One lot of credits.
    GrantId
}
uuid_id! {
    /// One running server process.
    InstanceId
}
uuid_id! {
    /// One purchase: our record of a payment. Its last six bits are the user's lane.
    PurchaseId
}
uuid_id! {
    /// One API key: a program's way in. Its last six bits are the user's lane.
    ApiKeyId
}

uuid_id! {
    /// One entry of the audit log.
    AuditId
}

impl UserId {
    /// The lane that the user's books lie in: the first 8 bytes of SHA-256 of the id, modulo 64.
    /// (64 divides 2^64, so that is the low six bits of the eighth byte.)
    pub fn lane(&self) -> Lane {
        let digest = Sha256::digest(self.0);
        Lane(digest.get(7).map_or(0, |byte| byte & (LANES.wrapping_sub(1))))
    }
}

/// 16 unique bytes with the user's lane in the last six bits.
fn with_lane_of(user: &UserId, unique: [u8; 16]) -> [u8; 16] {
    let mut bytes = unique;
    if let Some(last) = bytes.last_mut() {
        *last = (*last & 0b1100_0000) | user.lane().get();
    }
    bytes
}

macro_rules! carries_lane {
    ($($name:ident),*) => { $(
        impl $name {
            /// An id for `user`, from 16 unique bytes; the user's lane is written into its last six bits.
            pub fn for_user(user: &UserId, unique: [u8; 16]) -> Self {
                Self(with_lane_of(user, unique))
            }

            /// The lane of the user that it belongs to.
            pub fn lane(&self) -> Lane {
                let [.., last] = self.0;
                Lane(last & 0b0011_1111)
            }
        }
    )* };
}
carries_lane!(HoldId, PurchaseId, ApiKeyId);

impl PurchaseId {
    /// The id of the purchase that a subscription's invoice is: always the same for the same invoice.
    pub fn of_invoice(user: &UserId, invoice: &str) -> Self {
        let digest = Sha256::digest(format!("invoice:{invoice}"));
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(byte, hashed)| *byte = hashed);
        Self(with_lane_of(user, bytes))
    }
}

/// Makes unique ids. Not secret: see [`crate::ports::api_keys::SecretSource`] for what must not be guessed.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait IdSource: Send + Sync {
    /// 16 bytes that were never given out before; UUID version 7, so that they sort by time.
    fn unique(&self) -> [u8; 16];
}

/// The client's name for a request that must not be done twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// Why text is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters")]
pub struct BadIdempotencyKey;

impl IdempotencyKey {
    /// Parses a header value: 1 to 255 visible ASCII characters, quoted (RFC 8941) or bare. The key itself does
    /// not begin with a quote, so that what was parsed once is read from a store as it was written there.
    pub fn parse(text: &str) -> Result<Self, BadIdempotencyKey> {
        let text = text.trim();
        let bare = match text.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').ok_or(BadIdempotencyKey)?,
            None => text,
        };
        let fits = (1..=255).contains(&bare.len())
            && !bare.starts_with('"')
            && bare.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(bare.to_owned())) } else { Err(BadIdempotencyKey) }
    }

    /// The key as the client wrote it, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn write_uuid(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            f.write_str("-")?;
        }
        for nibble in [byte >> 4, byte & 15] {
            let digit = HEX.get(usize::from(nibble)).copied().unwrap_or(b'?');
            fmt::Write::write_char(f, char::from(digit))?;
        }
    }
    Ok(())
}

/// Reads the hyphenated form only (8-4-4-4-12), in either case.
fn parse_uuid(text: &str) -> Result<[u8; 16], NotAnId> {
    let hyphens = [8, 13, 18, 23];
    if text.len() != 36 || !text.is_ascii() {
        return Err(NotAnId);
    }
    let mut nibbles = text.bytes().enumerate().filter_map(|(index, byte)| {
        let is_hyphen = byte == b'-';
        if hyphens.contains(&index) {
            return if is_hyphen { None } else { Some(Err(NotAnId)) };
        }
        Some(char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(NotAnId))
    });
    let mut bytes = [0u8; 16];
    for byte in &mut bytes {
        let high = nibbles.next().ok_or(NotAnId)??;
        let low = nibbles.next().ok_or(NotAnId)??;
        *byte = (high << 4) | low;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_read_as_they_are_written() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(text.parse::<UserId>().map(|id| id.to_string()), Ok(text.to_owned()));
        assert_eq!(text.to_uppercase().parse::<UserId>().map(|id| id.to_string()), Ok(text.to_owned()));
        for bad in ["", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg"] {
            assert_eq!(bad.parse::<UserId>(), Err(NotAnId));
        }
    }

    #[test]
    fn ids_carry_their_users_lane() {
        for seed in 0..=255u8 {
            let user = UserId::from_bytes([seed; 16]);
            assert_eq!(HoldId::for_user(&user, [0xff; 16]).lane(), user.lane());
            assert_eq!(ApiKeyId::for_user(&user, [0xff; 16]).lane(), user.lane());
        }
    }

    #[test]
    fn a_lane_is_the_first_eight_bytes_of_the_hash_modulo_64() {
        let user = UserId::from_bytes([7; 16]);
        let digest = Sha256::digest([7u8; 16]);
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest[..8]);
        assert_eq!(u64::from(user.lane().get()), u64::from_be_bytes(first) % 64);
    }

    #[test]
    fn idempotency_keys_may_be_quoted() {
        assert_eq!(IdempotencyKey::parse("\"abc\""), IdempotencyKey::parse("abc"));
        assert!(IdempotencyKey::parse("").is_err());
        assert!(IdempotencyKey::parse("a b").is_err());
        assert!(IdempotencyKey::parse(&"x".repeat(256)).is_err());
    }

    #[test]
    fn an_idempotency_key_is_read_as_it_is_written() {
        for text in ["abc", "\"abc\"", "a\"b", "\"a\"b\"", "a\"", "\"a\"\""] {
            let key = IdempotencyKey::parse(text).unwrap();
            assert_eq!(IdempotencyKey::parse(key.as_str()), Ok(key), "{text}");
        }
        for bad in ["\"", "\"\"", "\"\"\"", "\"\"a\"", "\"\"a\"\"", "\"a"] {
            assert_eq!(IdempotencyKey::parse(bad), Err(BadIdempotencyKey), "{bad}");
        }
    }
}
