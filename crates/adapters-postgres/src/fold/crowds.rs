//! Folding who was there: crowds of hours, and the numbers of their users.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Timestamptz};
use diesel_async::AsyncPgConnection;
use domain::reports::crowd::{Crowd, Visits};

use super::{of_hours, that_came};
use crate::error::StoreError;
use crate::reports::{no_crowd, people};
use crate::statement::Statement;

/// Gives numbers to users of rows who have none.
macro_rules! number {
    ($condition:expr) => {
        concat!(
            "
INSERT INTO usage_people (lane, user_id, number)
SELECT seen.lane, seen.user_id, (SELECT coalesce(max(number), -1) FROM usage_people)
    + row_number() OVER (ORDER BY seen.lane, seen.user_id)
FROM (SELECT DISTINCT lane, user_id FROM ai_usage_log WHERE outcome = 'settled' AND ",
            $condition,
            ") seen
WHERE NOT EXISTS (SELECT FROM usage_people p WHERE p.lane = seen.lane AND p.user_id = seen.user_id)"
        )
    };
}

/// What users of rows did in each hour.
macro_rules! visits {
    ($condition:expr) => {
        concat!(
            "
SELECT v.hour, p.number, v.requests, v.credits
FROM (
    SELECT date_trunc('hour', created_at, 'UTC') AS hour, lane, user_id, count(*) AS requests,
        sum(credits_used)::bigint AS credits
    FROM ai_usage_log WHERE outcome = 'settled' AND ",
            $condition,
            " GROUP BY 1, 2, 3
) v
JOIN usage_people p ON p.lane = v.lane AND p.user_id = v.user_id"
        )
    };
}

pub(super) const NUMBER: &str = number!(that_came!());
pub(super) const NUMBER_ANEW: &str = number!(of_hours!());
pub(super) const VISITS: &str = visits!(that_came!());
pub(super) const VISITS_ANEW: &str = visits!(of_hours!());

const KNOWN: &str = "SELECT hour, users FROM usage_crowds WHERE hour = ANY($1)";

const SAVE: &str = "
INSERT INTO usage_crowds (hour, users) SELECT * FROM unnest($1, $2) AS crowds(hour, users)
ON CONFLICT (hour) DO UPDATE SET users = excluded.users";

#[derive(QueryableByName)]
struct VisitsRow {
    #[diesel(sql_type = Timestamptz)]
    hour: PgTimestamp,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
}

#[derive(QueryableByName)]
struct CrowdRow {
    #[diesel(sql_type = Timestamptz)]
    hour: PgTimestamp,
    #[diesel(sql_type = Binary)]
    users: Vec<u8>,
}

/// Adds to the crowds what these two statements find; whoever calls holds the claim, so nobody else does.
pub(super) async fn fold(
    connection: &AsyncPgConnection,
    number: Statement<'_>,
    visits: Statement<'_>,
) -> Result<(), StoreError> {
    number.execute(connection).await?;
    let mut crowds: BTreeMap<i64, Crowd> = BTreeMap::new();
    visits
        .each(connection, |row: VisitsRow| {
            let visits =
                Visits { requests: row.requests.unsigned_abs(), credits: row.credits.unsigned_abs() };
            crowds.entry(row.hour.0).or_default().add(row.number.unsigned_abs(), visits);
            Ok(())
        })
        .await?;
    if crowds.is_empty() {
        return Ok(());
    }
    let people = people(connection).await?;
    let hours = crowds.keys().map(|hour| PgTimestamp(*hour));
    let known = Statement::new(KNOWN).column::<Timestamptz, PgTimestamp>(hours).load(connection).await?;
    for CrowdRow { hour, users } in known {
        let known = Crowd::decode(&users, people).map_err(|_| no_crowd(hour))?;
        crowds.entry(hour.0).or_default().join(&known);
    }
    Statement::new(SAVE)
        .column::<Timestamptz, PgTimestamp>(crowds.keys().map(|hour| PgTimestamp(*hour)))
        .bind::<Array<Binary>, _>(crowds.values().map(Crowd::encode).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
