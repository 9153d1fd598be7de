//! Storing what was decided: a few bulk statements and the commit, all in one round trip.
//!
//! Nobody can look at the counts of rows before the commit is on its way, so each statement checks its own: the
//! cast to the domain `every_row` fails, and with it the transaction, unless every row was written.
//!
//! A statement costs the server a parse of its message, a start, an answer and a system call to send it, whatever
//! it writes. So what holds and settlements write is one statement.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::Poll;

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
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use uuid::Uuid;

use crate::error::StoreError;
use crate::rows::{lane, stored_id, stored_time};
use crate::statement::Statement;
use crate::storable::cleaned;
use crate::{api_keys, audit, billing, personal};

/// The check of the domain `every_row`.
const EVERY_ROW: &str = "every_row_is_written";

const UPDATE_ACCOUNTS: &str = "
UPDATE user_ai_credits a SET total_credits = n.total, used_credits = n.used, held_credits = n.held,
    clawed_credits = n.clawed, rate_requests_tat = n.requests_tat, rate_tokens_tat = n.tokens_tat,
    day_number = n.day, day_used = n.day_used, day_held = n.day_held, alert_armed = n.armed, seq = n.seq,
    journal_hash = n.hash, updated_at = now()
FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[], $8::timestamptz[], $9::integer[], $10::bigint[], $11::bigint[], $12::boolean[],
    $13::bigint[], $14::bytea[])
    AS n(lane, user_id, total, used, held, clawed, requests_tat, tokens_tat, day, day_used, day_held, armed, seq,
    hash)
WHERE a.lane = n.lane AND a.user_id = n.user_id";

/// What no hold and no settlement changes.
const UPDATE_STANDINGS: &str = "
UPDATE user_ai_credits a SET last_grant = n.last_grant, plan_type = n.plan, renewal_date = n.renewal,
    alert_threshold = n.threshold, suspensions = n.suspensions, plan_until = n.plan_until,
    pack_plan = n.pack_plan, closed_at = n.closed
FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bigint[],
    $7::integer[], $8::timestamptz[], $9::text[], $10::timestamptz[])
    AS n(lane, user_id, last_grant, plan, renewal, threshold, suspensions, plan_until, pack_plan, closed)
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
    instance_id, tokens, tokens_span, day_number, created_at, expires_at, closed_at, api_key_id)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[],
    $7::bigint[], $8::text[], $9::text[], $10::uuid[], $11::bigint[], $12::bigint[], $13::integer[],
    $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::uuid[])";

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
    outcome, estimated, duration_ms, request_id, created_at, plan_type)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[],
    $14::text[], $15::text[], $16::boolean[], $17::bigint[], $18::text[], $19::timestamptz[], $20::text[])";

const INSERT_CONTENT: &str = "
INSERT INTO ai_usage_content (lane, user_id, usage_id, request_content, response_content, created_at)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])";

/// One statement that writes many rows to one or more tables.
pub(crate) struct Bulk {
    /// For people.
    what: &'static str,
    /// `INSERT`, `UPDATE` or `DELETE`: of different rows each, because none sees what the others do.
    writes: &'static [&'static str],
    sql: OnceLock<String>,
}

