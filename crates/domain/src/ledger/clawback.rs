//! Claw-back: credits of a refunded or disputed payment go, and come back when the money does.
//!
//! The act says what *is* returned of the payment, never what was added; doing it again, or in
//! another order, ends in the same place.

use super::account::Actor;
use super::books::{Book, Halt, Movement};
use super::command::{ClawBackRequest, ClawedBack, Receipt, Refusal};
use super::grants::{NewLot, add_lot};
use super::journal::EntryKind;
use super::lots::{self, Lot, Source, SourceKind};
use crate::clock::Moment;
use crate::credits::Credits;
use crate::ids::GrantId;

/// `floor(granted * min(paid, returned) / paid)`: the credits that a returned part of a payment
/// stands for. Nothing when nothing was paid.
pub fn share(granted: Credits, paid_minor: i64, returned_minor: i64) -> Credits {
    let returned = i128::from(returned_minor.clamp(0, paid_minor.max(0)));
    let scaled = i128::from(granted.get()).saturating_mul(returned);
    let share = scaled.checked_div(i128::from(paid_minor)).unwrap_or(0);
    i64::try_from(share).ok().and_then(|share| Credits::new(share).ok()).unwrap_or(Credits::ZERO)
}

/// Makes the claw-back follow the payment. It rises to the share less what of the lot has expired,
/// and falls to the share when money came back.
pub(super) fn claw_back(book: &mut Book, request: ClawBackRequest) -> Result<Receipt, Halt> {
    let ClawBackRequest { id, source, paid_minor, returned_minor, actor, now, .. } = request;
    let Some(index) = book.lots.iter().position(|lot| lot.source == source) else {
        return Err(Refusal::SourceUnknown.into());
    };
    let Some(lot) = book.lots.get(index).map(|lot| (**lot).clone()) else {
        return Err(Refusal::SourceUnknown.into());
    };
    let share = share(lot.amount, paid_minor, returned_minor);
    let expired = Credits::sum(family(book, &lot).map(|lot| lot.expired))?;
    let raised = share.minus(expired)?.or_zero();
    if raised > lot.clawed {
        take_back(book, index, &lot, raised, actor, now)?;
    } else if share < lot.clawed {
        put_back(book, index, &lot, share, id, actor, now)?;
    }
    let clawed = book.lots.get(index).map_or(Credits::ZERO, |lot| lot.clawed);
    Ok(Receipt::ClawedBack(ClawedBack { clawed, balances: book.account.balances()? }))
}

/// The lot and the lots that restored parts of it.
fn family<'a>(book: &'a Book, origin: &'a Lot) -> impl Iterator<Item = &'a Lot> {
    book.lots.iter().map(|lot| &**lot).filter(|lot| lot.id == origin.id || lot.parent == Some(origin.id))
}

/// Takes from the payment's own lots, then from others in burn order; what was spent already makes
/// the balance negative.
fn take_back(
    book: &mut Book,
    index: usize,
    lot: &Lot,
    raised: Credits,
    actor: Actor,
    now: Moment,
) -> Result<(), Halt> {
    let more = raised.minus(lot.clawed)?;
    let mut left = more;
    for position in lots::burn_order(book, |other| other.id != lot.id && other.parent != Some(lot.id)) {
        left = left.minus(lots::take(book, position, left)?)?;
    }
    if let Some(lot) = book.lots.get_mut(index) {
        let lot = lot.change();
        lot.clawed = raised;
        lot.clawed_at = Some(now.at);
    }
    let account = book.account.change();
    account.clawed = account.clawed.plus(more)?;
    let source = lot.source.to_string();
    let (kind, amount) = (EntryKind::ClawBack, more.negated());
    book.post(Movement { kind, amount, source, actor, note: None, at: now.at })
}

/// Restores as a new lot, with the old expiry moved by the time that the credits were away. If the lot
/// was due already when they were taken, they came from other lots, and what is restored does not expire:
/// with the old expiry it would be gone at once.
fn put_back(
    book: &mut Book,
    index: usize,
    lot: &Lot,
    share: Credits,
    id: GrantId,
    actor: Actor,
    now: Moment,
) -> Result<(), Halt> {
    let amount = lot.clawed.minus(share)?;
    let taken_at = lot.clawed_at.unwrap_or(now.at);
    let away = now.at.since(taken_at);
    let expires_at = lot.expires_at.filter(|due| *due > taken_at).map(|due| due.after(away));
    if let Some(lot) = book.lots.get_mut(index) {
        lot.change().clawed = share;
    }
    let account = book.account.change();
    account.clawed = account.clawed.minus(amount)?;
    let next = account.seq.saturating_add(1);
    let source = Source::new(SourceKind::Restore, format!("{}#{next}", lot.source));
    let restored = NewLot { id, source, parent: Some(lot.id), amount, expires_at };
    add_lot(book, restored, EntryKind::Restore, actor, None, now.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down_and_never_exceeds_the_grant() {
        let granted = Credits::whole(20_000);
        assert_eq!(share(granted, 7900, 7900), granted);
        assert_eq!(share(granted, 7900, 9999), granted);
        assert_eq!(share(granted, 7900, 2633), Credits::whole(6665));
        assert_eq!(share(granted, 7900, 0), Credits::ZERO);
        assert_eq!(share(granted, 0, 10), Credits::ZERO);
    }
}
