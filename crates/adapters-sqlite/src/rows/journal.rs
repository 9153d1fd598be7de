//! `credit_journal` and `credit_journal_notes`.

use diesel::SqliteConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use domain::ids::UserId;
use domain::ledger::account::Actor;
use domain::ledger::journal::{EntryKind, JournalEntry, JournalNote};
use domain::ledger::lots::Source;
use domain::ports::overview::{JournalCursor, JournalFilter};
use domain::ports::statements::JournalLine;

use super::{Owner, stored_count};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::credit_journal::{self, dsl};
use crate::schema::credit_journal_notes as notes;
use crate::statement::PostedOnce;

#[derive(Queryable, Selectable)]
#[diesel(table_name = credit_journal)]
struct EntryRow {
    seq: Cell,
    kind: Cell,
    amount: Cell,
    balance_after: Cell,
    source: Cell,
    actor: Cell,
    created_at: Cell,
    note_hash: Cell,
    hash: Cell,
}

impl EntryRow {
    fn read(self, user: UserId) -> Result<JournalEntry, Corrupt> {
        let at = Place::of_row("credit_journal", user, &self.seq);
        Ok(JournalEntry {
            user,
            seq: at.seq("seq", &self.seq)?,
            kind: at.word("kind", &self.kind, "the kind of an entry", EntryKind::from_word)?,
            amount: at.credits("amount", &self.amount)?,
            balance_after: at.credits("balance_after", &self.balance_after)?,
            source: at.text("source", self.source)?,
            actor: Actor::stored(at.text("actor", self.actor)?),
            at: at.time("created_at", &self.created_at)?,
            note_hash: at.maybe("note_hash", &self.note_hash, Place::hash)?,
            hash: at.hash("hash", &self.hash)?,
        })
    }
}

/// The grant or adjust entry that `user` has for `source`, if there is one.
pub fn posted_for(
    connection: &mut SqliteConnection,
    user: UserId,
    source: &Source,
) -> Result<Option<JournalEntry>, StoreError> {
    let owner = Owner::of(user);
    let row = dsl::credit_journal
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::source.eq(source.to_string()))
        .filter(PostedOnce)
        .select(EntryRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| row.read(user)).transpose()?)
}

/// The whole journal of `user`, by number.
pub fn all(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<JournalEntry>, StoreError> {
    let owner = Owner::of(user);
    let rows: Vec<EntryRow> = dsl::credit_journal
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .order(dsl::seq)
        .select(EntryRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(|row| row.read(user)).collect::<Result<_, _>>()?)
}

/// Up to `limit` entries with their texts, newest first, below number `before` if given.
pub fn page(
    connection: &mut SqliteConnection,
    user: UserId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<JournalLine>, StoreError> {
    let owner = Owner::of(user);
    let same_entry =
        notes::lane.eq(dsl::lane).and(notes::user_id.eq(dsl::user_id)).and(notes::seq.eq(dsl::seq));
    let rows: Vec<(EntryRow, Cell)> = dsl::credit_journal
        .left_join(notes::table.on(same_entry))
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::seq.lt(before.map_or(i64::MAX, stored_count)))
        .order(dsl::seq.desc())
        .limit(i64::from(limit))
        .select((EntryRow::as_select(), notes::note.nullable()))
        .load(connection)?;
    rows.into_iter().map(|(row, note)| Ok(line(row, note, user)?)).collect()
}

fn line(row: EntryRow, note: Cell, user: UserId) -> Result<JournalLine, Corrupt> {
    let entry = row.read(user)?;
    let seq = Cell::Integer(stored_count(entry.seq));
    let note = Place::of_row("credit_journal_notes", user, &seq).maybe_text("note", note)?;
    Ok(JournalLine { entry, note })
}

/// Up to `limit` entries of everybody with their texts, by lane, user and number, behind `after` if given.
pub fn of_all(
    connection: &mut SqliteConnection,
    filter: JournalFilter,
    after: Option<JournalCursor>,
    limit: u32,
) -> Result<Vec<JournalLine>, StoreError> {
    let same_entry =
        notes::lane.eq(dsl::lane).and(notes::user_id.eq(dsl::user_id)).and(notes::seq.eq(dsl::seq));
    let mut query = dsl::credit_journal
        .left_join(notes::table.on(same_entry))
        .order((dsl::lane, dsl::user_id, dsl::seq))
        .limit(i64::from(limit))
        .select((dsl::user_id, EntryRow::as_select(), notes::note.nullable()))
        .into_boxed();
    if let Some(user) = filter.user {
        let owner = Owner::of(user);
        query = query.filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)));
    }
    if let Some(end) = after {
        let owner = Owner::of(end.user);
        let behind = "(credit_journal.lane, credit_journal.user_id, credit_journal.seq) > (";
        query = query.filter(
            sql::<Bool>(behind)
                .bind::<BigInt, _>(owner.lane)
                .sql(", ")
                .bind::<Text, _>(owner.user)
                .sql(", ")
                .bind::<BigInt, _>(stored_count(end.seq))
                .sql(")"),
        );
    }
    if let Some(from) = filter.from {
        query = query.filter(dsl::created_at.ge(from.as_micros()));
    }
    if let Some(to) = filter.to {
        query = query.filter(dsl::created_at.lt(to.as_micros()));
    }
    let rows: Vec<(Cell, EntryRow, Cell)> = query.load(connection)?;
    let lines = rows.into_iter().map(|(user, row, note)| {
        let user = Place::apart("credit_journal", &row.seq).id("user_id", &user)?;
        line(row, note, user)
    });
    Ok(lines.collect::<Result<_, _>>()?)
}

/// Appends an entry.
pub fn append(connection: &mut SqliteConnection, entry: &JournalEntry) -> Result<(), StoreError> {
    let owner = Owner::of(entry.user);
    diesel::insert_into(dsl::credit_journal)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::seq.eq(stored_count(entry.seq)),
            dsl::kind.eq(entry.kind.as_str()),
            dsl::amount.eq(entry.amount.get()),
            dsl::balance_after.eq(entry.balance_after.get()),
            dsl::source.eq(entry.source.as_str()),
            dsl::actor.eq(entry.actor.as_str()),
            dsl::created_at.eq(entry.at.as_micros()),
            dsl::note_hash.eq(entry.note_hash.as_ref().map(<[u8; 32]>::as_slice)),
            dsl::hash.eq(entry.hash.as_slice()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Adds the text of an entry.
pub fn add_note(connection: &mut SqliteConnection, note: &JournalNote) -> Result<(), StoreError> {
    let owner = Owner::of(note.user);
    diesel::insert_into(notes::table)
        .values((
            notes::lane.eq(owner.lane),
            notes::user_id.eq(owner.user),
            notes::seq.eq(stored_count(note.seq)),
            notes::note.eq(note.text.as_str()),
        ))
        .execute(connection)?;
    Ok(())
}
