//! The payment provider's events.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ports::Unavailable;
use domain::ports::billing::{EventState, Inbox, InboxEvent};

use super::{MemoryStore, lock, page_size};

#[async_trait]
impl Inbox for MemoryStore {
    async fn put(&self, event: InboxEvent) -> Result<bool, Unavailable> {
        let mut tables = lock(&self.tables);
        let is_new = !tables.events.contains_key(&event.id);
        let due = event.received_at;
        tables.events.entry(event.id.clone()).or_insert((event, due));
        Ok(is_new)
    }

    async fn claim(
        &self,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<InboxEvent>, Unavailable> {
        let mut tables = lock(&self.tables);
        let mut due: Vec<&mut (InboxEvent, Timestamp)> = tables
            .events
            .values_mut()
            .filter(|(event, due)| event.state == EventState::Pending && *due <= now)
            .collect();
        due.sort_by_key(|(event, due)| (*due, event.id.clone()));
        let claim = |(event, due): &mut (InboxEvent, Timestamp)| {
            event.tries = event.tries.saturating_add(1);
            *due = again;
            event.clone()
        };
        Ok(due.into_iter().take(page_size(limit)).map(claim).collect())
    }

    async fn close(&self, id: &str, state: EventState, note: Option<String>) -> Result<(), Unavailable> {
        if let Some((event, _)) = lock(&self.tables).events.get_mut(id)
            && event.state == EventState::Pending
        {
            event.state = state;
            event.note = note;
        }
        Ok(())
    }

    async fn retry(&self, id: &str, at: Timestamp, note: String) -> Result<(), Unavailable> {
        if let Some((event, due)) = lock(&self.tables).events.get_mut(id)
            && event.state == EventState::Pending
        {
            event.note = Some(note);
            *due = at;
        }
        Ok(())
    }

    async fn empty_bodies(&self, before: Timestamp) -> Result<(), Unavailable> {
        for (event, _) in lock(&self.tables).events.values_mut() {
            let done_with = matches!(event.state, EventState::Done | EventState::Ignored);
            if done_with && event.received_at < before {
                event.body.clear();
            }
        }
        Ok(())
    }

    async fn event(&self, id: &str) -> Result<Option<InboxEvent>, Unavailable> {
        Ok(lock(&self.tables).events.get(id).map(|(event, _)| event.clone()))
    }

    async fn cursor(&self) -> Result<Option<Timestamp>, Unavailable> {
        Ok(lock(&self.tables).read_to)
    }

    async fn advance(&self, to: Timestamp) -> Result<(), Unavailable> {
        let mut tables = lock(&self.tables);
        tables.read_to = tables.read_to.max(Some(to));
        Ok(())
    }
}
