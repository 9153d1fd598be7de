//! Low balance: one notice for each fall to the threshold, in the commit that caused it. And where the user wants
//! to be told of it.

use super::account::Account;
use super::books::{Book, Halt};
use super::closing;
use super::command::{Receipt, SetAlertsRequest};
use super::journal::{EntryKind, JournalEntry};
use crate::billing::notice::{NoticeDetails, NoticeKind};
use crate::contact::Contact;
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

/// Keeps what the user wants. Another threshold than before is armed where the balance lies above it, and
/// waits as after a notice where it does not: setting it is no fall, so nobody is told. The same again leaves
/// the alert as it is.
pub(super) fn set(book: &mut Book, request: SetAlertsRequest) -> Result<Receipt, Halt> {
    closing::must_be_open(book)?;
    let SetAlertsRequest { user, threshold: wanted, email, language, .. } = request;
    if book.account.alert_threshold != wanted {
        book.account.change().alert_threshold = wanted;
        let armed = book.account.balance()? > threshold(&book.account);
        book.account.change().alert_armed = armed;
    }
    book.out.contact = Some(Contact { user, email, language });
    Ok(Receipt::AlertsSet(threshold(&book.account)))
}

fn rearms(entry: &JournalEntry, threshold: Credits) -> Result<bool, Overflow> {
    let granted = entry.kind == EntryKind::Grant;
    Ok((granted && entry.balance_after > threshold) || entry.balance_after.minus(threshold)? >= threshold)
}
