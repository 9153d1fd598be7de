//! The least of stores: rows in maps, loaded as the rules ask for and no further.

use std::collections::{BTreeMap, BTreeSet};

use domain::api_keys::ApiKey;
use domain::billing::notice::{Audience, Notice, NoticeKind};
use domain::billing::profile::BillingProfile;
use domain::billing::purchase::Purchase;
use domain::billing::subscription::Subscription;
use domain::clock::Timestamp;
use domain::contact::Contact;
use domain::ids::{ApiKeyId, GrantId, HoldId, IdempotencyKey, PurchaseId, UserId};
use domain::ledger::account::{Account, AccountView, Suspension, SuspensionSource};
use domain::ledger::api_keys::MOST_LIVE;
use domain::ledger::batch::{self, Decided, Loaded, Needs};
use domain::ledger::command::{Command, Receipt, Refusal};
use domain::ledger::holds::{Hold, KeyRecord};
use domain::ledger::journal::{EntryKind, JournalEntry};
use domain::ledger::lots::Lot;
use domain::ledger::usage::{Outcome, UsageContent, UsageRecord};
use domain::ledger::verify::{self, AccountBooks, Breach};

/// All rows of all users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pub accounts: BTreeMap<UserId, Account>,
    pub lots: BTreeMap<(UserId, GrantId), Lot>,
    pub holds: BTreeMap<(UserId, HoldId), Hold>,
    keys: BTreeMap<(UserId, IdempotencyKey), KeyRecord>,
    pub suspensions: BTreeMap<(UserId, SuspensionSource), Suspension>,
    pub journal: BTreeMap<(UserId, u64), JournalEntry>,
    usage: BTreeMap<(UserId, HoldId), UsageRecord>,
    pub purchases: BTreeMap<(UserId, PurchaseId), Purchase>,
    pub subscriptions: BTreeMap<(UserId, String), Subscription>,
    pub profiles: BTreeMap<UserId, BillingProfile>,
    pub notices: BTreeMap<(UserId, NoticeKind, String), Notice>,
    pub notes: BTreeMap<(UserId, u64), String>,
    pub content: BTreeMap<(UserId, HoldId), UsageContent>,
    pub contacts: BTreeMap<UserId, Contact>,
    pub api_keys: BTreeMap<(UserId, ApiKeyId), ApiKey>,
}

impl Store {
    /// Runs a batch in what a database would call one transaction.
    pub fn run(&mut self, commands: &[Command]) -> Vec<Result<Receipt, Refusal>> {
        let needs = batch::needs(commands);
        for user in &needs.create {
            let fresh = || Account::new(*user, Timestamp::default());
            self.accounts.entry(*user).or_insert_with(fresh);
        }
        let decided = batch::decide(self.load(&needs), commands).expect("sums stay in range");
        self.store(decided)
    }

    /// The account as a reader sees it.
    pub fn view(&self, user: UserId, now: Timestamp) -> Option<AccountView> {
        let account = self.accounts.get(&user)?.clone();
        let lots = self.live_lots(user).cloned().collect();
        let holds = self.open_holds(user).cloned().collect();
        Some(batch::view(account, lots, holds, now).expect("sums stay in range"))
    }

    /// Every broken invariant.
    pub fn breaches(&self, now: Timestamp) -> Vec<Breach> {
        let of = |user: UserId| {
            let settled = self.usage.values().filter(move |row| row.outcome == Outcome::Settled);
            AccountBooks {
                account: self.accounts[&user].clone(),
                lots: self.lots.values().filter(|lot| lot.user == user).cloned().collect(),
                holds: self.holds.values().filter(|hold| hold.user == user).cloned().collect(),
                journal: self.journal.values().filter(|entry| entry.user == user).cloned().collect(),
                settled_usage: settled
                    .filter(|row| row.user == user)
                    .map(|row| (row.hold, row.credits))
                    .collect(),
                suspensions: u32::try_from(self.suspensions.keys().filter(|key| key.0 == user).count())
                    .unwrap(),
                api_keys: self.api_keys.values().filter(|key| key.user == user).cloned().collect(),
            }
        };
        self.accounts.keys().flat_map(|user| verify::check(&of(*user), now, false)).collect()
    }

    fn live_lots(&self, user: UserId) -> impl Iterator<Item = &Lot> {
        self.lots.values().filter(move |lot| lot.user == user && lot.remaining.is_positive())
    }

    fn open_holds(&self, user: UserId) -> impl Iterator<Item = &Hold> {
        self.holds.values().filter(move |hold| hold.user == user && hold.is_open())
    }

