//! Users: counted once, and sorted by what they spent.
//!
//! Of whole hours that are folded, by their crowds; of other rows, one by one. Rows and crowds are looked at as they
//! come: what is kept is a bit, or a sum, for each user.

use diesel::data_types::PgTimestamp;
use diesel::sql_types::Integer;
use diesel_async::AsyncPgConnection;
use domain::ids::UserId;
use domain::reports::crowd::{Heads, Spending, Visitor, Visits, walk};
use domain::reports::{TOP_USERS, UserSum};
use uuid::Uuid;

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
pub(crate) fn no_crowd(hour: PgTimestamp) -> Corrupt {
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
            let seen = walk(&row.users, people, |number, visits| {
                spending.add(Visitor::Numbered(number), visits);
            });
            Ok(seen.map_err(|_| no_crowd(row.hour))?)
        })
        .await?;
    sources
        .rows(SPENT)
        .each(connection, |row: SpentRow| {
            let visits =
                Visits { requests: row.requests.unsigned_abs(), credits: row.credits.unsigned_abs() };
            spending.add(visitor(row.number, row.user_id), visits);
            Ok(())
        })
        .await?;
    let top = spending.top(TOP_USERS);
    let numbers = top.numbers().filter_map(|number| i32::try_from(number).ok());
    let names = Statement::new(NAMES).column::<Integer, i32>(numbers).load::<NameRow>(connection).await?;
    let names = names.into_iter().map(|row| (row.number.unsigned_abs(), user(row.user_id))).collect();
    let top = top.named(&names).map_err(|_| sums("usage_people").corrupt("number", "is not everybody's"))?;
    Ok((spending.users(), top))
}

fn user(id: Uuid) -> UserId {
    UserId::from_bytes(id.into_bytes())
}

fn visitor(number: Option<i32>, id: Uuid) -> Visitor {
    number.map_or_else(|| Visitor::Stranger(user(id)), |number| Visitor::Numbered(number.unsigned_abs()))
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
            let seen = walk(&row.users, people, |number, _| heads.count(Visitor::Numbered(number)));
            Ok(seen.map_err(|_| no_crowd(row.hour))?)
        })
        .await?;
    sources
        .rows(SEEN)
        .each(connection, |row: SeenRow| {
            if let Some(heads) = heads.get_mut(place(row.bucket)) {
                heads.count(visitor(row.number, row.user_id));
            }
            Ok(())
        })
        .await?;
    Ok(heads.iter().map(Heads::total).collect())
}
