//! Storing what was decided: a bulk statement for each table that changes, all in one round trip.

use diesel::QueryResult;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{
    BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::AsyncPgConnection;
use domain::ids::UserId;
use domain::ledger::account::{Account, Suspension};
use domain::ledger::batch::Decided;
use domain::ledger::command::StoredAnswer;
use domain::ledger::holds::{Hold, KeyRecord};
use domain::ledger::journal::{JournalEntry, JournalNote};
use domain::ledger::lots::Lot;
use domain::ledger::usage::{UsageContent, UsageRecord};
use domain::tokens::Tokens;
use futures_util::future::{BoxFuture, join_all};
use uuid::Uuid;

use crate::billing;
use crate::error::StoreError;
use crate::rows::{lane, stored_id, stored_time};
use crate::statement::Statement;
use crate::storable::cleaned;

const UPDATE_ACCOUNTS: &str = "
UPDATE user_ai_credits a SET total_credits = n.total, used_credits = n.used, held_credits = n.held,
    clawed_credits = n.clawed, last_grant = n.last_grant, plan_type = n.plan, renewal_date = n.renewal,
    rate_requests_tat = n.requests_tat, rate_tokens_tat = n.tokens_tat, day_number = n.day,
    day_used = n.day_used, day_held = n.day_held, alert_threshold = n.threshold, alert_armed = n.armed,
    suspensions = n.suspensions, seq = n.seq, journal_hash = n.hash, plan_until = n.plan_until,
    pack_plan = n.pack_plan, updated_at = now()
FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::integer[], $13::bigint[],
    $14::bigint[], $15::bigint[], $16::boolean[], $17::integer[], $18::bigint[], $19::bytea[],
    $20::timestamptz[], $21::text[])
    AS n(lane, user_id, total, used, held, clawed, last_grant, plan, renewal, requests_tat, tokens_tat, day,
    day_used, day_held, threshold, armed, suspensions, seq, hash, plan_until, pack_plan)
WHERE a.lane = n.lane AND a.user_id = n.user_id";

const INSERT_LOTS: &str = "
INSERT INTO credit_grants (lane, user_id, id, source, source_ref, parent_id, amount, remaining, expired, clawed,
    clawed_at, created_at, expires_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[])";

const UPDATE_LOTS: &str = "
UPDATE credit_grants g
SET remaining = n.remaining, expired = n.expired, clawed = n.clawed, clawed_at = n.clawed_at
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[]) AS n(lane, user_id, id, remaining, expired, clawed, clawed_at)
WHERE g.lane = n.lane AND g.user_id = n.user_id AND g.id = n.id";

const INSERT_HOLDS: &str = "
INSERT INTO credit_holds (lane, user_id, id, amount, state, charged, absorbed, request_type, idempotency_key,
    instance_id, tokens, tokens_span, day_number, created_at, expires_at, closed_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[],
    $7::bigint[], $8::text[], $9::text[], $10::uuid[], $11::bigint[], $12::bigint[], $13::integer[],
    $14::timestamptz[], $15::timestamptz[], $16::timestamptz[])";

const UPDATE_HOLDS: &str = "
UPDATE credit_holds h
SET state = n.state, charged = n.charged, absorbed = n.absorbed, closed_at = n.closed_at
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[],
    $7::timestamptz[]) AS n(lane, user_id, id, state, charged, absorbed, closed_at)
WHERE h.lane = n.lane AND h.user_id = n.user_id AND h.id = n.id";

const UPSERT_KEYS: &str = "
INSERT INTO idempotency_keys AS k (lane, user_id, key, hold_id, fingerprint, created_at, answer_body,
    answer_model, answer_tokens, answer_request_id, answer_charged, answer_remaining)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::uuid[], $5::bytea[], $6::timestamptz[],
    $7::bytea[], $8::text[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[])
ON CONFLICT (lane, user_id, key) DO UPDATE SET hold_id = excluded.hold_id, fingerprint = excluded.fingerprint,
    created_at = excluded.created_at, answer_body = excluded.answer_body,
    answer_model = excluded.answer_model, answer_tokens = excluded.answer_tokens,
    answer_request_id = excluded.answer_request_id, answer_charged = excluded.answer_charged,
    answer_remaining = excluded.answer_remaining";

