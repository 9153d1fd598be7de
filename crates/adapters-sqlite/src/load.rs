//! Loading what a batch needs, inside its transaction.

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use domain::clock::Timestamp;
use domain::ids::{HoldId, UserId};
use domain::ledger::account::Account;
use domain::ledger::batch::{Loaded, Needs};

use crate::billing;
use crate::error::StoreError;
use crate::rows::{accounts, api_keys, holds, journal, keys, lots, suspensions};

/// What was loaded, and which accounts of it the file does not have yet.
pub struct Books {
    /// For `batch::decide`.
    pub loaded: Loaded,
    /// Accounts that were made up because a command creates them. They are stored only if the batch
    /// changes them: a refused command leaves no empty account behind.
    pub fresh: BTreeSet<UserId>,
}

/// Loads all that `needs` says. The transaction holds the write lock, so that nothing changes until it
/// ends. `asked_at` says when the first command of each account was asked for.
pub fn load(
    connection: &mut SqliteConnection,
    needs: &Needs,
    asked_at: &BTreeMap<UserId, Timestamp>,
) -> Result<Books, StoreError> {
    let mut loading =
        Loading { connection, loaded: Loaded::default(), stored: BTreeSet::new(), holds: BTreeSet::new() };
    let mut fresh = BTreeSet::new();
    for user in &needs.accounts {
        let found = loading.account(*user)?;
        if !found && needs.create.contains(user) {
            let created_at = asked_at.get(user).copied().unwrap_or_default();
            loading.loaded.accounts.push(Account::new(*user, created_at));
            fresh.insert(*user);
        }
    }
    loading.details(needs)?;
    Ok(Books { loaded: loading.loaded, fresh })
}

struct Loading<'a> {
    connection: &'a mut SqliteConnection,
    loaded: Loaded,
    /// Accounts that the file has; the others have no rows to look for.
    stored: BTreeSet<UserId>,
    /// Holds that were loaded.
    holds: BTreeSet<HoldId>,
}

impl Loading<'_> {
    /// An account with its open holds and its lots that have something remaining; says whether it is there.
    fn account(&mut self, user: UserId) -> Result<bool, StoreError> {
        let Some(account) = accounts::find(self.connection, user)? else { return Ok(false) };
        self.loaded.accounts.push(account);
        self.loaded.lots.append(&mut lots::remaining(self.connection, user)?);
        let open = holds::open(self.connection, user)?;
        self.holds.extend(open.iter().map(|hold| hold.id));
        self.loaded.holds.extend(open);
        self.stored.insert(user);
        Ok(true)
    }

    /// What commands name.
    fn details(&mut self, needs: &Needs) -> Result<(), StoreError> {
        for (user, hold) in &needs.holds {
            self.hold(*user, *hold)?;
        }
        for (user, key) in needs.keys.iter().filter(|(user, _)| self.stored.contains(user)) {
            if let Some(record) = keys::find(self.connection, *user, key)? {
                self.loaded.keys.push(record);
            }
        }
        let keyed: Vec<_> = self.loaded.keys.iter().map(|record| (record.user, record.hold)).collect();
        for (user, hold) in keyed {
            self.hold(user, hold)?;
        }
        for (user, source) in needs.sources.iter().filter(|(user, _)| self.stored.contains(user)) {
            self.loaded.lots.append(&mut lots::of_source(self.connection, *user, source)?);
            self.loaded.posted.extend(journal::posted_for(self.connection, *user, source)?);
        }
        for user in needs.suspensions.intersection(&self.stored) {
            self.loaded.suspensions.append(&mut suspensions::all(self.connection, *user)?);
        }
        for (user, id) in needs.api_keys.iter().filter(|(user, _)| self.stored.contains(user)) {
            self.loaded.api_keys.extend(api_keys::of_user(self.connection, *user, *id)?);
        }
        for user in needs.live_api_keys.intersection(&self.stored) {
            self.loaded.api_keys.append(&mut api_keys::unrevoked(self.connection, *user)?);
        }
        billing::load(self.connection, needs, &self.stored, &mut self.loaded)
    }

    fn hold(&mut self, user: UserId, id: HoldId) -> Result<(), StoreError> {
        if self.stored.contains(&user)
            && self.holds.insert(id)
            && let Some(hold) = holds::find(self.connection, user, id)?
        {
            self.loaded.holds.push(hold);
        }
        Ok(())
    }
}
