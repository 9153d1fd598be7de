//! How an account stands: suspended or not, and on which plan.
//!
//! Suspension: any one source suspends, and lifting one leaves the others. The plan: that of the subscription
//! whose period is paid; without one, that of the last pack paid for.

use super::account::{PlanName, Suspension, SuspensionSource};
use super::books::Book;
use super::command::{PlanStanding, Receipt, ResumeRequest, SuspendRequest};
use crate::billing::subscription::{GRACE, Subscription};
use crate::clock::Timestamp;

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

/// Lifts the suspension of one source; there being none, nothing changes. What an admin lifts is everything that
/// was left to an admin: fraud warnings too, but no dispute that is open.
pub(super) fn resume(book: &mut Book, request: &ResumeRequest) -> Receipt {
    let by_admin = request.source == SuspensionSource::admin();
    let lifts =
        |known: &Suspension| known.source == request.source || (by_admin && known.source.is_left_to_admins());
    while let Some(index) = book.suspensions.iter().position(lifts) {
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

/// A subscription's plan that is over gives way to the last pack's. Done before every act and read, so that a
/// lapse needs no job.
pub(super) fn lapse(book: &mut Book, now: Timestamp) {
    if book.account.plan_until.is_some_and(|until| until <= now) {
        let account = book.account.change();
        account.plan = account.pack_plan.clone();
        account.renewal = None;
        account.plan_until = None;
    }
}

/// The plan that comes with a grant.
pub(super) fn take_plan(book: &mut Book, standing: PlanStanding) {
    match standing.renewal {
        Some(renewal) => {
            let account = book.account.change();
            account.plan = standing.plan;
            account.renewal = Some(renewal);
            account.plan_until = Some(renewal.after(GRACE));
        }
        None => take_pack(book, standing.plan),
    }
}

/// The plan of a pack: in force at once where no subscription is.
pub(super) fn take_pack(book: &mut Book, plan: PlanName) {
    let account = book.account.change();
    if account.plan_until.is_none() {
        account.plan = plan.clone();
        account.renewal = None;
    }
    account.pack_plan = plan;
}

/// Makes the plan that of the subscription which is paid the longest, if that still runs.
pub(super) fn follow_subscriptions(book: &mut Book, now: Timestamp) {
    let longest = book
        .subscriptions
        .values()
        .filter_map(|each| Some((each.paid_until?, each.lapses_at()?, &**each)))
        .max_by(|(a, _, x), (b, _, y)| (a, &x.id).cmp(&(b, &y.id)))
        .map(|(paid, lapses, each): (_, _, &Subscription)| (paid, lapses, each.offer.plan.clone()));
    let Some((paid_until, lapses, plan)) = longest else { return };
    let account = &book.account;
    let stands =
        account.plan == plan && account.renewal == Some(paid_until) && account.plan_until == Some(lapses);
    if !stands && (lapses > now || account.plan_until.is_some()) {
        let account = book.account.change();
        account.plan = plan;
        account.renewal = Some(paid_until);
        account.plan_until = Some(lapses);
        lapse(book, now);
    }
}
