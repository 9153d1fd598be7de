//! `credit_journal` and `credit_journal_notes`.

use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::{Queryable, QueryableByName, Selectable};
use domain::ledger::account::Actor;
use domain::ledger::journal::{EntryKind, JournalEntry};
use domain::ports::statements::JournalLine;
use uuid::Uuid;

use super::time;
use crate::error::{Corrupt, Place, Rest};
use crate::schema::credit_journal;

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = credit_journal, check_for_backend(Pg))]
pub(crate) struct EntryRow {
    user_id: Uuid,
    seq: i64,
    kind: String,
    amount: i64,
    balance_after: i64,
    source: String,
    actor: String,
    created_at: PgTimestamp,
    note_hash: Option<Vec<u8>>,
    hash: Vec<u8>,
}

impl EntryRow {
    pub fn into_domain(self) -> Result<JournalEntry, Corrupt> {
        let at = Place::new("credit_journal", self.user_id, Rest::Seq(self.seq));
        Ok(JournalEntry {
            user: at.user(),
            seq: at.count("seq", self.seq)?,
            kind: at.word("kind", &self.kind, EntryKind::from_word)?,
            amount: at.signed("amount", self.amount)?,
            balance_after: at.signed("balance_after", self.balance_after)?,
            source: self.source,
            actor: Actor::stored(self.actor),
            at: time(self.created_at),
            note_hash: self.note_hash.map(|hash| at.hash("note_hash", hash)).transpose()?,
            hash: at.hash("hash", self.hash)?,
        })
    }
}

/// An entry with its text, if that was not erased.
pub(crate) type LineRow = (EntryRow, Option<String>);

pub(crate) fn line((entry, note): LineRow) -> Result<JournalLine, Corrupt> {
    Ok(JournalLine { entry: entry.into_domain()?, note })
}
