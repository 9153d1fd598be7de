//! The plain way on PostgreSQL: the same rows, written the way a careful program without group commit
//! writes them. One transaction for the hold and one for its settlement, on a pool of connections, with
//! prepared statements and no more locking than it takes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::{HoldId, UserId};
use domain::ledger::account::Actor;
use domain::ledger::holds::HOLD_LIFETIME;
use domain::ledger::journal::{EntryKind, JournalEntry};
use futures_util::future::try_join_all;
use futures_util::try_join;
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

use crate::callers::{Way, wrong};
use crate::{Result, asks};

/// The check is in the update: no other request can come in between.
const RESERVE: &str = "
UPDATE user_ai_credits SET held_credits = held_credits + $3, updated_at = now()
WHERE lane = $1 AND user_id = $2 AND suspensions = 0 AND total_credits - used_credits - held_credits >= $3";

const INSERT_HOLD: &str = "
INSERT INTO credit_holds (lane, user_id, id, amount, state, request_type, instance_id, tokens, tokens_span,
    day_number, created_at, expires_at)
VALUES ($1, $2, $3, $4, 'open', 'assistant', $5, 0, 0, $6, $7, $8)";

const LOCK_ACCOUNT: &str = "
SELECT total_credits - used_credits, seq, journal_hash FROM user_ai_credits
WHERE lane = $1 AND user_id = $2 FOR NO KEY UPDATE";

const SETTLE_HOLD: &str = "
UPDATE credit_holds SET state = 'settled', charged = $4, closed_at = $5
WHERE lane = $1 AND user_id = $2 AND id = $3 AND state = 'open'";

const BURN: &str = "
UPDATE credit_grants SET remaining = remaining - $3
WHERE lane = $1 AND user_id = $2 AND id = (
    SELECT id FROM credit_grants
    WHERE lane = $1 AND user_id = $2 AND remaining >= $3 AND (expires_at IS NULL OR expires_at > $4)
    ORDER BY expires_at, created_at LIMIT 1
)";

const CHARGE: &str = "
UPDATE user_ai_credits SET used_credits = used_credits + $3, held_credits = held_credits - $4,
    seq = $5, journal_hash = $6, updated_at = now()
WHERE lane = $1 AND user_id = $2";

/// The charge of code without transactions: it numbers the entry, and has no hash to chain.
const CHARGE_ALONE: &str = "
UPDATE user_ai_credits SET used_credits = used_credits + $3, held_credits = held_credits - $4,
    seq = seq + 1, updated_at = now()
WHERE lane = $1 AND user_id = $2 RETURNING total_credits - used_credits, seq";

const INSERT_ENTRY: &str = "
INSERT INTO credit_journal (lane, user_id, seq, kind, amount, balance_after, source, actor, created_at, hash)
VALUES ($1, $2, $3, 'use', $4, $5, $6, $7, $8, $9)";

const INSERT_USAGE: &str = "
INSERT INTO ai_usage_log (lane, user_id, id, credits_used, tokens_used, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, cost_nano_usd, price_version, request_type, model, outcome, estimated,
    duration_ms, request_id, created_at, plan_type)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, $8, $9, 'assistant', $10, 'settled', FALSE, $11, $12, $13, 'free')";

/// How statements of one transaction follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Each is waited for before the next is sent, as drivers and mappers do it by themselves.
    OneByOne,
    /// Those that do not need each other's answers share a round trip.
    Pipelined,
    /// Each is a transaction of its own: what code without transactions does, as the seed's. Its journal is
    /// numbered but cannot be chained: the account is not locked between two statements.
    EachAlone,
}

/// A pool with a connection for each caller.
pub struct PlainPostgres {
    connections: Vec<Connection>,
    style: Style,
}

struct Connection {
    client: Client,
    reserve: Statement,
    insert_hold: Statement,
    lock_account: Statement,
    settle_hold: Statement,
    burn: Statement,
    charge: Statement,
    charge_alone: Statement,
    insert_entry: Statement,
    insert_usage: Statement,
}

/// Where the rows of a user lie, in the types of the columns.
struct Owner {
    lane: i16,
    id: Uuid,
}

impl PlainPostgres {
    pub async fn connect(url: &str, connections: usize, style: Style) -> Result<Arc<Self>> {
        let connections = try_join_all((0..connections).map(|_| Connection::open(url))).await?;
        Ok(Arc::new(Self { connections, style }))
    }
}

