//! Reading what was bought.

use async_trait::async_trait;
use domain::billing::notice::{Audience, Notice};
use domain::billing::profile::BillingProfile;
use domain::billing::purchase::Purchase;
use domain::billing::subscription::Subscription;
use domain::clock::{Span, Timestamp};
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::billing::{PageEnd, PurchaseBook, PurchaseName};

use super::tables::{Rows, Tables};
use super::{MemoryStore, lock, page_size};

/// Newest first by time and then by name, older than `before`.
pub(super) fn page<T>(
    rows: impl Iterator<Item = T>,
    place: impl Fn(&T) -> (Timestamp, String),
    before: Option<PageEnd>,
    limit: u32,
) -> Vec<T> {
    let before = before.map(|end| (end.at, end.name));
    let mut placed: Vec<((Timestamp, String), T)> = rows.map(|row| (place(&row), row)).collect();
    placed.retain(|(place, _)| before.as_ref().is_none_or(|before| place < before));
    placed.sort_by(|(a, _), (b, _)| b.cmp(a));
    placed.truncate(page_size(limit));
    placed.into_iter().map(|(_, row)| row).collect()
}

fn all_purchases(tables: &Tables) -> impl Iterator<Item = &Purchase> {
    tables.users.values().flat_map(|rows| rows.purchases.values())
}

fn is_low(rows: &Rows) -> bool {
    let account = &rows.account;
    let left = account.total.get() - account.used.get() - account.held.get();
    let top_up = rows.profile.as_ref().and_then(|profile| profile.top_up.as_ref());
    top_up.is_some_and(|it| it.settings.enabled && it.open.is_none() && left < it.settings.threshold.get())
}

#[async_trait]
impl PurchaseBook for MemoryStore {
    async fn purchase(&self, name: PurchaseName) -> Result<Option<Purchase>, Unavailable> {
        let named = |row: &&Purchase| match &name {
            PurchaseName::Id(id) => row.id == *id,
            PurchaseName::Session(id) => row.names.session.as_ref() == Some(id),
            PurchaseName::Intent(id) => row.names.intent.as_ref() == Some(id),
            PurchaseName::Charge(id) => row.names.charge.as_ref() == Some(id),
            PurchaseName::Invoice(id) => row.names.invoice.as_ref() == Some(id),
        };
        Ok(all_purchases(&lock(&self.tables)).find(named).cloned())
    }

    async fn subscription(&self, id: &str) -> Result<Option<Subscription>, Unavailable> {
        Ok(lock(&self.tables).users.values().find_map(|rows| rows.subscriptions.get(id)).cloned())
    }

    async fn subscriptions(&self, user: UserId) -> Result<Vec<Subscription>, Unavailable> {
        let tables = lock(&self.tables);
        let Some(rows) = tables.users.get(&user) else { return Ok(Vec::new()) };
        let mut found: Vec<_> = rows.subscriptions.values().cloned().collect();
        found.sort_by_key(|row| row.created_at);
        Ok(found)
    }

    async fn profile(&self, user: UserId) -> Result<BillingProfile, Unavailable> {
        let tables = lock(&self.tables);
        let found = tables.users.get(&user).and_then(|rows| rows.profile.clone());
        Ok(found.unwrap_or_else(|| BillingProfile::of_newcomer(user)))
    }

    async fn user_of_customer(&self, customer: &str) -> Result<Option<UserId>, Unavailable> {
        let tables = lock(&self.tables);
        let mut profiles = tables.users.values().filter_map(|rows| rows.profile.as_ref());
        let found = profiles.find(|profile| profile.customer.as_deref() == Some(customer));
        Ok(found.map(|profile| profile.user))
    }

    async fn purchases(
        &self,
        user: Option<UserId>,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable> {
        let tables = lock(&self.tables);
        let rows = all_purchases(&tables).filter(|row| user.is_none_or(|user| row.user == user)).cloned();
        Ok(page(rows, |row| (row.created_at, row.id.to_string()), before, limit))
    }

    async fn notices(
        &self,
        user: UserId,
        before: Option<PageEnd>,
        limit: u32,
    ) -> Result<Vec<Notice>, Unavailable> {
        let tables = lock(&self.tables);
        let all = tables.users.get(&user).into_iter().flat_map(|rows| rows.notices.values());
        let own = all.filter(|notice| notice.kind.audience() == Audience::User).cloned();
        let name = |notice: &Notice| format!("{}:{}", notice.kind.as_str(), notice.subject);
        Ok(page(own, |notice| (notice.at, name(notice)), before, limit))
    }

    async fn claim_lookups(
        &self,
        now: Timestamp,
        waits: &[Span],
        limit: u32,
    ) -> Result<Vec<Purchase>, Unavailable> {
        let mut tables = lock(&self.tables);
        let rows = tables.users.values_mut().flat_map(|rows| rows.purchases.values_mut());
        let mut due: Vec<&mut Purchase> =
            rows.filter(|row| row.next_lookup.is_some_and(|at| at <= now)).collect();
        due.sort_by_key(|row| row.next_lookup);
        let claim = |row: &mut Purchase| {
            let before = row.clone();
            let made = usize::try_from(row.lookups).unwrap_or(usize::MAX);
            let wait = waits.get(made).or(waits.last()).copied().unwrap_or(Span::ZERO);
            row.lookups = row.lookups.saturating_add(1);
            row.next_lookup = Some(now.after(wait));
            before
        };
        Ok(due.into_iter().take(page_size(limit)).map(claim).collect())
    }

    async fn low_on_credits(&self, limit: u32) -> Result<Vec<UserId>, Unavailable> {
        let tables = lock(&self.tables);
        let low = tables.users.iter().filter(|(_, rows)| is_low(rows)).map(|(user, _)| *user);
        Ok(low.take(page_size(limit)).collect())
    }

    async fn oldest_open(&self) -> Result<Option<Timestamp>, Unavailable> {
        let tables = lock(&self.tables);
        let waiting = all_purchases(&tables).filter(|row| row.progress.is_open());
        Ok(waiting.map(|row| row.created_at).min())
    }
}
