//! The working copy of one account while commands are decided on it.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::account::{Account, Actor, Suspension};
use super::alerts;
use super::command::Refusal;
use super::holds::{self, Hold, KeyRecord};
use super::journal::{EntryKind, JournalEntry, JournalNote, note_hash};
use super::lots::{self, Lot};
use super::standing;
use super::usage::{UsageContent, UsageRecord};
use crate::api_keys::ApiKey;
use crate::billing::notice::{Audience, Notice, NoticeDetails, NoticeKind};
use crate::billing::profile::BillingProfile;
use crate::billing::purchase::Purchase;
use crate::billing::revenue::RevenueEntry;
use crate::billing::subscription::Subscription;
use crate::clock::Timestamp;
use crate::contact::Contact;
use crate::credits::{Credits, Overflow};
use crate::ids::{ApiKeyId, HoldId, IdempotencyKey, PurchaseId};

/// Why a rule stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// A business no: this command alone is refused.
    Refused(Refusal),
    /// Sums left their range: the stored books are corrupt, nothing of the batch may be stored.
    Corrupt(Overflow),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Overflow> for Halt {
    fn from(overflow: Overflow) -> Self {
        Self::Corrupt(overflow)
    }
}

/// A row with the knowledge whether the store has it, has an older version, or has none.
#[derive(Clone, Debug)]
pub(super) struct Tracked<T> {
    value: T,
    state: RowState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowState {
    Stored,
    Changed,
    New,
}

impl<T> Tracked<T> {
    /// A row as the store has it.
    pub fn stored(value: T) -> Self {
        Self { value, state: RowState::Stored }
    }

    /// A row that the store does not have.
    pub fn new(value: T) -> Self {
        Self { value, state: RowState::New }
    }

    /// The row, to be changed: it will be written.
    pub fn change(&mut self) -> &mut T {
        if self.state == RowState::Stored {
            self.state = RowState::Changed;
        }
        &mut self.value
    }

    /// Sorts the row into those to insert and those to update; an untouched one goes nowhere.
    pub fn sort_into(self, new: &mut Vec<T>, changed: &mut Vec<T>) {
        match self.state {
            RowState::New => new.push(self.value),
            RowState::Changed => changed.push(self.value),
            RowState::Stored => {}
        }
    }
}

impl<T> Tracked<T> {
    /// The row, unless the store has it just so.
    pub fn if_touched(self) -> Option<T> {
        (self.state != RowState::Stored).then_some(self.value)
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A movement to post: what the journal entry will say, but for what follows from the account.
#[derive(Debug)]
pub(super) struct Movement {
    pub kind: EntryKind,
    pub amount: Credits,
    pub source: String,
    pub actor: Actor,
    pub note: Option<String>,
    pub at: Timestamp,
}

impl Movement {
    /// A movement that nobody asked for: time did it.
    pub fn system(kind: EntryKind, amount: Credits, source: String, at: Timestamp) -> Self {
        Self { kind, amount, source, actor: Actor::system(), note: None, at }
    }
}

/// One account with what the commands of a batch need of it, and what they made of it.
#[derive(Debug)]
pub(super) struct Book {
    pub account: Tracked<Account>,
    /// The account as it was loaded.
    was: Account,
    pub lots: Vec<Tracked<Lot>>,
    pub holds: BTreeMap<HoldId, Tracked<Hold>>,
    pub keys: BTreeMap<IdempotencyKey, Tracked<KeyRecord>>,
    pub suspensions: Vec<Suspension>,
    /// Earlier entries that were loaded because a command names their source.
    pub posted: Vec<JournalEntry>,
    pub purchases: BTreeMap<PurchaseId, Tracked<Purchase>>,
    pub subscriptions: BTreeMap<String, Tracked<Subscription>>,
    pub profile: Option<Tracked<BillingProfile>>,
    pub api_keys: BTreeMap<ApiKeyId, Tracked<ApiKey>>,
    pub out: Output,
}

/// Rows that are only ever added.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub journal: Vec<JournalEntry>,
    pub notes: Vec<JournalNote>,
    pub usage: Vec<UsageRecord>,
    pub content: Vec<UsageContent>,
    pub notices: Vec<Notice>,
    pub suspended: Vec<Suspension>,
    pub resumed: Vec<Suspension>,
    pub contact: Option<Contact>,
    pub closed: bool,
    pub revenue: Vec<RevenueEntry>,
}

impl Output {
    /// Money that moved. What moved the same way for the same purchase at the same time is one entry.
    pub fn book_revenue(&mut self, entries: Vec<RevenueEntry>) {
        for entry in entries {
            let same = |known: &&mut RevenueEntry| {
                (known.purchase, known.kind, known.at) == (entry.purchase, entry.kind, entry.at)
            };
            match self.revenue.iter_mut().find(same) {
                Some(known) => known.minor = known.minor.saturating_add(entry.minor),
                None => self.revenue.push(entry),
            }
        }
    }
}

impl Book {
    pub fn new(account: Tracked<Account>) -> Self {
        Self {
            was: (*account).clone(),
            account,
            lots: Vec::new(),
            holds: BTreeMap::new(),
            keys: BTreeMap::new(),
            suspensions: Vec::new(),
            posted: Vec::new(),
            purchases: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            profile: None,
            api_keys: BTreeMap::new(),
            out: Output::default(),
        }
    }

