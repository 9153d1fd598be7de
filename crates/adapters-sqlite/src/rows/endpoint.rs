//! `alert_endpoint`: one row.

use diesel::SqliteConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary};
use domain::clock::Timestamp;
use domain::ports::notices::Endpoint;

use crate::cell::{Cell, Place};
use crate::error::StoreError;
use crate::schema::alert_endpoint::dsl;

const TABLE: &str = "alert_endpoint";

/// Another address than before begins anew.
const MEET: &str = "
    INSERT INTO alert_endpoint (id, address) VALUES (1, ?)
    ON CONFLICT (id) DO UPDATE SET address = excluded.address, failing_since = NULL, disabled_at = NULL
    WHERE address <> excluded.address";

const FAILED: &str = "UPDATE alert_endpoint SET failing_since = ? WHERE id = 1 AND failing_since IS NULL";
const WORKED: &str =
    "UPDATE alert_endpoint SET failing_since = NULL WHERE id = 1 AND failing_since IS NOT NULL";
const ENABLE: &str = "UPDATE alert_endpoint SET failing_since = NULL, disabled_at = NULL WHERE id = 1";
const DISABLE: &str = "UPDATE alert_endpoint SET disabled_at = ? WHERE id = 1 AND disabled_at IS NULL";

/// The endpoint as it stands.
pub fn find(connection: &mut SqliteConnection) -> Result<Option<Endpoint>, StoreError> {
    let row: Option<(Cell, Cell, Cell, Cell)> = dsl::alert_endpoint
        .select((dsl::id, dsl::address, dsl::failing_since, dsl::disabled_at))
        .first(connection)
        .optional()?;
    let Some((id, address, failing_since, disabled_at)) = row else { return Ok(None) };
    let at = Place::apart(TABLE, &id);
    Ok(Some(Endpoint {
        address: at.hash("address", &address)?,
        failing_since: at.maybe("failing_since", &failing_since, Place::time)?,
        disabled_at: at.maybe("disabled_at", &disabled_at, Place::time)?,
    }))
}

/// Says which address it has.
pub fn meet(connection: &mut SqliteConnection, address: [u8; 32]) -> Result<(), StoreError> {
    sql_query(MEET).bind::<Binary, _>(address.as_slice()).execute(connection)?;
    Ok(())
}

/// Lets it begin anew.
pub fn enable(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sql_query(ENABLE).execute(connection)?;
    Ok(())
}

/// It is not failing any more.
pub fn worked(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sql_query(WORKED).execute(connection)?;
    Ok(())
}

/// It failed; since when it only has. Where there is no row, since now.
pub fn failed(connection: &mut SqliteConnection, now: Timestamp) -> Result<Timestamp, StoreError> {
    sql_query(FAILED).bind::<BigInt, _>(now.as_micros()).execute(connection)?;
    Ok(find(connection)?.and_then(|endpoint| endpoint.failing_since).unwrap_or(now))
}

/// Gives it up; whether that is new.
pub fn disable(connection: &mut SqliteConnection, at: Timestamp) -> Result<bool, StoreError> {
    Ok(sql_query(DISABLE).bind::<BigInt, _>(at.as_micros()).execute(connection)? > 0)
}
