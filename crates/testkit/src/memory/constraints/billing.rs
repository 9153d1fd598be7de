//! The wall around purchases, subscriptions and profiles.

use std::collections::{BTreeMap, BTreeSet};

use domain::billing::profile::{BillingProfile, TopUp};
use domain::billing::purchase::{Progress, Purchase, Return};
use domain::billing::subscription::Subscription;
use domain::credits::Credits;
use domain::ids::{PurchaseId, UserId};
use domain::ledger::batch::Decided;

use super::{all_new, must};
use crate::memory::tables::Tables;

/// The name of the first constraint that storing this would break.
pub(super) fn check(tables: &Tables, decided: &Decided) -> Result<(), String> {
    let rows = |user: &UserId| tables.users.get(user);
    decided.new_purchases.iter().chain(&decided.changed_purchases).try_for_each(purchase)?;
    decided.subscriptions.iter().try_for_each(subscription)?;
    decided.profiles.iter().try_for_each(profile)?;
    all_new("purchases_pkey", decided.new_purchases.iter().map(|row| (row.user, row.id)), |(user, id)| {
        rows(user).is_some_and(|rows| rows.purchases.contains_key(id))
    })?;
    for row in &decided.changed_purchases {
        let known = rows(&row.user).and_then(|rows| rows.purchases.get(&row.id));
        let known = known.ok_or("updates a purchase that is not there")?;
        let kept = |each: &Return| {
            row.returns.iter().any(|next| next.kind == each.kind && next.reference == each.reference)
        };
        must("purchase_returns", known.returns.iter().all(kept))?;
    }
    unique_names(tables, decided)
}

/// One purchase for each key and for each invoice of a user, once everything is stored.
fn unique_names(tables: &Tables, decided: &Decided) -> Result<(), String> {
    let written = || decided.changed_purchases.iter().chain(&decided.new_purchases);
    let users: BTreeSet<UserId> = written().map(|row| row.user).collect();
    for user in users {
        let mut after: BTreeMap<PurchaseId, &Purchase> = BTreeMap::new();
        let stored = tables.users.get(&user).into_iter().flat_map(|rows| rows.purchases.values());
        for row in stored.chain(written().filter(|row| row.user == user)) {
            after.insert(row.id, row);
        }
        let keys = after.values().filter_map(|row| row.key.as_ref()).map(|keyed| keyed.key.clone());
        all_new("one_purchase_per_key", keys, |_| false)?;
        let invoices = after.values().filter_map(|row| row.names.invoice.as_ref());
        all_new("one_purchase_per_invoice", invoices, |_| false)?;
    }
    Ok(())
}

fn purchase(row: &Purchase) -> Result<(), String> {
    let sold = row.offer.credits.is_positive() && row.offer.price.minor() > 0;
    let paid = row.paid_at.is_none() || row.progress == Progress::Paid;
    must("purchases", sold && paid && row.refunded_minor >= 0)?;
    must("purchases_lane", row.id.lane() == row.user.lane())?;
    let names = row.returns.iter().map(|each| (each.kind, &each.reference));
    all_new("purchase_returns_pkey", names, |_| false)?;
    must("purchase_returns", row.returns.iter().all(|each| each.minor >= 0))
}

fn subscription(row: &Subscription) -> Result<(), String> {
    must("subscriptions", row.offer.credits.is_positive() && row.offer.price.minor() > 0)
}

fn profile(row: &BillingProfile) -> Result<(), String> {
    let sound = |it: &TopUp| {
        let settings = &it.settings;
        settings.threshold >= Credits::ZERO && settings.monthly_cap_minor >= 0 && it.month_minor >= 0
    };
    must("billing_profiles", row.top_up.as_ref().is_none_or(sound))
}
