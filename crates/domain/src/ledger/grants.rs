//! Grants and adjustments: credits that come without a request, each once for its source.

use super::account::Actor;
use super::books::{Book, Halt, Movement, Tracked};
use super::command::{AdjustRequest, GrantRequest, Posted, Receipt, Refusal};
use super::journal::EntryKind;
use super::lots::{self, Lot, Source, SourceKind};
use super::{closing, standing};
use crate::clock::Timestamp;
use crate::credits::Credits;
use crate::ids::GrantId;

/// Adds a dated lot. What is owed comes off it: a lot's remaining is its amount less the negative
/// part of the balance before.
pub(super) fn grant(book: &mut Book, request: GrantRequest) -> Result<Receipt, Halt> {
    if let Some(first) = posted_before(book, &request.source)? {
        return Ok(first);
    }
    if matches!(request.source.kind, SourceKind::Bonus | SourceKind::Manual) {
        // Paid for is paid for; but nothing is given to somebody who left.
        closing::must_be_open(book)?;
    }
    check_addition(book, request.amount)?;
    if let Some(plan) = request.plan {
        standing::take_plan(book, plan);
    }
    let (name, expires_at) = (request.source.to_string(), request.expires_at);
    let lot =
        NewLot { id: request.id, source: request.source, parent: None, amount: request.amount, expires_at };
    book.account.change().last_grant = request.amount;
    add_lot(book, lot, EntryKind::Grant, request.actor, request.note, request.now.at)?;
    posted(book, &name, expires_at, false)
}

/// Posts a signed correction: a lot when positive; off the lots in burn order when negative, and
/// then no more than is available.
pub(super) fn adjust(book: &mut Book, request: AdjustRequest) -> Result<Receipt, Halt> {
    if let Some(first) = posted_before(book, &request.source)? {
        return Ok(first);
    }
    let AdjustRequest { id, source, amount, actor, note, now, .. } = request;
    if amount.is_positive() {
        closing::must_be_open(book)?;
        check_addition(book, amount)?;
        let name = source.to_string();
        let lot = NewLot { id, source, parent: None, amount, expires_at: None };
        add_lot(book, lot, EntryKind::Adjust, actor, note, now.at)?;
        return posted(book, &name, None, false);
    }
    let taken = amount.negated();
    if !taken.is_positive() {
        return Err(Refusal::AmountOutOfRange.into());
    }
    let available = book.account.balances()?.available;
    if taken > available {
        return Err(Refusal::NotEnough { available }.into());
    }
    lots::burn(book, taken, now.at)?;
    let source = source.to_string();
    book.post(Movement { kind: EntryKind::Adjust, amount, source: source.clone(), actor, note, at: now.at })?;
    posted(book, &source, None, false)
}

/// A lot that is about to be added.
pub(super) struct NewLot {
    pub id: GrantId,
    pub source: Source,
    pub parent: Option<GrantId>,
    pub amount: Credits,
    pub expires_at: Option<Timestamp>,
}

/// Adds a lot and posts its movement.
pub(super) fn add_lot(
    book: &mut Book,
    new: NewLot,
    kind: EntryKind,
    actor: Actor,
    note: Option<String>,
    at: Timestamp,
) -> Result<(), Halt> {
    let NewLot { id, source, parent, amount, expires_at } = new;
    let owed = book.account.balance()?.negated().or_zero();
    let name = source.to_string();
    book.lots.push(Tracked::new(Lot {
        id,
        user: book.account.user,
        source,
        parent,
        amount,
        remaining: amount.minus(owed)?.or_zero(),
        expired: Credits::ZERO,
        clawed: Credits::ZERO,
        clawed_at: None,
        created_at: at,
        expires_at,
    }));
    book.post(Movement { kind, amount, source: name, actor, note, at })?;
    // A due lot that was kept because open holds count on it may now be left over.
    lots::expire_due(book, at)
}

/// Grants and positive adjustments stay within what an account can hold, so that no later sum can
/// leave its range.
pub(super) fn check_addition(book: &Book, amount: Credits) -> Result<(), Halt> {
    if !amount.is_positive() || book.account.total.plus(amount).is_err() {
        return Err(Refusal::AmountOutOfRange.into());
    }
    Ok(())
}

fn posted_before(book: &Book, source: &Source) -> Result<Option<Receipt>, Halt> {
    let name = source.to_string();
    if book.posted_for(&name).is_none() {
        return Ok(None);
    }
    let expires_at = book.lots.iter().find(|lot| lot.source == *source).and_then(|lot| lot.expires_at);
    posted(book, &name, expires_at, true).map(Some)
}

fn posted(book: &Book, source: &str, expires_at: Option<Timestamp>, repeated: bool) -> Result<Receipt, Halt> {
    let Some(entry) = book.posted_for(source) else { return Err(Refusal::SourceUnknown.into()) };
    let (amount, note_hash) = (entry.amount, entry.note_hash);
    let balances = book.account.balances()?;
    Ok(Receipt::Posted(Posted { amount, expires_at, note_hash, balances, repeated }))
}
