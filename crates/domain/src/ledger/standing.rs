//! Suspension: any one source suspends, and lifting one leaves the others.

use super::account::Suspension;
use super::books::Book;
use super::command::{Receipt, ResumeRequest, SuspendRequest};

/// Suspends spending for one source; suspended already by it, nothing changes.
pub(super) fn suspend(book: &mut Book, request: SuspendRequest) -> Receipt {
    let SuspendRequest { user, source, actor, reason, now } = request;
    if !book.suspensions.iter().any(|known| known.source == source) {
        let suspension = Suspension { user, source, actor, reason, since: now.at };
        book.suspensions.push(suspension.clone());
        book.out.suspended.push(suspension);
    }
    standing(book)
}

/// Lifts the suspension of one source; there being none, nothing changes.
pub(super) fn resume(book: &mut Book, request: &ResumeRequest) -> Receipt {
    if let Some(index) = book.suspensions.iter().position(|known| known.source == request.source) {
        let lifted = book.suspensions.swap_remove(index);
        // Suspended and resumed within one batch: there is no row to delete.
        match book.out.suspended.iter().position(|new| new.source == lifted.source) {
            Some(new) => drop(book.out.suspended.swap_remove(new)),
            None => book.out.resumed.push(lifted),
        }
    }
    standing(book)
}

fn standing(book: &mut Book) -> Receipt {
    let count = u32::try_from(book.suspensions.len()).unwrap_or(u32::MAX);
    if book.account.suspensions != count {
        book.account.change().suspensions = count;
    }
    Receipt::Standing(count)
}
