//! `audit_log` and `audit_reasons`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::audit::{AuditEntry, AuditNote, AuditState, By};
use domain::ledger::account::Actor;
use domain::ports::audit::{AuditCursor, AuditFilter};

use super::Owner;
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::audit_log::{self, dsl};
use crate::schema::audit_reasons as reasons;

const TABLE: &str = "audit_log";

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log)]
struct AuditRow {
    id: Cell,
    user_id: Cell,
    at: Cell,
    actor: Cell,
    via: Cell,
    action: Cell,
    target: Cell,
    before: Cell,
    after: Cell,
    request_id: Cell,
    idempotency_key: Cell,
}

impl AuditRow {
    fn read(self, reason: Cell) -> Result<AuditEntry, Corrupt> {
        let at = Place::apart(TABLE, &self.id);
        Ok(AuditEntry {
            note: AuditNote {
                id: at.id("id", &self.id)?,
                by: By {
                    actor: Actor::stored(at.text("actor", self.actor)?),
                    via: at.text("via", self.via)?,
                    request_id: at.maybe_text("request_id", self.request_id)?,
                },
                action: at.text("action", self.action)?,
                target: at.text("target", self.target)?,
                reason: at.maybe_text("reason", reason)?,
                key: at.maybe_text("idempotency_key", self.idempotency_key)?,
            },
            user: at.maybe("user_id", &self.user_id, Place::id)?,
            at: at.time("at", &self.at)?,
            before: at.maybe_text("before", self.before)?.map(AuditState::stored),
            after: at.maybe_text("after", self.after)?.map(AuditState::stored),
        })
    }
}

/// Appends an entry with its reason. One that is there already stays as it is.
pub fn append(connection: &mut SqliteConnection, entry: &AuditEntry) -> Result<(), StoreError> {
    let (lane, id, note) = (i64::from(entry.lane().get()), entry.note.id.to_string(), &entry.note);
    diesel::insert_into(dsl::audit_log)
        .values((
            dsl::lane.eq(lane),
            dsl::id.eq(&id),
            dsl::user_id.eq(entry.user.map(|user| user.to_string())),
            dsl::at.eq(entry.at.as_micros()),
            dsl::actor.eq(note.by.actor.as_str()),
            dsl::via.eq(note.by.via.as_str()),
            dsl::action.eq(note.action.as_str()),
            dsl::target.eq(note.target.as_str()),
            dsl::before.eq(entry.before.as_ref().map(AuditState::as_str)),
            dsl::after.eq(entry.after.as_ref().map(AuditState::as_str)),
            dsl::request_id.eq(note.by.request_id.as_deref()),
            dsl::idempotency_key.eq(note.key.as_deref()),
        ))
        .on_conflict((dsl::lane, dsl::id))
        .do_nothing()
        .execute(connection)?;
    if let Some(reason) = &note.reason {
        diesel::insert_into(reasons::table)
            .values((reasons::lane.eq(lane), reasons::id.eq(&id), reasons::reason.eq(reason)))
            .on_conflict((reasons::lane, reasons::id))
            .do_nothing()
            .execute(connection)?;
    }
    Ok(())
}

/// Up to `limit` entries that the filter lets through, newest first by time and then by id, older than `before` if
/// given.
pub fn page(
    connection: &mut SqliteConnection,
    filter: &AuditFilter,
    before: Option<AuditCursor>,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let its_reason = reasons::lane.eq(dsl::lane).and(reasons::id.eq(dsl::id));
    let mut query = dsl::audit_log
        .left_join(reasons::table.on(its_reason))
        .order((dsl::at.desc(), dsl::id.desc()))
        .limit(i64::from(limit))
        .select((AuditRow::as_select(), reasons::reason.nullable()))
        .into_boxed();
    if let Some(user) = filter.user {
        let owner = Owner::of(user);
        query = query.filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)));
    }
    if let Some(actor) = &filter.actor {
        query = query.filter(dsl::actor.eq(actor));
    }
    if let Some(target) = &filter.target {
        query = query.filter(dsl::target.eq(target));
    }
    if let Some(action) = &filter.action {
        query = query.filter(dsl::action.eq(action));
    }
    if let Some(from) = filter.from {
        query = query.filter(dsl::at.ge(from.as_micros()));
    }
    if let Some(to) = filter.to {
        query = query.filter(dsl::at.lt(to.as_micros()));
    }
    if let Some(AuditCursor { at, id }) = before {
        let at = at.as_micros();
        query = query.filter(dsl::at.le(at)).filter(dsl::at.lt(at).or(dsl::id.lt(id.to_string())));
    }
    let rows: Vec<(AuditRow, Cell)> = query.load(connection)?;
    Ok(rows.into_iter().map(|(row, reason)| row.read(reason)).collect::<Result<_, _>>()?)
}
