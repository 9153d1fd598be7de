//! `stripe_events` and `stripe_cursor`: rows that belong to no account.

use diesel::SqliteConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use domain::clock::Timestamp;
use domain::ports::billing::{EventState, InboxEvent};

use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::stripe_cursor;
use crate::schema::stripe_events::{self, dsl};
use crate::statement::Pending;

const TABLE: &str = "stripe_events";

/// The one row of the cursor only moves on.
const ADVANCE: &str = "
    INSERT INTO stripe_cursor (id, read_to) VALUES (1, ?)
    ON CONFLICT (id) DO UPDATE SET read_to = max(read_to, excluded.read_to)";

/// Empties bodies of events that are done with and came before a time; no more than so many.
pub const EMPTY_BODIES: &str = "
    UPDATE stripe_events SET body = X'' WHERE rowid IN
        (SELECT rowid FROM stripe_events
         WHERE state IN ('done', 'ignored') AND length(body) > 0 AND received_at < ? LIMIT ?)";

#[derive(Queryable, Selectable)]
#[diesel(table_name = stripe_events)]
struct EventRow {
    id: Cell,
    kind: Cell,
    livemode: Cell,
    created_at: Cell,
    received_at: Cell,
    body: Cell,
    state: Cell,
    tries: Cell,
    note: Cell,
}

impl EventRow {
    fn read(self) -> Result<InboxEvent, Corrupt> {
        let at = Place::apart(TABLE, &self.id);
        Ok(InboxEvent {
            id: at.text("id", self.id.clone())?,
            kind: at.text("kind", self.kind)?,
            livemode: at.flag("livemode", &self.livemode)?,
            created_at: at.time("created_at", &self.created_at)?,
            received_at: at.time("received_at", &self.received_at)?,
            body: at.bytes("body", self.body)?,
            state: at.word("state", &self.state, "the state of an event", EventState::from_word)?,
            tries: at.count("tries", &self.tries)?,
            note: at.maybe_text("note", self.note)?,
        })
    }
}

/// Adds an event, due as soon as it was received; says whether it is new. One that is there stays as it is.
pub fn insert(connection: &mut SqliteConnection, event: &InboxEvent) -> Result<bool, StoreError> {
    let rows = diesel::insert_into(dsl::stripe_events)
        .values((
            dsl::id.eq(event.id.as_str()),
            dsl::kind.eq(event.kind.as_str()),
            dsl::livemode.eq(event.livemode),
            dsl::created_at.eq(event.created_at.as_micros()),
            dsl::received_at.eq(event.received_at.as_micros()),
            dsl::body.eq(event.body.as_slice()),
            dsl::state.eq(event.state.as_str()),
            dsl::tries.eq(i64::from(event.tries)),
            dsl::next_try.eq(event.received_at.as_micros()),
            dsl::note.eq(event.note.as_deref()),
        ))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(rows > 0)
}

/// Up to `limit` pending events that are due at `now`, those that waited longest first, each with one try
/// more; makes them due again at `again`.
///
/// A row that cannot be read is logged and left out, and waits like the others: they must not wait for it.
pub fn claim(
    connection: &mut SqliteConnection,
    now: Timestamp,
    again: Timestamp,
    limit: u32,
) -> Result<Vec<InboxEvent>, StoreError> {
    let rows: Vec<(i64, EventRow)> = dsl::stripe_events
        .filter(Pending)
        .filter(dsl::next_try.le(now.as_micros()))
        .order((dsl::next_try, dsl::id))
        .limit(i64::from(limit))
        .select((sql::<BigInt>("rowid"), EventRow::as_select()))
        .load(connection)?;
    let mut claimed = Vec::with_capacity(rows.len());
    for (rowid, row) in rows {
        let its_row = diesel::update(dsl::stripe_events).filter(sql::<BigInt>("rowid").eq(rowid));
        let due_again = dsl::next_try.eq(again.as_micros());
        match row.read() {
            Ok(event) => {
                let event = InboxEvent { tries: event.tries.saturating_add(1), ..event };
                its_row.set((dsl::tries.eq(i64::from(event.tries)), due_again)).execute(connection)?;
                claimed.push(event);
            }
            Err(corrupt) => {
                tracing::error!(%corrupt, "left in the inbox");
                its_row.set(due_again).execute(connection)?;
            }
        }
    }
    Ok(claimed)
}

/// Closes an event, if it is pending.
pub fn close(
    connection: &mut SqliteConnection,
    id: &str,
    state: EventState,
    note: Option<&str>,
) -> Result<(), StoreError> {
    diesel::update(dsl::stripe_events)
        .filter(dsl::id.eq(id).and(Pending))
        .set((dsl::state.eq(state.as_str()), dsl::note.eq(note)))
        .execute(connection)?;
    Ok(())
}

/// Makes an event due at `at`, if it is pending.
pub fn retry(
    connection: &mut SqliteConnection,
    id: &str,
    at: Timestamp,
    note: &str,
) -> Result<(), StoreError> {
    diesel::update(dsl::stripe_events)
        .filter(dsl::id.eq(id).and(Pending))
        .set((dsl::next_try.eq(at.as_micros()), dsl::note.eq(note)))
        .execute(connection)?;
    Ok(())
}

/// The event of that id, if it came.
pub fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<InboxEvent>, StoreError> {
    let row = dsl::stripe_events
        .filter(dsl::id.eq(id))
        .select(EventRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(EventRow::read).transpose()?)
}

/// How far the provider's list of events was read.
pub fn cursor(connection: &mut SqliteConnection) -> Result<Option<Timestamp>, StoreError> {
    let row: Option<(Cell, Cell)> = stripe_cursor::table
        .select((stripe_cursor::id, stripe_cursor::read_to))
        .first(connection)
        .optional()?;
    let time = row.map(|(id, read_to)| Place::apart("stripe_cursor", &id).time("read_to", &read_to));
    Ok(time.transpose()?)
}

/// Remembers that the list was read to `to`, unless it was read further.
pub fn advance(connection: &mut SqliteConnection, to: Timestamp) -> Result<(), StoreError> {
    sql_query(ADVANCE).bind::<BigInt, _>(to.as_micros()).execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{plan, watched};

    #[test]
    fn bodies_to_be_emptied_are_found_by_their_index() {
        let (mut connection, _, _directory) = watched();
        let plan = plan(&mut connection, EMPTY_BODIES);
        assert!(plan.contains("stripe_events_bodies") && !plan.contains("SCAN"), "{plan}");
    }
}
