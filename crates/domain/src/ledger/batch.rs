//! Many commands decided at once: what to load for them, and what to store of them.
//!
//! A store runs, in one transaction: [`needs`] → load under lock → [`decide`] → store. Nothing else
//! in a store knows a rule.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Account, AccountView, Suspension};
use super::alerts;
use super::books::{Book, Halt, Tracked};
use super::command::{Command, Receipt, Refusal};
use super::holds::{Hold, KeyRecord};
use super::journal::{JournalEntry, JournalNote};
use super::lots::Lot;
use super::usage::{UsageContent, UsageRecord};
use super::{api_keys, auditing, clawback, closing, grants, holds, payments, standing};
use crate::api_keys::ApiKey;
use crate::audit::AuditEntry;
use crate::billing::notice::Notice;
use crate::billing::profile::BillingProfile;
use crate::billing::purchase::Purchase;
use crate::billing::revenue::RevenueEntry;
use crate::billing::subscription::Subscription;
use crate::clock::Timestamp;
use crate::contact::Contact;
use crate::credits::Overflow;
use crate::ids::{ApiKeyId, HoldId, IdempotencyKey, PurchaseId, UserId};

/// What must be loaded, under lock, before a batch can be decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Accounts to lock and load, each with **all** its open holds and **all** its lots that have
    /// something remaining.
    pub accounts: BTreeSet<UserId>,
    /// Those of them to create first when they are missing.
    pub create: BTreeSet<UserId>,
    /// Holds to load whatever their state.
    pub holds: BTreeSet<(UserId, HoldId)>,
    /// Idempotency keys to load, each with the hold it stands for.
    pub keys: BTreeSet<(UserId, IdempotencyKey)>,
    /// Sources, as `kind:reference`, whose lots and lots restored from those are to be loaded
    /// whatever remains of them, and whose grant or adjust entries are to be loaded.
    pub sources: BTreeSet<(UserId, super::lots::Source)>,
    /// Accounts whose suspensions are to be loaded.
    pub suspensions: BTreeSet<UserId>,
    /// Purchases to load, each with its returns.
    pub purchases: BTreeSet<(UserId, PurchaseId)>,
    /// Idempotency keys whose purchase is to be loaded, with its returns.
    pub purchase_keys: BTreeSet<(UserId, IdempotencyKey)>,
    /// Accounts whose billing profile and subscriptions are to be loaded.
    pub billing: BTreeSet<UserId>,
    /// API keys to load.
    pub api_keys: BTreeSet<(UserId, ApiKeyId)>,
    /// Accounts whose API keys that are not revoked are to be counted: the [`api_keys::MOST_LIVE`] of them that
    /// expire last, those that never do before all others, are enough.
    pub live_api_keys: BTreeSet<UserId>,
}

/// What a batch needs loaded.
pub fn needs(commands: &[Command]) -> Needs {
    let mut needs = Needs::default();
    for command in commands {
        let user = command.user();
        needs.accounts.insert(user);
        match auditing::unwrapped(command).0 {
            Command::Hold(it) => {
                needs.holds.insert((user, it.id));
                if let Some(keyed) = &it.key {
                    needs.keys.insert((user, keyed.key.clone()));
                }
                needs.api_keys.extend(it.api_key.map(|id| (user, id)));
            }
            Command::Settle(it) => {
                needs.holds.insert((user, it.hold));
                if let Some(key) = &it.key {
                    needs.keys.insert((user, key.clone()));
                }
                needs.api_keys.extend(it.api_key.map(|id| (user, id)));
            }
            Command::Void(it) => drop(needs.holds.insert((user, it.hold))),
            Command::Grant(it) => {
                needs.create.insert(user);
                needs.sources.insert((user, it.source.clone()));
            }
            Command::Adjust(it) => {
                needs.create.insert(user);
                needs.sources.insert((user, it.source.clone()));
            }
            Command::ClawBack(it) => drop(needs.sources.insert((user, it.source.clone()))),
            Command::Suspend(_) => {
                needs.create.insert(user);
                needs.suspensions.insert(user);
            }
            Command::Resume(_) => drop(needs.suspensions.insert(user)),
            Command::Expire(it) => needs.holds.extend(it.lost.iter().map(|id| (user, *id))),
            Command::OpenPurchase(it) => {
                needs.create.insert(user);
                needs.billing.insert(user);
                needs.purchases.insert((user, it.id));
                needs.purchase_keys.extend(it.key.iter().map(|keyed| (user, keyed.key.clone())));
            }
            Command::ObservePayment(it) => {
                needs.create.insert(user);
                needs.billing.insert(user);
                needs.suspensions.insert(user);
                needs.purchases.insert((user, it.purchase));
                needs.sources.extend(payments::sources(it).map(|source| (user, source)));
            }
            Command::ObserveSubscription(_) | Command::SetTopUp(_) => {
                needs.create.insert(user);
                needs.billing.insert(user);
            }
            Command::Close(_) => {
                needs.create.insert(user);
                needs.billing.insert(user);
                needs.live_api_keys.insert(user);
            }
            Command::SetAlerts(_) => drop(needs.create.insert(user)),
            Command::CreateApiKey(it) => {
                needs.create.insert(user);
                needs.api_keys.insert((user, it.id));
                needs.live_api_keys.insert(user);
            }
            Command::RevokeApiKey(it) => drop(needs.api_keys.insert((user, it.id))),
            Command::Audited(_) | Command::Record(_) => {}
        }
    }
    needs
}