impl Bulk {
    pub const fn new(what: &'static str, writes: &'static [&'static str]) -> Self {
        Self { what, writes, sql: OnceLock::new() }
    }

    /// The parameters are those of all writes, then for each write the count of its rows.
    pub fn sql(&'static self) -> &'static str {
        self.sql.get_or_init(|| {
            let mut parameter = 0..;
            let mut numbered = |text: &str| {
                let mut pieces = text.split('$');
                let mut sql = pieces.next().unwrap_or_default().to_owned();
                for (piece, number) in pieces.zip(&mut parameter) {
                    let _ = write!(
                        sql,
                        "${}{}",
                        number + 1,
                        piece.trim_start_matches(|c: char| c.is_ascii_digit())
                    );
                }
                sql
            };
            let name = |index: usize| format!("w{index}");
            let named = |(index, text): (usize, &&str)| {
                format!("{} AS ({} RETURNING 1)", name(index), numbered(text))
            };
            let written: Vec<String> = self.writes.iter().enumerate().map(named).collect();
            let counted = |index| numbered(&format!("(SELECT count(*) FROM {}) = $1", name(index)));
            let counts: Vec<String> = (0..self.writes.len()).map(counted).collect();
            format!("WITH {} SELECT ({})::every_row", written.join(", "), counts.join(" AND "))
        })
    }
}

/// What holds write.
static HOLDS: Bulk = Bulk::new("accounts or new holds", &[UPDATE_ACCOUNTS, INSERT_HOLDS]);
/// What holds and settlements write.
static BOOKS: Bulk = Bulk::new(
    "accounts, lots, holds, journal entries or usage rows",
    &[UPDATE_ACCOUNTS, INSERT_HOLDS, UPDATE_LOTS, UPDATE_HOLDS, INSERT_ENTRIES, INSERT_USAGE],
);
static STANDINGS: Bulk = Bulk::new("standings of accounts", &[UPDATE_STANDINGS]);
static NEW_LOTS: Bulk = Bulk::new("new lots", &[INSERT_LOTS]);
static KEYS: Bulk = Bulk::new("idempotency keys", &[UPSERT_KEYS]);
static RESUMED: Bulk = Bulk::new("resumed suspensions", &[DELETE_SUSPENSIONS]);
static SUSPENDED: Bulk = Bulk::new("suspensions", &[INSERT_SUSPENSIONS]);
static NOTES: Bulk = Bulk::new("notes", &[INSERT_NOTES]);
static CONTENT: Bulk = Bulk::new("texts", &[INSERT_CONTENT]);

/// Stores everything that was decided, in the transaction that `connection` is in, and commits it. On an error
/// nothing is stored, and the transaction may still be open.
///
/// `sent` are the writes that this connection has seen before: see [`Writes::finish`].
pub(crate) async fn save_and_commit(
    connection: &AsyncPgConnection,
    decided: &Decided,
    sent: &mut BTreeSet<&'static str>,
) -> Result<(), StoreError> {
    // Erased first: whatever is written after it is to stay.
    personal::save(connection, decided).await?;
    // What buying writes is rare, and waited for: its counts are checked here, before anything is committed.
    billing::save::save(connection, decided).await?;
    audit::save(connection, &decided.audit).await?;
    let standing: Vec<&Account> =
        decided.accounts.iter().filter(|account| decided.standings.contains(&account.user)).collect();
    let mut writes = Writes { connection, running: Vec::new() };
    writes.add(&RESUMED, &decided.resumed, resumed);
    writes.add(&SUSPENDED, &decided.suspended, suspended);
    writes.add_books(decided);
    writes.add(&STANDINGS, &standing, standings);
    writes.add(&NEW_LOTS, &decided.new_lots, new_lots);
    writes.add(&KEYS, &decided.keys, keys);
    writes.add(&NOTES, &decided.notes, notes);
    writes.add(&CONTENT, &decided.content, content);
    writes.add(&api_keys::NEW, &decided.new_api_keys, api_keys::new);
    writes.add(&api_keys::CHANGED, &decided.changed_api_keys, api_keys::changed);
    writes.finish(sent).await
}

/// Ends the transaction that `connection` is in and keeps what it did.
pub(crate) async fn commit(connection: &AsyncPgConnection) -> QueryResult<usize> {
    Statement::new("COMMIT").execute(connection).await
}

type Running<'c> = BoxFuture<'c, QueryResult<usize>>;

/// Bulk writes that share a round trip.
struct Writes<'c> {
    connection: &'c AsyncPgConnection,
    running: Vec<(&'static str, MaybeDone<Running<'c>>)>,
}

impl<'c> Writes<'c> {
    fn add<'d: 'c, T>(
        &mut self,
        bulk: &'static Bulk,
        rows: &'d [T],
        columns: fn(Statement<'d>, &'d [T]) -> Statement<'d>,
    ) {
        if !rows.is_empty() {
            let statement = columns(Statement::new(bulk.sql()), rows);
            self.run(bulk, statement, &[rows.len()]);
        }
    }

    fn add_books<'d: 'c>(&mut self, decided: &'d Decided) {
        let Decided { accounts: updated, new_holds: new, changed_lots: lots, .. } = decided;
        let Decided { changed_holds: closed, journal, usage: used, .. } = decided;
        let rest = [lots.len(), closed.len(), journal.len(), used.len()];
        if rest != [0; 4] {
            let statement = new_holds(accounts(Statement::new(BOOKS.sql()), updated), new);
            let statement = changed_holds(changed_lots(statement, lots), closed);
            let statement = usage(entries(statement, journal), used);
            let [lots, closed, journal, used] = rest;
            self.run(&BOOKS, statement, &[updated.len(), new.len(), lots, closed, journal, used]);
        } else if !updated.is_empty() || !new.is_empty() {
            let statement = new_holds(accounts(Statement::new(HOLDS.sql()), updated), new);
            self.run(&HOLDS, statement, &[updated.len(), new.len()]);
        }
    }

