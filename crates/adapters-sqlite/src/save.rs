//! Storing what was decided, inside the transaction that loaded.

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::ledger::batch::Decided;
use domain::ports::personal::ERASED_AT_ONCE;

use crate::billing;
use crate::erase::erase;
use crate::error::StoreError;
use crate::rows::{accounts, contacts, erasures, holds, journal, keys, lots, suspensions, usage};

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
    billing::save(connection, decided, fresh, updated_at)
}
