//! Figures over all books.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ports::Unavailable;
use domain::ports::vitals::{Backlog, Figures, Vitals};

use crate::cell::{Cell, Place};
use crate::error::StoreError;
use crate::store::SqliteStore;

/// Reads every account. A sum that leaves 64 bits is an error of SQLite's; no amount comes near it.
const ACCOUNTS: &str = "
    SELECT count(*) AS number,
           coalesce(sum(max(total_credits - used_credits, 0)), 0) AS first,
           coalesce(sum(max(used_credits + held_credits - total_credits, 0)), 0) AS second
    FROM user_ai_credits";

const HOLDS: &str = "
    SELECT count(*) AS number, coalesce(sum(amount), 0) AS first, 0 AS second
    FROM credit_holds WHERE state = 'open'";

const EVENTS: &str = "
    SELECT count(*) AS waiting, min(received_at) AS oldest FROM stripe_events WHERE state = 'pending'";

const LOOKUPS: &str = "
    SELECT count(*) AS waiting, min(next_lookup) AS oldest FROM purchases WHERE next_lookup <= ?";

const NOTICES: &str = "
    SELECT count(*) AS waiting, min(created_at) AS oldest FROM outbox WHERE delivered_at IS NULL";

#[derive(QueryableByName)]
struct SumsRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    first: i64,
    #[diesel(sql_type = BigInt)]
    second: i64,
}

#[derive(QueryableByName)]
struct BacklogRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    oldest: Cell,
}

#[async_trait]
impl Vitals for SqliteStore {
    async fn figures(&self, now: Timestamp) -> Result<Figures, Unavailable> {
        self.readers.read(move |connection| figures(connection, now)).await
    }
}

fn figures(connection: &mut SqliteConnection, now: Timestamp) -> Result<Figures, StoreError> {
    let accounts: SumsRow = sql_query(ACCOUNTS).get_result(connection)?;
    let holds: SumsRow = sql_query(HOLDS).get_result(connection)?;
    let events = sql_query(EVENTS).get_result(connection)?;
    let lookups = sql_query(LOOKUPS).bind::<BigInt, _>(now.as_micros()).get_result(connection)?;
    let notices = sql_query(NOTICES).get_result(connection)?;
    Ok(Figures {
        accounts: accounts.number.unsigned_abs(),
        outstanding: credits(accounts.first),
        owed: credits(accounts.second),
        open_holds: holds.number.unsigned_abs(),
        held: credits(holds.first),
        events: backlog("stripe_events", &events)?,
        lookups: backlog("purchases", &lookups)?,
        notices: backlog("outbox", &notices)?,
    })
}

fn credits(sum: i64) -> Credits {
    Credits::new(sum).unwrap_or(Credits::MAX)
}

fn backlog(table: &'static str, row: &BacklogRow) -> Result<Backlog, StoreError> {
    let oldest = Place::apart(table, &Cell::Null).maybe("oldest", &row.oldest, Place::time)?;
    Ok(Backlog { waiting: row.waiting.unsigned_abs(), oldest })
}
