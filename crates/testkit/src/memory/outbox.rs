//! Notices on their way out.

use async_trait::async_trait;
use domain::billing::notice::Notice;
use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::notices::{Channel, Delivery, DeliveryName, DeliveryState, Endpoint, Outbox};

use super::tables::Waiting;
use super::{MemoryStore, lock, page_size};

#[async_trait]
impl Outbox for MemoryStore {
    async fn claim(
        &self,
        channel: Channel,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let mut tables = lock(&self.tables);
        let waits = |name: &DeliveryName, row: &Waiting| {
            name.channel == channel && row.state == DeliveryState::Waiting && row.due <= now
        };
        let mut due: Vec<&mut Waiting> =
            tables.outbox.iter_mut().filter(|(name, row)| waits(name, row)).map(|(_, row)| row).collect();
        due.sort_by_key(|row| row.due);
        let claim = |row: &mut Waiting| {
            row.tries = row.tries.saturating_add(1);
            row.due = again;
            Delivery { notice: row.notice.clone(), channel, tries: row.tries }
        };
        Ok(due.into_iter().take(page_size(limit)).map(claim).collect())
    }

    async fn close(
        &self,
        name: DeliveryName,
        state: DeliveryState,
        _at: Timestamp,
        note: Option<String>,
    ) -> Result<(), Unavailable> {
        self.change(&name, |row| {
            row.state = state;
            row.note = note;
        });
        Ok(())
    }

    async fn put_off(&self, name: DeliveryName, at: Timestamp, note: String) -> Result<(), Unavailable> {
        self.change(&name, |row| {
            row.due = at;
            row.note = Some(note);
        });
        Ok(())
    }

    async fn state(
        &self,
        name: DeliveryName,
    ) -> Result<Option<(DeliveryState, u32, Option<String>)>, Unavailable> {
        let tables = lock(&self.tables);
        Ok(tables.outbox.get(&name).map(|row| (row.state, row.tries, row.note.clone())))
    }

    async fn endpoint(&self) -> Result<Option<Endpoint>, Unavailable> {
        Ok(lock(&self.tables).endpoint)
    }

    async fn meet_endpoint(&self, address: [u8; 32]) -> Result<(), Unavailable> {
        let known = &mut lock(&self.tables).endpoint;
        if known.is_none_or(|known| known.address != address) {
            *known = Some(Endpoint { address, failing_since: None, disabled_at: None });
        }
        Ok(())
    }

    async fn enable_endpoint(&self) -> Result<(), Unavailable> {
        if let Some(known) = &mut lock(&self.tables).endpoint {
            (known.failing_since, known.disabled_at) = (None, None);
        }
        Ok(())
    }

    async fn endpoint_worked(&self) -> Result<(), Unavailable> {
        if let Some(known) = &mut lock(&self.tables).endpoint {
            known.failing_since = None;
        }
        Ok(())
    }

    async fn endpoint_failed(&self, now: Timestamp) -> Result<Timestamp, Unavailable> {
        let mut tables = lock(&self.tables);
        let Some(known) = &mut tables.endpoint else { return Ok(now) };
        Ok(*known.failing_since.get_or_insert(now))
    }

    async fn disable_endpoint(&self, notice: Notice) -> Result<bool, Unavailable> {
        let mut tables = lock(&self.tables);
        let Some(known) = tables.endpoint.as_mut().filter(|known| known.disabled_at.is_none()) else {
            return Ok(false);
        };
        known.disabled_at = Some(notice.at);
        tables.send(&notice);
        Ok(true)
    }
}

impl MemoryStore {
    fn change(&self, name: &DeliveryName, change: impl FnOnce(&mut Waiting)) {
        if let Some(row) = lock(&self.tables).outbox.get_mut(name)
            && row.state == DeliveryState::Waiting
        {
            change(row);
        }
    }
}
