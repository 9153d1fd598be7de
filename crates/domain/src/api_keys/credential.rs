//! How a key is written down.
//!
//! ```text
//! sk-saldo-05LJlJD9WPB05LJlJD9WPB0AgdWcQJ2oM...0AgdWcQJ2oM0ztRKr
//! \_______/\______________________________________________/\____/
//!   always     id, then secret: 48 bytes, 66 characters    checksum
//! ```
//!
//! Digits and letters only (base 62, digits before capitals before small letters), so that a double click takes
//! all of it and nothing has to be escaped. Eight bytes, most significant first, are eleven characters. The checksum,
//! six characters, is the first four bytes of the SHA-256 of all that stands before it: a typing error never reaches the
//! store, and a scanner knows a key from a word that looks like one.

use std::fmt;

use sha2::{Digest, Sha256};

use super::SecretHash;
use crate::ids::ApiKeyId;

/// What every key begins with.
const MARK: &str = "sk-saldo-";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of eight bytes: 62^11 > 2^64.
const BLOCK: usize = 11;
/// Blocks of the id and the secret.
const BLOCKS: usize = 6;
/// Characters of the checksum: 62^6 > 2^32.
const CHECKSUM: usize = 6;
/// How much of a key its prefix shows: the first half of the id, and nothing of the secret.
const PREFIX: usize = MARK.len() + BLOCK;

/// A key as its holder has it: which one it is, and the secret that proves it. Shows itself only by
/// [`Credential::reveal`].
pub struct Credential {
    /// Which key.
    pub id: ApiKeyId,
    secret: [u8; 32],
}

/// Why text is no key. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACredential {
    /// It does not begin like one.
    #[error("the API key does not begin with {MARK}")]
    Mark,
    /// Too long or too short.
    #[error("the API key has not the length of one")]
    Length,
    /// A character that no key has, or a number that no key holds.
    #[error("the API key has characters that no key has")]
    Characters,
    /// Mistyped.
    #[error("the API key's checksum does not match")]
    Checksum,
}

impl Credential {
    /// The key with this id and secret.
    pub const fn new(id: ApiKeyId, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    /// Whether text is meant to be a key, good or bad.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(MARK)
    }

    /// Reads what [`Credential::reveal`] wrote.
    pub fn parse(text: &str) -> Result<Self, NotACredential> {
        let body = text.strip_prefix(MARK).ok_or(NotACredential::Mark)?;
        if body.len() != BLOCKS.saturating_mul(BLOCK).saturating_add(CHECKSUM) {
            return Err(NotACredential::Length);
        }
        let at = text.len().saturating_sub(CHECKSUM);
        let (summed, sum) = text.split_at_checked(at).ok_or(NotACredential::Characters)?;
        if number(sum.as_bytes()).ok_or(NotACredential::Characters)? != checksum(summed) {
            return Err(NotACredential::Checksum);
        }
        let blocks = summed.strip_prefix(MARK).unwrap_or_default().as_bytes();
        let mut bytes = [0; 48];
        for (to, block) in bytes.chunks_exact_mut(8).zip(blocks.chunks_exact(BLOCK)) {
            to.copy_from_slice(&number(block).ok_or(NotACredential::Characters)?.to_be_bytes());
        }
        let (mut id, mut secret) = ([0; 16], [0; 32]);
        let (front, back) = bytes.split_at(16);
        id.copy_from_slice(front);
        secret.copy_from_slice(back);
        Ok(Self { id: ApiKeyId::from_bytes(id), secret })
    }

    /// The key's text: to be shown once, to whom it is for, and written nowhere.
    pub fn reveal(&self) -> String {
        let mut text = MARK.to_owned();
        for half in [self.id.as_bytes().as_slice(), &self.secret] {
            for block in half.chunks_exact(8) {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(block);
                write(u64::from_be_bytes(bytes), BLOCK, &mut text);
            }
        }
        let sum = checksum(&text);
        write(sum, CHECKSUM, &mut text);
        text
    }

