//! `account_suspensions`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::ids::UserId;
use domain::ledger::account::{Actor, Suspension, SuspensionSource};

use super::{Owner, met_one};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::account_suspensions::{self, dsl};

const TABLE: &str = "account_suspensions";

#[derive(Queryable, Selectable)]
#[diesel(table_name = account_suspensions)]
struct SuspensionRow {
    source: Cell,
    actor: Cell,
    reason: Cell,
    since: Cell,
}

impl SuspensionRow {
    fn read(self, user: UserId) -> Result<Suspension, Corrupt> {
        let at = Place::of_row(TABLE, user, &self.source);
        Ok(Suspension {
            user,
            source: SuspensionSource::stored(at.text("source", self.source.clone())?),
            actor: Actor::stored(at.text("actor", self.actor)?),
            reason: at.text("reason", self.reason)?,
            since: at.time("since", &self.since)?,
        })
    }
}

/// The suspensions of `user` that are in force.
pub fn all(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<Suspension>, StoreError> {
    let owner = Owner::of(user);
    let rows: Vec<SuspensionRow> = dsl::account_suspensions
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select(SuspensionRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(|row| row.read(user)).collect::<Result<_, _>>()?)
}

/// Adds a suspension.
pub fn insert(connection: &mut SqliteConnection, suspension: &Suspension) -> Result<(), StoreError> {
    let owner = Owner::of(suspension.user);
    diesel::insert_into(dsl::account_suspensions)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::source.eq(suspension.source.as_str()),
            dsl::actor.eq(suspension.actor.as_str()),
            dsl::reason.eq(suspension.reason.as_str()),
            dsl::since.eq(suspension.since.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes a suspension that was read in this transaction.
pub fn delete(connection: &mut SqliteConnection, suspension: &Suspension) -> Result<(), StoreError> {
    let owner = Owner::of(suspension.user);
    let its_row = dsl::lane
        .eq(owner.lane)
        .and(dsl::user_id.eq(owner.user))
        .and(dsl::source.eq(suspension.source.as_str()));
    let rows = diesel::delete(dsl::account_suspensions).filter(its_row).execute(connection)?;
    met_one(TABLE, rows)
}
