//! The tables, and moving rows between them and the rules.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use domain::api_keys::ApiKey;
use domain::audit::AuditEntry;
use domain::billing::notice::{Audience, Notice, NoticeKind};
use domain::billing::profile::BillingProfile;
use domain::billing::purchase::Purchase;
use domain::billing::revenue::RevenueEntry;
use domain::billing::subscription::Subscription;
use domain::clock::Timestamp;
use domain::contact::Contact;
use domain::ids::{ApiKeyId, HoldId, IdempotencyKey, InstanceId, PurchaseId, UserId};
use domain::ledger::account::{Account, Suspension};
use domain::ledger::batch::{Decided, Loaded, Needs};
use domain::ledger::command::{Command, Receipt, Refusal};
use domain::ledger::holds::{Hold, KeyRecord};
use domain::ledger::journal::{EntryKind, JournalEntry};
use domain::ledger::lots::Lot;
use domain::ledger::usage::{UsageContent, UsageRecord};
use domain::ports::billing::InboxEvent;
use domain::ports::notices::{Channel, DeliveryName, DeliveryState, Endpoint};

/// All rows of one user.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub account: Account,
    pub lots: Vec<Lot>,
    pub holds: BTreeMap<HoldId, Hold>,
    pub keys: BTreeMap<IdempotencyKey, KeyRecord>,
    pub suspensions: Vec<Suspension>,
    pub journal: Vec<JournalEntry>,
    pub notes: BTreeMap<u64, String>,
    pub usage: BTreeMap<HoldId, UsageRecord>,
    pub content: BTreeMap<HoldId, UsageContent>,
    pub purchases: BTreeMap<PurchaseId, Purchase>,
    pub subscriptions: BTreeMap<String, Subscription>,
    pub profile: Option<BillingProfile>,
    pub notices: BTreeMap<(NoticeKind, String), Notice>,
    pub contact: Option<Contact>,
    pub api_keys: BTreeMap<ApiKeyId, ApiKey>,
}

impl Rows {
    fn of_nobody_yet(user: UserId, now: Timestamp) -> Self {
        Self {
            account: Account::new(user, now),
            lots: Vec::new(),
            holds: BTreeMap::new(),
            keys: BTreeMap::new(),
            suspensions: Vec::new(),
            journal: Vec::new(),
            notes: BTreeMap::new(),
            usage: BTreeMap::new(),
            content: BTreeMap::new(),
            purchases: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            profile: None,
            notices: BTreeMap::new(),
            contact: None,
            api_keys: BTreeMap::new(),
        }
    }

    /// Leaves nothing personal behind.
    fn erase(&mut self) {
        self.content.clear();
        self.keys.clear();
        self.notes.clear();
        self.notices.retain(|(kind, _), _| kind.audience() == Audience::Admin);
        self.contact = None;
        for suspension in &mut self.suspensions {
            suspension.reason.clear();
        }
        for hold in self.holds.values_mut() {
            hold.key = None;
        }
        for purchase in self.purchases.values_mut() {
            purchase.key = None;
        }
        for key in self.api_keys.values_mut() {
            key.name.clear();
        }
    }

    /// Open holds and lots with something left: what every act and every read needs.
    pub fn open_holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values().filter(|hold| hold.is_open())
    }

    /// See [`Rows::open_holds`].
    pub fn live_lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.iter().filter(|lot| lot.remaining.is_positive())
    }
}

/// One row of the outbox.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub notice: Notice,
    pub state: DeliveryState,
    pub tries: u32,
    pub due: Timestamp,
    pub note: Option<String>,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub users: BTreeMap<UserId, Rows>,
    pub leases: BTreeMap<InstanceId, Timestamp>,
    /// Notices in the order that they were written.
    pub told: Vec<Notice>,
    pub outbox: BTreeMap<DeliveryName, Waiting>,
    pub endpoint: Option<Endpoint>,
    /// Closed accounts that may have something left to erase.
    pub erasures: BTreeSet<UserId>,
    pub revenue: Vec<RevenueEntry>,
    pub audit: Vec<AuditEntry>,
    /// The provider's events, each with the time when it is due.
    pub events: BTreeMap<String, (InboxEvent, Timestamp)>,
    pub read_to: Option<Timestamp>,
}

