//! Low balance: one notice for each fall to the threshold, in the commit that caused it.

use super::account::Account;
use super::books::{Book, Halt};
use super::journal::{EntryKind, JournalEntry};
use crate::billing::notice::{NoticeDetails, NoticeKind};
use crate::credits::{Credits, Overflow};

/// The least default threshold.
const LEAST_THRESHOLD: Credits = Credits::whole(10);

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
        let details =
            NoticeDetails { balance: Some(balance), threshold: Some(threshold), ..NoticeDetails::default() };
        book.tell(NoticeKind::LowBalance, format!("entry:{}", entry.seq), details, entry.at);
    } else if !fell && !book.account.alert_armed && rearms(entry, threshold)? {
        book.account.change().alert_armed = true;
    }
    Ok(())
}

fn rearms(entry: &JournalEntry, threshold: Credits) -> Result<bool, Overflow> {
    let granted = entry.kind == EntryKind::Grant;
    Ok((granted && entry.balance_after > threshold) || entry.balance_after.minus(threshold)? >= threshold)
}
