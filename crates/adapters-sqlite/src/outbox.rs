//! Notices on their way out, and the endpoint of the webhook. Written beside the batches, in turn with them.

use async_trait::async_trait;
use domain::billing::notice::Notice;
use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::notices::{Channel, Delivery, DeliveryName, DeliveryState, Endpoint, Outbox};

use crate::rows::{endpoint, notices, outbox};
use crate::store::SqliteStore;

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim(
        &self,
        channel: Channel,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Unavailable> {
        // Asked every second, and seldom for something: looking takes no turn with the writer.
        if !self.readers.read(move |connection| outbox::is_due(connection, channel, now)).await? {
            return Ok(Vec::new());
        }
        self.write(move |connection| outbox::claim(connection, channel, now, again, limit)).await
    }

    async fn close(
        &self,
        name: DeliveryName,
        state: DeliveryState,
        at: Timestamp,
        note: Option<String>,
    ) -> Result<(), Unavailable> {
        self.write(move |connection| outbox::close(connection, &name, state, at, note.as_deref())).await
    }

    async fn put_off(&self, name: DeliveryName, at: Timestamp, note: String) -> Result<(), Unavailable> {
        self.write(move |connection| outbox::put_off(connection, &name, at, &note)).await
    }

    async fn state(
        &self,
        name: DeliveryName,
    ) -> Result<Option<(DeliveryState, u32, Option<String>)>, Unavailable> {
        self.readers.read(move |connection| outbox::state(connection, &name)).await
    }

    async fn endpoint(&self) -> Result<Option<Endpoint>, Unavailable> {
        self.readers.read(endpoint::find).await
    }

    async fn meet_endpoint(&self, address: [u8; 32]) -> Result<(), Unavailable> {
        self.write(move |connection| endpoint::meet(connection, address)).await
    }

    async fn enable_endpoint(&self) -> Result<(), Unavailable> {
        self.write(endpoint::enable).await
    }

    async fn endpoint_worked(&self) -> Result<(), Unavailable> {
        self.write(endpoint::worked).await
    }

    async fn endpoint_failed(&self, now: Timestamp) -> Result<Timestamp, Unavailable> {
        self.write(move |connection| endpoint::failed(connection, now)).await
    }

    async fn disable_endpoint(&self, notice: Notice) -> Result<bool, Unavailable> {
        self.write(move |connection| {
            let disabled = endpoint::disable(connection, notice.at)?;
            if disabled && notices::insert(connection, &notice)? {
                outbox::insert(connection, &notice)?;
            }
            Ok(disabled)
        })
        .await
    }
}