    /// Whether the account's standing is another than when it was loaded.
    pub fn standing_changed(&self) -> bool {
        self.account.standing() != self.was.standing()
    }

    /// What every act and every read does first: holds past their time expire, then due lots do.
    /// A late sweeper therefore changes nothing.
    pub fn bring_up_to_date(&mut self, now: Timestamp) -> Result<(), Halt> {
        holds::expire_due(self, now)?;
        lots::expire_due(self, now)?;
        standing::lapse(self, now);
        Ok(())
    }

    /// Gives notice. The same kind and subject again are not written twice, and the user of a closed account
    /// is told nothing more.
    pub fn tell(&mut self, kind: NoticeKind, subject: String, details: NoticeDetails, at: Timestamp) {
        let user = self.account.user;
        if self.account.closed_at.is_some() && kind.audience() == Audience::User {
            return;
        }
        if !self.out.notices.iter().any(|told| told.kind == kind && told.subject == subject) {
            self.out.notices.push(Notice { user, kind, subject, at, details });
        }
    }

    /// Posts one movement: moves the account's sums, adds the journal entry, watches the threshold.
    /// The lots are the caller's to move.
    pub fn post(&mut self, movement: Movement) -> Result<(), Halt> {
        let Movement { kind, amount, source, actor, note, at } = movement;
        let account = self.account.change();
        match kind {
            EntryKind::Use => account.used = account.used.minus(amount)?,
            EntryKind::Grant
            | EntryKind::Expire
            | EntryKind::ClawBack
            | EntryKind::Restore
            | EntryKind::Adjust => account.total = account.total.plus(amount)?,
        }
        account.seq = account.seq.checked_add(1).ok_or(Overflow)?;
        let mut entry = JournalEntry {
            user: account.user,
            seq: account.seq,
            kind,
            amount,
            balance_after: account.balance()?,
            source,
            actor,
            at,
            note_hash: note.as_deref().map(note_hash),
            hash: [0; 32],
        };
        entry.hash = entry.chained_hash(&account.journal_hash);
        account.journal_hash = entry.hash;
        if let Some(text) = note {
            self.out.notes.push(JournalNote { user: entry.user, seq: entry.seq, text });
        }
        alerts::watch(self, &entry)?;
        self.posted.push(entry.clone());
        self.out.journal.push(entry);
        Ok(())
    }

    /// The entry that was posted for a grant's or adjustment's source, if any.
    pub fn posted_for(&self, source: &str) -> Option<&JournalEntry> {
        self.posted.iter().find(|entry| {
            matches!(entry.kind, EntryKind::Grant | EntryKind::Adjust) && entry.source == source
        })
    }
}
