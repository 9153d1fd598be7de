//! `revenue_entries`.

use diesel::SqliteConnection;
use diesel::prelude::*;
use domain::billing::revenue::RevenueEntry;

use super::Owner;
use crate::error::StoreError;
use crate::schema::revenue_entries::dsl;
use crate::statement::update;

/// Books what moved; what moved the same way at the same time before is added to.
pub fn book(connection: &mut SqliteConnection, entry: &RevenueEntry) -> Result<(), StoreError> {
    let owner = Owner::of(entry.user);
    let its_row = dsl::lane
        .eq(owner.lane)
        .and(dsl::user_id.eq(owner.user.clone()))
        .and(dsl::purchase_id.eq(entry.purchase.to_string()))
        .and(dsl::kind.eq(entry.kind.as_str().to_owned()))
        .and(dsl::at.eq(entry.at.as_micros()));
    let more = dsl::minor.eq(dsl::minor + entry.minor);
    if update(&dsl::revenue_entries, more, its_row).execute(connection)? > 0 {
        return Ok(());
    }
    diesel::insert_into(dsl::revenue_entries)
        .values((
            dsl::lane.eq(owner.lane),
            dsl::user_id.eq(owner.user),
            dsl::purchase_id.eq(entry.purchase.to_string()),
            dsl::kind.eq(entry.kind.as_str()),
            dsl::at.eq(entry.at.as_micros()),
            dsl::minor.eq(entry.minor),
            dsl::livemode.eq(entry.livemode),
        ))
        .execute(connection)?;
    Ok(())
}
