//! Lists of everybody's accounts, requests, entries and notices, and one account in full.

use std::time::Duration;

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::dsl::sql;
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, QueryableByName, SelectableHelper,
};
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::billing::notice::Notice;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::account::Account;
use domain::ledger::batch;
use domain::ledger::usage::UsageRecord;
use domain::ports::Unavailable;
use domain::ports::billing::PageEnd;
use domain::ports::overview::{
    AccountCursor, AccountLine, AccountOrder, AccountSheet, JournalCursor, JournalFilter, Overview,
    UsageFilter,
};
use domain::ports::statements::{JournalLine, UsageCursor};
use futures_util::{FutureExt, try_join};
use uuid::Uuid;

use crate::error::{Corrupt, StoreError};
use crate::reads::{READ_BOUND, REPORT_BOUND, account_in_full};
use crate::rows::{
    AccountRow, EntryRow, NoticeRow, SuspensionRow, UsageRow, all, lane, line, stored_id, stored_time,
};
use crate::schema::{account_suspensions, ai_usage_log, user_ai_credits};
use crate::statement::Statement;
use crate::storable::{cleaned, nearest};
use crate::store::PostgresStore;

/// The first stretch of time in which the latest rows are looked for.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// How many times longer the next one is. An index of ranges of pages finds a stretch of time, not an order: so the
/// latest rows are looked for in short stretches first, and each row is read once.
const LONGER: i64 = 4;

macro_rules! journals {
    ($of_whom:literal) => {
        concat!(
            "
WITH asked AS (
    SELECT $1::smallint AS lane, $2::uuid AS user_id, $3::smallint AS after_lane, $4::uuid AS after_user,
        $5::bigint AS after_seq, $6::timestamptz AS since, $7::timestamptz AS until
)
SELECT j.user_id, j.seq, j.kind, j.amount, j.balance_after, j.source, j.actor, j.created_at, j.note_hash, j.hash,
    n.note
FROM asked
JOIN credit_journal j ON ",
            $of_whom,
            "(j.lane, j.user_id, j.seq) > (asked.after_lane, asked.after_user, asked.after_seq)
    AND j.created_at >= asked.since AND j.created_at < asked.until
LEFT JOIN credit_journal_notes n ON n.lane = j.lane AND n.user_id = j.user_id AND n.seq = j.seq
ORDER BY j.lane, j.user_id, j.seq LIMIT $8"
        )
    };
}

const JOURNALS: &str = journals!("");
const JOURNAL_OF_USER: &str = journals!("j.lane = asked.lane AND j.user_id = asked.user_id AND ");

const NOTICES: &str = "
SELECT n.user_id, n.kind, n.subject, n.plan, n.credits, n.amount_minor, n.balance, n.threshold, n.detail,
    n.created_at
