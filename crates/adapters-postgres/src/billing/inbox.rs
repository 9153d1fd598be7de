//! The provider's events: kept, given out, closed.

use std::future::Future;

use async_trait::async_trait;
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::prelude::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz};
use diesel_async::AsyncConnection;
use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::billing::{EventState, Inbox, InboxEvent};
use futures_util::FutureExt;

use crate::error::Corrupt;
use crate::reads::READ_BOUND;
use crate::rows::{stored_time, time};
use crate::schema::stripe_events;
use crate::statement::Statement;
use crate::storable::{self, cleaned};
use crate::store::PostgresStore;
use crate::upkeep::{PURGE_BOUND, be_patient};

const PUT: &str = "
INSERT INTO stripe_events (id, kind, livemode, created_at, received_at, next_try, body, state, tries, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO NOTHING";

/// Takes what is due and moves it on, in one statement. What others are taking is left to them, without waiting.
const CLAIM: &str = "
WITH due AS MATERIALIZED (
    SELECT id, next_try FROM stripe_events WHERE state = 'pending' AND next_try <= $1
    ORDER BY next_try, id COLLATE \"C\" LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE stripe_events e SET tries = e.tries + 1, next_try = $3 FROM due WHERE e.id = due.id
    RETURNING e.id, e.kind, e.livemode, e.created_at, e.received_at, e.body, e.state, e.tries, e.note,
        due.next_try AS was_due
)
SELECT e.id, e.kind, e.livemode, e.created_at, e.received_at, e.body, e.state, e.tries, e.note
FROM claimed e ORDER BY e.was_due, e.id COLLATE \"C\"";

const CLOSE: &str = "UPDATE stripe_events SET state = $1, note = $2 WHERE id = $3 AND state = 'pending'";

const RETRY: &str = "UPDATE stripe_events SET next_try = $1, note = $2 WHERE id = $3 AND state = 'pending'";

const EMPTY_BODIES: &str = "
UPDATE stripe_events SET body = '' WHERE state IN ('done', 'ignored') AND length(body) > 0 AND received_at < $1";

const EVENT: &str = "
SELECT id, kind, livemode, created_at, received_at, body, state, tries, note FROM stripe_events WHERE id = $1";

const CURSOR: &str = "SELECT read_to FROM stripe_cursor WHERE id = 1";

const ADVANCE: &str = "
INSERT INTO stripe_cursor AS c (id, read_to) VALUES (1, $1)
ON CONFLICT (id) DO UPDATE SET read_to = excluded.read_to WHERE c.read_to < excluded.read_to";

#[derive(QueryableByName)]
#[diesel(table_name = stripe_events, check_for_backend(Pg))]
struct EventRow {
    id: String,
    kind: String,
    livemode: bool,
    created_at: PgTimestamp,
    received_at: PgTimestamp,
    body: Vec<u8>,
    state: String,
    tries: i64,
    note: Option<String>,
}

impl EventRow {
    fn into_domain(self) -> Result<InboxEvent, Corrupt> {
        let corrupt = |column, problem| {
            let key = self.id.clone();
            Corrupt { table: "stripe_events", key, column, problem }
        };
        let state = EventState::from_word(&self.state)
            .ok_or_else(|| corrupt("state", format!("is the unknown word {:?}", self.state)))?;
        let tries = u32::try_from(self.tries)
            .map_err(|_| corrupt("tries", format!("is {}, out of range", self.tries)))?;
        Ok(InboxEvent {
            id: self.id,
            kind: self.kind,
            livemode: self.livemode,
            created_at: time(self.created_at),
            received_at: time(self.received_at),
            body: self.body,
            state,
            tries,
            note: self.note,
        })
    }
}

#[derive(QueryableByName)]
struct CursorRow {
    #[diesel(sql_type = Timestamptz)]
    read_to: PgTimestamp,
}

impl PostgresStore {
    /// Runs a statement; how many rows it wrote. Where the connection died under it, it runs once more: then an
    /// event that the first run kept counts as known.
    pub(crate) async fn write(
        &self,
        statement: impl Fn() -> Statement<'static> + Sync,
    ) -> Result<usize, Unavailable> {
        self.read(READ_BOUND, |connection| {
            let statement = statement();
            async move { Ok(statement.execute(connection).await?) }.boxed()
        })
        .await
    }
}

/// Foreign texts: what is wrong with them must not cost the event.
pub(crate) fn foreign(text: &str) -> String {
    cleaned(text).into_owned()
}

pub(crate) async fn done(
    written: impl Future<Output = Result<usize, Unavailable>>,
) -> Result<(), Unavailable> {
    written.await.map(drop)
}

#[async_trait]
impl Inbox for PostgresStore {
    async fn put(&self, event: InboxEvent) -> Result<bool, Unavailable> {
        storable::indexed("event", &event.id)?;
        storable::time("created_at", event.created_at)?;
        storable::time("received_at", event.received_at)?;
        let put = || {
            let received_at = stored_time(event.received_at);
            Statement::new(PUT)
                .bind::<Text, _>(event.id.clone())
                .bind::<Text, _>(foreign(&event.kind))
                .bind::<Bool, _>(event.livemode)
                .bind::<Timestamptz, _>(stored_time(event.created_at))
                .bind::<Timestamptz, _>(received_at)
                .bind::<Timestamptz, _>(received_at)
                .bind::<Binary, _>(event.body.clone())
                .bind::<Text, _>(event.state.as_str())
                .bind::<BigInt, _>(i64::from(event.tries))
                .bind::<Nullable<Text>, _>(event.note.as_deref().map(foreign))
        };
        Ok(self.write(put).await? > 0)
    }

    async fn claim(
        &self,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<InboxEvent>, Unavailable> {
        storable::time("now", now)?;
        storable::time("again", again)?;
        let claim = || {
            Statement::new(CLAIM)
                .bind::<Timestamptz, _>(stored_time(now))
                .bind::<BigInt, _>(i64::from(limit))
                .bind::<Timestamptz, _>(stored_time(again))
        };
        self.ask(claim, EventRow::into_domain).await
    }

    async fn close(&self, id: &str, state: EventState, note: Option<String>) -> Result<(), Unavailable> {
        storable::indexed("event", id)?;
        let close = || {
            Statement::new(CLOSE)
                .bind::<Text, _>(state.as_str())
                .bind::<Nullable<Text>, _>(note.as_deref().map(foreign))
                .bind::<Text, _>(id.to_owned())
        };
        done(self.write(close)).await
    }

    async fn retry(&self, id: &str, at: Timestamp, note: String) -> Result<(), Unavailable> {
        storable::indexed("event", id)?;
        storable::time("at", at)?;
        let retry = || {
            Statement::new(RETRY)
                .bind::<Timestamptz, _>(stored_time(at))
                .bind::<Text, _>(foreign(&note))
                .bind::<Text, _>(id.to_owned())
        };
        done(self.write(retry)).await
    }

    async fn empty_bodies(&self, before: Timestamp) -> Result<(), Unavailable> {
        self.read(PURGE_BOUND, move |connection| {
            async move {
                connection
                    .transaction(async |connection| {
                        be_patient(connection).await?;
                        Statement::new(EMPTY_BODIES)
                            .bind::<Timestamptz, _>(stored_time(before))
                            .execute(connection)
                            .await?;
                        Ok(())
                    })
                    .await
            }
            .boxed()
        })
        .await
    }

    async fn event(&self, id: &str) -> Result<Option<InboxEvent>, Unavailable> {
        if id.contains('\0') {
            return Ok(None);
        }
        let event = || Statement::new(EVENT).bind::<Text, _>(id.to_owned());
        Ok(self.ask(event, EventRow::into_domain).await?.into_iter().next())
    }

    async fn cursor(&self) -> Result<Option<Timestamp>, Unavailable> {
        let found = self.ask(|| Statement::new(CURSOR), |row: CursorRow| Ok(time(row.read_to))).await?;
        Ok(found.into_iter().next())
    }

    async fn advance(&self, to: Timestamp) -> Result<(), Unavailable> {
        storable::time("to", to)?;
        done(self.write(|| Statement::new(ADVANCE).bind::<Timestamptz, _>(stored_time(to)))).await
    }
}

/// Every lookup with values to plan it for, and the indexes that its plan must use.
#[cfg(test)]
pub(super) const LOOKUPS: &[super::ReaderLookup] = &[
    (CLAIM, "(now(), 20, now())", &["stripe_events_due", "stripe_events_pkey"]),
    (CLOSE, "('done', NULL, 'evt_7')", &["stripe_events_pkey"]),
    (RETRY, "(now(), 'why', 'evt_7')", &["stripe_events_pkey"]),
    (EMPTY_BODIES, "(now() - interval '3 days')", &["stripe_events_bodies"]),
    (EVENT, "('evt_7')", &["stripe_events_pkey"]),
];
