//! `erasures`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::ids::UserId;

use super::Owner;
use crate::cell::{Cell, Place};
use crate::error::StoreError;
use crate::schema::erasures::dsl;

/// Notes that a user's account was closed.
pub fn add(connection: &mut SqliteConnection, user: UserId) -> Result<(), StoreError> {
    let owner = Owner::of(user);
    diesel::insert_into(dsl::erasures)
        .values((dsl::lane.eq(owner.lane), dsl::user_id.eq(owner.user)))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(())
}

/// Notes that everything is erased.
pub fn remove(connection: &mut SqliteConnection, user: UserId) -> Result<(), StoreError> {
    let owner = Owner::of(user);
    diesel::delete(dsl::erasures)
        .filter(dsl::lane.eq(owner.lane).and(dsl::user_id.eq(owner.user)))
        .execute(connection)?;
    Ok(())
}

/// Up to `limit` users.
pub fn some(connection: &mut SqliteConnection, limit: u32) -> Result<Vec<UserId>, StoreError> {
    let ids: Vec<Cell> = dsl::erasures
        .select(dsl::user_id)
        .order((dsl::lane, dsl::user_id))
        .limit(i64::from(limit))
        .load(connection)?;
    let users = ids.iter().map(|id| Place::apart("erasures", id).id("user_id", id));
    Ok(users.collect::<Result<_, _>>()?)
}