const DELETE_SUSPENSIONS: &str = "
DELETE FROM account_suspensions s
USING unnest($1::smallint[], $2::uuid[], $3::text[]) AS n(lane, user_id, source)
WHERE s.lane = n.lane AND s.user_id = n.user_id AND s.source = n.source";

const INSERT_SUSPENSIONS: &str = "
INSERT INTO account_suspensions (lane, user_id, source, actor, reason, since)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])";

const INSERT_ENTRIES: &str = "
INSERT INTO credit_journal (lane, user_id, seq, kind, amount, balance_after, source, actor, created_at,
    note_hash, hash)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
    $7::text[], $8::text[], $9::timestamptz[], $10::bytea[], $11::bytea[])";

const INSERT_NOTES: &str = "
INSERT INTO credit_journal_notes (lane, user_id, seq, note)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::text[])";

const INSERT_USAGE: &str = "
INSERT INTO ai_usage_log (lane, user_id, id, credits_used, absorbed_credits, tokens_used, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, cost_nano_usd, price_version, request_type, model,
    outcome, estimated, duration_ms, request_id, created_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[],
    $14::text[], $15::text[], $16::boolean[], $17::bigint[], $18::text[], $19::timestamptz[])";

const INSERT_CONTENT: &str = "
INSERT INTO ai_usage_content (lane, user_id, usage_id, request_content, response_content, created_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])";

/// Stores everything that was decided, in the transaction that `connection` is in.
pub(crate) async fn save(connection: &AsyncPgConnection, decided: &Decided) -> Result<(), StoreError> {
    let mut writes = Writes { connection, running: Vec::new() };
    writes.add("resumed suspensions", &decided.resumed, resumed);
    writes.add("suspensions", &decided.suspended, suspended);
    writes.add("accounts", &decided.accounts, accounts);
    writes.add("new lots", &decided.new_lots, new_lots);
    writes.add("changed lots", &decided.changed_lots, changed_lots);
    writes.add("new holds", &decided.new_holds, new_holds);
    writes.add("changed holds", &decided.changed_holds, changed_holds);
    writes.add("idempotency keys", &decided.keys, keys);
    writes.add("journal entries", &decided.journal, entries);
    writes.add("notes", &decided.notes, notes);
    writes.add("usage rows", &decided.usage, usage);
    writes.add("texts", &decided.content, content);
    for (what, count, write) in billing::save::writes(decided) {
        writes.put(what, count, write);
    }
    writes.finish().await
}

type Running<'c> = BoxFuture<'c, QueryResult<usize>>;

/// Bulk writes that share a round trip.
struct Writes<'c> {
    connection: &'c AsyncPgConnection,
    running: Vec<(&'static str, Option<usize>, Running<'c>)>,
}

impl<'c> Writes<'c> {
    fn add<'d: 'c, T>(&mut self, what: &'static str, rows: &'d [T], write: fn(&'d [T]) -> Statement<'d>) {
        if !rows.is_empty() {
            self.put(what, Some(rows.len()), write(rows));
        }
    }

    /// A write that must meet `count` rows, if that can be known.
    fn put<'d: 'c>(&mut self, what: &'static str, count: Option<usize>, write: Statement<'d>) {
        self.running.push((what, count, Box::pin(write.execute(self.connection))));
    }

    /// All are waited for, so that the error is the first statement's and not one of those that came
    /// behind it in the broken transaction.
    async fn finish(self) -> Result<(), StoreError> {
        let mut expected = Vec::with_capacity(self.running.len());
        let mut running = Vec::with_capacity(self.running.len());
        for (what, count, write) in self.running {
            expected.push((what, count));
            running.push(write);
        }
        for ((what, count), written) in expected.into_iter().zip(join_all(running).await) {
            let written = written?;
            if let Some(count) = count
                && written != count
            {
                return Err(StoreError::Miscounted(what, written, count));
            }
        }
        Ok(())
    }
}

/// A statement whose first two parameters are lanes and users.
fn keyed<'a, T>(sql: &'static str, rows: &'a [T], user: fn(&T) -> &UserId) -> Statement<'a> {
    Statement::new(sql)
        .column::<SmallInt, i16>(rows.iter().map(|row| lane(user(row))))
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(user(row).as_bytes())))
}

