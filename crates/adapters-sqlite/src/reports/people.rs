//! Users: counted once, and sorted by what they spent.
//!
//! Of whole hours that are folded, by their crowds; of other rows, one by one. Rows and crowds are looked at as they
//! come: what is kept is a bit, or a sum, for each user.

use std::sync::LazyLock;

use diesel::connection::DefaultLoadingMode;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use domain::reports::crowd::{Heads, Spending, Visitor, Visits, walk};
use domain::reports::{TOP_USERS, UserSum};

use super::rows::sum;
use super::{Sources, over_usage};
use crate::cell::{Cell, Place};
use crate::error::{Corrupt, StoreError};

/// What the bytes of an hour should have been.
pub(crate) const A_CROWD: &str = "users of an hour";

/// Who answered requests of rows were for, over all buckets; with their numbers, as far as they have one.
static SPENT: LazyLock<String> = LazyLock::new(|| {
    over_usage(
        "SELECT 0 AS bucket, g.user_id, p.number, g.requests, g.credits
FROM (
    SELECT lane, user_id, count(*) AS requests, sum(credits_used) AS credits
    FROM raw WHERE outcome = 'settled' GROUP BY lane, user_id
) AS g
LEFT JOIN usage_people AS p ON p.lane = g.lane AND p.user_id = g.user_id",
    )
});

/// The same for each bucket.
static SEEN: LazyLock<String> = LazyLock::new(|| {
    over_usage(
        "SELECT g.bucket, g.user_id, p.number, 1 AS requests, 0 AS credits
FROM (SELECT DISTINCT bucket, lane, user_id FROM raw WHERE outcome = 'settled') AS g
LEFT JOIN usage_people AS p ON p.lane = g.lane AND p.user_id = g.user_id",
    )
});

/// The crowds of whole hours.
static CROWDS: LazyLock<String> = LazyLock::new(|| {
    over_usage(
        "SELECT w.bucket, c.hour, c.users
FROM whole AS w CROSS JOIN usage_crowds AS c ON c.hour >= w.lo AND c.hour < w.hi",
    )
});

const PEOPLE: &str = "SELECT coalesce(max(number) + 1, 0) AS number, '' AS user_id FROM usage_people";

const NAMES: &str =
    "SELECT number, user_id FROM usage_people WHERE number IN (SELECT value FROM json_each(?))";

/// A user of rows, with a number if they have one.
#[derive(QueryableByName)]
struct RowsRow {
    #[diesel(sql_type = BigInt)]
    bucket: i64,
    #[diesel(sql_type = Text)]
    user_id: Cell,
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
    #[diesel(sql_type = BigInt)]
    requests: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
}

#[derive(QueryableByName)]
struct CrowdRow {
    #[diesel(sql_type = BigInt)]
    bucket: i64,
    #[diesel(sql_type = BigInt)]
    hour: Cell,
    #[diesel(sql_type = Binary)]
    users: Cell,
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    user_id: Cell,
}

/// How many users have a number: all below that.
pub(crate) fn people(connection: &mut SqliteConnection) -> Result<u32, StoreError> {
    let row: NameRow = sql_query(PEOPLE).get_result(connection)?;
    Ok(narrow(row.number))
}

fn narrow(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Looks at each user of each crowd, with the bucket that it lies in.
fn each_of_crowds(
    connection: &mut SqliteConnection,
    sources: &Sources,
    mut look: impl FnMut(i64, u32, Visits),
) -> Result<(), StoreError> {
    let people = people(connection)?;
    for row in sources.of(&CROWDS).load_iter::<CrowdRow, DefaultLoadingMode>(connection)? {
        let CrowdRow { bucket, hour, users } = row?;
        let at = Place::apart("usage_crowds", &hour);
        let users = at.bytes("users", users)?;
        walk(&users, people, |number, visits| look(bucket, number, visits))
            .map_err(|_| at.corrupt("users", A_CROWD))?;
    }
    Ok(())
}

/// Looks at each user of rows, with the bucket that they lie in.
fn each_of_rows(
    connection: &mut SqliteConnection,
    sources: &Sources,
    sql: &str,
    mut look: impl FnMut(i64, Visitor, Visits),
) -> Result<(), StoreError> {
    for row in sources.of(sql).load_iter::<RowsRow, DefaultLoadingMode>(connection)? {
        let row = row?;
        let visits = Visits { requests: row.requests.unsigned_abs(), credits: row.credits.unsigned_abs() };
        let who = match row.number {
            Some(number) => Visitor::Numbered(narrow(number)),
            None => Visitor::Stranger(sum("ai_usage_log").id("user_id", &row.user_id)?),
        };
        look(row.bucket, who, visits);
    }
    Ok(())
}

/// How many users there were in all, and those who spent the most.
pub(super) fn spenders(
    connection: &mut SqliteConnection,
    sources: &Sources,
) -> Result<(u64, Vec<UserSum>), StoreError> {
    let mut spending = Spending::default();
    each_of_crowds(connection, sources, |_, number, visits| spending.add(Visitor::Numbered(number), visits))?;
    each_of_rows(connection, sources, &SPENT, |_, who, visits| spending.add(who, visits))?;
    let top = spending.top(TOP_USERS);
    let numbers: Vec<String> = top.numbers().map(|number| number.to_string()).collect();
    let rows: Vec<NameRow> =
        sql_query(NAMES).bind::<Text, _>(format!("[{}]", numbers.join(","))).load(connection)?;
    let at = sum("usage_people");
    let names = rows
        .iter()
        .map(|row| Ok((narrow(row.number), at.id("user_id", &row.user_id)?)))
        .collect::<Result<_, Corrupt>>()?;
    let top = top.named(&names).map_err(|_| at.corrupt("number", "everybody's"))?;
    Ok((spending.users(), top))
}

/// How many users there were in each bucket.
pub(super) fn active(
    connection: &mut SqliteConnection,
    sources: &Sources,
    buckets: usize,
) -> Result<Vec<u64>, StoreError> {
    let mut heads = vec![Heads::default(); buckets];
    let mut count = |bucket: i64, who: Visitor| {
        if let Some(heads) = usize::try_from(bucket).ok().and_then(|bucket| heads.get_mut(bucket)) {
            heads.count(who);
        }
    };
    each_of_crowds(connection, sources, |bucket, number, _| count(bucket, Visitor::Numbered(number)))?;
    each_of_rows(connection, sources, &SEEN, |bucket, who, _| count(bucket, who))?;
    Ok(heads.iter().map(Heads::total).collect())
}
