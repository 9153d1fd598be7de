//! The complete books, for verification.

use async_trait::async_trait;
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::{HoldId, Lane, UserId};
use domain::ledger::verify::AccountBooks;
use domain::ports::Unavailable;
use domain::ports::books::Books;
use futures_util::{FutureExt, try_join};
use uuid::Uuid;

use crate::error::{Place, Rest, StoreError};
use crate::reads::{READ_BOUND, REPORT_BOUND};
use crate::rows::{AccountRow, ApiKeyRow, EntryRow, HoldRow, LotRow, all, lane, stored_id, stored_time};
use crate::schema::{
    account_suspensions, ai_usage_content, ai_usage_log, api_keys, credit_grants, credit_holds,
    credit_journal, instances, user_ai_credits,
};
use crate::store::PostgresStore;

#[async_trait]
impl Books for PostgresStore {
    async fn users(&self, lane: Lane, after: Option<UserId>, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        use user_ai_credits::dsl;
        let lane = i16::from(lane.get());
        self.read(READ_BOUND, move |connection| {
            async move {
                let mut query = dsl::user_ai_credits
                    .filter(dsl::lane.eq(lane))
                    .order(dsl::user_id.asc())
                    .limit(i64::from(limit))
                    .select(dsl::user_id)
                    .into_boxed();
                if let Some(after) = &after {
                    query = query.filter(dsl::user_id.gt(stored_id(after.as_bytes())));
                }
                let ids: Vec<Uuid> = query.load(connection).await?;
                Ok(ids.into_iter().map(|id| UserId::from_bytes(id.into_bytes())).collect())
            }
            .boxed()
        })
        .await
    }

    async fn account_books(&self, user: UserId) -> Result<Option<AccountBooks>, Unavailable> {
        self.read(REPORT_BOUND, move |connection| {
            async move {
                connection
                    .build_transaction()
                    .repeatable_read()
                    .read_only()
                    .run(async |connection| account_books(connection, &user).await)
                    .await
            }
            .boxed()
        })
        .await
    }

    async fn is_served(&self, now: Timestamp) -> Result<bool, Unavailable> {
        use instances::dsl;
        self.read(READ_BOUND, move |connection| {
            async move {
                let live = dsl::instances.filter(dsl::lease_until.gt(stored_time(now)));
                Ok(diesel::select(diesel::dsl::exists(live)).get_result(connection).await?)
            }
            .boxed()
        })
        .await
    }

    async fn content_older_than(&self, before: Timestamp) -> Result<u64, Unavailable> {
        use ai_usage_content::dsl;
        self.read(REPORT_BOUND, move |connection| {
            async move {
                let older = dsl::ai_usage_content.filter(dsl::created_at.lt(stored_time(before)));
                let count: i64 = older.count().get_result(connection).await?;
                Ok(count.unsigned_abs())
            }
            .boxed()
        })
        .await
    }
}

async fn account_books(
    connection: &AsyncPgConnection,
    user: &UserId,
) -> Result<Option<AccountBooks>, StoreError> {
    let (lane, id) = (lane(user), stored_id(user.as_bytes()));
    let account = user_ai_credits::table
        .filter(user_ai_credits::lane.eq(lane).and(user_ai_credits::user_id.eq(id)))
        .select(AccountRow::as_select())
        .get_result(&mut &*connection)
        .await
        .optional()?;
    let Some(account) = account else { return Ok(None) };
    let (lots, holds, journal, settled, suspensions, keys) = try_join!(
        credit_grants::table
            .filter(credit_grants::lane.eq(lane).and(credit_grants::user_id.eq(id)))
            .select(LotRow::as_select())
            .load(&mut &*connection),
        credit_holds::table
            .filter(credit_holds::lane.eq(lane).and(credit_holds::user_id.eq(id)))
            .select(HoldRow::as_select())
            .load(&mut &*connection),
        credit_journal::table
            .filter(credit_journal::lane.eq(lane).and(credit_journal::user_id.eq(id)))
            .order(credit_journal::seq.asc())
            .select(EntryRow::as_select())
            .load(&mut &*connection),
        ai_usage_log::table
            .filter(ai_usage_log::lane.eq(lane).and(ai_usage_log::user_id.eq(id)))
            .filter(ai_usage_log::outcome.eq("settled"))
            .select((ai_usage_log::id, ai_usage_log::credits_used))
            .load::<(Uuid, i64)>(&mut &*connection),
        account_suspensions::table
            .filter(account_suspensions::lane.eq(lane).and(account_suspensions::user_id.eq(id)))
            .count()
            .get_result::<i64>(&mut &*connection),
        api_keys::table
            .filter(api_keys::lane.eq(lane).and(api_keys::user_id.eq(id)))
            .select(ApiKeyRow::as_select())
            .load(&mut &*connection),
    )?;
    let settled_usage = settled
        .into_iter()
        .map(|(hold, credits)| {
            let at = Place::new("ai_usage_log", id, Rest::Id(hold));
            Ok((HoldId::from_bytes(hold.into_bytes()), at.amount("credits_used", credits)?))
        })
        .collect::<Result<Vec<(HoldId, Credits)>, StoreError>>()?;
    Ok(Some(AccountBooks {
        account: account.into_domain()?,
        lots: all(lots, LotRow::into_domain)?,
        holds: all(holds, HoldRow::into_domain)?,
        journal: all(journal, EntryRow::into_domain)?,
        settled_usage,
        suspensions: u32::try_from(suspensions).unwrap_or(u32::MAX),
        api_keys: all(keys, ApiKeyRow::into_domain)?,
    }))
}