fn accounts(rows: &[Account]) -> Statement<'_> {
    keyed(UPDATE_ACCOUNTS, rows, |row| &row.user)
        .column::<BigInt, i64>(rows.iter().map(|row| row.total.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.used.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.held.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.clawed.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.last_grant.get()))
        .column::<Text, &str>(rows.iter().map(|row| row.plan.as_str()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.renewal.map(stored_time)),
        )
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.limits.requests_tat)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.limits.tokens_tat)))
        .column::<Integer, i32>(rows.iter().map(|row| row.limits.day.as_days()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.limits.day_used.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.limits.day_held.get()))
        .column::<Nullable<BigInt>, Option<i64>>(
            rows.iter().map(|row| row.alert_threshold.map(domain::credits::Credits::get)),
        )
        .column::<Bool, bool>(rows.iter().map(|row| row.alert_armed))
        .column::<Integer, i32>(rows.iter().map(|row| row.suspensions.cast_signed()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.seq.cast_signed()))
        .column::<Binary, &[u8]>(rows.iter().map(|row| row.journal_hash.as_slice()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.plan_until.map(stored_time)),
        )
        .column::<Text, &str>(rows.iter().map(|row| row.pack_plan.as_str()))
}

fn new_lots(rows: &[Lot]) -> Statement<'_> {
    keyed(INSERT_LOTS, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.id.as_bytes())))
        .column::<Text, &str>(rows.iter().map(|row| row.source.kind.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.source.reference.as_str()))
        .column::<Nullable<SqlUuid>, Option<Uuid>>(
            rows.iter().map(|row| row.parent.map(|id| stored_id(id.as_bytes()))),
        )
        .column::<BigInt, i64>(rows.iter().map(|row| row.amount.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.remaining.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.expired.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.clawed.get()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.clawed_at.map(stored_time)),
        )
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.created_at)))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.expires_at.map(stored_time)),
        )
}

fn changed_lots(rows: &[Lot]) -> Statement<'_> {
    keyed(UPDATE_LOTS, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.id.as_bytes())))
        .column::<BigInt, i64>(rows.iter().map(|row| row.remaining.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.expired.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.clawed.get()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.clawed_at.map(stored_time)),
        )
}

fn new_holds(rows: &[Hold]) -> Statement<'_> {
    keyed(INSERT_HOLDS, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.id.as_bytes())))
        .column::<BigInt, i64>(rows.iter().map(|row| row.amount.get()))
        .column::<Text, &str>(rows.iter().map(|row| row.state.as_str()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.charged.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.absorbed.get()))
        .column::<Text, &str>(rows.iter().map(|row| row.kind.as_str()))
        .column::<Nullable<Text>, Option<&str>>(
            rows.iter().map(|row| row.key.as_ref().map(domain::ids::IdempotencyKey::as_str)),
        )
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.instance.as_bytes())))
        .column::<BigInt, i64>(rows.iter().map(|row| count(row.tokens)))
        .column::<BigInt, i64>(rows.iter().map(|row| row.tokens_span.as_micros()))
        .column::<Integer, i32>(rows.iter().map(|row| row.day.as_days()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.created_at)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.expires_at)))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.closed_at.map(stored_time)),
        )
}

fn changed_holds(rows: &[Hold]) -> Statement<'_> {
    keyed(UPDATE_HOLDS, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.id.as_bytes())))
        .column::<Text, &str>(rows.iter().map(|row| row.state.as_str()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.charged.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.absorbed.get()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.closed_at.map(stored_time)),
        )
}

fn keys(rows: &[KeyRecord]) -> Statement<'_> {
    fn answer<'a, T>(row: &'a KeyRecord, part: fn(&'a StoredAnswer) -> T) -> Option<T> {
        row.answer.as_ref().map(part)
    }
    keyed(UPSERT_KEYS, rows, |row| &row.user)
        .column::<Text, &str>(rows.iter().map(|row| row.key.as_str()))
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.hold.as_bytes())))
        .column::<Binary, &[u8]>(rows.iter().map(|row| row.fingerprint.as_slice()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.created_at)))
        .column::<Nullable<Binary>, Option<&[u8]>>(
            rows.iter().map(|row| answer(row, |it| it.answer.body.as_slice())),
        )
        .column::<Nullable<Text>, _>(rows.iter().map(|row| answer(row, |it| cleaned(&it.answer.model))))
        .column::<Nullable<BigInt>, Option<i64>>(
            rows.iter().map(|row| answer(row, |it| count(it.answer.tokens))),
        )
        .column::<Nullable<Text>, _>(rows.iter().map(|row| answer(row, |it| cleaned(&it.answer.request_id))))
        .column::<Nullable<BigInt>, Option<i64>>(rows.iter().map(|row| answer(row, |it| it.charged.get())))
        .column::<Nullable<BigInt>, Option<i64>>(rows.iter().map(|row| answer(row, |it| it.remaining.get())))
}

