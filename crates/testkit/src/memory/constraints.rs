//! The second wall: what the databases' constraints reject, whatever the rules decided.

mod billing;

use std::collections::BTreeSet;

use domain::api_keys::ApiKey;
use domain::credits::Credits;
use domain::ids::UserId;
use domain::ledger::account::Account;
use domain::ledger::batch::Decided;
use domain::ledger::holds::{Hold, HoldState};
use domain::ledger::journal::{EntryKind, JournalEntry};
use domain::ledger::lots::Lot;

use super::tables::{Rows, Tables};

/// The name of the first constraint that storing this would break.
pub(super) fn check(tables: &Tables, decided: &Decided) -> Result<(), String> {
    let rows = |user: &UserId| tables.users.get(user);
    decided.accounts.iter().try_for_each(account)?;
    decided.new_lots.iter().chain(&decided.changed_lots).try_for_each(lot)?;
    decided.new_holds.iter().chain(&decided.changed_holds).try_for_each(hold)?;
    decided.new_api_keys.iter().chain(&decided.changed_api_keys).try_for_each(api_key)?;

    all_new("credit_grants_pkey", decided.new_lots.iter().map(|lot| (lot.user, lot.id)), |(user, id)| {
        rows(user).is_some_and(|rows| rows.lots.iter().any(|row| row.id == *id))
    })?;
    let sources = decided.new_lots.iter().map(|lot| (lot.user, lot.source.clone()));
    all_new("one_grant_per_source", sources, |(user, source)| {
        rows(user).is_some_and(|rows| rows.lots.iter().any(|row| row.source == *source))
    })?;
    all_new("credit_holds_pkey", decided.new_holds.iter().map(|hold| (hold.user, hold.id)), |(user, id)| {
        rows(user).is_some_and(|rows| rows.holds.contains_key(id))
    })?;
    all_new("credit_journal_pkey", decided.journal.iter().map(|it| (it.user, it.seq)), |(user, seq)| {
        *seq == 0 || rows(user).is_some_and(|rows| rows.journal.iter().any(|row| row.seq == *seq))
    })?;
    let posted = decided.journal.iter().filter(|entry| is_posting(entry));
    all_new(
        "credit_journal_posted_once",
        posted.map(|it| (it.user, it.source.clone())),
        |(user, source)| {
            let taken = |row: &JournalEntry| is_posting(row) && row.source == *source;
            rows(user).is_some_and(|rows| rows.journal.iter().any(taken))
        },
    )?;
    all_new("ai_usage_log_pkey", decided.usage.iter().map(|it| (it.user, it.hold)), |(user, id)| {
        rows(user).is_some_and(|rows| rows.usage.contains_key(id))
    })?;
    let suspended = decided.suspended.iter().map(|it| (it.user, it.source.clone()));
    all_new("account_suspensions_pkey", suspended, |(user, source)| {
        let lifted = decided.resumed.iter().any(|it| it.user == *user && it.source == *source);
        let stands = |rows: &Rows| rows.suspensions.iter().any(|row| row.source == *source);
        !lifted && rows(user).is_some_and(stands)
    })?;
    all_new("api_keys_pkey", decided.new_api_keys.iter().map(|it| (it.id.lane(), it.id)), |(lane, id)| {
        let in_lane = tables.users.iter().filter(|(user, _)| user.lane() == *lane);
        in_lane.map(|(_, rows)| rows).any(|rows| rows.api_keys.contains_key(id))
    })?;
    billing::check(tables, decided)
}

fn is_posting(entry: &JournalEntry) -> bool {
    matches!(entry.kind, EntryKind::Grant | EntryKind::Adjust)
}

fn account(account: &Account) -> Result<(), String> {
    let parts = [account.used, account.held, account.clawed, account.last_grant];
    must("user_ai_credits", parts.iter().all(|part| *part >= Credits::ZERO))?;
    let spent = account.used.get() + account.held.get();
    must("never_overspent", account.total.get() - spent >= -account.clawed.get())
}

fn lot(lot: &Lot) -> Result<(), String> {
    let within = |part: Credits| part >= Credits::ZERO && part <= lot.amount;
    must(
        "credit_grants",
        lot.amount.is_positive() && [lot.remaining, lot.expired, lot.clawed].map(within) == [true; 3],
    )
}

fn hold(hold: &Hold) -> Result<(), String> {
    let charged = hold.charged >= Credits::ZERO && hold.charged <= hold.amount;
    must("never_charged_above_the_hold", charged)?;
    let free = hold.charged == Credits::ZERO || hold.state == HoldState::Settled;
    let closed = hold.is_open() == hold.closed_at.is_none();
    must("credit_holds", hold.amount.is_positive() && hold.absorbed >= Credits::ZERO && free && closed)
}

fn api_key(key: &ApiKey) -> Result<(), String> {
    must("api_keys", key.spent >= Credits::ZERO && key.spend_cap.is_none_or(Credits::is_positive))?;
    must("never_spent_above_the_cap", key.spend_cap.is_none_or(|cap| key.spent <= cap))
}

fn all_new<K: Ord>(
    constraint: &str,
    keys: impl Iterator<Item = K>,
    stored: impl Fn(&K) -> bool,
) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for key in keys {
        must(constraint, !stored(&key))?;
        must(constraint, seen.insert(key))?;
    }
    Ok(())
}

fn must(constraint: &str, holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("violates {constraint}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::{credits, user};
    use crate::time::time;

    fn spending(total: i64, used: i64, held: i64, clawed: i64) -> Result<(), String> {
        let account = Account {
            total: credits(total),
            used: credits(used),
            held: credits(held),
            clawed: credits(clawed),
            ..Account::new(user(1), time(0))
        };
        check(&Tables::default(), &Decided { accounts: vec![account], ..Decided::default() })
    }

    #[test]
    fn spending_what_is_not_there_is_rejected() {
        assert_eq!(spending(100, 60, 40, 0), Ok(()));
        assert_eq!(spending(100, 60, 41, 0), Err("violates never_overspent".to_owned()));
        assert_eq!(spending(0, 60, 0, 60), Ok(()), "but for what was clawed back");
        assert_eq!(spending(0, 61, 0, 60), Err("violates never_overspent".to_owned()));
    }
}
