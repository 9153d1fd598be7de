//! Figures over all books.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ports::Unavailable;
use domain::ports::billing::EventState;
use domain::ports::vitals::{Backlog, Figures, Vitals};

use super::tables::Rows;
use super::{MemoryStore, lock};

#[async_trait]
impl Vitals for MemoryStore {
    async fn figures(&self, now: Timestamp) -> Result<Figures, Unavailable> {
        let tables = lock(&self.tables);
        let rows = || tables.users.values();
        let balances = || rows().map(|rows| rows.account.total.get() - rows.account.used.get());
        let owed = rows().map(|rows| {
            let account = &rows.account;
            account.used.get() + account.held.get() - account.total.get()
        });
        let open = || rows().flat_map(Rows::open_holds);
        let events = tables.events.values().map(|(event, _)| event);
        let lookups = rows().flat_map(|rows| rows.purchases.values()).filter_map(|row| row.next_lookup);
        Ok(Figures {
            accounts: count(rows()),
            outstanding: sum(balances()),
            owed: sum(owed),
            open_holds: count(open()),
            held: sum(open().map(|hold| hold.amount.get())),
            events: backlog(
                events.filter(|event| event.state == EventState::Pending).map(|event| event.received_at),
            ),
            lookups: backlog(lookups.filter(|due| *due <= now)),
            notices: backlog(tables.outbox.iter().map(|notice| notice.at)),
        })
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

/// The sum of what is above zero.
fn sum(amounts: impl Iterator<Item = i64>) -> Credits {
    let sum = amounts.filter(|amount| *amount > 0).fold(0_i64, i64::saturating_add);
    Credits::new(sum).unwrap_or(Credits::MAX)
}

fn backlog(times: impl Iterator<Item = Timestamp>) -> Backlog {
    let times: Vec<Timestamp> = times.collect();
    Backlog { waiting: count(times.iter()), oldest: times.iter().min().copied() }
}