    fn run<'d: 'c>(&mut self, bulk: &'static Bulk, mut statement: Statement<'d>, counts: &[usize]) {
        for count in counts {
            statement = statement.bind::<BigInt, i64>(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        let running: Running<'c> = Box::pin(statement.execute(self.connection));
        self.running.push((bulk.what, maybe_done(running)));
    }

    /// Runs the writes, then the commit, without waiting for them in between.
    ///
    /// The server runs them in order, and makes a commit behind a statement that failed a rollback. What could
    /// go wrong is a write that never gets to the server because it cannot be encoded. On a connection that
    /// knows a statement this comes out when the write is first polled, so the commit is not sent from then
    /// on; a statement that is still to be prepared is waited for.
    async fn finish(mut self, sent: &mut BTreeSet<&'static str>) -> Result<(), StoreError> {
        let all_known = self.running.iter().all(|(what, _)| sent.contains(what));
        let mut commit: MaybeDone<Running<'_>> = maybe_done(Box::pin(commit(self.connection)));
        let mut committing = false;
        poll_fn(|context| {
            let (mut done, mut failed) = (true, false);
            for (_, write) in &mut self.running {
                done &= write.poll_unpin(context).is_ready();
                failed |= write_failed(write);
            }
            if committing || (!failed && (all_known || done)) {
                committing = true;
                done &= commit.poll_unpin(context).is_ready();
            }
            if done { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // The first error is that of the statement that failed, not of those behind it.
        for (what, mut write) in self.running {
            if let Some(written) = Pin::new(&mut write).take_output() {
                written.map_err(|error| miscounted(what, error))?;
                sent.insert(what);
            }
        }
        if let Some(committed) = Pin::new(&mut commit).take_output() {
            committed?;
        }
        Ok(())
    }
}

fn write_failed(write: &mut MaybeDone<Running<'_>>) -> bool {
    Pin::new(write).output_mut().is_some_and(|written| written.is_err())
}

fn miscounted(what: &'static str, error: diesel::result::Error) -> StoreError {
    match error {
        diesel::result::Error::DatabaseError(_, about) if about.constraint_name() == Some(EVERY_ROW) => {
            StoreError::Miscounted(what)
        }
        other => other.into(),
    }
}

/// The columns that every table of users begins with.
pub(crate) fn keyed<'a, T>(
    statement: Statement<'a>,
    rows: &'a [T],
    user: fn(&T) -> &UserId,
) -> Statement<'a> {
    statement
        .column::<SmallInt, i16>(rows.iter().map(|row| lane(user(row))))
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(user(row).as_bytes())))
}

fn accounts<'a>(statement: Statement<'a>, rows: &'a [Account]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<BigInt, i64>(rows.iter().map(|row| row.total.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.used.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.held.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.clawed.get()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.limits.requests_tat)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.limits.tokens_tat)))
        .column::<Integer, i32>(rows.iter().map(|row| row.limits.day.as_days()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.limits.day_used.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.limits.day_held.get()))
        .column::<Bool, bool>(rows.iter().map(|row| row.alert_armed))
        .column::<BigInt, i64>(rows.iter().map(|row| row.seq.cast_signed()))
        .column::<Binary, &[u8]>(rows.iter().map(|row| row.journal_hash.as_slice()))
}

fn standings<'a>(statement: Statement<'a>, rows: &'a [&'a Account]) -> Statement<'a> {
    let keys: Vec<(i16, Uuid)> =
        rows.iter().map(|row| (lane(&row.user), stored_id(row.user.as_bytes()))).collect();
    statement
        .column::<SmallInt, i16>(keys.iter().map(|(lane, _)| *lane))
        .column::<SqlUuid, Uuid>(keys.iter().map(|(_, user)| *user))
        .column::<BigInt, i64>(rows.iter().map(|row| row.last_grant.get()))
        .column::<Text, &str>(rows.iter().map(|row| row.plan.as_str()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.renewal.map(stored_time)),
        )
        .column::<Nullable<BigInt>, Option<i64>>(
            rows.iter().map(|row| row.alert_threshold.map(domain::credits::Credits::get)),
        )
        .column::<Integer, i32>(rows.iter().map(|row| row.suspensions.cast_signed()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.plan_until.map(stored_time)),
        )
        .column::<Text, &str>(rows.iter().map(|row| row.pack_plan.as_str()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.closed_at.map(stored_time)),
        )
}

