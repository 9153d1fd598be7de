//! The plain way on SQLite: the same rows, either one transaction for the hold and one for its settlement, or each
//! write by itself. One caller with one connection, so that nobody ever waits for the file's lock: the plain way
//! at its best.

use std::path::Path;
use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Text, Untyped};
use diesel::sqlite::Sqlite;
use diesel::{Connection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection};
use domain::credits::Credits;
use domain::ids::{HoldId, UserId};
use domain::ledger::account::Actor;
use domain::ledger::holds::HOLD_LIFETIME;
use domain::ledger::journal::{EntryKind, JournalEntry};

use crate::callers::{Way, wrong};
use crate::{Result, asks};

const RESERVE: &str = "
UPDATE user_ai_credits SET held_credits = held_credits + ?, updated_at = ?
WHERE lane = ? AND user_id = ? AND suspensions = 0 AND total_credits - used_credits - held_credits >= ?";

const INSERT_HOLD: &str = "
INSERT INTO credit_holds (lane, user_id, id, amount, state, request_type, instance_id, tokens, tokens_span,
    day_number, created_at, expires_at)
VALUES (?, ?, ?, ?, 'open', 'assistant', ?, 0, 0, ?, ?, ?)";

const READ_ACCOUNT: &str = "
SELECT total_credits - used_credits AS balance, seq, journal_hash FROM user_ai_credits
WHERE lane = ? AND user_id = ?";

const SETTLE_HOLD: &str = "
UPDATE credit_holds SET state = 'settled', charged = ?, closed_at = ?
WHERE lane = ? AND user_id = ? AND id = ? AND state = 'open'";

const BURN: &str = "
UPDATE credit_grants SET remaining = remaining - ?
WHERE lane = ? AND user_id = ? AND id = (
    SELECT id FROM credit_grants
    WHERE lane = ? AND user_id = ? AND remaining > 0 AND remaining >= ? AND (expires_at IS NULL OR expires_at > ?)
    ORDER BY expires_at IS NULL, expires_at, created_at LIMIT 1
)";

const CHARGE: &str = "
UPDATE user_ai_credits SET used_credits = used_credits + ?, held_credits = held_credits - ?, seq = ?,
    journal_hash = ?, updated_at = ?
WHERE lane = ? AND user_id = ?";

const INSERT_ENTRY: &str = "
INSERT INTO credit_journal (lane, user_id, seq, kind, amount, balance_after, source, actor, created_at, hash)
VALUES (?, ?, ?, 'use', ?, ?, ?, ?, ?, ?)";

const INSERT_USAGE: &str = "
INSERT INTO ai_usage_log (lane, user_id, id, credits_used, tokens_used, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, cost_nano_usd, price_version, request_type, model, outcome, estimated,
    duration_ms, request_id, created_at, plan_type)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?, 'assistant', ?, 'settled', FALSE, ?, ?, ?, 'free')";

/// What is a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A hold is one, its settlement another.
    EachAct,
    /// Each write is one: what code without transactions does.
    EachWrite,
}

/// One connection to the file.
pub struct PlainSqlite {
    connection: Mutex<SqliteConnection>,
    style: Style,
}

impl PlainSqlite {
    /// Opens a file that has its tables already, as durable as the product's own connection.
    pub fn open(path: &Path, style: Style) -> Result<Arc<Self>> {
        let name = path.to_str().ok_or("a path that is not UTF-8")?;
        let mut connection = SqliteConnection::establish(name)?;
        connection.batch_execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        Ok(Arc::new(Self { connection: Mutex::new(connection), style }))
    }
}

impl Way for PlainSqlite {
    async fn pair(&self, _caller: usize, user: UserId) -> Result<()> {
        let mut connection = self.connection.lock().map_err(|_| "a caller panicked")?;
        let connection = &mut *connection;
        let owner = Owner { lane: i64::from(user.lane().get()), id: user.to_string() };
        let hold = HoldId::for_user(&user, asks::unique());
        match self.style {
            Style::EachAct => {
                connection.immediate_transaction(|connection| make_hold(connection, &owner, hold))?;
                connection.immediate_transaction(|connection| settle(connection, &owner, user, hold))
            }
            // The very same statements; as nobody else writes, the journal is chained nevertheless.
            Style::EachWrite => {
                make_hold(connection, &owner, hold)?;
                settle(connection, &owner, user, hold)
            }
        }
    }
}

struct Owner {
    lane: i64,
    id: String,
}