impl Tables {
    /// What the rules need, no more: a rule that needs a row which [`Needs`] does not name must fail here
    /// as it would in a database.
    pub fn load(&self, needs: &Needs, commands: &[Command]) -> Loaded {
        let mut loaded = Loaded::default();
        for user in &needs.accounts {
            let Some(rows) = self.users.get(user) else {
                if needs.create.contains(user) {
                    loaded.accounts.push(Account::new(*user, first_seen(*user, commands)));
                }
                continue;
            };
            loaded.accounts.push(rows.account.clone());
            loaded.holds.extend(rows.open_holds().cloned());
            loaded.lots.extend(rows.live_lots().cloned());
        }
        for (user, id) in &needs.holds {
            loaded.holds.extend(self.users.get(user).and_then(|rows| rows.holds.get(id)).cloned());
        }
        for (user, key) in &needs.keys {
            let Some(rows) = self.users.get(user) else { continue };
            let Some(record) = rows.keys.get(key) else { continue };
            loaded.keys.push(record.clone());
            loaded.holds.extend(rows.holds.get(&record.hold).cloned());
        }
        for (user, source) in &needs.sources {
            let Some(rows) = self.users.get(user) else { continue };
            let origins: BTreeSet<_> =
                rows.lots.iter().filter(|lot| lot.source == *source).map(|lot| lot.id).collect();
            let family = |lot: &&Lot| {
                origins.contains(&lot.id) || lot.parent.is_some_and(|parent| origins.contains(&parent))
            };
            loaded.lots.extend(rows.lots.iter().filter(family).cloned());
            let name = source.to_string();
            let posted = rows.journal.iter().filter(|entry| {
                matches!(entry.kind, EntryKind::Grant | EntryKind::Adjust) && entry.source == name
            });
            loaded.posted.extend(posted.cloned());
        }
        for user in &needs.suspensions {
            let found = self.users.get(user).map(|rows| rows.suspensions.clone());
            loaded.suspensions.extend(found.unwrap_or_default());
        }
        self.load_billing(needs, &mut loaded);
        self.load_api_keys(needs, &mut loaded);
        loaded
    }

    fn load_billing(&self, needs: &Needs, loaded: &mut Loaded) {
        for (user, id) in &needs.purchases {
            loaded.purchases.extend(self.users.get(user).and_then(|rows| rows.purchases.get(id)).cloned());
        }
        for (user, key) in &needs.purchase_keys {
            let Some(rows) = self.users.get(user) else { continue };
            let named = |row: &&Purchase| row.key.as_ref().is_some_and(|known| known.key == *key);
            loaded.purchases.extend(rows.purchases.values().find(named).cloned());
        }
        for user in &needs.billing {
            let Some(rows) = self.users.get(user) else { continue };
            loaded.subscriptions.extend(rows.subscriptions.values().cloned());
            loaded.profiles.extend(rows.profile.clone());
        }
    }

