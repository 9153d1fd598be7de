//! Loading what a batch needs, under lock.
//!
//! Accounts are locked first, in one order everywhere; what belongs to them is read in the statements after
//! that. A statement that locked and read at once would see a fresh account with stale lots and holds: under
//! READ COMMITTED a waiting statement re-reads the row it waited for, and nothing else. All statements share
//! a round trip: the server runs one after the other, each with a snapshot of its own.
//!
//! Every lookup joins arrays of keys to an index: its plan does not depend on how much is asked for. `LATERAL`
//! with `OFFSET 0` fixes the order of the join, keys first: a plan that was made when the table was empty, or
//! the analysed share of open holds zero, would else walk a whole index and look into the keys for each row.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel::sql_types::{SmallInt, Text, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use domain::ids::{IdempotencyKey, UserId};
use domain::ledger::batch::{Loaded, Needs};
use domain::ledger::lots::Source;
use futures_util::join;
use uuid::Uuid;

use crate::api_keys;
use crate::billing;
use crate::error::StoreError;
use crate::rows::{AccountRow, EntryRow, HoldRow, KeyRow, LotRow, SuspensionRow, all, lane, stored_id};
use crate::statement::Statement;

const CREATE_ACCOUNTS: &str = "
INSERT INTO user_ai_credits (lane, user_id)
SELECT n.lane, n.user_id FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
ORDER BY n.lane, n.user_id
ON CONFLICT (lane, user_id) DO NOTHING";

const LOCK_ACCOUNTS: &str = "
SELECT a.user_id, a.total_credits, a.used_credits, a.held_credits, a.clawed_credits, a.last_grant, a.plan_type,
    a.renewal_date, a.plan_until, a.pack_plan, a.rate_requests_tat, a.rate_tokens_tat, a.day_number, a.day_used,
    a.day_held, a.alert_threshold, a.alert_armed, a.suspensions, a.seq, a.journal_hash, a.created_at,
    a.closed_at
FROM (
    SELECT * FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id) ORDER BY lane, user_id OFFSET 0
) n
CROSS JOIN LATERAL (
    SELECT * FROM user_ai_credits a WHERE a.lane = n.lane AND a.user_id = n.user_id FOR NO KEY UPDATE
) a";

const LIVE_LOTS: &str = "
SELECT g.user_id, g.id, g.source, g.source_ref, g.parent_id, g.amount, g.remaining, g.expired, g.clawed,
    g.clawed_at, g.created_at, g.expires_at
FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
CROSS JOIN LATERAL (
    SELECT * FROM credit_grants g WHERE g.lane = n.lane AND g.user_id = n.user_id AND g.live OFFSET 0
) g";

/// The lots of the named sources and the lots that restored parts of those.
const NAMED_LOTS: &str = "
WITH named AS MATERIALIZED (
    SELECT g.*
    FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[]) AS n(lane, user_id, source, source_ref)
    JOIN credit_grants g ON g.lane = n.lane AND g.user_id = n.user_id AND g.source = n.source
        AND g.source_ref = n.source_ref
)
SELECT g.user_id, g.id, g.source, g.source_ref, g.parent_id, g.amount, g.remaining, g.expired, g.clawed,
    g.clawed_at, g.created_at, g.expires_at
FROM named g
UNION ALL
SELECT g.user_id, g.id, g.source, g.source_ref, g.parent_id, g.amount, g.remaining, g.expired, g.clawed,
    g.clawed_at, g.created_at, g.expires_at
FROM named n JOIN credit_grants g ON g.lane = n.lane AND g.user_id = n.user_id AND g.parent_id = n.id";

const OPEN_HOLDS: &str = "
SELECT h.user_id, h.id, h.amount, h.state, h.charged, h.absorbed, h.request_type, h.idempotency_key,
    h.instance_id, h.tokens, h.tokens_span, h.day_number, h.created_at, h.expires_at, h.closed_at,
    h.api_key_id
FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
CROSS JOIN LATERAL (
    SELECT * FROM credit_holds h WHERE h.lane = n.lane AND h.user_id = n.user_id AND h.state = 'open' OFFSET 0
) h";

/// The open holds, and the named ones that are not open.
const OPEN_AND_NAMED_HOLDS: &str = "
SELECT h.user_id, h.id, h.amount, h.state, h.charged, h.absorbed, h.request_type, h.idempotency_key,
    h.instance_id, h.tokens, h.tokens_span, h.day_number, h.created_at, h.expires_at, h.closed_at,
    h.api_key_id
FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
CROSS JOIN LATERAL (
    SELECT * FROM credit_holds h WHERE h.lane = n.lane AND h.user_id = n.user_id AND h.state = 'open' OFFSET 0
) h
UNION ALL
SELECT h.user_id, h.id, h.amount, h.state, h.charged, h.absorbed, h.request_type, h.idempotency_key,
    h.instance_id, h.tokens, h.tokens_span, h.day_number, h.created_at, h.expires_at, h.closed_at,
    h.api_key_id
FROM unnest($3::smallint[], $4::uuid[], $5::uuid[]) AS n(lane, user_id, id)
CROSS JOIN LATERAL (
    SELECT * FROM credit_holds h
    WHERE h.lane = n.lane AND h.user_id = n.user_id AND h.id = n.id AND h.state <> 'open' OFFSET 0
) h";

const KEYS: &str = "
SELECT k.user_id, k.key, k.hold_id, k.fingerprint, k.created_at, k.answer_body, k.answer_model,
    k.answer_tokens, k.answer_request_id, k.answer_charged, k.answer_remaining
FROM unnest($1::smallint[], $2::uuid[], $3::text[]) AS n(lane, user_id, key)
CROSS JOIN LATERAL (
    SELECT * FROM idempotency_keys k WHERE k.lane = n.lane AND k.user_id = n.user_id AND k.key = n.key OFFSET 0
) k";

const HOLDS_OF_KEYS: &str = "
SELECT h.user_id, h.id, h.amount, h.state, h.charged, h.absorbed, h.request_type, h.idempotency_key,
    h.instance_id, h.tokens, h.tokens_span, h.day_number, h.created_at, h.expires_at, h.closed_at,
    h.api_key_id
FROM unnest($1::smallint[], $2::uuid[], $3::text[]) AS n(lane, user_id, key)
CROSS JOIN LATERAL (
    SELECT * FROM idempotency_keys k WHERE k.lane = n.lane AND k.user_id = n.user_id AND k.key = n.key OFFSET 0
) k
CROSS JOIN LATERAL (
    SELECT * FROM credit_holds h WHERE h.lane = k.lane AND h.user_id = k.user_id AND h.id = k.hold_id OFFSET 0
) h";

const POSTED: &str = "
SELECT j.user_id, j.seq, j.kind, j.amount, j.balance_after, j.source, j.actor, j.created_at, j.note_hash,
    j.hash
FROM unnest($1::smallint[], $2::uuid[], $3::text[]) AS n(lane, user_id, source)
CROSS JOIN LATERAL (
    SELECT * FROM credit_journal j WHERE j.lane = n.lane AND j.user_id = n.user_id AND j.source = n.source
        AND j.kind IN ('grant', 'adjust') OFFSET 0
) j";

const SUSPENSIONS: &str = "
SELECT s.user_id, s.source, s.actor, s.reason, s.since
FROM unnest($1::smallint[], $2::uuid[]) AS n(lane, user_id)
JOIN account_suspensions s ON s.lane = n.lane AND s.user_id = n.user_id";

/// Begins a transaction, creates the accounts that are to be there, locks those that are, and reads what belongs
/// to them, in one round trip.
///
/// The order of the statements is the order of the futures in `join!`: see [`Statement::load`].
pub(crate) async fn begin(connection: &AsyncPgConnection, needs: &Needs) -> Result<Loaded, StoreError> {
    let users = &needs.accounts;
    let create = async {
        if needs.create.is_empty() {
            return Ok(0);
        }
        of_users(CREATE_ACCOUNTS, &needs.create).execute(connection).await
    };
    let (
        begun,
        created,
        locked,
        live_lots,
        holds,
        keys,
        held_keys,
        named_lots,
        posted,
        suspensions,
        api_keys,
        billing,
    ) = join!(
        Statement::new("BEGIN").execute(connection),
        create,
        of_users(LOCK_ACCOUNTS, users).load::<AccountRow>(connection),
        of_users(LIVE_LOTS, users).load::<LotRow>(connection),
        of_holds(needs).load::<HoldRow>(connection),
        some(!needs.keys.is_empty(), || of_keys(KEYS, &needs.keys).load::<KeyRow>(connection)),
        some(!needs.keys.is_empty(), || of_keys(HOLDS_OF_KEYS, &needs.keys).load::<HoldRow>(connection)),
        some(!needs.sources.is_empty(), || of_lots(&needs.sources).load::<LotRow>(connection)),
        some(!needs.sources.is_empty(), || of_entries(&needs.sources).load::<EntryRow>(connection)),
        some(!needs.suspensions.is_empty(), || {
            of_users(SUSPENSIONS, &needs.suspensions).load::<SuspensionRow>(connection)
        }),
        api_keys::load(connection, needs),
        billing::load::load(connection, needs),
    );
    // The error is that of the statement that failed, not of those behind it in the broken transaction.
    begun?;
    created?;
    // An account that appeared after the lock is not among these, so that what was read of it counts for nothing.
    let accounts = all(locked?, AccountRow::into_domain)?;
    let mut lots = all(live_lots?, LotRow::into_domain)?;
    lots.extend(all(named_lots?, LotRow::into_domain)?);
    let mut holds = all(holds?, HoldRow::into_domain)?;
    holds.extend(all(held_keys?, HoldRow::into_domain)?);
    Ok(Loaded {
        accounts,
        lots,
        holds,
        keys: all(keys?, KeyRow::into_domain)?,
        posted: all(posted?, EntryRow::into_domain)?,
        suspensions: suspensions?.into_iter().map(SuspensionRow::into_domain).collect(),
        api_keys: api_keys?,
        ..billing?
    })
}

