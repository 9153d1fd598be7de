//! The journal: append-only, numbered without gaps, each entry chained to the one before by a hash.

use sha2::{Digest, Sha256};

use super::account::Actor;
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::ids::UserId;

/// What a journal entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Credits granted.
    Grant,
    /// An AI request charged.
    Use,
    /// A lot that fell due.
    Expire,
    /// Credits of a refunded or disputed payment taken back.
    ClawBack,
    /// A claw-back taken back.
    Restore,
    /// A signed correction by an admin.
    Adjust,
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Grant, Self::Use, Self::Expire, Self::ClawBack, Self::Restore, Self::Adjust];

    /// The word that stores and clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Use => "use",
            Self::Expire => "expire",
            Self::ClawBack => "claw_back",
            Self::Restore => "restore",
            Self::Adjust => "adjust",
        }
    }

    /// The kind that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One row of `credit_journal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Whose journal.
    pub user: UserId,
    /// Its number: 1, 2, 3 and so on for each user.
    pub seq: u64,
    /// What happened.
    pub kind: EntryKind,
    /// Effect on the balance.
    pub amount: Credits,
    /// The balance (`total - used`) after it.
    pub balance_after: Credits,
    /// What it refers to: `hold:...`, `lot:...`, or a grant's source such as `purchase:...`.
    pub source: String,
    /// Who caused it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the free text kept beside it, so that the text can be erased and the chain stands.
    pub note_hash: Option<[u8; 32]>,
    /// SHA-256 over the previous entry's hash and this entry's canonical encoding.
    pub hash: [u8; 32],
}

/// Free text that belongs to a journal entry (an admin's reason). Can be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalNote {
    /// Whose journal.
    pub user: UserId,
    /// The entry's number.
    pub seq: u64,
    /// The text.
    pub text: String,
}

impl JournalEntry {
    /// The hash this entry must have behind an entry with hash `previous`.
    ///
    /// Canonical encoding, version 1: every field preceded by its length (8 bytes, big-endian), in
    /// the order lane, user, seq, kind, amount, balance, source, actor, time in microseconds, note
    /// hash (empty when none); integers big-endian. Both stores yield the same bytes.
    pub fn chained_hash(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut field = |bytes: &[u8]| {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            hasher.update(length.to_be_bytes());
            hasher.update(bytes);
        };
        field(previous);
        field(&[self.user.lane().get()]);
        field(self.user.as_bytes());
        field(&self.seq.to_be_bytes());
        field(self.kind.as_str().as_bytes());
        field(&self.amount.get().to_be_bytes());
        field(&self.balance_after.get().to_be_bytes());
        field(self.source.as_bytes());
        field(self.actor.as_str().as_bytes());
        field(&self.at.as_micros().to_be_bytes());
        field(self.note_hash.as_ref().map_or(&[], |hash| hash.as_slice()));
        hasher.finalize().into()
    }
}

/// The hash under which free text enters the chain.
pub fn note_hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