fn resumed(rows: &[Suspension]) -> Statement<'_> {
    keyed(DELETE_SUSPENSIONS, rows, |row| &row.user)
        .column::<Text, &str>(rows.iter().map(|row| row.source.as_str()))
}

fn suspended(rows: &[Suspension]) -> Statement<'_> {
    keyed(INSERT_SUSPENSIONS, rows, |row| &row.user)
        .column::<Text, &str>(rows.iter().map(|row| row.source.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.actor.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.reason.as_str()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.since)))
}

fn entries(rows: &[JournalEntry]) -> Statement<'_> {
    keyed(INSERT_ENTRIES, rows, |row| &row.user)
        .column::<BigInt, i64>(rows.iter().map(|row| row.seq.cast_signed()))
        .column::<Text, &str>(rows.iter().map(|row| row.kind.as_str()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.amount.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.balance_after.get()))
        .column::<Text, &str>(rows.iter().map(|row| row.source.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.actor.as_str()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.at)))
        .column::<Nullable<Binary>, Option<&[u8]>>(
            rows.iter().map(|row| row.note_hash.as_ref().map(<[u8; 32]>::as_slice)),
        )
        .column::<Binary, &[u8]>(rows.iter().map(|row| row.hash.as_slice()))
}

fn notes(rows: &[JournalNote]) -> Statement<'_> {
    keyed(INSERT_NOTES, rows, |row| &row.user)
        .column::<BigInt, i64>(rows.iter().map(|row| row.seq.cast_signed()))
        .column::<Text, &str>(rows.iter().map(|row| row.text.as_str()))
}

fn usage(rows: &[UsageRecord]) -> Statement<'_> {
    keyed(INSERT_USAGE, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.hold.as_bytes())))
        .column::<BigInt, i64>(rows.iter().map(|row| row.credits.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.absorbed.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| count(row.facts.tokens.total())))
        .column::<BigInt, i64>(rows.iter().map(|row| count(row.facts.tokens.input)))
        .column::<BigInt, i64>(rows.iter().map(|row| count(row.facts.tokens.cached_input)))
        .column::<BigInt, i64>(rows.iter().map(|row| count(row.facts.tokens.output)))
        .column::<BigInt, i64>(rows.iter().map(|row| count(row.facts.tokens.reasoning)))
        .column::<BigInt, i64>(rows.iter().map(|row| row.facts.cost.get()))
        .column::<Text, _>(rows.iter().map(|row| cleaned(&row.facts.price_version)))
        .column::<Text, &str>(rows.iter().map(|row| row.facts.kind.as_str()))
        .column::<Text, _>(rows.iter().map(|row| cleaned(&row.facts.model)))
        .column::<Text, &str>(rows.iter().map(|row| row.outcome.as_str()))
        .column::<Bool, bool>(rows.iter().map(|row| row.facts.estimated))
        .column::<BigInt, i64>(rows.iter().map(|row| row.facts.duration.as_millis()))
        .column::<Text, _>(rows.iter().map(|row| cleaned(&row.facts.request_id)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.at)))
}

fn content(rows: &[UsageContent]) -> Statement<'_> {
    keyed(INSERT_CONTENT, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.hold.as_bytes())))
        .column::<Text, _>(rows.iter().map(|row| cleaned(&row.request)))
        .column::<Text, _>(rows.iter().map(|row| cleaned(&row.response)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.at)))
}

/// Counts stay below [`Tokens::MAX`]: the sign bit is never set.
fn count(tokens: Tokens) -> i64 {
    tokens.get().cast_signed()
}

/// Every statement that looks rows up, with the index that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[(&str, &[&str])] = &[
    (UPDATE_ACCOUNTS, &["user_ai_credits_pkey"]),
    // Any index will do that starts with the user: a user has few lots.
    (UPDATE_LOTS, &[]),
    (UPDATE_HOLDS, &["credit_holds_pkey"]),
    (DELETE_SUSPENSIONS, &["account_suspensions_pkey"]),
];
