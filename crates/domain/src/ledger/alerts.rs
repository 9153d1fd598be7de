//! Low balance: one notice for each fall to the threshold, in the commit that caused it.

use super::account::Account;
use super::books::{Book, Halt};
use super::journal::{EntryKind, JournalEntry};
use crate::clock::Timestamp;
use crate::credits::{Credits, Overflow};
use crate::ids::UserId;

/// The least default threshold.
const LEAST_THRESHOLD: Credits = Credits::whole(10);

/// An event for the outbox: the balance fell to the threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowBalance {
    /// Whose.
    pub user: UserId,
    /// Number of the journal entry that did it; with the user, a unique name for the event.
    pub seq: u64,
    /// The balance after that entry.
    pub balance: Credits,
    /// The threshold it fell to.
    pub threshold: Credits,
    /// When.
    pub at: Timestamp,
}

/// The balance at or below which notice is given: the user's own, else a tenth of the last grant,
/// at least 10.
pub fn threshold(account: &Account) -> Credits {
    account.alert_threshold.unwrap_or_else(|| {
        let tenth = account.last_grant.get().div_euclid(10);
        Credits::new(tenth).unwrap_or(LEAST_THRESHOLD).max(LEAST_THRESHOLD)
    })
}

/// Gives notice when a fall reaches the threshold and the alert is armed, then disarms it. A balance
/// of twice the threshold arms it again; so does a grant that lifts the balance above it.
pub(super) fn watch(book: &mut Book, entry: &JournalEntry) -> Result<(), Halt> {
    let threshold = threshold(&book.account);
    let balance = entry.balance_after;
    let fell = !entry.amount.is_positive();
    if fell && book.account.alert_armed && balance <= threshold {
        book.account.change().alert_armed = false;
        let event = LowBalance { user: entry.user, seq: entry.seq, balance, threshold, at: entry.at };
        book.out.alerts.push(event);
    } else if !fell && !book.account.alert_armed && rearms(entry, threshold)? {
        book.account.change().alert_armed = true;
    }
    Ok(())
}

fn rearms(entry: &JournalEntry, threshold: Credits) -> Result<bool, Overflow> {
    let granted = entry.kind == EntryKind::Grant;
    Ok((granted && entry.balance_after > threshold) || entry.balance_after.minus(threshold)? >= threshold)
}
