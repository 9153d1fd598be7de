//! Lots: dated amounts of credits, the order they burn in, and how they fall due.

use std::fmt;

use super::books::{Book, Halt, Movement};
use super::journal::EntryKind;
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::ids::{GrantId, UserId};

/// Where a lot came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// A paid pack.
    Purchase,
    /// A paid period of a subscription.
    Plan,
    /// A gift of the house.
    Bonus,
    /// An admin.
    Manual,
    /// A claw-back that was taken back.
    Restore,
}

impl SourceKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Purchase, Self::Plan, Self::Bonus, Self::Manual, Self::Restore];

    /// The word that stores keep.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Plan => "plan",
            Self::Bonus => "bonus",
            Self::Manual => "manual",
            Self::Restore => "restore",
        }
    }

    /// The kind that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a lot was granted for. An account has at most one lot for each source, so granting for the
/// same source again grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Its kind.
    pub kind: SourceKind,
    /// The purchase, invoice, or idempotency key.
    pub reference: String,
}

impl Source {
    /// A source.
    pub fn new(kind: SourceKind, reference: impl Into<String>) -> Self {
        Self { kind, reference: reference.into() }
    }
}

/// `kind:reference`, as the journal writes it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.reference)
    }
}

/// One row of `credit_grants`: a dated lot of credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Its id.
    pub id: GrantId,
    /// Whose it is.
    pub user: UserId,
    /// What it was granted for; unique for the user.
    pub source: Source,
    /// For a restored lot: the lot whose claw-back was taken back.
    pub parent: Option<GrantId>,
    /// As granted.
    pub amount: Credits,
    /// Not burnt, expired or clawed back yet.
    pub remaining: Credits,
    /// How much of it expired.
    pub expired: Credits,
    /// How much was clawed back on its account, less restored.
    pub clawed: Credits,
    /// When the latest claw-back began; restoring moves the expiry by the time since.
    pub clawed_at: Option<Timestamp>,
    /// When it was granted.
    pub created_at: Timestamp,
    /// When it falls due; `None` is never.
    pub expires_at: Option<Timestamp>,
}

impl Lot {
    /// Whether the lot existed and was not due at `at`.
    pub fn live_at(&self, at: Timestamp) -> bool {
        self.created_at <= at && self.expires_at.is_none_or(|due| due > at)
    }

    /// What lots are sorted by in burn order: soonest to expire first, then oldest.
    pub fn burns_at(&self) -> (bool, Option<Timestamp>, Timestamp, GrantId) {
        (self.expires_at.is_none(), self.expires_at, self.created_at, self.id)
    }
}

/// Expires every lot that is due, but for what open holds may still need.
///
/// A lot is kept only as far as holds made *before* its expiry may burn it: due lots are walked in
/// burn order, each protected by those holds less what earlier lots already protect. In all, no more
/// expires than open holds leave over (I2): a hold may count on a lot that another one burns first.
pub(super) fn expire_due(book: &mut Book, now: Timestamp) -> Result<(), Halt> {
    let mut due: Vec<(usize, Timestamp)> = book
        .lots
        .iter()
        .enumerate()
        .filter(|(_, lot)| lot.remaining.is_positive())
        .filter_map(|(index, lot)| lot.expires_at.filter(|at| *at <= now).map(|at| (index, at)))
        .collect();
    due.sort_by_key(|(index, _)| book.lots.get(*index).map(|lot| lot.burns_at()));
    let mut kept = Credits::ZERO;
    for (index, due_at) in due {
        let held = Credits::sum(
            book.holds
                .values()
                .filter(|hold| hold.is_open() && hold.created_at < due_at)
                .map(|hold| hold.amount),
        )?;
        let account = &book.account;
        let left_over = account.balance()?.minus(account.held)?.plus(account.clawed)?.or_zero();
        let Some(lot) = book.lots.get_mut(index) else { continue };
        let keep = lot.remaining.min(held.minus(kept)?.or_zero());
        kept = kept.plus(keep)?;
        let lost = lot.remaining.minus(keep)?.min(left_over);
        if !lost.is_positive() {
            continue;
        }
        let lot = lot.change();
        lot.remaining = lot.remaining.minus(lost)?;
        lot.expired = lot.expired.plus(lost)?;
        let source = format!("lot:{}", lot.id);
        book.post(Movement::system(EntryKind::Expire, lost.negated(), source, now))?;
    }
    Ok(())
}

/// Burns `amount` from the lots in burn order: first those that were live at `held_at`, then, when a
/// claw-back took from those, whatever is left. What no lot covers makes the balance negative.
/// Changes lots only; the caller posts the movement.
pub(super) fn burn(book: &mut Book, amount: Credits, held_at: Timestamp) -> Result<(), Halt> {
    let mut left = amount;
    for index in burn_order(book, |lot| !lot.live_at(held_at)) {
        left = left.minus(take(book, index, left)?)?;
    }
    Ok(())
}

/// Takes up to `wanted` from one lot; answers what it took.
pub(super) fn take(book: &mut Book, index: usize, wanted: Credits) -> Result<Credits, Halt> {
    let Some(lot) = book.lots.get_mut(index) else { return Ok(Credits::ZERO) };
    let taken = lot.remaining.min(wanted);
    if taken.is_positive() {
        let lot = lot.change();
        lot.remaining = lot.remaining.minus(taken)?;
    }
    Ok(taken)
}

/// The positions of all lots with something left, those for which `later` is false first, each part
/// in burn order.
pub(super) fn burn_order(book: &Book, later: impl Fn(&Lot) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = book
        .lots
        .iter()
        .enumerate()
        .filter(|(_, lot)| lot.remaining.is_positive())
        .map(|(index, _)| index)
        .collect();
    order.sort_by_key(|index| book.lots.get(*index).map(|lot| (later(lot), lot.burns_at())));
    order
}