    /// The first characters of the text.
    pub fn prefix(&self) -> String {
        let mut text = self.reveal();
        text.truncate(PREFIX);
        text
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.id, &self.secret)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).finish_non_exhaustive()
    }
}

fn checksum(text: &str) -> u64 {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(text).into();
    u64::from(u32::from_be_bytes([a, b, c, d]))
}

/// Writes a number with so many digits.
fn write(number: u64, digits: usize, text: &mut String) {
    let mut rest = number;
    let mut backwards = Vec::with_capacity(digits);
    for _ in 0..digits {
        let digit = usize::try_from(rest.rem_euclid(62)).unwrap_or_default();
        backwards.push(DIGITS.get(digit).copied().map_or('0', char::from));
        rest = rest.div_euclid(62);
    }
    text.extend(backwards.into_iter().rev());
}

/// The number that these digits write; `None` when one is no digit, or the number is none of 64 bits.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        number.checked_mul(62)?.checked_add(u64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(byte: u8) -> Credential {
        Credential::new(ApiKeyId::from_bytes([byte; 16]), [byte.wrapping_add(1); 32])
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for byte in [0, 1, 7, 127, 254, 255] {
            let written = credential(byte);
            let text = written.reveal();
            assert_eq!(text.len(), 81, "{text}");
            let (mark, rest) = text.split_at(9);
            assert_eq!(mark, "sk-saldo-");
            assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text}");
            let read = Credential::parse(&text).unwrap();
            assert_eq!((read.id, read.secret), (written.id, written.secret));
            assert_eq!(read.hash(), written.hash());
            assert!(text.starts_with(&written.prefix()));
        }
    }

    /// Scanners know this form: it never changes.
    #[test]
    fn the_form_of_keys_stands_still() {
        let text = Credential::new(ApiKeyId::from_bytes([1; 16]), [2; 32]).reveal();
        assert_eq!(text, "sk-saldo-05LJlJD9WPB05LJlJD9WPB0AgdWcQJ2oM0AgdWcQJ2oM0AgdWcQJ2oM0AgdWcQJ2oM0ztRKr");
    }

    #[test]
    fn one_wrong_character_is_noticed_wherever_it_stands() {
        let text = credential(42).reveal();
        for index in 0..text.len() {
            for wrong in ['0', 'z', '-', 'é'] {
                let mut typed: Vec<char> = text.chars().collect();
                if typed[index] == wrong {
                    continue;
                }
                typed[index] = wrong;
                let typed: String = typed.into_iter().collect();
                assert!(Credential::parse(&typed).is_err(), "{typed}");
            }
        }
        for cut in 0..text.len() {
            assert!(Credential::parse(&text[..cut]).is_err());
        }
        assert!(Credential::parse(&format!("{text}0")).is_err());
    }

    #[test]
    fn a_number_beyond_64_bits_is_no_key_even_with_a_good_checksum() {
        let mut text = format!("{MARK}{}", "z".repeat(BLOCK * BLOCKS));
        let sum = checksum(&text);
        write(sum, CHECKSUM, &mut text);
        assert_eq!(Credential::parse(&text).unwrap_err(), NotACredential::Characters);
    }

    #[test]
    fn neither_the_prefix_nor_debugging_shows_the_secret() {
        let (one, other) = (Credential::new(ApiKeyId::from_bytes([5; 16]), [1; 32]), credential(5));
        assert_eq!(one.prefix(), other.prefix());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        assert_ne!(one.hash(), other.hash());
        assert_eq!(format!("{:?}", one.hash()), "SecretHash(..)");
    }

    #[test]
    fn a_hash_proves_no_other_key() {
        let (a, b) = (ApiKeyId::from_bytes([1; 16]), ApiKeyId::from_bytes([2; 16]));
        assert_ne!(Credential::new(a, [9; 32]).hash(), Credential::new(b, [9; 32]).hash());
    }
}