fn make_hold(connection: &mut SqliteConnection, owner: &Owner, hold: HoldId) -> Result<()> {
    let now = asks::now();
    let held = asks::HELD.get();
    let reserve = Statement::new(RESERVE).int(held).int(now.at.as_micros());
    reserve.int(owner.lane).text(&owner.id).int(held).write_one(connection)?;
    Statement::new(INSERT_HOLD)
        .int(owner.lane)
        .text(&owner.id)
        .text(&hold.to_string())
        .int(held)
        .text(&asks::INSTANCE.to_string())
        .int(i64::from(now.day.as_days()))
        .int(now.at.as_micros())
        .int(now.at.after(HOLD_LIFETIME).as_micros())
        .write_one(connection)
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Binary)]
    journal_hash: Vec<u8>,
}

fn settle(connection: &mut SqliteConnection, owner: &Owner, user: UserId, hold: HoldId) -> Result<()> {
    let account: AccountRow =
        Statement::new(READ_ACCOUNT).int(owner.lane).text(&owner.id).get_result(connection)?;
    let mut entry = JournalEntry {
        user,
        seq: u64::try_from(account.seq)? + 1,
        kind: EntryKind::Use,
        amount: asks::CHARGED.negated(),
        balance_after: Credits::new(account.balance)?.minus(asks::CHARGED)?,
        source: format!("hold:{hold}"),
        actor: Actor::user(&user),
        at: asks::now().at,
        note_hash: None,
        hash: [0; 32],
    };
    entry.hash = entry.chained_hash(account.journal_hash.as_slice().try_into()?);
    let (charged, at, hold_id) = (asks::CHARGED.get(), entry.at.as_micros(), hold.to_string());

    let settle_hold = Statement::new(SETTLE_HOLD).int(charged).int(at);
    settle_hold.int(owner.lane).text(&owner.id).text(&hold_id).write_one(connection)?;
    let burn = Statement::new(BURN).int(charged).int(owner.lane).text(&owner.id);
    burn.int(owner.lane).text(&owner.id).int(charged).int(at).write_one(connection)?;
    let charge = Statement::new(CHARGE).int(charged).int(asks::HELD.get()).int(entry.seq.cast_signed());
    charge.blob(&entry.hash).int(at).int(owner.lane).text(&owner.id).write_one(connection)?;
    insert_entry(connection, owner, &entry)?;
    insert_usage(connection, owner, &hold_id, at)
}

fn insert_entry(connection: &mut SqliteConnection, owner: &Owner, entry: &JournalEntry) -> Result<()> {
    Statement::new(INSERT_ENTRY)
        .int(owner.lane)
        .text(&owner.id)
        .int(entry.seq.cast_signed())
        .int(entry.amount.get())
        .int(entry.balance_after.get())
        .text(&entry.source)
        .text(entry.actor.as_str())
        .int(entry.at.as_micros())
        .blob(&entry.hash)
        .write_one(connection)
}

fn insert_usage(connection: &mut SqliteConnection, owner: &Owner, hold: &str, at: i64) -> Result<()> {
    let facts = asks::facts();
    Statement::new(INSERT_USAGE)
        .int(owner.lane)
        .text(&owner.id)
        .text(hold)
        .int(asks::CHARGED.get())
        .int(facts.tokens.total().get().cast_signed())
        .int(facts.tokens.input.get().cast_signed())
        .int(facts.tokens.output.get().cast_signed())
        .int(facts.cost.get())
        .text(&facts.price_version)
        .text(&facts.model)
        .int(facts.duration.as_millis())
        .text(&facts.request_id)
        .int(at)
        .write_one(connection)
}

/// A constant text with its parameters. Unlike `diesel::sql_query` it is prepared once and kept.
struct Statement {
    sql: &'static str,
    parameters: Vec<Parameter>,
}

enum Parameter {
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Statement {
    fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new() }
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn int(self, value: i64) -> Self {
        self.with(Parameter::Int(value))
    }

    fn text(self, value: &str) -> Self {
        self.with(Parameter::Text(value.to_owned()))
    }

    fn blob(self, value: &[u8]) -> Self {
        self.with(Parameter::Blob(value.to_owned()))
    }

    fn write_one(self, connection: &mut SqliteConnection) -> Result<()> {
        let sql = self.sql;
        match self.execute(connection)? {
            1 => Ok(()),
            rows => Err(wrong(format!("{rows} rows instead of one: {sql}"))),
        }
    }
}

impl QueryFragment<Sqlite> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        // Parameters bring their own placeholders: those of the text are left out.
        let mut pieces = self.sql.split('?');
        out.push_sql(pieces.next().unwrap_or_default());
        for (parameter, piece) in self.parameters.iter().zip(pieces) {
            match parameter {
                Parameter::Int(value) => out.push_bind_param::<BigInt, _>(value)?,
                Parameter::Text(value) => out.push_bind_param::<Text, _>(value)?,
                Parameter::Blob(value) => out.push_bind_param::<Binary, _>(value)?,
            }
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl RunQueryDsl<SqliteConnection> for Statement {}
