//! The audit log: entries with the acts that they are about, and pages of them.

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use domain::audit::{AuditEntry, AuditState};
use domain::ports::Unavailable;
use domain::ports::audit::{AuditBook, AuditCursor, AuditFilter};
use futures_util::try_join;
use uuid::Uuid;

use crate::error::StoreError;
use crate::rows::{AuditRow, lane, stored_id, stored_time};
use crate::statement::Statement;
use crate::storable::{cleaned, nearest};
use crate::store::PostgresStore;

/// An entry that is there already stays as it is: a batch may be run again.
const INSERT_ENTRIES: &str = "
INSERT INTO audit_log (lane, id, user_id, at, actor, via, action, target, before, after, request_id,
    idempotency_key)
SELECT n.lane, n.id, n.user_id, n.at, n.actor, n.via, n.action, n.target, n.before::json, n.after::json,
    n.request_id, n.key
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
    AS n(lane, id, user_id, at, actor, via, action, target, before, after, request_id, key)
ON CONFLICT (lane, id) DO NOTHING";

const INSERT_REASONS: &str = "
INSERT INTO audit_reasons (lane, id, reason)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[])
ON CONFLICT (lane, id) DO NOTHING";

/// Each condition holds when nothing was asked for in its place.
macro_rules! page {
    ($of_whom:literal) => {
        concat!(
            "
WITH asked AS (
    SELECT $1::smallint AS lane, $2::uuid AS user_id, $3::text AS actor, $4::text AS target, $5::text AS action,
        $6::timestamptz AS since, $7::timestamptz AS until, $8::timestamptz AS at, $9::uuid AS id
)
SELECT l.id, l.user_id, l.at, l.actor, l.via, l.action, l.target, l.before::text AS before,
    l.after::text AS after, l.request_id, l.idempotency_key, r.reason
FROM asked
JOIN audit_log l ON ",
            $of_whom,
            "
    AND (asked.actor IS NULL OR l.actor = asked.actor) AND (asked.target IS NULL OR l.target = asked.target)
    AND (asked.action IS NULL OR l.action = asked.action)
    AND l.at >= asked.since AND l.at < asked.until AND (l.at, l.id) < (asked.at, asked.id)
LEFT JOIN audit_reasons r ON r.lane = l.lane AND r.id = l.id
ORDER BY l.at DESC, l.id DESC LIMIT $10"
        )
    };
}

const OF_ALL: &str = page!("TRUE");
const OF_USER: &str = page!("l.lane = asked.lane AND l.user_id = asked.user_id");

/// Writes entries with their reasons, in the transaction that `connection` is in.
pub(crate) async fn save(connection: &AsyncPgConnection, entries: &[AuditEntry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let with_reason = |entry: &&AuditEntry| entry.note.reason.is_some();
    let reasons: Vec<&AuditEntry> = entries.iter().filter(with_reason).collect();
    let reasons = Statement::new(INSERT_REASONS)
        .column::<SmallInt, i16>(reasons.iter().map(|entry| lane_of(entry)))
        .column::<SqlUuid, Uuid>(reasons.iter().map(|entry| stored_id(entry.note.id.as_bytes())))
        .column::<Text, _>(reasons.iter().filter_map(|entry| entry.note.reason.as_deref()).map(cleaned));
    try_join!(insert(entries).execute(connection), reasons.execute(connection))?;
    Ok(())
}

fn lane_of(entry: &AuditEntry) -> i16 {
    i16::from(entry.lane().get())
}

fn insert(entries: &[AuditEntry]) -> Statement<'_> {
    fn state(state: Option<&AuditState>) -> Option<&str> {
        state.map(AuditState::as_str)
    }
    Statement::new(INSERT_ENTRIES)
        .column::<SmallInt, i16>(entries.iter().map(lane_of))
        .column::<SqlUuid, Uuid>(entries.iter().map(|entry| stored_id(entry.note.id.as_bytes())))
        .column::<Nullable<SqlUuid>, Option<Uuid>>(
            entries.iter().map(|entry| entry.user.map(|user| stored_id(user.as_bytes()))),
        )
        .column::<Timestamptz, PgTimestamp>(entries.iter().map(|entry| stored_time(entry.at)))
        .column::<Text, &str>(entries.iter().map(|entry| entry.note.by.actor.as_str()))
        .column::<Text, &str>(entries.iter().map(|entry| entry.note.by.via.as_str()))
        .column::<Text, &str>(entries.iter().map(|entry| entry.note.action.as_str()))
        .column::<Text, &str>(entries.iter().map(|entry| entry.note.target.as_str()))
        .column::<Nullable<Text>, _>(entries.iter().map(|entry| state(entry.before.as_ref())))
        .column::<Nullable<Text>, _>(entries.iter().map(|entry| state(entry.after.as_ref())))
        .column::<Nullable<Text>, _>(
            entries.iter().map(|entry| entry.note.by.request_id.as_deref().map(cleaned)),
        )
        .column::<Nullable<Text>, _>(entries.iter().map(|entry| entry.note.key.as_deref()))
}

#[async_trait]
impl AuditBook for PostgresStore {
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<AuditCursor>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Unavailable> {
        let page = || {
            let text = |part: &Option<String>| part.as_deref().map(|text| cleaned(text).into_owned());
            // No cursor is one behind the end of time.
            let (at, id) = before.map_or((PgTimestamp(i64::MAX), Uuid::max()), |cursor| {
                (stored_time(nearest(cursor.at)), stored_id(cursor.id.as_bytes()))
            });
            let since = filter.from.map_or(PgTimestamp(i64::MIN), |at| stored_time(nearest(at)));
            let until = filter.to.map_or(PgTimestamp(i64::MAX), |at| stored_time(nearest(at)));
            Statement::new(if filter.user.is_some() { OF_USER } else { OF_ALL })
                .bind::<Nullable<SmallInt>, Option<i16>>(filter.user.as_ref().map(lane))
                .bind::<Nullable<SqlUuid>, _>(filter.user.map(|user| stored_id(user.as_bytes())))
                .bind::<Nullable<Text>, _>(text(&filter.actor))
                .bind::<Nullable<Text>, _>(text(&filter.target))
                .bind::<Nullable<Text>, _>(text(&filter.action))
                .bind::<Timestamptz, _>(since)
                .bind::<Timestamptz, _>(until)
                .bind::<Timestamptz, _>(at)
                .bind::<SqlUuid, _>(id)
                .bind::<BigInt, _>(i64::from(limit))
        };
        self.ask(page, AuditRow::into_domain).await
    }
}

/// Every lookup with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[(&str, &str, &[&str])] = &[
    (
        OF_ALL,
        "(NULL, NULL, NULL, NULL, NULL, '-infinity', 'infinity', 'infinity', md5('7')::uuid, 50)",
        &["audit_log_at", "audit_reasons_pkey"],
    ),
    (
        OF_USER,
        "(7, md5('7')::uuid, NULL, NULL, NULL, '-infinity', 'infinity', 'infinity', md5('7')::uuid, 50)",
        &["audit_log_user", "audit_reasons_pkey"],
    ),
];