/// What a store loaded. Rows of accounts that are not there are left out; a row may be given twice.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The accounts, locked.
    pub accounts: Vec<Account>,
    /// Their lots.
    pub lots: Vec<Lot>,
    /// Their holds.
    pub holds: Vec<Hold>,
    /// Their idempotency keys.
    pub keys: Vec<KeyRecord>,
    /// Their earlier grant and adjust entries for the needed sources.
    pub posted: Vec<JournalEntry>,
    /// Their suspensions.
    pub suspensions: Vec<Suspension>,
    /// Their purchases.
    pub purchases: Vec<Purchase>,
    /// Their subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Their billing profiles.
    pub profiles: Vec<BillingProfile>,
    /// Their API keys.
    pub api_keys: Vec<ApiKey>,
}

/// What to store, all of it in the transaction that loaded, and what to answer.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Accounts to update.
    pub accounts: Vec<Account>,
    /// Those among them whose standing changed too: last grant, plan, renewal, threshold, suspensions, closure. Of
    /// the others, a store may leave those columns alone.
    pub standings: BTreeSet<UserId>,
    /// Lots to insert.
    pub new_lots: Vec<Lot>,
    /// Lots to update (`remaining`, `expired`, `clawed`, `clawed_at`).
    pub changed_lots: Vec<Lot>,
    /// Holds to insert.
    pub new_holds: Vec<Hold>,
    /// Holds to update (`state`, `charged`, `absorbed`, `closed_at`).
    pub changed_holds: Vec<Hold>,
    /// Idempotency keys to insert or replace.
    pub keys: Vec<KeyRecord>,
    /// Suspensions to delete, before `suspended` is inserted.
    pub resumed: Vec<Suspension>,
    /// Suspensions to insert.
    pub suspended: Vec<Suspension>,
    /// Journal entries to append.
    pub journal: Vec<JournalEntry>,
    /// Their free texts.
    pub notes: Vec<JournalNote>,
    /// Usage rows to append.
    pub usage: Vec<UsageRecord>,
    /// Texts of requests to keep.
    pub content: Vec<UsageContent>,
    /// Purchases to insert, with their returns.
    pub new_purchases: Vec<Purchase>,
    /// Purchases to update, with their returns: inserted or replaced, never fewer than before.
    pub changed_purchases: Vec<Purchase>,
    /// Subscriptions to insert or replace.
    pub subscriptions: Vec<Subscription>,
    /// Billing profiles to insert or replace.
    pub profiles: Vec<BillingProfile>,
    /// API keys to insert.
    pub new_api_keys: Vec<ApiKey>,
    /// API keys to update (`spent`, `last_used_at`, `revoked_at`).
    pub changed_api_keys: Vec<ApiKey>,
    /// Notices to write, each with a row in the outbox for every channel; those that are there already are left
    /// as they are.
    pub notices: Vec<Notice>,
    /// Money that moved: to append, or to add to what moved the same way at the same time.
    pub revenue: Vec<RevenueEntry>,
    /// Entries of the audit log to append; those that are there already are left as they are.
    pub audit: Vec<AuditEntry>,
    /// Contacts to insert or replace.
    pub contacts: Vec<Contact>,
    /// Accounts that were closed: of each, what [`crate::ports::personal`] says is erased, before anything else is
    /// written.
    pub closed: BTreeSet<UserId>,
    /// One answer for each command, in order.
    pub results: Vec<Result<Receipt, Refusal>>,
}

