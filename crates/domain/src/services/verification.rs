//! Proving that the books add up.

use std::fmt;

use crate::clock::Timestamp;
use crate::ids::Lane;
use crate::ledger::verify::{Breach, check};
use crate::ports::Unavailable;
use crate::ports::books::Books;

/// How many users are listed at once.
const PAGE: u32 = 500;

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Accounts that were checked.
    pub accounts: u64,
    /// Journal entries that were checked.
    pub entries: u64,
    /// Every broken invariant.
    pub breaches: Vec<Breach>,
    /// I10: request texts that are kept past their retention.
    pub stale_texts: u64,
}

impl Verification {
    /// Whether everything adds up.
    pub fn is_sound(&self) -> bool {
        self.breaches.is_empty() && self.stale_texts == 0
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for breach in &self.breaches {
            writeln!(f, "{breach}")?;
        }
        if self.stale_texts > 0 {
            writeln!(f, "I10 {} request texts are kept past their retention", self.stale_texts)?;
        }
        let (accounts, entries) = (self.accounts, self.entries);
        let found = if self.is_sound() { "everything adds up" } else { "BROKEN" };
        write!(f, "{accounts} accounts, {entries} journal entries: {found}")
    }
}

/// Checks every account of the store at `now`; texts older than `texts_before` are a breach of I10.
pub async fn verify(
    books: &dyn Books,
    now: Timestamp,
    texts_before: Timestamp,
) -> Result<Verification, Unavailable> {
    let serving = books.is_served(now).await?;
    let mut found = Verification::default();
    for lane in Lane::all() {
        let mut after = None;
        loop {
            let users = books.users(lane, after, PAGE).await?;
            let Some(last) = users.last().copied() else { break };
            for user in users {
                let Some(account) = books.account_books(user).await? else { continue };
                found.accounts = found.accounts.saturating_add(1);
                let entries = u64::try_from(account.journal.len()).unwrap_or(u64::MAX);
                found.entries = found.entries.saturating_add(entries);
                found.breaches.extend(check(&account, now, serving));
            }
            after = Some(last);
        }
    }
    found.stale_texts = books.content_older_than(texts_before).await?;
    Ok(found)
}
