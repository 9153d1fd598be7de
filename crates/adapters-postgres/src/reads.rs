//! Statements of one account.

use std::time::Duration;

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::deserialize::FromSqlRow;
use diesel::pg::Pg;
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    QueryableByName, SelectableHelper,
};
use diesel::query_dsl::CompatibleType;
use diesel::sql_types::{Bool, SmallInt, Timestamptz, Untyped, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::account::{Account, AccountView};
use domain::ledger::batch;
use domain::ledger::holds::Hold;
use domain::ledger::lots::Lot;
use domain::ledger::usage::{Outcome, UsageRecord};
use domain::ports::Unavailable;
use domain::ports::statements::{JournalLine, Statements, UsageCursor};
use futures_util::{FutureExt, try_join};

use crate::error::{Corrupt, StoreError};
use crate::rows::{AccountRow, EntryRow, HoldRow, LotRow, UsageRow, all, lane, line, stored_id, stored_time};
use crate::schema::{ai_usage_log, credit_grants, credit_holds, credit_journal, credit_journal_notes};
use crate::statement::Statement;
use crate::store::PostgresStore;

/// How long a read of one account may take.
pub(crate) const READ_BOUND: Duration = Duration::from_secs(5);
/// How long a read over many accounts may take; the database stops it a little earlier by itself.
pub(crate) const REPORT_BOUND: Duration = Duration::from_secs(32);

/// The account with the answer whether anything of it is due.
const ACCOUNT: &str = "
WITH asked AS (SELECT $1::smallint AS lane, $2::uuid AS user_id, $3::timestamptz AS at)
SELECT a.user_id, a.total_credits, a.used_credits, a.held_credits, a.clawed_credits, a.last_grant, a.plan_type,
    a.renewal_date, a.plan_until, a.pack_plan, a.rate_requests_tat, a.rate_tokens_tat, a.day_number, a.day_used,
    a.day_held, a.alert_threshold, a.alert_armed, a.suspensions, a.seq, a.journal_hash, a.created_at,
    a.closed_at,
    EXISTS (
        SELECT FROM credit_holds h
        WHERE h.lane = a.lane AND h.user_id = a.user_id AND h.state = 'open' AND h.expires_at <= asked.at
    ) OR EXISTS (
        SELECT FROM credit_grants g
        WHERE g.lane = a.lane AND g.user_id = a.user_id AND g.live AND g.expires_at <= asked.at
    ) AS due
FROM asked JOIN user_ai_credits a ON a.lane = asked.lane AND a.user_id = asked.user_id";

#[derive(QueryableByName)]
struct AccountNow {
    #[diesel(embed)]
    account: AccountRow,
    #[diesel(sql_type = Bool)]
    due: bool,
}

fn account_now(user: &UserId, now: Timestamp) -> Statement<'static> {
    Statement::new(ACCOUNT)
        .bind::<SmallInt, _>(lane(user))
        .bind::<SqlUuid, _>(stored_id(user.as_bytes()))
        .bind::<Timestamptz, _>(stored_time(now))
}

