//! `credit_grants`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::clock::Timestamp;
use domain::ids::{GrantId, UserId};
use domain::ledger::lots::{Lot, Source, SourceKind};

use super::{Owner, met_one};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::credit_grants::{self, dsl};
use crate::statement::{Remaining, update};

const TABLE: &str = "credit_grants";

#[derive(Queryable, Selectable)]
#[diesel(table_name = credit_grants)]
struct LotRow {
    id: Cell,
    source: Cell,
    source_ref: Cell,
    parent_id: Cell,
    amount: Cell,
    remaining: Cell,
    expired: Cell,
    clawed: Cell,
    clawed_at: Cell,
    created_at: Cell,
    expires_at: Cell,
}

impl LotRow {
    fn read(self, user: UserId) -> Result<Lot, Corrupt> {
        let at = Place::of_row(TABLE, user, &self.id);
        let kind = at.word("source", &self.source, "the kind of a source", SourceKind::from_word)?;
        Ok(Lot {
            id: at.id("id", &self.id)?,
            user,
            source: Source::new(kind, at.text("source_ref", self.source_ref)?),
            parent: at.maybe("parent_id", &self.parent_id, Place::id)?,
            amount: at.credits("amount", &self.amount)?,
            remaining: at.credits("remaining", &self.remaining)?,
            expired: at.credits("expired", &self.expired)?,
            clawed: at.credits("clawed", &self.clawed)?,
            clawed_at: at.maybe("clawed_at", &self.clawed_at, Place::time)?,
            created_at: at.time("created_at", &self.created_at)?,
            expires_at: at.maybe("expires_at", &self.expires_at, Place::time)?,
        })
    }
}

fn read_all(rows: Vec<LotRow>, user: UserId) -> Result<Vec<Lot>, StoreError> {
    Ok(rows.into_iter().map(|row| row.read(user)).collect::<Result<_, _>>()?)
}

/// The lots of `user` that have something remaining.
pub fn remaining(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<Lot>, StoreError> {
    let owner = Owner::of(user);
    let rows = dsl::credit_grants
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(Remaining)
        .select(LotRow::as_select())
        .load(connection)?;
    read_all(rows, user)
}

/// All lots that `user` ever had.
pub fn all(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<Lot>, StoreError> {
    let owner = Owner::of(user);
    let rows = dsl::credit_grants
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select(LotRow::as_select())
        .load(connection)?;
    read_all(rows, user)
}

/// Up to `limit` lots of `user`, by id, after `after` if given.
pub fn page(
    connection: &mut SqliteConnection,
    user: UserId,
    after: Option<GrantId>,
    limit: u32,
) -> Result<Vec<Lot>, StoreError> {
    let owner = Owner::of(user);
    let rows = dsl::credit_grants
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::id.gt(after.map_or_else(String::new, |id| id.to_string())))
        .order(dsl::id)
        .limit(i64::from(limit))
        .select(LotRow::as_select())
        .load(connection)?;
    read_all(rows, user)
}

/// The lot that `user` has for `source` and those restored from it, whatever remains of them.
pub fn of_source(
    connection: &mut SqliteConnection,
    user: UserId,
    source: &Source,
) -> Result<Vec<Lot>, StoreError> {
    let Owner { lane, user: user_id } = Owner::of(user);
    let origin = dsl::credit_grants
        .filter(dsl::lane.eq(lane).and(dsl::user_id.eq(user_id.as_str())))
        .filter(dsl::source.eq(source.kind.as_str()).and(dsl::source_ref.eq(source.reference.as_str())))
        .select(LotRow::as_select())
        .get_result(connection)
        .optional()?;
    let Some(origin) = origin else { return Ok(Vec::new()) };
    let origin = origin.read(user)?;
    let restored = dsl::credit_grants
        .filter(dsl::lane.eq(lane).and(dsl::user_id.eq(user_id.as_str())))
        .filter(dsl::parent_id.eq(origin.id.to_string()))
        .select(LotRow::as_select())
        .load(connection)?;
    let mut lots = read_all(restored, user)?;
    lots.push(origin);
    Ok(lots)
}

/// Adds a lot.
pub fn insert(connection: &mut SqliteConnection, lot: &Lot) -> Result<(), StoreError> {
    let owner = Owner::of(lot.user);
    diesel::insert_into(dsl::credit_grants)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::id.eq(lot.id.to_string()),
            dsl::source.eq(lot.source.kind.as_str()),
            dsl::source_ref.eq(lot.source.reference.as_str()),
            dsl::parent_id.eq(lot.parent.map(|parent| parent.to_string())),
            dsl::amount.eq(lot.amount.get()),
            dsl::remaining.eq(lot.remaining.get()),
            dsl::expired.eq(lot.expired.get()),
            dsl::clawed.eq(lot.clawed.get()),
            dsl::clawed_at.eq(lot.clawed_at.map(Timestamp::as_micros)),
            dsl::created_at.eq(lot.created_at.as_micros()),
            dsl::expires_at.eq(lot.expires_at.map(Timestamp::as_micros)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Writes what can change of a lot that was read in this transaction.
pub fn save(connection: &mut SqliteConnection, lot: &Lot) -> Result<(), StoreError> {
    let owner = Owner::of(lot.user);
    let rows = update(
        &dsl::credit_grants,
        (
            dsl::remaining.eq(lot.remaining.get()),
            dsl::expired.eq(lot.expired.get()),
            dsl::clawed.eq(lot.clawed.get()),
            dsl::clawed_at.eq(lot.clawed_at.map(Timestamp::as_micros)),
        ),
        dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)).and(dsl::id.eq(lot.id.to_string())),
    )
    .execute(connection)?;
    met_one(TABLE, rows)
}