impl Decided {
    /// Whether there is anything to store.
    pub fn changes_nothing(&self) -> bool {
        self.accounts.is_empty()
            && self.new_lots.is_empty()
            && self.changed_lots.is_empty()
            && self.new_holds.is_empty()
            && self.changed_holds.is_empty()
            && self.keys.is_empty()
            && self.resumed.is_empty()
            && self.suspended.is_empty()
            && self.journal.is_empty()
            && self.usage.is_empty()
            && self.new_purchases.is_empty()
            && self.changed_purchases.is_empty()
            && self.subscriptions.is_empty()
            && self.profiles.is_empty()
            && self.new_api_keys.is_empty()
            && self.changed_api_keys.is_empty()
            && self.notices.is_empty()
            && self.contacts.is_empty()
            && self.closed.is_empty()
            && self.audit.is_empty()
    }
}

/// Decides the commands one after the other on what was loaded.
///
/// A refusal refuses its own command only. [`Overflow`] means that the loaded books contradict
/// themselves: nothing may be stored, and the batch is to be split to find the account.
pub fn decide(loaded: Loaded, commands: &[Command]) -> Result<Decided, Overflow> {
    let mut books = open_books(loaded);
    let mut results = Vec::with_capacity(commands.len());
    let mut audit = Vec::new();
    for command in commands {
        let (command, note) = auditing::unwrapped(command);
        results.push(match (books.get_mut(&command.user()), command) {
            (_, Command::Record(request)) => {
                audit.push(request.entry());
                Ok(Receipt::Recorded)
            }
            (Some(book), _) => match auditing::act(book, command, note, &mut audit) {
                Ok(receipt) => Ok(receipt),
                Err(Halt::Refused(refusal)) => Err(refusal),
                Err(Halt::Corrupt(overflow)) => return Err(overflow),
            },
            (None, _) => without_account(command),
        });
    }
    let decided = close_books(books, results);
    // Why somebody did something is free text: it goes with what is personal.
    for entry in
        audit.iter_mut().filter(|entry| entry.user.is_some_and(|user| decided.closed.contains(&user)))
    {
        entry.note.reason = None;
    }
    Ok(Decided { audit, ..decided })
}

/// An account as a reader sees it at `now`: what is due counts as expired, whoever swept last.
/// Takes the account with all its open holds and all its lots that have something remaining.
pub fn view(
    account: Account,
    lots: Vec<Lot>,
    holds: Vec<Hold>,
    now: Timestamp,
) -> Result<AccountView, Overflow> {
    let user = account.user;
    let accounts = vec![account];
    let mut books = open_books(Loaded { accounts, lots, holds, ..Loaded::default() });
    let Some(book) = books.get_mut(&user) else { return Ok(AccountView::unseen()) };
    match book.bring_up_to_date(now) {
        Ok(()) | Err(Halt::Refused(_)) => {}
        Err(Halt::Corrupt(overflow)) => return Err(overflow),
    }
    let account = &book.account;
    Ok(AccountView {
        balances: account.balances()?,
        plan: account.plan.clone(),
        renewal: account.renewal,
        low_balance_threshold: alerts::threshold(account),
        alert_threshold: account.alert_threshold,
        suspended: account.suspensions > 0,
        closed_at: account.closed_at,
    })
}

pub(super) fn act(book: &mut Book, command: &Command) -> Result<Receipt, Halt> {
    book.bring_up_to_date(command.now().at)?;
    match command.clone() {
        Command::Hold(request) => holds::hold(book, request),
        Command::Settle(request) => holds::settle(book, request),
        Command::Void(request) => holds::void(book, request),
        Command::Grant(request) => grants::grant(book, request),
        Command::Adjust(request) => grants::adjust(book, request),
        Command::ClawBack(request) => clawback::claw_back(book, request),
        Command::Suspend(request) => Ok(standing::suspend(book, request)),
        Command::Resume(request) => Ok(standing::resume(book, &request)),
        Command::Expire(request) => holds::expire_lost(book, &request),
        Command::OpenPurchase(request) => payments::open(book, request),
        Command::ObservePayment(request) => payments::observe(book, &request),
        Command::ObserveSubscription(request) => payments::observe_subscription(book, request),
        Command::SetTopUp(request) => payments::set_top_up(book, request),
        Command::SetAlerts(request) => alerts::set(book, request),
        Command::Close(request) => closing::close(book, request),
        Command::CreateApiKey(request) => api_keys::create(book, *request),
        Command::RevokeApiKey(request) => api_keys::revoke(book, request),
        Command::Audited(it) => act(book, &it.act),
        Command::Record(_) => Ok(Receipt::Recorded),
    }
}

