//! Figures over all books.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Nullable, Timestamptz};
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ports::Unavailable;
use domain::ports::vitals::{Backlog, Figures, Vitals};
use futures_util::{FutureExt, try_join};

use crate::reads::REPORT_BOUND;
use crate::rows::{stored_time, time};
use crate::statement::Statement;
use crate::store::PostgresStore;

/// Reads every account; sums above what [`Credits`] can say are cut.
const ACCOUNTS: &str = "
SELECT count(*) AS number,
    least(coalesce(sum(greatest(total_credits - used_credits, 0)), 0), 1000000000000000)::bigint AS first,
    least(coalesce(sum(greatest(used_credits + held_credits - total_credits, 0)), 0), 1000000000000000)::bigint
        AS second
FROM user_ai_credits";

const HOLDS: &str = "
SELECT count(*) AS number, least(coalesce(sum(amount), 0), 1000000000000000)::bigint AS first, 0::bigint AS second
FROM credit_holds WHERE state = 'open'";

const EVENTS: &str = "
SELECT count(*) AS waiting, min(received_at) AS oldest FROM stripe_events WHERE state = 'pending'";

const LOOKUPS: &str = "
SELECT count(*) AS waiting, min(next_lookup) AS oldest FROM purchases WHERE next_lookup <= $1";

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
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<PgTimestamp>,
}

#[async_trait]
impl Vitals for PostgresStore {
    async fn figures(&self, now: Timestamp) -> Result<Figures, Unavailable> {
        let rows = self.read(REPORT_BOUND, move |connection| {
            async move {
                let connection = &*connection;
                Ok(try_join!(
                    Statement::new(ACCOUNTS).load::<SumsRow>(connection),
                    Statement::new(HOLDS).load::<SumsRow>(connection),
                    Statement::new(EVENTS).load::<BacklogRow>(connection),
                    Statement::new(LOOKUPS)
                        .bind::<Timestamptz, _>(stored_time(now))
                        .load::<BacklogRow>(connection),
                    Statement::new(NOTICES).load::<BacklogRow>(connection),
                )?)
            }
            .boxed()
        });
        let (accounts, holds, events, lookups, notices) = rows.await?;
        let (accounts, outstanding, owed) = sums(&accounts);
        let (open_holds, held, _) = sums(&holds);
        let (events, lookups, notices) = (backlog(&events), backlog(&lookups), backlog(&notices));
        Ok(Figures { accounts, outstanding, owed, open_holds, held, events, lookups, notices })
    }
}

fn sums(rows: &[SumsRow]) -> (u64, Credits, Credits) {
    let credits = |sum| Credits::new(sum).unwrap_or(Credits::MAX);
    rows.first().map_or((0, Credits::ZERO, Credits::ZERO), |row| {
        (row.number.unsigned_abs(), credits(row.first), credits(row.second))
    })
}

fn backlog(rows: &[BacklogRow]) -> Backlog {
    rows.first().map_or_else(Backlog::default, |row| Backlog {
        waiting: row.waiting.unsigned_abs(),
        oldest: row.oldest.map(time),
    })
}