/// The account with everything that a view of it depends on: from one snapshot, if the transaction has one.
pub(crate) async fn account_in_full(
    connection: &AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Option<(Account, Vec<Lot>, Vec<Hold>)>, StoreError> {
    let (lane, id) = (lane(&user), stored_id(user.as_bytes()));
    let (accounts, lots, holds) = try_join!(
        account_now(&user, now).load::<AccountNow>(connection),
        credit_grants::table
            .filter(credit_grants::lane.eq(lane).and(credit_grants::user_id.eq(id)))
            .filter(credit_grants::live)
            .select(LotRow::as_select())
            .load(&mut &*connection),
        credit_holds::table
            .filter(credit_holds::lane.eq(lane).and(credit_holds::user_id.eq(id)))
            .filter(credit_holds::state.eq("open"))
            .select(HoldRow::as_select())
            .load(&mut &*connection),
    )?;
    let Some(AccountNow { account, .. }) = accounts.into_iter().next() else { return Ok(None) };
    let (lots, holds) = (all(lots, LotRow::into_domain)?, all(holds, HoldRow::into_domain)?);
    Ok(Some((account.into_domain()?, lots, holds)))
}

async fn view_in_full(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Option<AccountView>, StoreError> {
    let mut read = connection.build_transaction().repeatable_read().read_only();
    let found = read.run(async |connection| account_in_full(connection, user, now).await).await?;
    let Some((account, lots, holds)) = found else { return Ok(None) };
    Ok(Some(batch::view(account, lots, holds, now)?))
}

impl PostgresStore {
    /// The rows that a statement answers, over a connection of the pool.
    pub(crate) async fn ask<R, T>(
        &self,
        statement: impl Fn() -> Statement<'static> + Sync,
        convert: fn(R) -> Result<T, Corrupt>,
    ) -> Result<Vec<T>, Unavailable>
    where
        Untyped: CompatibleType<R, Pg, SqlType = Untyped>,
        R: FromSqlRow<Untyped, Pg> + Send + 'static,
        T: Send + 'static,
    {
        self.read(READ_BOUND, |connection| {
            let statement = statement();
            async move { Ok(all(statement.load::<R>(connection).await?, convert)?) }.boxed()
        })
        .await
    }
}

#[async_trait]
impl Statements for PostgresStore {
    async fn account(&self, user: UserId, now: Timestamp) -> Result<Option<AccountView>, Unavailable> {
        self.read(READ_BOUND, move |connection| {
            async move {
                let found = account_now(&user, now).load::<AccountNow>(connection).await?;
                match found.into_iter().next() {
                    None => Ok(None),
                    // Nothing is due: what is held and what remains of lots changes nothing in the view.
                    Some(AccountNow { account, due: false }) => {
                        Ok(Some(batch::view(account.into_domain()?, Vec::new(), Vec::new(), now)?))
                    }
                    Some(AccountNow { due: true, .. }) => view_in_full(connection, user, now).await,
                }
            }
            .boxed()
        })
        .await
    }

    async fn journal(
        &self,
        user: UserId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable> {
        use credit_journal::dsl;
        let (lane, id) = (lane(&user), stored_id(user.as_bytes()));
        let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        self.read(READ_BOUND, move |connection| {
            async move {
                let rows = dsl::credit_journal
                    .left_join(
                        credit_journal_notes::table.on(credit_journal_notes::lane
                            .eq(dsl::lane)
                            .and(credit_journal_notes::user_id.eq(dsl::user_id))
                            .and(credit_journal_notes::seq.eq(dsl::seq))),
                    )
                    .filter(dsl::lane.eq(lane).and(dsl::user_id.eq(id)).and(dsl::seq.lt(before)))
                    .order(dsl::seq.desc())
                    .limit(i64::from(limit))
                    .select((EntryRow::as_select(), credit_journal_notes::note.nullable()))
                    .load(connection)
                    .await?;
                Ok(all(rows, line)?)
            }
            .boxed()
        })
        .await
    }

    async fn usage(
        &self,
        user: UserId,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable> {
        use ai_usage_log::dsl;
        let (lane, id) = (lane(&user), stored_id(user.as_bytes()));
        // No cursor is one behind the end of time.
        let (at, hold) = before.map_or((PgTimestamp(i64::MAX), uuid::Uuid::max()), |cursor| {
            (stored_time(cursor.at), stored_id(cursor.hold.as_bytes()))
        });
        self.read(READ_BOUND, move |connection| {
            async move {
                let rows = dsl::ai_usage_log
                    .filter(dsl::lane.eq(lane).and(dsl::user_id.eq(id)))
                    .filter(dsl::created_at.le(at))
                    .filter(dsl::created_at.lt(at).or(dsl::id.lt(hold)))
                    .order((dsl::created_at.desc(), dsl::id.desc()))
                    .limit(i64::from(limit))
                    .select(UsageRow::as_select())
                    .load(connection)
                    .await?;
                Ok(all(rows, UsageRow::into_domain)?)
            }
            .boxed()
        })
        .await
    }

    async fn broken_off_since(&self, user: UserId, since: Timestamp) -> Result<u32, Unavailable> {
        use ai_usage_log::dsl;
        let (lane, id, since) = (lane(&user), stored_id(user.as_bytes()), stored_time(since));
        self.read(READ_BOUND, move |connection| {
            async move {
                let count: i64 = dsl::ai_usage_log
                    .filter(dsl::lane.eq(lane).and(dsl::user_id.eq(id)))
                    .filter(dsl::created_at.ge(since).and(dsl::outcome.eq(Outcome::BrokenOff.as_str())))
                    .count()
                    .get_result(connection)
                    .await?;
                Ok(u32::try_from(count).unwrap_or(u32::MAX))
            }
            .boxed()
        })
        .await
    }
}