impl Way for PlainPostgres {
    async fn pair(&self, caller: usize, user: UserId) -> Result<()> {
        let connection = self.connections.get(caller).ok_or("more callers than connections")?;
        let owner = Owner { lane: i16::from(user.lane().get()), id: Uuid::from_bytes(*user.as_bytes()) };
        let hold = HoldId::for_user(&user, asks::unique());
        match self.style {
            Style::OneByOne => {
                connection.hold(&owner, hold).await?;
                connection.settle(&owner, user, hold).await
            }
            Style::Pipelined => {
                connection.hold_pipelined(&owner, hold).await?;
                connection.settle_pipelined(&owner, user, hold).await
            }
            Style::EachAlone => {
                connection.reserve(&owner).await?;
                connection.insert_hold(&owner, hold).await?;
                connection.settle_each_alone(&owner, user, hold).await
            }
        }
    }
}

impl Connection {
    async fn open(url: &str) -> Result<Self> {
        let (client, link) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(link);
        let prepare = |sql| client.prepare(sql);
        let (
            reserve,
            insert_hold,
            lock_account,
            settle_hold,
            burn,
            charge,
            charge_alone,
            insert_entry,
            insert_usage,
        ) = try_join!(
            prepare(RESERVE),
            prepare(INSERT_HOLD),
            prepare(LOCK_ACCOUNT),
            prepare(SETTLE_HOLD),
            prepare(BURN),
            prepare(CHARGE),
            prepare(CHARGE_ALONE),
            prepare(INSERT_ENTRY),
            prepare(INSERT_USAGE),
        )?;
        Ok(Self {
            client,
            reserve,
            insert_hold,
            lock_account,
            settle_hold,
            burn,
            charge,
            charge_alone,
            insert_entry,
            insert_usage,
        })
    }

    async fn begin(&self) -> Result<()> {
        Ok(self.client.batch_execute("BEGIN").await?)
    }

    async fn commit(&self) -> Result<()> {
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    async fn hold(&self, owner: &Owner, hold: HoldId) -> Result<()> {
        self.begin().await?;
        self.reserve(owner).await?;
        self.insert_hold(owner, hold).await?;
        self.commit().await
    }

    async fn hold_pipelined(&self, owner: &Owner, hold: HoldId) -> Result<()> {
        try_join!(self.begin(), self.reserve(owner))?;
        try_join!(self.insert_hold(owner, hold), self.commit())?;
        Ok(())
    }

    async fn settle(&self, owner: &Owner, user: UserId, hold: HoldId) -> Result<()> {
        self.begin().await?;
        let entry = self.next_entry(owner, user, hold).await?;
        self.settle_hold(owner, hold, &entry).await?;
        self.burn(owner, &entry).await?;
        self.charge(owner, &entry).await?;
        self.insert_entry(owner, &entry).await?;
        self.insert_usage(owner, hold, &entry).await?;
        self.commit().await
    }

    async fn settle_pipelined(&self, owner: &Owner, user: UserId, hold: HoldId) -> Result<()> {
        let ((), entry) = try_join!(self.begin(), self.next_entry(owner, user, hold))?;
        try_join!(
            self.settle_hold(owner, hold, &entry),
            self.burn(owner, &entry),
            self.charge(owner, &entry),
            self.insert_entry(owner, &entry),
            self.insert_usage(owner, hold, &entry),
            self.commit(),
        )?;
        Ok(())
    }

    /// The writes of a settlement, each a transaction of its own.
    async fn settle_each_alone(&self, owner: &Owner, user: UserId, hold: HoldId) -> Result<()> {
        let mut entry = entry(user, hold, Credits::ZERO, 0);
        self.settle_hold(owner, hold, &entry).await?;
        self.burn(owner, &entry).await?;
        let (charged, held) = (asks::CHARGED.get(), asks::HELD.get());
        let row =
            self.client.query_one(&self.charge_alone, &[&owner.lane, &owner.id, &charged, &held]).await?;
        entry.balance_after = Credits::new(row.try_get(0)?)?;
        entry.seq = u64::try_from(row.try_get::<_, i64>(1)?)?;
        entry.hash = entry.chained_hash(&[0; 32]);
        self.insert_entry(owner, &entry).await?;
        self.insert_usage(owner, hold, &entry).await
    }

    async fn reserve(&self, owner: &Owner) -> Result<()> {
        let rows = self.client.execute(&self.reserve, &[&owner.lane, &owner.id, &asks::HELD.get()]).await?;
        one(rows, "not enough credits")
    }

    async fn insert_hold(&self, owner: &Owner, hold: HoldId) -> Result<()> {
        let now = asks::now();
        let rows = self
            .client
            .execute(
                &self.insert_hold,
                &[
                    &owner.lane,
                    &owner.id,
                    &Uuid::from_bytes(*hold.as_bytes()),
                    &asks::HELD.get(),
                    &Uuid::from_bytes(*asks::INSTANCE.as_bytes()),
                    &now.day.as_days(),
                    &time(now.at),
                    &time(now.at.after(HOLD_LIFETIME)),
                ],
            )
            .await?;
        one(rows, "no hold")
    }

    /// Locks the account; makes the journal entry that comes next.
    async fn next_entry(&self, owner: &Owner, user: UserId, hold: HoldId) -> Result<JournalEntry> {
        let row = self.client.query_one(&self.lock_account, &[&owner.lane, &owner.id]).await?;
        let (balance, seq): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let previous: &[u8] = row.try_get(2)?;
        let balance_after = Credits::new(balance)?.minus(asks::CHARGED)?;
        let mut entry = entry(user, hold, balance_after, u64::try_from(seq)? + 1);
        entry.hash = entry.chained_hash(previous.try_into()?);
        Ok(entry)
    }

    async fn settle_hold(&self, owner: &Owner, hold: HoldId, entry: &JournalEntry) -> Result<()> {
        let rows = self
            .client
            .execute(
                &self.settle_hold,
                &[
                    &owner.lane,
                    &owner.id,
                    &Uuid::from_bytes(*hold.as_bytes()),
                    &asks::CHARGED.get(),
                    &time(entry.at),
                ],
            )
            .await?;
        one(rows, "the hold is not open")
    }

    async fn burn(&self, owner: &Owner, entry: &JournalEntry) -> Result<()> {
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&owner.lane, &owner.id, &asks::CHARGED.get(), &time(entry.at)];
        one(self.client.execute(&self.burn, &parameters).await?, "no lot")
    }

