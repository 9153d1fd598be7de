//! `credit_holds`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::clock::Timestamp;
use domain::ids::{HoldId, IdempotencyKey, UserId};
use domain::ledger::holds::{Hold, HoldState};
use domain::ledger::usage::RequestKind;

use super::accounts::day;
use super::{Owner, met_one, stored_count};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};
use crate::schema::credit_holds::{self, dsl};
use crate::statement::{Open, update};

const TABLE: &str = "credit_holds";

#[derive(Queryable, Selectable)]
#[diesel(table_name = credit_holds)]
struct HoldRow {
    id: Cell,
    amount: Cell,
    state: Cell,
    charged: Cell,
    absorbed: Cell,
    request_type: Cell,
    idempotency_key: Cell,
    instance_id: Cell,
    tokens: Cell,
    tokens_span: Cell,
    day_number: Cell,
    created_at: Cell,
    expires_at: Cell,
    closed_at: Cell,
    api_key_id: Cell,
}

impl HoldRow {
    fn read(&self, user: UserId) -> Result<Hold, Corrupt> {
        let at = Place::of_row(TABLE, user, &self.id);
        Ok(Hold {
            id: at.id("id", &self.id)?,
            user,
            amount: at.credits("amount", &self.amount)?,
            state: at.word("state", &self.state, "the state of a hold", HoldState::from_word)?,
            charged: at.credits("charged", &self.charged)?,
            absorbed: at.credits("absorbed", &self.absorbed)?,
            kind: at.word("request_type", &self.request_type, "a request type", RequestKind::from_word)?,
            key: at.maybe("idempotency_key", &self.idempotency_key, key)?,
            api_key: at.maybe("api_key_id", &self.api_key_id, Place::id)?,
            instance: at.id("instance_id", &self.instance_id)?,
            tokens: at.tokens("tokens", &self.tokens)?,
            tokens_span: at.span("tokens_span", &self.tokens_span)?,
            day: day(&at, "day_number", &self.day_number)?,
            created_at: at.time("created_at", &self.created_at)?,
            expires_at: at.time("expires_at", &self.expires_at)?,
            closed_at: at.maybe("closed_at", &self.closed_at, Place::time)?,
        })
    }
}

/// An idempotency key, exactly as it was stored.
pub fn key(at: &Place<'_>, column: &'static str, cell: &Cell) -> Result<IdempotencyKey, Corrupt> {
    at.word(column, cell, "an idempotency key", |text| {
        IdempotencyKey::parse(text).ok().filter(|key| key.as_str() == text)
    })
}

fn read_all(rows: &[HoldRow], user: UserId) -> Result<Vec<Hold>, StoreError> {
    Ok(rows.iter().map(|row| row.read(user)).collect::<Result<_, _>>()?)
}

/// The open holds of `user`.
pub fn open(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<Hold>, StoreError> {
    let owner = Owner::of(user);
    let rows = dsl::credit_holds
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(Open)
        .select(HoldRow::as_select())
        .load(connection)?;
    read_all(&rows, user)
}

/// All holds that `user` ever had.
pub fn all(connection: &mut SqliteConnection, user: UserId) -> Result<Vec<Hold>, StoreError> {
    let owner = Owner::of(user);
    let rows = dsl::credit_holds
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .select(HoldRow::as_select())
        .load(connection)?;
    read_all(&rows, user)
}

/// One hold of `user`, whatever its state.
pub fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    hold: HoldId,
) -> Result<Option<Hold>, StoreError> {
    let owner = Owner::of(user);
    let row = dsl::credit_holds
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .filter(dsl::id.eq(hold.to_string()))
        .select(HoldRow::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| row.read(user)).transpose()?)
}

/// Adds a hold.
pub fn insert(connection: &mut SqliteConnection, hold: &Hold) -> Result<(), StoreError> {
    let owner = Owner::of(hold.user);
    diesel::insert_into(dsl::credit_holds)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::id.eq(hold.id.to_string()),
            dsl::amount.eq(hold.amount.get()),
            dsl::state.eq(hold.state.as_str()),
            dsl::charged.eq(hold.charged.get()),
            dsl::absorbed.eq(hold.absorbed.get()),
            dsl::request_type.eq(hold.kind.as_str()),
            dsl::idempotency_key.eq(hold.key.as_ref().map(IdempotencyKey::as_str)),
            dsl::instance_id.eq(hold.instance.to_string()),
            dsl::tokens.eq(stored_count(hold.tokens.get())),
            dsl::tokens_span.eq(hold.tokens_span.as_micros()),
            dsl::day_number.eq(i64::from(hold.day.as_days())),
            dsl::created_at.eq(hold.created_at.as_micros()),
            dsl::expires_at.eq(hold.expires_at.as_micros()),
            dsl::closed_at.eq(hold.closed_at.map(Timestamp::as_micros)),
            dsl::api_key_id.eq(hold.api_key.map(|id| id.to_string())),
        ))
        .execute(connection)?;
    Ok(())
}

/// Writes what can change of a hold that was read in this transaction.
pub fn save(connection: &mut SqliteConnection, hold: &Hold) -> Result<(), StoreError> {
    let owner = Owner::of(hold.user);
    let rows = update(
        &dsl::credit_holds,
        (
            dsl::state.eq(hold.state.as_str()),
            dsl::charged.eq(hold.charged.get()),
            dsl::absorbed.eq(hold.absorbed.get()),
            dsl::closed_at.eq(hold.closed_at.map(Timestamp::as_micros)),
        ),
        dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)).and(dsl::id.eq(hold.id.to_string())),
    )
    .execute(connection)?;
    met_one(TABLE, rows)
}
