//! Notices on their way out, and the endpoint of the webhook.

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::prelude::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use domain::billing::notice::Notice;
use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::notices::{Channel, Delivery, DeliveryName, DeliveryState, Endpoint, Outbox};
use futures_util::FutureExt;

use crate::billing::inbox::{done, foreign};
use crate::billing::reads::of_user;
use crate::billing::save::notices;
use crate::error::{Corrupt, StoreError};
use crate::reads::READ_BOUND;
use crate::rows::{NoticeRow, stored_time, time};
use crate::statement::Statement;
use crate::storable;
use crate::store::PostgresStore;

/// Takes what is due and moves it on, in one statement. What others are taking is left to them, without waiting.
const CLAIM: &str = "
WITH due AS MATERIALIZED (
    SELECT lane, user_id, kind, subject, channel, next_try FROM outbox
    WHERE state = 'waiting' AND channel = $1 AND next_try <= $2
    ORDER BY next_try LIMIT $3
    FOR NO KEY UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE outbox o SET tries = o.tries + 1, next_try = $4 FROM due d
    WHERE o.lane = d.lane AND o.user_id = d.user_id AND o.kind = d.kind AND o.subject = d.subject
        AND o.channel = d.channel
    RETURNING o.lane, o.user_id, o.kind, o.subject, o.tries, d.next_try AS was_due
)
SELECT n.user_id, n.kind, n.subject, n.plan, n.credits, n.amount_minor, n.balance, n.threshold, n.detail,
    n.created_at, c.tries
FROM claimed c CROSS JOIN LATERAL (
    SELECT * FROM notices n
    WHERE n.lane = c.lane AND n.user_id = c.user_id AND n.kind = c.kind AND n.subject = c.subject OFFSET 0
) n
ORDER BY c.was_due";

const CLOSE: &str = "
UPDATE outbox SET state = $1, closed_at = $2, note = $3
WHERE state = 'waiting' AND kind = $4 AND subject = $5 AND channel = $6 AND lane = $7 AND user_id = $8";

const PUT_OFF: &str = "
UPDATE outbox SET next_try = $1, note = $2
WHERE state = 'waiting' AND kind = $3 AND subject = $4 AND channel = $5 AND lane = $6 AND user_id = $7";

const STATE: &str = "
SELECT state, tries, note FROM outbox
WHERE lane = $1 AND user_id = $2 AND kind = $3 AND subject = $4 AND channel = $5";

const ENDPOINT: &str = "SELECT address, failing_since, disabled_at FROM alert_endpoint WHERE id = 1";

/// Another address than before begins anew.
const MEET: &str = "
INSERT INTO alert_endpoint AS e (id, address) VALUES (1, $1)
ON CONFLICT (id) DO UPDATE SET address = excluded.address, failing_since = NULL, disabled_at = NULL
WHERE e.address <> excluded.address";

const ENABLE: &str = "UPDATE alert_endpoint SET failing_since = NULL, disabled_at = NULL WHERE id = 1";

const WORKED: &str = "
UPDATE alert_endpoint SET failing_since = NULL WHERE id = 1 AND failing_since IS NOT NULL";

const FAILED: &str = "
UPDATE alert_endpoint SET failing_since = coalesce(failing_since, $1) WHERE id = 1 RETURNING failing_since";

const DISABLE: &str = "UPDATE alert_endpoint SET disabled_at = $1 WHERE id = 1 AND disabled_at IS NULL";

#[derive(QueryableByName)]
struct DeliveryRow {
    #[diesel(embed)]
    notice: NoticeRow,
    #[diesel(sql_type = BigInt)]
    tries: i64,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    tries: i64,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
}

impl StateRow {
    fn into_domain(self) -> Result<(DeliveryState, u32, Option<String>), Corrupt> {
        let corrupt = |column, problem| Corrupt { table: "outbox", key: String::new(), column, problem };
        let state = DeliveryState::from_word(&self.state)
            .ok_or_else(|| corrupt("state", format!("is the unknown word {:?}", self.state)))?;
        Ok((state, count(self.tries).map_err(|problem| corrupt("tries", problem))?, self.note))
    }
}

#[derive(QueryableByName)]
struct EndpointRow {
    #[diesel(sql_type = Binary)]
    address: Vec<u8>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failing_since: Option<PgTimestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    disabled_at: Option<PgTimestamp>,
}

impl EndpointRow {
    fn into_domain(self) -> Result<Endpoint, Corrupt> {
        let length = self.address.len();
        let address = self.address.try_into().map_err(|_| Corrupt {
            table: "alert_endpoint",
            key: "1".to_owned(),
            column: "address",
            problem: format!("has {length} bytes, not 32"),
        })?;
        let (failing_since, disabled_at) = (self.failing_since.map(time), self.disabled_at.map(time));
        Ok(Endpoint { address, failing_since, disabled_at })
    }
}

#[derive(QueryableByName)]
struct SinceRow {
    #[diesel(sql_type = Timestamptz)]
    failing_since: PgTimestamp,
}

fn count(stored: i64) -> Result<u32, String> {
    u32::try_from(stored).map_err(|_| format!("is {stored}, out of range"))
}

