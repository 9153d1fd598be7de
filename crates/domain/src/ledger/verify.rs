//! The invariants I1 to I9 and I11, checked on the complete books of one account.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::account::Account;
use super::holds::{Hold, HoldState, KEY_LIFETIME};
use super::journal::{EntryKind, JournalEntry};
use super::lots::Lot;
use crate::api_keys::ApiKey;
use crate::clock::{Span, Timestamp};
use crate::credits::{Credits, Overflow};
use crate::ids::{ApiKeyId, HoldId, UserId};

/// How long past its expiry an open hold may lie about while a server runs.
const SWEEP_ALLOWANCE: Span = Span::from_secs(60);

/// Everything that the store has of one account, read in one snapshot.
#[derive(Clone, Debug)]
pub struct AccountBooks {
    /// The account.
    pub account: Account,
    /// All its lots.
    pub lots: Vec<Lot>,
    /// All its holds.
    pub holds: Vec<Hold>,
    /// All its journal, by number.
    pub journal: Vec<JournalEntry>,
    /// Hold and credits of all its usage rows with outcome `settled`.
    pub settled_usage: Vec<(HoldId, Credits)>,
    /// How many suspensions are in force.
    pub suspensions: u32,
    /// All its API keys, those that have ended too.
    pub api_keys: Vec<ApiKey>,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Whose books.
    pub user: UserId,
    /// `I1` to `I9`, `I11`.
    pub invariant: &'static str,
    /// What is wrong, with the figures.
    pub detail: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} account {}: {}", self.invariant, self.user, self.detail)
    }
}

/// All broken invariants of one account at `now`. `serving` says that a server has been running for
/// a while, so that holds past their time should be gone.
pub fn check(books: &AccountBooks, now: Timestamp, serving: bool) -> Vec<Breach> {
    let mut findings = Findings { user: books.account.user, breaches: Vec::new() };
    if run_checks(books, now, serving, &mut findings).is_err() {
        findings.add("I1", "a sum is out of range".to_owned());
    }
    findings.breaches
}

struct Findings {
    user: UserId,
    breaches: Vec<Breach>,
}

impl Findings {
    fn add(&mut self, invariant: &'static str, detail: String) {
        self.breaches.push(Breach { user: self.user, invariant, detail });
    }

    fn expect(&mut self, invariant: &'static str, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.add(invariant, detail());
        }
    }
}

fn run_checks(
    books: &AccountBooks,
    now: Timestamp,
    serving: bool,
    findings: &mut Findings,
) -> Result<(), Overflow> {
    journal_adds_up(books, findings)?;
    account_is_sound(books, findings)?;
    holds_add_up(books, now, serving, findings)?;
    lots_add_up(books, findings)?;
    one_charge_per_key(&books.holds, findings);
    usage_matches(books, findings);
    api_keys_add_up(books, findings)
}

/// I1, I9: the account is the fold of the journal; numbers have no gaps; hashes chain.
fn journal_adds_up(books: &AccountBooks, findings: &mut Findings) -> Result<(), Overflow> {
    let account = &books.account;
    let (mut total, mut used, mut clawed) = (Credits::ZERO, Credits::ZERO, Credits::ZERO);
    let mut previous = [0; 32];
    let mut seq: u64 = 0;
    for entry in &books.journal {
        seq = seq.saturating_add(1);
        findings.expect("I9", entry.seq == seq, || format!("entry {} stands where {seq} should", entry.seq));
        let sound = entry.hash == entry.chained_hash(&previous);
        findings.expect("I9", sound, || format!("the hash of entry {} does not chain", entry.seq));
        previous = entry.hash;
        match entry.kind {
            EntryKind::Use => used = used.minus(entry.amount)?,
            EntryKind::Grant | EntryKind::Expire | EntryKind::Adjust => total = total.plus(entry.amount)?,
            EntryKind::ClawBack | EntryKind::Restore => {
                total = total.plus(entry.amount)?;
                clawed = clawed.minus(entry.amount)?;
            }
        }
        let balance = total.minus(used)?;
        findings.expect("I1", entry.balance_after == balance, || {
            format!("entry {} says balance {}, the journal gives {balance}", entry.seq, entry.balance_after)
        });
    }
    for (what, stored, folded) in
        [("total", account.total, total), ("used", account.used, used), ("clawed", account.clawed, clawed)]
    {
        findings.expect("I1", stored == folded, || format!("{what} is {stored}, the journal gives {folded}"));
    }
    findings.expect("I9", account.seq == seq, || format!("seq is {}, the journal has {seq}", account.seq));
    let chained = account.journal_hash == previous;
    findings.expect("I9", chained, || "journal_hash is not the last entry's".to_owned());
    Ok(())
}

/// I2: nothing is spent that is not there, but for what was clawed back.
fn account_is_sound(books: &AccountBooks, findings: &mut Findings) -> Result<(), Overflow> {
    let account = &books.account;
    let free = account.balance()?.minus(account.held)?;
    findings.expect("I2", free >= account.clawed.negated(), || {
        format!("total - used - held is {free}, below -clawed ({})", account.clawed.negated())
    });
    for (what, amount) in [("used", account.used), ("held", account.held), ("clawed", account.clawed)] {
        findings.expect("I2", amount >= Credits::ZERO, || format!("{what} is {amount}"));
    }
    findings.expect("I2", account.suspensions == books.suspensions, || {
        format!("{} suspensions counted, {} stored", account.suspensions, books.suspensions)
    });
    Ok(())
}