FROM notices n
WHERE n.created_at <= $1
    AND (n.created_at < $2 OR (n.user_id::text || ':' || n.kind || ':' || n.subject) COLLATE \"C\" < $3)
ORDER BY n.created_at DESC, (n.user_id::text || ':' || n.kind || ':' || n.subject) COLLATE \"C\" DESC LIMIT $4";

#[derive(QueryableByName)]
struct LineRow {
    #[diesel(embed)]
    entry: EntryRow,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
}

impl LineRow {
    fn into_domain(self) -> Result<JournalLine, Corrupt> {
        line((self.entry, self.note))
    }
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: PgTimestamp,
}

fn account_line(account: Account, order: AccountOrder, now: Timestamp) -> Result<AccountLine, StoreError> {
    let (user, created_at) = (account.user, account.created_at);
    let key = match order {
        AccountOrder::Newest => created_at.as_micros(),
        AccountOrder::MostUsed => account.used.get(),
        AccountOrder::HighestBalance => account.balance()?.get(),
    };
    let view = batch::view(account, Vec::new(), Vec::new(), now)?;
    Ok(AccountLine { user, view, created_at, key })
}

/// Up to `limit` rows of a stretch of time that the filter lets through, newest first.
async fn usage_between(
    connection: &mut AsyncPgConnection,
    filter: &UsageFilter,
    from: PgTimestamp,
    before: (PgTimestamp, Uuid),
    limit: i64,
) -> Result<Vec<UsageRow>, StoreError> {
    use ai_usage_log::dsl;
    let (at, id) = before;
    let mut query = dsl::ai_usage_log
        .filter(dsl::created_at.ge(from).and(dsl::created_at.le(at)))
        .filter(dsl::created_at.lt(at).or(dsl::id.lt(id)))
        .order((dsl::created_at.desc(), dsl::id.desc()))
        .limit(limit)
        .select(UsageRow::as_select())
        .into_boxed();
    if let Some(user) = &filter.user {
        query = query.filter(dsl::lane.eq(lane(user)).and(dsl::user_id.eq(stored_id(user.as_bytes()))));
    }
    if let Some(model) = &filter.model {
        query = query.filter(dsl::model.eq(cleaned(model).into_owned()));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(dsl::outcome.eq(outcome.as_str()));
    }
    Ok(query.load(connection).await?)
}

async fn latest_usage(
    connection: &mut AsyncPgConnection,
    filter: &UsageFilter,
    before: Option<UsageCursor>,
    limit: u32,
) -> Result<Vec<UsageRecord>, StoreError> {
    let limit = i64::from(limit);
    // No cursor is one behind the end: of time, or of what was asked for.
    let cursor = before.map(|end| (stored_time(nearest(end.at)), stored_id(end.hold.as_bytes())));
    let until = filter.to.map(|to| (stored_time(nearest(to)), Uuid::nil()));
    let end = [cursor, until].into_iter().flatten().min_by_key(|(at, id)| (at.0, *id));
    let least = filter.from.map_or(stored_time(Timestamp::from_micros(0)), |at| stored_time(nearest(at)));
    if filter.user.is_some() {
        let end = end.unwrap_or((PgTimestamp(i64::MAX), Uuid::max()));
        return Ok(all(usage_between(connection, filter, least, end, limit).await?, UsageRow::into_domain)?);
    }
    let mut length = i64::try_from(FIRST_LOOK.as_micros()).unwrap_or(i64::MAX);
    let mut end = end.unwrap_or((PgTimestamp(i64::MAX), Uuid::max()));
    let mut from = match end {
        (PgTimestamp(i64::MAX), _) => {
            let now = Statement::new("SELECT clock_timestamp() AS now").load::<Now>(&*connection).await?;
            now.into_iter().next().map_or(0, |row| row.now.0).saturating_sub(length)
        }
        (at, _) => at.0.saturating_sub(length),
    };
    let mut rows = Vec::new();
    loop {
        from = from.max(least.0);
        let left = limit.saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        rows.extend(usage_between(connection, filter, PgTimestamp(from), end, left).await?);
        if from <= least.0 || i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit {
            return Ok(all(rows, UsageRow::into_domain)?);
        }
        // Up to, but not including, where the last look began.
        end = (PgTimestamp(from), Uuid::nil());
        length = length.saturating_mul(LONGER);
        from = from.saturating_sub(length);
    }
}

#[async_trait]
impl Overview for PostgresStore {
    async fn accounts(
        &self,
        order: AccountOrder,
        before: Option<AccountCursor>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AccountLine>, Unavailable> {
        use user_ai_credits::dsl;
        // No cursor is one behind the end.
        let (key, user) =
            before.map_or((i64::MAX, Uuid::max()), |cursor| (cursor.key, stored_id(cursor.user.as_bytes())));
        self.read(REPORT_BOUND, move |connection| {
            async move {
                let page =
                    dsl::user_ai_credits.select(AccountRow::as_select()).limit(i64::from(limit)).into_boxed();
                let page = match order {
                    AccountOrder::Newest => {
                        let at = stored_time(nearest(Timestamp::from_micros(key)));
                        let older = dsl::created_at.lt(at).or(dsl::user_id.lt(user));
                        page.filter(dsl::created_at.le(at).and(older))
                            .order((dsl::created_at.desc(), dsl::user_id.desc()))
                    }
                    AccountOrder::MostUsed => page
                        .filter(
                            dsl::used_credits
                                .lt(key)
                                .or(dsl::used_credits.eq(key).and(dsl::user_id.lt(user))),
                        )
                        .order((dsl::used_credits.desc(), dsl::user_id.desc())),
                    AccountOrder::HighestBalance => {
                        let balance = || dsl::total_credits - dsl::used_credits;
                        page.filter(balance().lt(key).or(balance().eq(key).and(dsl::user_id.lt(user)))).order(
                            (sql::<BigInt>("total_credits - used_credits").desc(), dsl::user_id.desc()),
                        )
                    }
                };
                let rows: Vec<AccountRow> = page.load(connection).await?;
                let accounts = all(rows, AccountRow::into_domain)?;
                accounts.into_iter().map(|account| account_line(account, order, now)).collect()
            }
            .boxed()
        })
        .await
    }

    async fn sheet(&self, user: UserId, now: Timestamp) -> Result<Option<AccountSheet>, Unavailable> {
        use account_suspensions::dsl;
        self.read(READ_BOUND, move |connection| {
            async move {
                let mut read = connection.build_transaction().repeatable_read().read_only();
                read.run(async |connection| {
                    let (lane, id) = (lane(&user), stored_id(user.as_bytes()));
                    let suspensions = async {
                        let rows = dsl::account_suspensions
                            .filter(dsl::lane.eq(lane).and(dsl::user_id.eq(id)))
                            .order((dsl::since, dsl::source))
                            .select(SuspensionRow::as_select())
                            .load(&mut &*connection);
                        Ok::<_, StoreError>(rows.await?)
                    };
                    let (found, suspensions) =
                        try_join!(account_in_full(connection, user, now), suspensions)?;
                    let Some((account, mut lots, holds)) = found else { return Ok(None) };
                    lots.sort_by_key(domain::ledger::lots::Lot::burns_at);
                    Ok(Some(AccountSheet {
                        created_at: account.created_at,
                        open_holds: u32::try_from(holds.len()).unwrap_or(u32::MAX),
                        view: batch::view(account, lots.clone(), holds, now)?,
                        suspensions: suspensions.into_iter().map(SuspensionRow::into_domain).collect(),
                        lots,
                    }))
                })
                .await
            }
            .boxed()
        })
        .await
    }

    async fn latest_usage(
        &self,
        filter: UsageFilter,
        before: Option<UsageCursor>,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, Unavailable> {
        self.read(REPORT_BOUND, move |connection| {
            let filter = filter.clone();
            async move { latest_usage(connection, &filter, before, limit).await }.boxed()
        })
        .await
    }

    async fn journals(
        &self,
        filter: JournalFilter,
        after: Option<JournalCursor>,
        limit: u32,
    ) -> Result<Vec<JournalLine>, Unavailable> {
        self.read(REPORT_BOUND, move |connection| {
            let (after_lane, after_user, after_seq) = after.map_or((-1, Uuid::nil(), 0), |end| {
                let seq = i64::try_from(end.seq).unwrap_or(i64::MAX);
                (lane(&end.user), stored_id(end.user.as_bytes()), seq)
            });
            let page = Statement::new(if filter.user.is_some() { JOURNAL_OF_USER } else { JOURNALS })
                .bind::<Nullable<SmallInt>, Option<i16>>(filter.user.as_ref().map(lane))
                .bind::<Nullable<SqlUuid>, _>(filter.user.map(|user| stored_id(user.as_bytes())))
                .bind::<SmallInt, i16>(after_lane)
                .bind::<SqlUuid, _>(after_user)
                .bind::<BigInt, i64>(after_seq)
                .bind::<Timestamptz, _>(
                    filter.from.map_or(PgTimestamp(i64::MIN), |at| stored_time(nearest(at))),
                )
                .bind::<Timestamptz, _>(
                    filter.to.map_or(PgTimestamp(i64::MAX), |at| stored_time(nearest(at))),
                )
                .bind::<BigInt, _>(i64::from(limit));
            async move { Ok(all(page.load::<LineRow>(connection).await?, LineRow::into_domain)?) }.boxed()
        })
        .await
    }

    async fn all_notices(&self, before: Option<PageEnd>, limit: u32) -> Result<Vec<Notice>, Unavailable> {
        let page = || {
            let (at, name) = before.as_ref().map_or((PgTimestamp(i64::MAX), String::new()), |end| {
                (stored_time(nearest(end.at)), cleaned(&end.name).into_owned())
            });
            Statement::new(NOTICES)
                .bind::<Timestamptz, _>(at)
                .bind::<Timestamptz, _>(at)
                .bind::<Text, _>(name)
                .bind::<BigInt, _>(i64::from(limit))
        };
        self.ask(page, NoticeRow::into_domain).await
    }
}

/// Every lookup with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[(&str, &str, &[&str])] = &[
    (
        JOURNALS,
        "(NULL, NULL, -1, md5('7')::uuid, 0, '-infinity', 'infinity', 50)",
        &["credit_journal_pkey", "credit_journal_notes_pkey"],
    ),
    (
        JOURNAL_OF_USER,
        "(7, md5('7')::uuid, 7, md5('7')::uuid, 0, '-infinity', 'infinity', 50)",
        &["credit_journal_pkey", "credit_journal_notes_pkey"],
    ),
    (NOTICES, "('infinity', 'infinity', '', 50)", &["notices_created_at"]),
];
