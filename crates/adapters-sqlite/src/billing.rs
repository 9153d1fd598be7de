//! Buying, as a part of the batch: loading and storing what commands of payments need and change. Batches
//! without any cost no statement here.

use std::collections::BTreeSet;

use diesel::SqliteConnection;
use domain::ids::UserId;
use domain::ledger::batch::{Decided, Loaded, Needs};

use crate::error::StoreError;
use crate::rows::{notices, outbox, profiles, purchases, revenue, subscriptions};

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

/// Writes what was decided of buying.
pub fn save(connection: &mut SqliteConnection, decided: &Decided) -> Result<(), StoreError> {
    // Changed before inserted: an old purchase may hand its key over to a new one.
    decided.changed_purchases.iter().try_for_each(|purchase| purchases::save(connection, purchase))?;
    decided.new_purchases.iter().try_for_each(|purchase| purchases::insert(connection, purchase))?;
    decided.subscriptions.iter().try_for_each(|row| subscriptions::put(connection, row))?;
    decided.profiles.iter().try_for_each(|row| profiles::put(connection, row))?;
    decided.revenue.iter().try_for_each(|entry| revenue::book(connection, entry))?;
    for notice in &decided.notices {
        if notices::insert(connection, notice)? {
            outbox::insert(connection, notice)?;
        }
    }
    Ok(())
}