/// A delivery; `None`, with a line in the log, for one that cannot be read. It waits like the others, and they do not
/// wait for it: a newer release, which can read it, may be running beside this one.
fn delivery(row: DeliveryRow, channel: Channel) -> Option<Delivery> {
    let tries = count(row.tries).unwrap_or(u32::MAX);
    match row.notice.into_domain() {
        Ok(notice) => Some(Delivery { notice, channel, tries }),
        Err(corrupt) => {
            tracing::error!(%corrupt, "left in the outbox");
            None
        }
    }
}

/// The columns that name a delivery, but for its user.
fn naming(statement: Statement<'static>, name: &DeliveryName) -> Statement<'static> {
    statement
        .bind::<Text, _>(name.kind.as_str())
        .bind::<Text, _>(name.subject.clone())
        .bind::<Text, _>(name.channel.as_str())
}

/// Those, and the user.
fn named(statement: Statement<'static>, name: &DeliveryName) -> Statement<'static> {
    use diesel::sql_types::{SmallInt, Uuid};
    naming(statement, name)
        .bind::<SmallInt, _>(crate::rows::lane(&name.user))
        .bind::<Uuid, _>(crate::rows::stored_id(name.user.as_bytes()))
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn claim(
        &self,
        channel: Channel,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Unavailable> {
        storable::time("now", now)?;
        storable::time("again", again)?;
        let rows = self
            .read(READ_BOUND, |connection| {
                let claim = Statement::new(CLAIM)
                    .bind::<Text, _>(channel.as_str())
                    .bind::<Timestamptz, _>(stored_time(now))
                    .bind::<BigInt, _>(i64::from(limit))
                    .bind::<Timestamptz, _>(stored_time(again));
                async move { Ok(claim.load::<DeliveryRow>(connection).await?) }.boxed()
            })
            .await?;
        Ok(rows.into_iter().filter_map(|row| delivery(row, channel)).collect())
    }

    async fn close(
        &self,
        name: DeliveryName,
        state: DeliveryState,
        at: Timestamp,
        note: Option<String>,
    ) -> Result<(), Unavailable> {
        storable::time("at", at)?;
        let close = || {
            let statement = Statement::new(CLOSE)
                .bind::<Text, _>(state.as_str())
                .bind::<Timestamptz, _>(stored_time(at))
                .bind::<Nullable<Text>, _>(note.as_deref().map(foreign));
            named(statement, &name)
        };
        done(self.write(close)).await
    }

    async fn put_off(&self, name: DeliveryName, at: Timestamp, note: String) -> Result<(), Unavailable> {
        storable::time("at", at)?;
        let put_off = || {
            let statement = Statement::new(PUT_OFF)
                .bind::<Timestamptz, _>(stored_time(at))
                .bind::<Text, _>(foreign(&note));
            named(statement, &name)
        };
        done(self.write(put_off)).await
    }

    async fn state(
        &self,
        name: DeliveryName,
    ) -> Result<Option<(DeliveryState, u32, Option<String>)>, Unavailable> {
        let state = || naming(of_user(STATE, &name.user), &name);
        Ok(self.ask(state, StateRow::into_domain).await?.into_iter().next())
    }

    async fn endpoint(&self) -> Result<Option<Endpoint>, Unavailable> {
        let found = self.ask(|| Statement::new(ENDPOINT), EndpointRow::into_domain).await?;
        Ok(found.into_iter().next())
    }

    async fn meet_endpoint(&self, address: [u8; 32]) -> Result<(), Unavailable> {
        done(self.write(|| Statement::new(MEET).bind::<Binary, _>(address.to_vec()))).await
    }

    async fn enable_endpoint(&self) -> Result<(), Unavailable> {
        done(self.write(|| Statement::new(ENABLE))).await
    }

    async fn endpoint_worked(&self) -> Result<(), Unavailable> {
        done(self.write(|| Statement::new(WORKED))).await
    }

    async fn endpoint_failed(&self, now: Timestamp) -> Result<Timestamp, Unavailable> {
        storable::time("now", now)?;
        let failed = || Statement::new(FAILED).bind::<Timestamptz, _>(stored_time(now));
        let since = self.ask(failed, |row: SinceRow| Ok(time(row.failing_since))).await?;
        Ok(since.into_iter().next().unwrap_or(now))
    }

    async fn disable_endpoint(&self, notice: Notice) -> Result<bool, Unavailable> {
        storable::time("at", notice.at)?;
        self.read(READ_BOUND, |connection| {
            let notice = notice.clone();
            async move { connection.transaction(async |connection| disable(connection, notice).await).await }
                .boxed()
        })
        .await
    }
}

async fn disable(connection: &mut AsyncPgConnection, notice: Notice) -> Result<bool, StoreError> {
    let disable = Statement::new(DISABLE).bind::<Timestamptz, _>(stored_time(notice.at));
    let disabled = disable.execute(connection).await? > 0;
    if disabled {
        notices(&[notice]).execute(connection).await?;
    }
    Ok(disabled)
}

/// Every lookup with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(crate) const LOOKUPS: &[crate::billing::ReaderLookup] = &[
    (CLAIM, "('email', now(), 4, now())", &["outbox_due", "outbox_pkey"]),
    (CLOSE, "('sent', now(), NULL, 'purchase_paid', 'p', 'email', 7, md5('7')::uuid)", &["outbox_pkey"]),
    (PUT_OFF, "(now(), 'why', 'purchase_paid', 'p', 'email', 7, md5('7')::uuid)", &["outbox_pkey"]),
    (STATE, "(7, md5('7')::uuid, 'purchase_paid', 'p', 'email')", &["outbox_pkey"]),
];
