//! Buying, as a part of the batch: loading and storing what commands of payments need and change. Batches
//! without any cost no statement here.

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::account::Account;
use domain::ledger::batch::{Decided, Loaded, Needs};

use crate::error::StoreError;
use crate::rows::{accounts, notices, outbox, profiles, purchases, subscriptions};

/// Loads what `needs` says of purchases, subscriptions and profiles. `stored` names the accounts that the
/// file has; the others have no such rows.
pub fn load(
    connection: &mut SqliteConnection,
    needs: &Needs,
    stored: &BTreeSet<UserId>,
    loaded: &mut Loaded,
) -> Result<(), StoreError> {
    for (user, id) in needs.purchases.iter().filter(|(user, _)| stored.contains(user)) {
        loaded.purchases.extend(purchases::find(connection, *user, *id)?);
    }
    for (user, key) in needs.purchase_keys.iter().filter(|(user, _)| stored.contains(user)) {
        loaded.purchases.extend(purchases::find_by_key(connection, *user, key)?);
    }
    for user in needs.billing.intersection(stored) {
        loaded.profiles.extend(profiles::find(connection, *user)?);
        loaded.subscriptions.append(&mut subscriptions::all(connection, *user)?);
    }
    Ok(())
}

/// Writes what was decided of buying. The account of a user who was not seen before is stored with it, even
/// if no credits moved: rows of buying are looked for where there is an account.
pub fn save(
    connection: &mut SqliteConnection,
    decided: &Decided,
    fresh: &BTreeSet<UserId>,
    updated_at: &BTreeMap<UserId, Timestamp>,
) -> Result<(), StoreError> {
    for user in newcomers(decided, fresh) {
        let at = updated_at.get(&user).copied().unwrap_or_default();
        accounts::insert(connection, &Account::new(user, at), at)?;
    }
    // Changed before inserted: an old purchase may hand its key over to a new one.
    decided.changed_purchases.iter().try_for_each(|purchase| purchases::save(connection, purchase))?;
    decided.new_purchases.iter().try_for_each(|purchase| purchases::insert(connection, purchase))?;
    decided.subscriptions.iter().try_for_each(|row| subscriptions::put(connection, row))?;
    decided.profiles.iter().try_for_each(|row| profiles::put(connection, row))?;
    for notice in &decided.notices {
        if notices::insert(connection, notice)? {
            outbox::insert(connection, notice)?;
        }
    }
    Ok(())
}

/// Users with rows of buying, or a contact, and without an account, whose account was not changed and so not stored yet.
fn newcomers(decided: &Decided, fresh: &BTreeSet<UserId>) -> BTreeSet<UserId> {
    if fresh.is_empty() {
        return BTreeSet::new();
    }
    let purchases = decided.new_purchases.iter().map(|row| row.user);
    let subscriptions = decided.subscriptions.iter().map(|row| row.user);
    let profiles = decided.profiles.iter().map(|row| row.user);
    let notices = decided.notices.iter().map(|row| row.user);
    let contacts = decided.contacts.iter().map(|row| row.user);
    let all = purchases.chain(subscriptions).chain(profiles).chain(notices).chain(contacts);
    let stored: BTreeSet<UserId> = decided.accounts.iter().map(|account| account.user).collect();
    all.filter(|user| fresh.contains(user) && !stored.contains(user)).collect()
}
