//! `outbox`: what becomes of a notice on each channel.

use diesel::SqliteConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::billing::notice::{Notice, NoticeKind};
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ports::notices::{Channel, Delivery, DeliveryName, DeliveryState};

use super::{Owner, notices};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::outbox::{self, dsl};
use crate::statement::Waiting;

const TABLE: &str = "outbox";

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct DeliveryRow {
    user_id: Cell,
    kind: Cell,
    subject: Cell,
    tries: Cell,
}

impl DeliveryRow {
    /// Whose, what about, and how often it was tried.
    fn read(self) -> Result<(UserId, NoticeKind, String, u32), Corrupt> {
        let name = Cell::Text(format!("{} {} {}", self.user_id, self.kind, self.subject));
        let at = Place::apart(TABLE, &name);
        Ok((
            at.id("user_id", &self.user_id)?,
            at.word("kind", &self.kind, "the kind of a notice", NoticeKind::from_word)?,
            at.text("subject", self.subject)?,
            at.count("tries", &self.tries)?,
        ))
    }
}

/// Adds the deliveries of a notice, one for each channel, due at once.
pub fn insert(connection: &mut SqliteConnection, notice: &Notice) -> Result<(), StoreError> {
    for channel in Channel::ALL {
        let owner = Owner::of(notice.user);
        diesel::insert_into(dsl::outbox)
            .values((
                dsl::lane.eq(owner.lane),
                dsl::user_id.eq(owner.user),
                dsl::kind.eq(notice.kind.as_str()),
                dsl::subject.eq(notice.subject.as_str()),
                dsl::channel.eq(channel.as_str()),
                dsl::state.eq(DeliveryState::Waiting.as_str()),
                dsl::next_try.eq(notice.at.as_micros()),
                dsl::created_at.eq(notice.at.as_micros()),
            ))
            .on_conflict_do_nothing()
            .execute(connection)?;
    }
    Ok(())
}

/// Whether anything is due on a channel.
pub fn is_due(
    connection: &mut SqliteConnection,
    channel: Channel,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let first: Option<i64> = dsl::outbox
        .filter(Waiting)
        .filter(dsl::channel.eq(channel.as_str()).and(dsl::next_try.le(now.as_micros())))
        .select(sql::<BigInt>("rowid"))
        .first(connection)
        .optional()?;
    Ok(first.is_some())
}

/// Up to `limit` deliveries that are due on a channel, those that are due longest first, each with one try more; makes
/// them due again at `again`.
///
/// A row that cannot be read is logged and left out, and waits like the others: they must not wait for it.
pub fn claim(
    connection: &mut SqliteConnection,
    channel: Channel,
    now: Timestamp,
    again: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let rows: Vec<(i64, DeliveryRow)> = dsl::outbox
        .filter(Waiting)
        .filter(dsl::channel.eq(channel.as_str()).and(dsl::next_try.le(now.as_micros())))
        .order((dsl::next_try, sql::<BigInt>("rowid")))
        .limit(i64::from(limit))
        .select((sql::<BigInt>("rowid"), DeliveryRow::as_select()))
        .load(connection)?;
    let mut claimed = Vec::with_capacity(rows.len());
    for (rowid, row) in rows {
        let its_row = diesel::update(dsl::outbox).filter(sql::<BigInt>("rowid").eq(rowid));
        let due_again = dsl::next_try.eq(again.as_micros());
        let delivery = row.read().map_err(StoreError::from).and_then(|(user, kind, subject, tries)| {
            let notice = notices::find(connection, user, kind, &subject)?;
            Ok(Delivery { notice, channel, tries: tries.saturating_add(1) })
        });
        match delivery {
            Ok(delivery) => {
                its_row.set((dsl::tries.eq(i64::from(delivery.tries)), due_again)).execute(connection)?;
                claimed.push(delivery);
            }
            Err(error) if error.is_outage() => return Err(error),
            Err(corrupt) => {
                tracing::error!(%corrupt, "left in the outbox");
                its_row.set(due_again).execute(connection)?;
            }
        }
    }
    Ok(claimed)
}

/// Closes a delivery, if it is waiting.
pub fn close(
    connection: &mut SqliteConnection,
    name: &DeliveryName,
    state: DeliveryState,
    at: Timestamp,
    note: Option<&str>,
) -> Result<(), StoreError> {
    let owner = Owner::of(name.user);
    diesel::update(dsl::outbox)
        .filter(Waiting)
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::kind.eq(name.kind.as_str()).and(dsl::subject.eq(name.subject.as_str())))
        .filter(dsl::channel.eq(name.channel.as_str()))
        .set((dsl::state.eq(state.as_str()), dsl::closed_at.eq(at.as_micros()), dsl::note.eq(note)))
        .execute(connection)?;
    Ok(())
}

/// Makes a delivery due at `at`, if it is waiting.
pub fn put_off(
    connection: &mut SqliteConnection,
    name: &DeliveryName,
    at: Timestamp,
    note: &str,
) -> Result<(), StoreError> {
    let owner = Owner::of(name.user);
    diesel::update(dsl::outbox)
        .filter(Waiting)
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::kind.eq(name.kind.as_str()).and(dsl::subject.eq(name.subject.as_str())))
        .filter(dsl::channel.eq(name.channel.as_str()))
        .set((dsl::next_try.eq(at.as_micros()), dsl::note.eq(note)))
        .execute(connection)?;
    Ok(())
}

/// Where a delivery stands, its tries and its note.
pub fn state(
    connection: &mut SqliteConnection,
    name: &DeliveryName,
) -> Result<Option<(DeliveryState, u32, Option<String>)>, StoreError> {
    let owner = Owner::of(name.user);
    let row: Option<(Cell, Cell, Cell)> = dsl::outbox
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::kind.eq(name.kind.as_str()).and(dsl::subject.eq(name.subject.as_str())))
        .filter(dsl::channel.eq(name.channel.as_str()))
        .select((dsl::state, dsl::tries, dsl::note))
        .get_result(connection)
        .optional()?;
    let Some((state, tries, note)) = row else { return Ok(None) };
    let key = Cell::Text(format!("{} {} {}", name.kind.as_str(), name.subject, name.channel.as_str()));
    let at = Place::of_row(TABLE, name.user, &key);
    let state = at.word("state", &state, "the state of a delivery", DeliveryState::from_word)?;
    Ok(Some((state, at.count("tries", &tries)?, at.maybe_text("note", note)?)))
}