/// What a command answers on an account that does not exist. (Commands that create one never get
/// here: their store made the row first.)
fn without_account(command: &Command) -> Result<Receipt, Refusal> {
    match command {
        Command::Hold(it) if it.api_key.is_some() => Err(Refusal::ApiKeyEnded),
        Command::Hold(it) => Err(Refusal::NoCredits { required: it.at_least.max(holds::LEAST_AVAILABLE) }),
        Command::Settle(_) | Command::Void(_) => Err(Refusal::HoldUnknown),
        Command::Grant(_) | Command::Adjust(_) | Command::ClawBack(_) => Err(Refusal::SourceUnknown),
        Command::Suspend(_) | Command::Resume(_) => Ok(Receipt::Standing(0)),
        Command::Expire(_) => Ok(Receipt::Expired(0)),
        Command::OpenPurchase(_)
        | Command::ObservePayment(_)
        | Command::ObserveSubscription(_)
        | Command::SetTopUp(_) => Err(Refusal::PurchaseUnknown),
        Command::SetAlerts(_) | Command::Close(_) => Err(Refusal::Closed),
        Command::CreateApiKey(_) | Command::RevokeApiKey(_) => Err(Refusal::ApiKeyUnknown),
        Command::Audited(it) => without_account(&it.act),
        Command::Record(_) => Ok(Receipt::Recorded),
    }
}

fn open_books(loaded: Loaded) -> BTreeMap<UserId, Book> {
    let Loaded { accounts, lots, holds, keys, posted, suspensions, .. } = loaded;
    let Loaded { purchases, subscriptions, profiles, api_keys, .. } = loaded;
    let mut books: BTreeMap<UserId, Book> =
        accounts.into_iter().map(|account| (account.user, Book::new(Tracked::stored(account)))).collect();
    for lot in lots {
        if let Some(book) = books.get_mut(&lot.user)
            && !book.lots.iter().any(|known| known.id == lot.id)
        {
            book.lots.push(Tracked::stored(lot));
        }
    }
    for hold in holds {
        if let Some(book) = books.get_mut(&hold.user) {
            book.holds.insert(hold.id, Tracked::stored(hold));
        }
    }
    for record in keys {
        if let Some(book) = books.get_mut(&record.user) {
            book.keys.insert(record.key.clone(), Tracked::stored(record));
        }
    }
    for entry in posted {
        if let Some(book) = books.get_mut(&entry.user) {
            book.posted.push(entry);
        }
    }
    for suspension in suspensions {
        if let Some(book) = books.get_mut(&suspension.user) {
            book.suspensions.push(suspension);
        }
    }
    for purchase in purchases {
        if let Some(book) = books.get_mut(&purchase.user) {
            book.purchases.insert(purchase.id, Tracked::stored(purchase));
        }
    }
    for subscription in subscriptions {
        if let Some(book) = books.get_mut(&subscription.user) {
            book.subscriptions.insert(subscription.id.clone(), Tracked::stored(subscription));
        }
    }
    for profile in profiles {
        if let Some(book) = books.get_mut(&profile.user) {
            book.profile = Some(Tracked::stored(profile));
        }
    }
    for key in api_keys {
        if let Some(book) = books.get_mut(&key.user) {
            book.api_keys.insert(key.id, Tracked::stored(key));
        }
    }
    books
}

fn close_books(books: BTreeMap<UserId, Book>, results: Vec<Result<Receipt, Refusal>>) -> Decided {
    let mut decided = Decided { results, ..Decided::default() };
    for (user, book) in books {
        if book.standing_changed() {
            decided.standings.insert(user);
        }
        let mut no_new_accounts = Vec::new();
        book.account.sort_into(&mut no_new_accounts, &mut decided.accounts);
        for lot in book.lots {
            lot.sort_into(&mut decided.new_lots, &mut decided.changed_lots);
        }
        for hold in book.holds.into_values() {
            hold.sort_into(&mut decided.new_holds, &mut decided.changed_holds);
        }
        for key in book.keys.into_values() {
            decided.keys.extend(key.if_touched());
        }
        for purchase in book.purchases.into_values() {
            purchase.sort_into(&mut decided.new_purchases, &mut decided.changed_purchases);
        }
        decided.subscriptions.extend(book.subscriptions.into_values().filter_map(Tracked::if_touched));
        decided.profiles.extend(book.profile.and_then(Tracked::if_touched));
        for key in book.api_keys.into_values() {
            key.sort_into(&mut decided.new_api_keys, &mut decided.changed_api_keys);
        }
        let out = book.out;
        decided.resumed.extend(out.resumed);
        decided.suspended.extend(out.suspended);
        decided.journal.extend(out.journal);
        decided.notes.extend(out.notes);
        decided.usage.extend(out.usage);
        decided.content.extend(out.content);
        decided.notices.extend(out.notices);
        decided.contacts.extend(out.contact);
        if out.closed {
            decided.closed.insert(user);
        }
        decided.revenue.extend(out.revenue);
    }
    decided
}