/// Asks only when there is something to ask for.
pub(crate) async fn some<R, F>(needed: bool, ask: impl FnOnce() -> F) -> QueryResult<Vec<R>>
where
    F: Future<Output = QueryResult<Vec<R>>>,
{
    if needed { ask().await } else { Ok(Vec::new()) }
}

pub(crate) fn of_users(sql: &'static str, users: &BTreeSet<UserId>) -> Statement<'static> {
    keyed(sql, users.iter())
}

fn of_holds(needs: &Needs) -> Statement<'static> {
    if needs.holds.is_empty() {
        return of_users(OPEN_HOLDS, &needs.accounts);
    }
    let named = || needs.holds.iter();
    of_users(OPEN_AND_NAMED_HOLDS, &needs.accounts)
        .column::<SmallInt, i16>(named().map(|(user, _)| lane(user)))
        .column::<SqlUuid, Uuid>(named().map(|(user, _)| stored_id(user.as_bytes())))
        .column::<SqlUuid, Uuid>(named().map(|(_, id)| stored_id(id.as_bytes())))
}

fn of_keys<'a>(sql: &'static str, keys: &'a BTreeSet<(UserId, IdempotencyKey)>) -> Statement<'a> {
    keyed(sql, keys.iter().map(|(user, _)| user))
        .column::<Text, &'a str>(keys.iter().map(|(_, key)| key.as_str()))
}

fn of_lots(sources: &BTreeSet<(UserId, Source)>) -> Statement<'_> {
    keyed(NAMED_LOTS, sources.iter().map(|(user, _)| user))
        .column::<Text, &str>(sources.iter().map(|(_, source)| source.kind.as_str()))
        .column::<Text, &str>(sources.iter().map(|(_, source)| source.reference.as_str()))
}

fn of_entries(sources: &BTreeSet<(UserId, Source)>) -> Statement<'static> {
    keyed(POSTED, sources.iter().map(|(user, _)| user))
        .column::<Text, String>(sources.iter().map(|(_, source)| source.to_string()))
}

/// A statement whose first two parameters are lanes and users.
pub(crate) fn keyed<'a, 'b>(sql: &'static str, users: impl Iterator<Item = &'b UserId>) -> Statement<'a> {
    let (lanes, ids): (Vec<i16>, Vec<Uuid>) =
        users.map(|user| (lane(user), stored_id(user.as_bytes()))).unzip();
    Statement::new(sql).column::<SmallInt, i16>(lanes).column::<SqlUuid, Uuid>(ids)
}

/// Every lookup with the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[(&str, &[&str])] = &[
    (LOCK_ACCOUNTS, &["user_ai_credits_pkey"]),
    (LIVE_LOTS, &["credit_grants_live"]),
    (NAMED_LOTS, &["one_grant_per_source", "credit_grants_parent"]),
    (OPEN_HOLDS, &["credit_holds_open"]),
    (OPEN_AND_NAMED_HOLDS, &["credit_holds_open", "credit_holds_pkey"]),
    (KEYS, &["idempotency_keys_pkey"]),
    (HOLDS_OF_KEYS, &["idempotency_keys_pkey", "credit_holds_pkey"]),
    (POSTED, &["credit_journal_posted_once"]),
    (SUSPENSIONS, &["account_suspensions_pkey"]),
];