fn new_lots<'a>(statement: Statement<'a>, rows: &'a [Lot]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
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

fn changed_lots<'a>(statement: Statement<'a>, rows: &'a [Lot]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.id.as_bytes())))
        .column::<BigInt, i64>(rows.iter().map(|row| row.remaining.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.expired.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.clawed.get()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.clawed_at.map(stored_time)),
        )
}

fn new_holds<'a>(statement: Statement<'a>, rows: &'a [Hold]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
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
        .column::<Nullable<SqlUuid>, Option<Uuid>>(
            rows.iter().map(|row| row.api_key.map(|id| stored_id(id.as_bytes()))),
        )
}

fn changed_holds<'a>(statement: Statement<'a>, rows: &'a [Hold]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.id.as_bytes())))
        .column::<Text, &str>(rows.iter().map(|row| row.state.as_str()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.charged.get()))
        .column::<BigInt, i64>(rows.iter().map(|row| row.absorbed.get()))
        .column::<Nullable<Timestamptz>, Option<PgTimestamp>>(
            rows.iter().map(|row| row.closed_at.map(stored_time)),
        )
}

fn keys<'a>(statement: Statement<'a>, rows: &'a [KeyRecord]) -> Statement<'a> {
    fn answer<'a, T>(row: &'a KeyRecord, part: fn(&'a StoredAnswer) -> T) -> Option<T> {
        row.answer.as_ref().map(part)
    }
    keyed(statement, rows, |row| &row.user)
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

fn resumed<'a>(statement: Statement<'a>, rows: &'a [Suspension]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user).column::<Text, &str>(rows.iter().map(|row| row.source.as_str()))
}

fn suspended<'a>(statement: Statement<'a>, rows: &'a [Suspension]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<Text, &str>(rows.iter().map(|row| row.source.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.actor.as_str()))
        .column::<Text, &str>(rows.iter().map(|row| row.reason.as_str()))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.since)))
}

fn entries<'a>(statement: Statement<'a>, rows: &'a [JournalEntry]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
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

fn notes<'a>(statement: Statement<'a>, rows: &'a [JournalNote]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<BigInt, i64>(rows.iter().map(|row| row.seq.cast_signed()))
        .column::<Text, &str>(rows.iter().map(|row| row.text.as_str()))
}

fn usage<'a>(statement: Statement<'a>, rows: &'a [UsageRecord]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
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
        .column::<Text, &str>(rows.iter().map(|row| row.plan.as_str()))
}

fn content<'a>(statement: Statement<'a>, rows: &'a [UsageContent]) -> Statement<'a> {
    keyed(statement, rows, |row| &row.user)
        .column::<SqlUuid, Uuid>(rows.iter().map(|row| stored_id(row.hold.as_bytes())))
        .column::<Text, _>(rows.iter().map(|row| cleaned(&row.request)))
        .column::<Text, _>(rows.iter().map(|row| cleaned(&row.response)))
        .column::<Timestamptz, PgTimestamp>(rows.iter().map(|row| stored_time(row.at)))
}

/// Counts stay below [`Tokens::MAX`]: the sign bit is never set.
fn count(tokens: Tokens) -> i64 {
    tokens.get().cast_signed()
}

/// Every statement that looks rows up, with the indexes that its plan must use.
#[cfg(test)]
pub(crate) fn lookups() -> [(&'static str, &'static [&'static str]); 5] {
    [
        (HOLDS.sql(), &["user_ai_credits_pkey"]),
        // Of a lot any index will do that starts with the user: a user has few lots.
        (BOOKS.sql(), &["user_ai_credits_pkey", "credit_holds_pkey"]),
        (STANDINGS.sql(), &["user_ai_credits_pkey"]),
        (RESUMED.sql(), &["account_suspensions_pkey"]),
        (api_keys::CHANGED.sql(), &["api_keys_pkey"]),
    ]
}