    async fn charge(&self, owner: &Owner, entry: &JournalEntry) -> Result<()> {
        let rows = self
            .client
            .execute(
                &self.charge,
                &[
                    &owner.lane,
                    &owner.id,
                    &asks::CHARGED.get(),
                    &asks::HELD.get(),
                    &entry.seq.cast_signed(),
                    &entry.hash.as_slice(),
                ],
            )
            .await?;
        one(rows, "no account")
    }

    async fn insert_entry(&self, owner: &Owner, entry: &JournalEntry) -> Result<()> {
        let rows = self
            .client
            .execute(
                &self.insert_entry,
                &[
                    &owner.lane,
                    &owner.id,
                    &entry.seq.cast_signed(),
                    &entry.amount.get(),
                    &entry.balance_after.get(),
                    &entry.source,
                    &entry.actor.as_str(),
                    &time(entry.at),
                    &entry.hash.as_slice(),
                ],
            )
            .await?;
        one(rows, "no entry")
    }

    async fn insert_usage(&self, owner: &Owner, hold: HoldId, entry: &JournalEntry) -> Result<()> {
        let facts = asks::facts();
        let rows = self
            .client
            .execute(
                &self.insert_usage,
                &[
                    &owner.lane,
                    &owner.id,
                    &Uuid::from_bytes(*hold.as_bytes()),
                    &asks::CHARGED.get(),
                    &facts.tokens.total().get().cast_signed(),
                    &facts.tokens.input.get().cast_signed(),
                    &facts.tokens.output.get().cast_signed(),
                    &facts.cost.get(),
                    &facts.price_version,
                    &facts.model,
                    &facts.duration.as_millis(),
                    &facts.request_id,
                    &time(entry.at),
                ],
            )
            .await?;
        one(rows, "no usage row")
    }
}

/// An entry that is not chained yet.
fn entry(user: UserId, hold: HoldId, balance_after: Credits, seq: u64) -> JournalEntry {
    JournalEntry {
        user,
        seq,
        kind: EntryKind::Use,
        amount: asks::CHARGED.negated(),
        balance_after,
        source: format!("hold:{hold}"),
        actor: Actor::user(&user),
        at: asks::now().at,
        note_hash: None,
        hash: [0; 32],
    }
}

fn one(rows: u64, otherwise: &str) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(wrong(otherwise)) }
}

fn time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(at.as_micros().unsigned_abs())
}
