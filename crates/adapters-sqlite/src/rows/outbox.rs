//! `outbox`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::billing::notice::Notice;

use super::Owner;
use crate::error::StoreError;
use crate::schema::outbox::dsl;

/// Adds a notice that waits to be delivered.
pub fn insert(connection: &mut SqliteConnection, notice: &Notice) -> Result<(), StoreError> {
    let owner = Owner::of(notice.user);
    diesel::insert_into(dsl::outbox)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::kind.eq(notice.kind.as_str()),
            dsl::subject.eq(notice.subject.as_str()),
            dsl::created_at.eq(notice.at.as_micros()),
        ))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(())
}
