//! The payment provider's events, kept before they are understood. Their rows belong to no account and are
//! written beside the batches, in turn with them.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::billing::{EventState, Inbox, InboxEvent};

use crate::rows::events;
use crate::store::SqliteStore;

#[async_trait]
impl Inbox for SqliteStore {
    async fn put(&self, event: InboxEvent) -> Result<bool, Unavailable> {
        self.write(move |connection| events::insert(connection, &event)).await
    }

    async fn claim(
        &self,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<InboxEvent>, Unavailable> {
        self.write(move |connection| events::claim(connection, now, again, limit)).await
    }

    async fn close(&self, id: &str, state: EventState, note: Option<String>) -> Result<(), Unavailable> {
        let id = id.to_owned();
        self.write(move |connection| events::close(connection, &id, state, note.as_deref())).await
    }

    async fn retry(&self, id: &str, at: Timestamp, note: String) -> Result<(), Unavailable> {
        let id = id.to_owned();
        self.write(move |connection| events::retry(connection, &id, at, &note)).await
    }

    async fn empty_bodies(&self, before: Timestamp) -> Result<(), Unavailable> {
        self.delete_all(events::EMPTY_BODIES.to_owned(), before).await
    }

    async fn event(&self, id: &str) -> Result<Option<InboxEvent>, Unavailable> {
        let id = id.to_owned();
        self.readers.read(move |connection| events::find(connection, &id)).await
    }

    async fn cursor(&self) -> Result<Option<Timestamp>, Unavailable> {
        self.readers.read(events::cursor).await
    }

    async fn advance(&self, to: Timestamp) -> Result<(), Unavailable> {
        self.write(move |connection| events::advance(connection, to)).await
    }
}
