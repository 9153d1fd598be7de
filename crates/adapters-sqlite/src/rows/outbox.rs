//! `outbox`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::ledger::alerts::LowBalance;

use super::{Owner, stored_count};
use crate::error::StoreError;
use crate::schema::outbox::dsl;

/// The name of the event that a balance fell to its threshold.
const LOW_BALANCE: &str = "low_balance";

/// Adds an event that waits to be delivered.
pub fn insert(connection: &mut SqliteConnection, event: &LowBalance) -> Result<(), StoreError> {
    let owner = Owner::of(event.user);
    diesel::insert_into(dsl::outbox)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::kind.eq(LOW_BALANCE),
            dsl::seq.eq(stored_count(event.seq)),
            dsl::balance.eq(event.balance.get()),
            dsl::threshold.eq(event.threshold.get()),
            dsl::created_at.eq(event.at.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}
