//! Figures over all users.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable};
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::money::NanoUsd;
use domain::ports::Unavailable;
use domain::ports::reports::{Reports, UsageTotals};

use crate::store::SqliteStore;

/// Sums of whole numbers: SQLite refuses one that leaves 64 bits.
const TOTALS: &str = "
    SELECT count(*) FILTER (WHERE outcome = 'settled') AS requests,
           sum(credits_used) FILTER (WHERE outcome = 'settled') AS credits,
           sum(cost_nano_usd) FILTER (WHERE outcome = 'settled') AS cost,
           count(DISTINCT CASE WHEN outcome = 'settled' THEN user_id END) AS users,
           count(*) FILTER (WHERE outcome <> 'settled') AS failed
    FROM ai_usage_log
    WHERE created_at >= ? AND created_at < ?";

#[derive(QueryableByName)]
struct TotalsRow {
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    credits: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    cost: Option<i64>,
    #[diesel(sql_type = BigInt)]
    users: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
}

#[async_trait]
impl Reports for SqliteStore {
    async fn usage_totals(&self, from: Timestamp, to: Timestamp) -> Result<UsageTotals, Unavailable> {
        let row: TotalsRow = self
            .readers
            .read(move |connection| {
                let query =
                    sql_query(TOTALS).bind::<BigInt, _>(from.as_micros()).bind::<BigInt, _>(to.as_micros());
                Ok(query.get_result(connection)?)
            })
            .await?;
        let too_large = || Unavailable("sqlite: a sum over the usage rows is out of range".to_owned());
        Ok(UsageTotals {
            requests: row.requests.unsigned_abs(),
            credits: Credits::new(row.credits.unwrap_or(0)).map_err(|_| too_large())?,
            cost: NanoUsd::new(row.cost.unwrap_or(0)).ok_or_else(too_large)?,
            users: row.users.unsigned_abs(),
            failed: row.failed.unsigned_abs(),
        })
    }
}
