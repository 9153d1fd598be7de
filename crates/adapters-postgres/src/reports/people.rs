//! Users: counted once, and sorted by what they spent.
//!
//! Of whole hours that are folded, by their crowds; of other rows, one by one. Rows and crowds are looked at as they
//! come: what is kept is a bit, or a sum, for each user.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, Integer};
use diesel_async::AsyncPgConnection;
use domain::credits::Credits;
use domain::ids::UserId;
use domain::reports::crowd::{Heads, Spender, Spending, Visits, walk};
use domain::reports::{TOP_USERS, UserSum};

use super::rows::{CrowdRow, NameRow, PeopleRow, SeenRow, SpentRow, sums};
use super::sql::{CROWDS, NAMES, PEOPLE, SEEN, SPENT, Sources};
use crate::error::{Corrupt, StoreError};
use crate::rows::time;
use crate::statement::Statement;

/// How many users have a number: all below that.
pub(crate) async fn people(connection: &AsyncPgConnection) -> Result<u32, StoreError> {
    let rows = Statement::new(PEOPLE).load::<PeopleRow>(connection).await?;
    Ok(rows.first().map_or(0, |row| row.people.unsigned_abs()))
}

/// The error that an hour's crowd cannot be read.
pub(crate) fn no_crowd(hour: diesel::data_types::PgTimestamp) -> Corrupt {
    sums("usage_crowds").corrupt("users", format!("are no crowd in the hour of {}", time(hour)))
}

/// How many users there were in all, and those who spent the most.
pub(super) async fn spenders(
    connection: &AsyncPgConnection,
    sources: &Sources,
) -> Result<(u64, Vec<UserSum>), StoreError> {
    let people = people(connection).await?;
    let mut spending = Spending::default();
    sources
        .hours(CROWDS)
        .each(connection, |row: CrowdRow| {
            let seen = walk(&row.users, people, |number, visits| spending.add(number, visits));
            Ok(seen.map_err(|_| no_crowd(row.hour))?)
        })
        .await?;
    sources
        .rows(SPENT)
        .each(connection, |row: SpentRow| {
            let visits =
                Visits { requests: row.requests.unsigned_abs(), credits: row.credits.unsigned_abs() };
            match row.number {
                Some(number) => spending.add(number.unsigned_abs(), visits),
                None => spending.add_stranger(UserId::from_bytes(row.user_id.into_bytes()), visits),
            }
            Ok(())
        })
        .await?;
    let top = spending.top(usize::try_from(TOP_USERS).unwrap_or(usize::MAX));
    Ok((spending.users(), named(connection, top).await?))
}

/// The first of these by credits, then by id, with their ids.
async fn named(
    connection: &AsyncPgConnection,
    spenders: Vec<(Spender, Visits)>,
) -> Result<Vec<UserSum>, StoreError> {
    let numbers: Vec<i32> = spenders
        .iter()
        .filter_map(|(who, _)| match who {
            Spender::Numbered(number) => i32::try_from(*number).ok(),
            Spender::Stranger(_) => None,
        })
        .collect();
    let rows = Statement::new(NAMES).bind::<Array<Integer>, _>(numbers).load::<NameRow>(connection).await?;
    let names: BTreeMap<u32, UserId> = rows
        .into_iter()
        .map(|row| (row.number.unsigned_abs(), UserId::from_bytes(row.user_id.into_bytes())))
        .collect();
    let mut sums = Vec::new();
    for (who, visits) in spenders {
        let user = match who {
            Spender::Stranger(user) => user,
            Spender::Numbered(number) => *names
                .get(&number)
                .ok_or_else(|| self::sums("usage_people").corrupt("number", format!("{number} is nobody's")))?,
        };
        let credits = i64::try_from(visits.credits).unwrap_or(i64::MAX);
        let credits: Credits = self::sums("usage_crowds").amount("users", credits)?;
        sums.push(UserSum { user, requests: visits.requests, credits });
    }
    sums.sort_by_key(|sum| (std::cmp::Reverse(sum.credits), sum.user));
    sums.truncate(usize::try_from(TOP_USERS).unwrap_or(usize::MAX));
    Ok(sums)
}

/// How many users there were in each bucket.
pub(super) async fn active(
    connection: &AsyncPgConnection,
    sources: &Sources,
    buckets: usize,
) -> Result<Vec<u64>, StoreError> {
    let people = people(connection).await?;
    let mut heads = vec![Heads::default(); buckets];
    let place = |bucket: i32| usize::try_from(bucket).unwrap_or(usize::MAX);
    sources
        .hours(CROWDS)
        .each(connection, |row: CrowdRow| {
            let Some(heads) = heads.get_mut(place(row.bucket)) else { return Ok(()) };
            let seen = walk(&row.users, people, |number, _| heads.count(number));
            Ok(seen.map_err(|_| no_crowd(row.hour))?)
        })
        .await?;
    sources
        .rows(SEEN)
        .each(connection, |row: SeenRow| {
            let Some(heads) = heads.get_mut(place(row.bucket)) else { return Ok(()) };
            match row.number {
                Some(number) => heads.count(number.unsigned_abs()),
                None => heads.count_stranger(UserId::from_bytes(row.user_id.into_bytes())),
            }
            Ok(())
        })
        .await?;
    Ok(heads.iter().map(Heads::total).collect())
}
