//! Storing what was decided, inside the transaction that loaded.

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::account::Account;
use domain::ledger::batch::Decided;
use domain::ports::personal::ERASED_AT_ONCE;

use crate::billing;
use crate::erase::erase;
use crate::error::StoreError;
use crate::rows::{
    accounts, api_keys, audit, contacts, erasures, holds, journal, keys, lots, suspensions, usage,
};

/// Writes all rows of `decided`. `fresh` names the accounts that the file does not have yet, `updated_at`
/// when the latest command of each account was asked for.
pub fn save(
    connection: &mut SqliteConnection,
    decided: &Decided,
    fresh: &BTreeSet<UserId>,
    updated_at: &BTreeMap<UserId, Timestamp>,
) -> Result<(), StoreError> {
    // First: whatever is written below is to stay.
    for user in &decided.closed {
        erase(connection, *user, ERASED_AT_ONCE)?;
        erasures::add(connection, *user)?;
    }
    for account in &decided.accounts {
        let at = updated_at.get(&account.user).copied().unwrap_or(account.created_at);
        if fresh.contains(&account.user) {
            accounts::insert(connection, account, at)?;
        } else {
            accounts::save(connection, account, at)?;
        }
    }
    for user in newcomers(decided, fresh) {
        let at = updated_at.get(&user).copied().unwrap_or_default();
        accounts::insert(connection, &Account::new(user, at), at)?;
    }
    decided.new_lots.iter().try_for_each(|lot| lots::insert(connection, lot))?;
    decided.changed_lots.iter().try_for_each(|lot| lots::save(connection, lot))?;
    decided.new_holds.iter().try_for_each(|hold| holds::insert(connection, hold))?;
    decided.changed_holds.iter().try_for_each(|hold| holds::save(connection, hold))?;
    decided.keys.iter().try_for_each(|record| keys::put(connection, record))?;
    // Lifted before imposed: one source may be both in one batch.
    decided.resumed.iter().try_for_each(|lifted| suspensions::delete(connection, lifted))?;
    decided.suspended.iter().try_for_each(|imposed| suspensions::insert(connection, imposed))?;
    decided.journal.iter().try_for_each(|entry| journal::append(connection, entry))?;
    decided.notes.iter().try_for_each(|note| journal::add_note(connection, note))?;
    decided.usage.iter().try_for_each(|record| usage::append(connection, record))?;
    decided.content.iter().try_for_each(|texts| usage::keep_content(connection, texts))?;
    decided.contacts.iter().try_for_each(|contact| contacts::put(connection, contact))?;
    decided.new_api_keys.iter().try_for_each(|key| api_keys::insert(connection, key))?;
    decided.changed_api_keys.iter().try_for_each(|key| api_keys::save(connection, key))?;
    decided.audit.iter().try_for_each(|entry| audit::append(connection, entry))?;
    billing::save(connection, decided)
}

/// Users without an account whose account was not changed, but who have rows of buying, a contact or API keys now:
/// such rows are looked for where there is an account, so that it is stored with them, even if no credits moved.
fn newcomers(decided: &Decided, fresh: &BTreeSet<UserId>) -> BTreeSet<UserId> {
    if fresh.is_empty() {
        return BTreeSet::new();
    }
    let purchases = decided.new_purchases.iter().map(|row| row.user);
    let subscriptions = decided.subscriptions.iter().map(|row| row.user);
    let profiles = decided.profiles.iter().map(|row| row.user);
    let notices = decided.notices.iter().map(|row| row.user);
    let contacts = decided.contacts.iter().map(|row| row.user);
    let api_keys = decided.new_api_keys.iter().map(|row| row.user);
    let all = purchases.chain(subscriptions).chain(profiles).chain(notices).chain(contacts).chain(api_keys);
    let stored: BTreeSet<UserId> = decided.accounts.iter().map(|account| account.user).collect();
    all.filter(|user| fresh.contains(user) && !stored.contains(user)).collect()
}