    /// Stores what was decided, and answers.
    pub fn store(
        &mut self,
        needs: &Needs,
        commands: &[Command],
        decided: Decided,
    ) -> Vec<Result<Receipt, Refusal>> {
        for user in &needs.create {
            let rows = || Rows::of_nobody_yet(*user, first_seen(*user, commands));
            self.users.entry(*user).or_insert_with(rows);
        }
        for user in &decided.closed {
            self.erase(*user);
            self.erasures.insert(*user);
        }
        for account in decided.accounts {
            self.rows(account.user, |rows| rows.account = account);
        }
        for lot in decided.new_lots {
            self.rows(lot.user, |rows| rows.lots.push(lot));
        }
        for lot in decided.changed_lots {
            self.rows(lot.user, |rows| {
                if let Some(row) = rows.lots.iter_mut().find(|row| row.id == lot.id) {
                    *row = lot;
                }
            });
        }
        for hold in decided.new_holds.into_iter().chain(decided.changed_holds) {
            self.rows(hold.user, |rows| drop(rows.holds.insert(hold.id, hold)));
        }
        for record in decided.keys {
            self.rows(record.user, |rows| drop(rows.keys.insert(record.key.clone(), record)));
        }
        for lifted in decided.resumed {
            self.rows(lifted.user, |rows| rows.suspensions.retain(|row| row.source != lifted.source));
        }
        for suspension in decided.suspended {
            self.rows(suspension.user, |rows| rows.suspensions.push(suspension));
        }
        for entry in decided.journal {
            self.rows(entry.user, |rows| rows.journal.push(entry));
        }
        for note in decided.notes {
            self.rows(note.user, |rows| drop(rows.notes.insert(note.seq, note.text)));
        }
        for record in decided.usage {
            self.rows(record.user, |rows| drop(rows.usage.insert(record.hold, record)));
        }
        for content in decided.content {
            self.rows(content.user, |rows| drop(rows.content.insert(content.hold, content)));
        }
        for row in decided.changed_purchases.into_iter().chain(decided.new_purchases) {
            self.rows(row.user, |rows| drop(rows.purchases.insert(row.id, row)));
        }
        for row in decided.subscriptions {
            self.rows(row.user, |rows| drop(rows.subscriptions.insert(row.id.clone(), row)));
        }
        for row in decided.profiles {
            self.rows(row.user, |rows| rows.profile = Some(row));
        }
        for row in decided.contacts {
            self.rows(row.user, |rows| rows.contact = Some(row));
        }
        for row in decided.new_api_keys.into_iter().chain(decided.changed_api_keys) {
            self.rows(row.user, |rows| drop(rows.api_keys.insert(row.id, row)));
        }
        for notice in decided.notices {
            self.give_notice(notice);
        }
        self.revenue.extend(decided.revenue);
        for entry in decided.audit {
            if !self.audit.iter().any(|known| known.note.id == entry.note.id) {
                self.audit.push(entry);
            }
        }
        decided.results
    }

    /// A notice that is there stays as it is, and is not delivered again.
    fn give_notice(&mut self, notice: Notice) {
        let Some(rows) = self.users.get_mut(&notice.user) else { return };
        let name = (notice.kind, notice.subject.clone());
        if let Entry::Vacant(place) = rows.notices.entry(name) {
            place.insert(notice.clone());
            self.send(&notice);
        }
    }

    /// A notice goes out by each channel.
    pub fn send(&mut self, notice: &Notice) {
        self.told.push(notice.clone());
        for channel in Channel::ALL {
            let (notice, due) = (notice.clone(), notice.at);
            let waiting = Waiting { notice, state: DeliveryState::Waiting, tries: 0, due, note: None };
            self.outbox.insert(DeliveryName::of(&waiting.notice, channel), waiting);
        }
    }

    /// Leaves nothing personal of a user behind.
    pub fn erase(&mut self, user: UserId) {
        self.rows(user, Rows::erase);
        self.outbox.retain(|name, _| name.user != user || name.kind.audience() == Audience::Admin);
        for entry in self.audit.iter_mut().filter(|entry| entry.user == Some(user)) {
            entry.note.reason = None;
        }
    }

    fn rows(&mut self, user: UserId, change: impl FnOnce(&mut Rows)) {
        if let Some(rows) = self.users.get_mut(&user) {
            change(rows);
        }
    }
}

/// When an account that a batch makes was first asked for.
fn first_seen(user: UserId, commands: &[Command]) -> Timestamp {
    let first = commands.iter().find(|command| command.user() == user);
    first.map_or_else(Timestamp::default, |command| command.now().at)
}
