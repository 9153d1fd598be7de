//! Figures over all users: sums by hour for what is folded, rows for what is not.
//!
//! A report is made of three parts, and no row is in two of them: the sums of the hours that lie wholly in a bucket
//! (all folded rows of those hours, see [`crate::fold`]), the folded rows of the pieces of hours at the buckets'
//! edges, and the rows that are not folded yet. How far rows are folded, the sums and the rows are read from one
//! snapshot, so the parts fit at any time.

mod people;
mod rows;
mod sql;

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use domain::clock::{Span, Timestamp};
use domain::credits::Credits;
use domain::ports::Unavailable;
use domain::ports::reports::{Folded, Reports};
use domain::reports::buckets::Buckets;
use domain::reports::latency::Latencies;
use domain::reports::{BucketFigures, CreditMoves, MoneySums, PeriodFigures};
use futures_util::{FutureExt, try_join};

use crate::error::{Corrupt, StoreError};
use crate::reads::REPORT_BOUND;
use crate::statement::Statement;
use crate::store::PostgresStore;
use people::{active, spenders};
pub(crate) use people::{no_crowd, people};
use rows::{BucketRow, CreditsRow, FoldedTo, MoneyRow, MovesRow, SliceRow, SlotRow, sums};
#[cfg(test)]
pub(crate) use sql::LOOKUPS;
pub(crate) use sql::slot_bounds;
use sql::{LATENCY, MOVES, OUTSTANDING, ROOM, SERIES, SLICES, Sources};

async fn folded_to(connection: &AsyncPgConnection) -> Result<PgTimestamp, StoreError> {
    let rows = Statement::new("SELECT folded_to FROM usage_folds").load::<FoldedTo>(connection).await?;
    let row = rows.first().ok_or_else(|| sums("usage_folds").corrupt("folded_to", "has no row"))?;
    Ok(row.folded_to)
}

async fn period(
    connection: &AsyncPgConnection,
    buckets: &Buckets,
    livemode: bool,
) -> Result<PeriodFigures, StoreError> {
    let sources = Sources::new(buckets, folded_to(connection).await?);
    let moves =
        Statement::new(MOVES).bind::<Timestamptz, _>(sources.from()).bind::<Timestamptz, _>(sources.to());
    let (users, top_users) = spenders(connection, &sources).await?;
    let (slices, slots, money, moves, outstanding) = try_join!(
        sources.all(SLICES).load::<SliceRow>(connection),
        sources.all(LATENCY).bind::<Array<BigInt>, _>(slot_bounds()).load::<SlotRow>(connection),
        sources.money(livemode).load::<MoneyRow>(connection),
        moves.load::<MovesRow>(connection),
        Statement::new(OUTSTANDING).load::<CreditsRow>(connection),
    )?;
    let mut latency = Latencies::default();
    for row in slots {
        latency.add(usize::try_from(row.slot).unwrap_or_default(), row.requests.unsigned_abs());
    }
    Ok(PeriodFigures {
        usage: slices.into_iter().map(SliceRow::into_domain).collect::<Result<_, _>>()?,
        users,
        top_users,
        latency,
        money: money.first().map_or_else(MoneySums::default, MoneyRow::sums),
        moves: moves.first().map_or_else(|| Ok(CreditMoves::default()), MovesRow::read)?,
        outstanding: outstanding_of(&outstanding)?,
    })
}

fn outstanding_of(rows: &[CreditsRow]) -> Result<Credits, Corrupt> {
    let at = sums("user_ai_credits");
    at.amount("total_credits", rows.first().map_or(0, |row| row.credits))
}

/// The report of no time at all.
async fn nothing(connection: &AsyncPgConnection) -> Result<PeriodFigures, StoreError> {
    let rows = Statement::new(OUTSTANDING).load::<CreditsRow>(connection).await?;
    Ok(PeriodFigures { outstanding: outstanding_of(&rows)?, ..PeriodFigures::default() })
}

async fn series(
    connection: &AsyncPgConnection,
    buckets: &Buckets,
    livemode: bool,
) -> Result<Vec<BucketFigures>, StoreError> {
    let sources = Sources::new(buckets, folded_to(connection).await?);
    let active = active(connection, &sources, buckets.count()).await?;
    let (rows, money) = try_join!(
        sources.all(SERIES).load::<BucketRow>(connection),
        sources.money(livemode).load::<MoneyRow>(connection),
    )?;
    let mut series = vec![BucketFigures::default(); buckets.count()];
    let mut of = |bucket: i32, fill: &dyn Fn(&mut BucketFigures) -> Result<(), Corrupt>| {
        let place = usize::try_from(bucket).ok().and_then(|bucket| series.get_mut(bucket));
        place.map_or(Ok(()), fill)
    };
    for row in &rows {
        of(row.bucket, &|place| row.fill(place))?;
    }
    for row in &money {
        of(row.bucket, &|place| {
            place.money = row.sums();
            Ok(())
        })?;
    }
    for (place, users) in series.iter_mut().zip(active) {
        place.users = users;
    }
    Ok(series)
}

#[async_trait]
impl Reports for PostgresStore {
    async fn period(
        &self,
        from: Timestamp,
        to: Timestamp,
        livemode: bool,
    ) -> Result<PeriodFigures, Unavailable> {
        let buckets = Buckets::between(vec![from, to]);
        self.read(REPORT_BOUND, move |connection| {
            let buckets = buckets.clone();
            async move {
                let Some(buckets) = buckets else { return nothing(connection).await };
                let mut read = connection.build_transaction().repeatable_read().read_only();
                read.run(async |connection| {
                    connection.batch_execute(ROOM).await?;
                    period(connection, &buckets, livemode).await
                })
                .await
            }
            .boxed()
        })
        .await
    }

    async fn series(&self, buckets: &Buckets, livemode: bool) -> Result<Vec<BucketFigures>, Unavailable> {
        let buckets = buckets.clone();
        self.read(REPORT_BOUND, move |connection| {
            let buckets = buckets.clone();
            async move {
                let mut read = connection.build_transaction().repeatable_read().read_only();
                read.run(async |connection| {
                    connection.batch_execute(ROOM).await?;
                    series(connection, &buckets, livemode).await
                })
                .await
            }
            .boxed()
        })
        .await
    }

    async fn fold(&self, lag: Span, rows: u32) -> Result<Folded, Unavailable> {
        self.fold_some(lag, rows).await
    }

    async fn recheck(&self, from: Timestamp, to: Timestamp) -> Result<u32, Unavailable> {
        self.recheck_hours(from, to).await
    }
}
