//! The texts of requests lie in one partition for each UTC day, `ai_usage_content_pYYYYMMDD`, so that
//! retention drops tables instead of deleting rows. What comes on a day without a partition lands in the
//! default one.

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Bool, Date, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::clock::Timestamp;

use crate::error::StoreError;
use crate::rows::stored_time;
use crate::statement::Statement;

/// How many days after today have a partition ready.
const DAYS_AHEAD: u64 = 2;
const PREFIX: &str = "ai_usage_content_p";
/// `parts` in ASCII: the advisory lock of whoever makes or drops partitions, until the transaction ends.
const LOCK: i64 = 0x70_61_72_74_73;

#[derive(diesel::QueryableByName)]
struct Today {
    #[diesel(sql_type = Date)]
    today: NaiveDate,
}

#[derive(diesel::QueryableByName)]
struct Free {
    #[diesel(sql_type = Bool)]
    free: bool,
}

#[derive(diesel::QueryableByName)]
struct Partition {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Makes the partitions of today and of the days ahead, by the database's clock. A day of which the default
/// partition has rows already stays there.
pub(crate) async fn provide(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    let today = Statement::new("SELECT (now() AT TIME ZONE 'UTC')::date AS today").load::<Today>(connection);
    let Some(Today { today }) = today.await?.into_iter().next() else { return Ok(()) };
    for ahead in 0..=DAYS_AHEAD {
        let Some((day, next)) = day_and_next(today, ahead) else { continue };
        let made = connection.transaction(async |connection| make(connection, day, next).await).await;
        match made {
            // A row of that day came to the default partition in between.
            Err(StoreError::Database(DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, _)))
            | Ok(()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn day_and_next(today: NaiveDate, ahead: u64) -> Option<(NaiveDate, NaiveDate)> {
    let day = today.checked_add_days(Days::new(ahead))?;
    Some((day, day.checked_add_days(Days::new(1))?))
}

async fn make(connection: &mut AsyncPgConnection, day: NaiveDate, next: NaiveDate) -> Result<(), StoreError> {
    lock(connection).await?;
    let name = format!("{PREFIX}{}", day.format("%Y%m%d"));
    let (from, to) = (format!("{day} 00:00:00+00"), format!("{next} 00:00:00+00"));
    let free = Statement::new(
        "SELECT to_regclass($1) IS NULL AND NOT EXISTS (
             SELECT FROM ai_usage_content_default
             WHERE created_at >= $2::text::timestamptz AND created_at < $3::text::timestamptz
         ) AS free",
    )
    .bind::<Text, _>(name.as_str())
    .bind::<Text, _>(from.as_str())
    .bind::<Text, _>(to.as_str())
    .load::<Free>(connection)
    .await?;
    if free.iter().any(|row| row.free) {
        // Made apart and then attached: commits that write texts of other days do not wait for it.
        let sql = format!(
            "CREATE TABLE {name} (LIKE ai_usage_content INCLUDING ALL);
             ALTER TABLE ai_usage_content ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}')"
        );
        connection.batch_execute(&sql).await?;
    }
    Ok(())
}

/// Drops the partitions that are wholly older than `before`, and deletes what else is.
pub(crate) async fn purge(connection: &mut AsyncPgConnection, before: Timestamp) -> Result<(), StoreError> {
    for name in all(connection).await? {
        if day_after(&name).is_some_and(|end| end <= before) {
            connection
                .transaction(async |connection| {
                    lock(connection).await?;
                    // Dropped by another server in between, it is gone as it should be.
                    connection.batch_execute(&format!("DROP TABLE IF EXISTS {name}")).await
                })
                .await?;
        }
    }
    connection
        .transaction(async |connection| {
            crate::upkeep::be_patient(connection).await?;
            Statement::new("DELETE FROM ai_usage_content WHERE created_at < $1")
                .bind::<Timestamptz, _>(stored_time(before))
                .execute(connection)
                .await
        })
        .await?;
    Ok(())
}

async fn all(connection: &AsyncPgConnection) -> QueryResult<Vec<String>> {
    let partitions = Statement::new(
        "SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'ai_usage_content'::regclass",
    )
    .load::<Partition>(connection)
    .await?;
    Ok(partitions.into_iter().map(|partition| partition.name).collect())
}

/// Servers that purge at the same time take turns.
async fn lock(connection: &AsyncPgConnection) -> QueryResult<()> {
    Statement::new("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(connection).await?;
    Ok(())
}

/// The end of the day that a partition's name says; `None` for other tables.
fn day_after(name: &str) -> Option<Timestamp> {
    let day = NaiveDate::parse_from_str(name.strip_prefix(PREFIX)?, "%Y%m%d").ok()?;
    let next = day.checked_add_days(Days::new(1))?;
    let midnight: DateTime<Utc> = next.and_hms_opt(0, 0, 0)?.and_utc();
    Some(Timestamp::from_micros(midnight.timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_ends_when_its_day_does() {
        assert_eq!(day_after("ai_usage_content_p19700101"), Some(Timestamp::from_micros(86_400_000_000)));
        assert_eq!(day_after("ai_usage_content_default"), None);
        assert_eq!(day_after("ai_usage_content_p20260230"), None);
    }
}