/// I3, I8: held is the sum of the open holds; none lies past its time; none charged more than it held.
fn holds_add_up(
    books: &AccountBooks,
    now: Timestamp,
    serving: bool,
    findings: &mut Findings,
) -> Result<(), Overflow> {
    let open = Credits::sum(books.holds.iter().filter(|hold| hold.is_open()).map(|hold| hold.amount))?;
    findings.expect("I3", books.account.held == open, || {
        format!("held is {}, the open holds sum to {open}", books.account.held)
    });
    for hold in &books.holds {
        let overdue = hold.is_open() && hold.expires_at.after(SWEEP_ALLOWANCE) < now;
        findings.expect("I3", !(serving && overdue), || format!("hold {} is open past its time", hold.id));
        findings.expect("I3", hold.is_open() == hold.closed_at.is_none(), || {
            format!("hold {} is {} with closed_at {:?}", hold.id, hold.state.as_str(), hold.closed_at)
        });
        let charged_fits = hold.charged <= hold.amount && hold.charged >= Credits::ZERO;
        findings.expect("I8", charged_fits, || {
            format!("hold {} of {} was charged {}", hold.id, hold.amount, hold.charged)
        });
        let free = hold.state == HoldState::Settled || hold.charged == Credits::ZERO;
        findings.expect("I8", free, || {
            format!("hold {} is {} and charged {}", hold.id, hold.state.as_str(), hold.charged)
        });
    }
    Ok(())
}

/// I4, I5: what remains of the lots is the balance; one lot for each source; none gave back more than
/// it was.
fn lots_add_up(books: &AccountBooks, findings: &mut Findings) -> Result<(), Overflow> {
    let remaining = Credits::sum(books.lots.iter().map(|lot| lot.remaining))?;
    let balance = books.account.balance()?.or_zero();
    findings.expect("I4", remaining == balance, || {
        format!("the lots have {remaining} left, the balance is {balance}")
    });
    let mut sources = BTreeSet::new();
    for lot in &books.lots {
        let first = sources.insert(&lot.source);
        findings.expect("I5", first, || format!("{} was granted twice", lot.source));
        let sound = lot.clawed <= lot.amount && lot.remaining <= lot.amount && lot.remaining >= Credits::ZERO;
        findings.expect("I5", sound, || {
            format!("lot {} of {}: remaining {}, clawed {}", lot.id, lot.amount, lot.remaining, lot.clawed)
        });
    }
    Ok(())
}

/// I6: at most one charge for each idempotency key while the key lives.
fn one_charge_per_key(holds: &[Hold], findings: &mut Findings) {
    let mut charged: BTreeMap<_, Vec<&Hold>> = BTreeMap::new();
    for hold in holds.iter().filter(|hold| hold.charged.is_positive()) {
        if let Some(key) = &hold.key {
            charged.entry(key).or_default().push(hold);
        }
    }
    for (key, mut holds) in charged {
        holds.sort_by_key(|hold| hold.created_at);
        for (earlier, later) in holds.iter().zip(holds.iter().skip(1)) {
            let apart = later.created_at.since(earlier.created_at) >= KEY_LIFETIME;
            findings.expect("I6", apart, || {
                format!("key {} was charged by holds {} and {}", key.as_str(), earlier.id, later.id)
            });
        }
    }
}

/// I7: one usage row for each settled hold, with the same credits.
fn usage_matches(books: &AccountBooks, findings: &mut Findings) {
    let mut usage: BTreeMap<HoldId, Credits> = books.settled_usage.iter().copied().collect();
    findings
        .expect("I7", usage.len() == books.settled_usage.len(), || "a hold has two usage rows".to_owned());
    for hold in books.holds.iter().filter(|hold| hold.state == HoldState::Settled) {
        let row = usage.remove(&hold.id);
        findings.expect("I7", row == Some(hold.charged), || {
            format!("hold {} was charged {}, its usage row says {row:?}", hold.id, hold.charged)
        });
    }
    for (hold, credits) in usage {
        findings.add("I7", format!("a usage row of {credits} credits has no settled hold {hold}"));
    }
}

/// I11: what each API key has spent is what its holds were charged; with its open holds, no more than its cap.
fn api_keys_add_up(books: &AccountBooks, findings: &mut Findings) -> Result<(), Overflow> {
    let mut under: BTreeMap<ApiKeyId, (Credits, Credits)> = BTreeMap::new();
    for hold in &books.holds {
        let Some(id) = hold.api_key else { continue };
        let (charged, open) = under.entry(id).or_default();
        *charged = charged.plus(hold.charged)?;
        if hold.is_open() {
            *open = open.plus(hold.amount)?;
        }
    }
    for key in &books.api_keys {
        let (charged, open) = under.remove(&key.id).unwrap_or_default();
        findings.expect("I11", key.spent == charged, || {
            format!("API key {} has spent {}, its holds were charged {charged}", key.id, key.spent)
        });
        if let Some(cap) = key.spend_cap {
            let bound = charged.plus(open)?;
            findings.expect("I11", bound <= cap, || {
                format!("API key {} has spent or holds {bound}, its cap is {cap}", key.id)
            });
        }
    }
    for id in under.into_keys() {
        findings.add("I11", format!("there are holds under API key {id}, which is not there"));
    }
    Ok(())
}
