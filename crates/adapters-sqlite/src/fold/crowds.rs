//! Folding who was there: crowds of hours, and the numbers of their users.

use std::collections::BTreeMap;

use diesel::connection::DefaultLoadingMode;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Binary};
use diesel::sqlite::Sqlite;
use diesel::{OptionalExtension, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use domain::reports::crowd::{Crowd, Visits};

use super::HOUR_OF_ROW;
use crate::cell::{Cell, Place};
use crate::error::StoreError;
use crate::reports::{A_CROWD, people};

/// Gives numbers to users of rows who have none; a condition stands in place of `{rows}`.
const NUMBER: &str = "
INSERT INTO usage_people (lane, user_id, number)
SELECT seen.lane, seen.user_id, (SELECT coalesce(max(number), -1) FROM usage_people)
    + row_number() OVER (ORDER BY seen.lane, seen.user_id)
FROM (SELECT DISTINCT lane, user_id FROM ai_usage_log {rows} AND outcome = 'settled') AS seen
WHERE NOT EXISTS (SELECT 1 FROM usage_people AS p WHERE p.lane = seen.lane AND p.user_id = seen.user_id)";

/// What users of rows did in each hour.
const VISITS: &str = "
SELECT v.hour, p.number, v.requests, v.credits
FROM (
    SELECT {hour} AS hour, lane, user_id, count(*) AS requests, sum(credits_used) AS credits
    FROM ai_usage_log {rows} AND outcome = 'settled' GROUP BY 1, 2, 3
) AS v
CROSS JOIN usage_people AS p ON p.lane = v.lane AND p.user_id = v.user_id";

const KNOWN: &str = "SELECT users FROM usage_crowds WHERE hour = ?";

const SAVE: &str = "
INSERT INTO usage_crowds (hour, users) VALUES (?, ?) ON CONFLICT (hour) DO UPDATE SET users = excluded.users";

#[derive(QueryableByName)]
struct VisitsRow {
    #[diesel(sql_type = BigInt)]
    hour: i64,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Binary)]
    users: Cell,
}

/// Adds to the crowds what users of these rows did.
pub(super) fn fold(
    connection: &mut SqliteConnection,
    rows: &str,
    parameters: &[i64],
) -> Result<(), StoreError> {
    let asked = |sql: &str| -> BoxedSqlQuery<'static, Sqlite, SqlQuery> {
        let sql = sql.replace("{rows}", rows).replace("{hour}", HOUR_OF_ROW);
        parameters.iter().fold(sql_query(sql).into_boxed(), |query, value| query.bind::<BigInt, _>(*value))
    };
    asked(NUMBER).execute(connection)?;
    let mut crowds: BTreeMap<i64, Crowd> = BTreeMap::new();
    for row in asked(VISITS).load_iter::<VisitsRow, DefaultLoadingMode>(connection)? {
        let VisitsRow { hour, number, requests, credits } = row?;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let visits = Visits { requests: requests.unsigned_abs(), credits: credits.unsigned_abs() };
        crowds.entry(hour).or_default().add(number, visits);
    }
    let people = people(connection)?;
    for (hour, mut crowd) in crowds {
        let known: Option<Known> =
            sql_query(KNOWN).bind::<BigInt, _>(hour).get_result(connection).optional()?;
        if let Some(known) = known {
            let name = Cell::Integer(hour);
            let at = Place::apart("usage_crowds", &name);
            let users = at.bytes("users", known.users)?;
            crowd.join(&Crowd::decode(&users, people).map_err(|_| at.corrupt("users", A_CROWD))?);
        }
        sql_query(SAVE).bind::<BigInt, _>(hour).bind::<Binary, _>(crowd.encode()).execute(connection)?;
    }
    Ok(())
}
