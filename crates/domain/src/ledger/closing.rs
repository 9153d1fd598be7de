//! Closing an account: its user leaves for good. Credits that are left are forfeited, what is personal is erased, and
//! the books stay under the user's pseudonymous id, so that they add up for ever.
//!
//! | Afterwards | Then |
//! |---|---|
//! | a hold, a purchase, top-up or alert settings, a new API key, credits by an admin's hand | refused |
//! | API keys there were | are revoked |
//! | a payment that was under way | is granted as always, and the admins are told: nobody can spend it, a refund takes it back |
//! | a late settlement | is free, and keeps no texts |
//! | refunds, disputes, expiry, claw-backs | as on every account |

use super::books::{Book, Halt, Movement};
use super::command::{CloseRequest, Closed, Receipt, Refusal};
use super::journal::EntryKind;
use super::{api_keys, lots};
use crate::billing::notice::Audience;
use crate::credits::Credits;

/// What the journal names as the source of forfeited credits.
const SOURCE: &str = "closure";

/// Refuses what only an open account can do.
pub(super) fn must_be_open(book: &Book) -> Result<(), Refusal> {
    if book.account.closed_at.is_some() { Err(Refusal::Closed) } else { Ok(()) }
}

/// Closes the account. Refused, whatever is given up, while requests run or a subscription renews; refused for
/// credits or a paid period that are left unless they are given up.
pub(super) fn close(book: &mut Book, request: CloseRequest) -> Result<Receipt, Halt> {
    if let Some(at) = book.account.closed_at {
        return Ok(Receipt::Closed(Closed { at, forfeited: Credits::ZERO, repeated: true }));
    }
    let now = request.now.at;
    if book.holds.values().any(|hold| hold.is_open()) {
        return Err(Refusal::RequestsRunning.into());
    }
    if book.subscriptions.values().any(|each| each.renews()) {
        return Err(Refusal::SubscriptionRenews.into());
    }
    let left = book.account.balance()?.or_zero();
    if !request.forfeit {
        if left.is_positive() {
            return Err(Refusal::CreditsRemain { available: left }.into());
        }
        if book.subscriptions.values().any(|each| each.lapses_at().is_some_and(|at| at > now)) {
            return Err(Refusal::SubscriptionPaid.into());
        }
    }
    // First, so that nobody is told of a low balance any more.
    book.account.change().closed_at = Some(now);
    if left.is_positive() {
        lots::burn(book, left, now)?;
        book.post(Movement {
            kind: EntryKind::Adjust,
            amount: left.negated(),
            source: SOURCE.to_owned(),
            actor: request.actor,
            note: None,
            at: now,
        })?;
    }
    api_keys::revoke_all(book, now);
    stop_top_up(book);
    forget(book);
    Ok(Receipt::Closed(Closed { at: now, forfeited: left, repeated: false }))
}

fn stop_top_up(book: &mut Book) {
    let Some(profile) = book.profile.as_mut() else { return };
    if profile.top_up.as_ref().is_some_and(|it| it.settings.enabled)
        && let Some(top_up) = &mut profile.change().top_up
    {
        top_up.settings.enabled = false;
    }
}

/// Has the store erase what it keeps, and drops what commands before this one, in the same batch, would add.
fn forget(book: &mut Book) {
    let account = book.account.change();
    account.alert_threshold = None;
    account.alert_armed = true;
    book.keys.clear();
    for hold in book.holds.values_mut().filter(|hold| hold.key.is_some()) {
        hold.change().key = None;
    }
    for purchase in book.purchases.values_mut().filter(|purchase| purchase.key.is_some()) {
        purchase.change().key = None;
    }
    let out = &mut book.out;
    out.notes.clear();
    out.content.clear();
    out.notices.retain(|notice| notice.kind.audience() == Audience::Admin);
    for suspension in &mut out.suspended {
        suspension.reason.clear();
    }
    out.contact = None;
    out.closed = true;
}