    fn load(&self, needs: &Needs) -> Loaded {
        let mut loaded = Loaded::default();
        for user in &needs.accounts {
            loaded.accounts.extend(self.accounts.get(user).cloned());
            loaded.lots.extend(self.live_lots(*user).cloned());
            loaded.holds.extend(self.open_holds(*user).cloned());
        }
        for name in &needs.holds {
            loaded.holds.extend(self.holds.get(name).cloned());
        }
        for name in &needs.keys {
            let Some(record) = self.keys.get(name) else { continue };
            loaded.keys.push(record.clone());
            loaded.holds.extend(self.holds.get(&(record.user, record.hold)).cloned());
        }
        for (user, source) in &needs.sources {
            let own = self.lots.values().filter(|lot| lot.user == *user);
            let origins: BTreeSet<GrantId> =
                own.clone().filter(|lot| lot.source == *source).map(|lot| lot.id).collect();
            let family = |lot: &&Lot| {
                origins.contains(&lot.id) || lot.parent.is_some_and(|parent| origins.contains(&parent))
            };
            loaded.lots.extend(own.filter(family).cloned());
            let posted = |entry: &&JournalEntry| {
                let posting = matches!(entry.kind, EntryKind::Grant | EntryKind::Adjust);
                entry.user == *user && posting && entry.source == source.to_string()
            };
            loaded.posted.extend(self.journal.values().filter(posted).cloned());
        }
        let suspensions = self.suspensions.values().filter(|row| needs.suspensions.contains(&row.user));
        loaded.suspensions.extend(suspensions.cloned());
        for name in &needs.api_keys {
            loaded.api_keys.extend(self.api_keys.get(name).cloned());
        }
        for user in &needs.live_api_keys {
            let own = self.api_keys.values().filter(|key| key.user == *user && key.revoked_at.is_none());
            let mut own: Vec<&ApiKey> = own.collect();
            own.sort_by_key(|key| std::cmp::Reverse(key.expires_at.map_or(i64::MAX, Timestamp::as_micros)));
            loaded.api_keys.extend(own.into_iter().take(MOST_LIVE).cloned());
        }
        self.load_billing(needs, &mut loaded);
        loaded
    }

    fn load_billing(&self, needs: &Needs, loaded: &mut Loaded) {
        for name in &needs.purchases {
            loaded.purchases.extend(self.purchases.get(name).cloned());
        }
        for (user, key) in &needs.purchase_keys {
            let named = |row: &&Purchase| {
                row.user == *user && row.key.as_ref().is_some_and(|keyed| keyed.key == *key)
            };
            loaded.purchases.extend(self.purchases.values().find(named).cloned());
        }
        for user in &needs.billing {
            loaded.profiles.extend(self.profiles.get(user).cloned());
            let own = self.subscriptions.values().filter(|row| row.user == *user);
            loaded.subscriptions.extend(own.cloned());
        }
    }

    fn erase(&mut self, user: UserId) {
        self.keys.retain(|(owner, _), _| *owner != user);
        self.notes.retain(|(owner, _), _| *owner != user);
        self.content.retain(|(owner, _), _| *owner != user);
        self.notices.retain(|(owner, kind, _), _| *owner != user || kind.audience() == Audience::Admin);
        self.contacts.remove(&user);
        self.suspensions.values_mut().filter(|row| row.user == user).for_each(|row| row.reason.clear());
        self.holds.values_mut().filter(|row| row.user == user).for_each(|row| row.key = None);
        self.purchases.values_mut().filter(|row| row.user == user).for_each(|row| row.key = None);
        self.api_keys.values_mut().filter(|row| row.user == user).for_each(|row| row.name.clear());
    }

    fn store(&mut self, decided: Decided) -> Vec<Result<Receipt, Refusal>> {
        for user in decided.closed {
            self.erase(user);
        }
        self.contacts.extend(decided.contacts.into_iter().map(|row| (row.user, row)));
        self.notes.extend(decided.notes.into_iter().map(|row| ((row.user, row.seq), row.text)));
        self.content.extend(decided.content.into_iter().map(|row| ((row.user, row.hold), row)));
        for account in decided.accounts {
            self.accounts.insert(account.user, account);
        }
        for lot in decided.new_lots {
            let twice = self.lots.insert((lot.user, lot.id), lot);
            assert!(twice.is_none(), "inserted twice: {twice:?}");
        }
        for lot in decided.changed_lots {
            let known = self.lots.insert((lot.user, lot.id), lot);
            assert!(known.is_some(), "updated what was never inserted");
        }
        for hold in decided.new_holds {
            let twice = self.holds.insert((hold.user, hold.id), hold);
            assert!(twice.is_none(), "inserted twice: {twice:?}");
        }
        for hold in decided.changed_holds {
            let known = self.holds.insert((hold.user, hold.id), hold);
            assert!(known.is_some(), "updated what was never inserted");
        }
        for record in decided.keys {
            self.keys.insert((record.user, record.key.clone()), record);
        }
        for lifted in decided.resumed {
            self.suspensions.remove(&(lifted.user, lifted.source));
        }
        for row in decided.suspended {
            let twice = self.suspensions.insert((row.user, row.source.clone()), row);
            assert!(twice.is_none(), "inserted twice: {twice:?}");
        }
        for entry in decided.journal {
            let twice = self.journal.insert((entry.user, entry.seq), entry);
            assert!(twice.is_none(), "inserted twice: {twice:?}");
        }
        for row in decided.usage {
            let twice = self.usage.insert((row.user, row.hold), row);
            assert!(twice.is_none(), "inserted twice: {twice:?}");
        }
        for row in decided.changed_purchases {
            let known = self.purchases.insert((row.user, row.id), row);
            assert!(known.is_some(), "updated what was never inserted");
        }
        for row in decided.new_purchases {
            let twice = self.purchases.insert((row.user, row.id), row);
            assert!(twice.is_none(), "inserted twice: {twice:?}");
        }
        for row in decided.subscriptions {
            self.subscriptions.insert((row.user, row.id.clone()), row);
        }
        for row in decided.profiles {
            self.profiles.insert(row.user, row);
        }
        for key in decided.new_api_keys {
            let twice = self.api_keys.insert((key.user, key.id), key);
            assert!(twice.is_none(), "inserted twice: {twice:?}");
        }
        for key in decided.changed_api_keys {
            let known = self.api_keys.insert((key.user, key.id), key);
            assert!(known.is_some(), "updated what was never inserted");
        }
        for row in decided.notices {
            self.notices.entry((row.user, row.kind, row.subject.clone())).or_insert(row);
        }
        decided.results
    }
}
