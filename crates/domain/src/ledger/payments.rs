//! What follows from a payment's news.
//!
//! News says how things are, not what changed: it is merged into the purchase's row, and then the books are made
//! to agree with the row. So every piece of news may come any number of times and in any order, and the end is
//! the same.
//!
//! | The row says | The books must have |
//! |---|---|
//! | paid | its credits granted, once |
//! | some of it refunded or disputed | that share clawed back |
//! | a dispute open | a suspension |
//! | paid until some day, by a subscription | that plan, until it lapses |

use super::account::{Actor, SuspensionSource};
use super::books::{Book, Halt, Tracked};
use super::command::{
    ClawBackRequest, GrantRequest, ObservePaymentRequest, ObserveSubscriptionRequest, OpenPurchaseRequest,
    PaymentReceipt, PurchaseReceipt, Receipt, Refusal, ResumeRequest, SetTopUpRequest, SuspendRequest,
};
use super::lots::{Source, SourceKind};
use super::{clawback, closing, grants, holds, standing};
use crate::billing::facts::{DisputeFact, Evidence, Paid, PaymentFacts};
use crate::billing::notice::{NoticeDetails, NoticeKind};
use crate::billing::offer::Offer;
use crate::billing::profile::{BillingProfile, DECLINES_ALLOWED, TopUp};
use crate::billing::purchase::{Names, Progress, Purchase, PurchaseKind, Return, ReturnKind, ReturnState};
use crate::billing::revenue;
use crate::billing::subscription::{GRACE, Subscription};
use crate::clock::{Moment, Span, Timestamp};
use crate::ids::{GrantId, PurchaseId};

/// How long the credits of a period last that was paid when it was over already.
const LATE_PERIOD: Span = Span::from_secs(31 * 86_400);

/// The sources whose lots an observation may touch.
pub(super) fn sources(request: &ObservePaymentRequest) -> impl Iterator<Item = Source> {
    let pack = Source::new(SourceKind::Purchase, request.purchase.to_string());
    let invoices = request.invoice.iter().chain(&request.facts.names.invoice);
    std::iter::once(pack).chain(invoices.map(|invoice| Source::new(SourceKind::Plan, invoice)))
}

/// Writes a purchase down.
pub(super) fn open(book: &mut Book, request: OpenPurchaseRequest) -> Result<Receipt, Halt> {
    let now = request.now.at;
    if book.purchases.contains_key(&request.id) {
        return receipt(book, request.id, true, None);
    }
    closing::must_be_open(book)?;
    if let Some(keyed) = &request.key {
        let named = |purchase: &Purchase| purchase.key.as_ref().is_some_and(|known| known.key == keyed.key);
        if let Some(first) = book.purchases.values_mut().find(|purchase| named(purchase)) {
            if now.since(first.created_at) < holds::KEY_LIFETIME {
                if first.key.as_ref() != Some(keyed) {
                    return Err(Refusal::KeyMismatch.into());
                }
                let id = first.id;
                return receipt(book, id, true, None);
            }
            first.change().key = None;
        }
    }
    if request.kind == PurchaseKind::TopUp {
        reserve_top_up(book, &request)?;
    }
    let id = request.id;
    book.purchases.insert(id, Tracked::new(written_down(request)));
    receipt(book, id, false, None)
}

fn written_down(request: OpenPurchaseRequest) -> Purchase {
    Purchase {
        id: request.id,
        user: request.user,
        kind: request.kind,
        offer: request.offer,
        livemode: request.livemode,
        progress: Progress::Created,
        names: Names::default(),
        url: None,
        method: None,
        period_end: None,
        refunded_minor: 0,
        refunded_as_of: Timestamp::default(),
        returns: Vec::new(),
        fault: None,
        key: request.key,
        created_at: request.now.at,
        expires_at: None,
        paid_at: None,
        lookups: 0,
        next_lookup: Some(request.next_lookup),
    }
}

/// A top-up is opened when it is on, credits are low, none is under way, and the month's cap allows it.
fn reserve_top_up(book: &mut Book, request: &OpenPurchaseRequest) -> Result<(), Halt> {
    let balances = book.account.balances()?;
    let available = balances.available;
    // What could not be spent is not bought: a dispute suspends, and what is owed would eat it.
    if book.account.suspensions > 0 || balances.owed.is_positive() {
        return Err(Refusal::TopUpNotDue.into());
    }
    let month = request.now.day.month();
    let price = request.offer.price.minor();
    let Some(top_up) = book.profile.as_mut().filter(|profile| profile.top_up.is_some()) else {
        return Err(Refusal::TopUpNotDue.into());
    };
    let due = top_up.top_up.as_ref().is_some_and(|it| {
        it.settings.enabled
            && it.open.is_none()
            && available < it.settings.threshold
            && it.settings.plan == request.offer.plan
            && it.spent_in(month).saturating_add(price) <= it.settings.monthly_cap_minor
    });
    if !due {
        return Err(Refusal::TopUpNotDue.into());
    }
    if let Some(it) = &mut top_up.change().top_up {
        it.month_minor = it.spent_in(month).saturating_add(price);
        it.month = month;
        it.open = Some(request.id);
    }
    Ok(())
}

/// Merges the news into the purchase, and makes the books agree with it.
pub(super) fn observe(book: &mut Book, request: &ObservePaymentRequest) -> Result<Receipt, Halt> {
    let id = request.purchase;
    let repeated = book.purchases.contains_key(&id);
    if !repeated && let Some(answer) = first_of_invoice(book, request)? {
        return Ok(answer);
    }
    let complaint = match book.purchases.get(&id) {
        None => return Err(Refusal::PurchaseUnknown.into()),
        Some(purchase) => {
            let loaded = purchase.source().is_none_or(|source| sources(request).any(|each| each == source));
            if purchase.paid_at.is_some() && !loaded {
                return Err(Refusal::PurchaseUnknown.into());
            }
            complaint(purchase, &request.facts)
        }
    };
    let accepted = matches!(request.facts.evidence, Some(Evidence::Paid(_))) && complaint.is_none();
    if let Some(purchase) = book.purchases.get(&id)
        && accepted
        && purchase.paid_at.is_none()
    {
        // Before anything is changed: a refusal must leave the book as it was.
        grants::check_addition(book, purchase.offer.credits)?;
    }
    let before = book.purchases.get(&id).map(|row| (**row).clone());
    if let Some(text) = &complaint {
        complain(book, id, text, request.now.at);
    } else {
        learn_customer(book, &request.facts.names);
        merge(book, request);
    }
    agree(book, before.as_ref(), request)?;
    receipt(book, id, repeated, complaint)
}

/// An invoice that we keep no purchase for: the first news of its payment makes one, other news only gives
/// notice. `None` to go on.
fn first_of_invoice(book: &mut Book, request: &ObservePaymentRequest) -> Result<Option<Receipt>, Halt> {
    let (Some(facts), Some(invoice)) = (&request.facts.invoice, &request.facts.names.invoice) else {
        return Err(Refusal::PurchaseUnknown.into());
    };
    let now = request.now.at;
    let details = NoticeDetails {
        plan: Some(facts.offer.plan.clone()),
        minor: Some(facts.offer.price.minor()),
        ..NoticeDetails::default()
    };
    if facts.collecting_failed {
        book.tell(NoticeKind::RenewalFailed, invoice.clone(), details, now);
        return Ok(Some(Receipt::Payment(PaymentReceipt::Subscription(true))));
    }
    let Some(Evidence::Paid(paid)) = &request.facts.evidence else {
        return Err(Refusal::PurchaseUnknown.into());
    };
    if let Some(text) = mismatch(&facts.offer, PurchaseKind::Renewal, paid) {
        let details = NoticeDetails { text: Some(text.clone()), minor: Some(paid.minor), ..details };
        book.tell(NoticeKind::PaymentMismatch, invoice.clone(), details, now);
        return Ok(Some(Receipt::Payment(PaymentReceipt::Complaint(text))));
    }
    grants::check_addition(book, facts.offer.credits)?;
    let opening = OpenPurchaseRequest {
        id: request.purchase,
        user: request.user,
        kind: PurchaseKind::Renewal,
        offer: facts.offer.clone(),
        livemode: request.livemode,
        key: None,
        next_lookup: now,
        now: request.now,
    };
    book.purchases.insert(request.purchase, Tracked::new(written_down(opening)));
    Ok(None)
}

/// Why the news cannot be of this purchase, or the money is not what was asked for.
fn complaint(purchase: &Purchase, facts: &PaymentFacts) -> Option<String> {
    let other = |known: &Option<String>, heard: &Option<String>| match (known, heard) {
        (Some(known), Some(heard)) => known != heard,
        _ => false,
    };
    if other(&purchase.names.session, &facts.names.session) {
        return Some("the checkout session is another purchase's".to_owned());
    }
    if other(&purchase.names.invoice, &facts.names.invoice) {
        return Some("the invoice is another purchase's".to_owned());
    }
    match &facts.evidence {
        Some(Evidence::Paid(paid)) => mismatch(&purchase.offer, purchase.kind, paid),
        _ => None,
    }
}

fn mismatch(offer: &Offer, kind: PurchaseKind, paid: &Paid) -> Option<String> {
    let currency = offer.price.currency().as_str().to_owned();
    let asked = Paid { minor: offer.price.minor(), currency, mode: kind.mode() };
    (asked != *paid).then(|| {
        format!(
            "paid {} {} by {}, asked for {} {} by {}",
            paid.minor,
            paid.currency,
            paid.mode.as_str(),
            asked.minor,
            asked.currency,
            asked.mode.as_str()
        )
    })
}

fn complain(book: &mut Book, id: PurchaseId, text: &str, at: Timestamp) {
    let Some(purchase) = book.purchases.get_mut(&id) else { return };
    if purchase.fault.as_deref() != Some(text) {
        purchase.change().fault = Some(text.to_owned());
    }
    let details = NoticeDetails {
        plan: Some(purchase.offer.plan.clone()),
        text: Some(text.to_owned()),
        ..NoticeDetails::default()
    };
    book.tell(NoticeKind::PaymentMismatch, id.to_string(), details, at);
}

fn learn_customer(book: &mut Book, names: &Names) {
    let user = book.account.user;
    if names.customer.is_none() || book.profile.as_ref().is_some_and(|profile| profile.customer.is_some()) {
        return;
    }
    let profile = book.profile.get_or_insert_with(|| Tracked::new(BillingProfile::of_newcomer(user)));
    profile.change().customer.clone_from(&names.customer);
}

/// Merges the news into the row. Each field has its own rule of which news outweighs which.
fn merge(book: &mut Book, request: &ObservePaymentRequest) {
    let Some(row) = book.purchases.get_mut(&request.purchase) else { return };
    let facts = &request.facts;
    let mut next = (**row).clone();
    next.names.learn(&facts.names);
    fill(&mut next.url, facts.url.as_ref());
    fill(&mut next.method, facts.method.as_ref());
    fill(&mut next.expires_at, facts.expires_at.as_ref());
    if let (Some(invoice), Some(Evidence::Paid(_))) = (&facts.invoice, &facts.evidence) {
        fill(&mut next.period_end, Some(&invoice.period_end));
    }
    match &facts.evidence {
        Some(Evidence::Unpaid(progress)) => next.progress = next.progress.max(*progress),
        Some(Evidence::Paid(_)) if can_be_granted(&next) => {
            next.progress = Progress::Paid;
            next.fault = None;
        }
        // A subscription's checkout may say paid, and name the invoice, before we have the invoice: that says
        // for which period, and is what grants.
        Some(Evidence::Paid(_)) => next.progress = next.progress.max(Progress::Processing),
        None => {}
    }
    if !next.progress.is_open() {
        next.next_lookup = None;
    }
    // A payment may have charges that failed before the one that counts.
    let of_another_charge = match (&next.names.charge, &facts.names.charge) {
        (Some(known), Some(heard)) => known != heard,
        _ => false,
    };
    if let Some(heard) = facts.refunded.filter(|_| !of_another_charge) {
        let known = (next.refunded_as_of, next.refunded_minor);
        if (heard.as_of, heard.minor) > known {
            next.refunded_minor = heard.minor.max(0);
            next.refunded_as_of = heard.as_of;
        }
    }
    if let Some(dispute) = &facts.dispute {
        merge_dispute(&mut next.returns, dispute);
    }
    if let Some(manual) = &facts.manual_refund {
        let known = |each: &Return| each.kind == ReturnKind::Manual && each.reference == manual.key;
        if !next.returns.iter().any(known) {
            next.returns.push(Return {
                reference: manual.key.clone(),
                kind: ReturnKind::Manual,
                minor: manual.minor.max(0),
                state: ReturnState::Lost,
                as_of: request.now.at,
            });
        }
    }
    if next != **row {
        *row.change() = next;
    }
}

/// Whether all is known that a grant needs: of a subscription's period, its invoice and its end.
fn can_be_granted(row: &Purchase) -> bool {
    let dated = match row.kind {
        PurchaseKind::Pack | PurchaseKind::TopUp => true,
        PurchaseKind::Subscription | PurchaseKind::Renewal => row.period_end.is_some(),
    };
    dated && row.source().is_some()
}

fn fill<T: Clone>(known: &mut Option<T>, heard: Option<&T>) {
    if known.is_none() {
        *known = heard.cloned();
    }
}

/// An end outweighs being open, whenever it was heard; among equals the later news counts.
fn merge_dispute(returns: &mut Vec<Return>, heard: &DisputeFact) {
    let heard = Return {
        reference: heard.id.clone(),
        kind: ReturnKind::Dispute,
        minor: heard.minor.max(0),
        state: heard.state,
        as_of: heard.as_of,
    };
    let weight = |each: &Return| (each.state != ReturnState::Open, each.as_of, each.state, each.minor);
    let same = |each: &&mut Return| each.kind == heard.kind && each.reference == heard.reference;
    match returns.iter_mut().find(same) {
        Some(known) if weight(&heard) > weight(known) => *known = heard,
        Some(_) => {}
        None => returns.push(heard),
    }
}

/// Makes the books agree with the purchase's row.
fn agree(book: &mut Book, before: Option<&Purchase>, request: &ObservePaymentRequest) -> Result<(), Halt> {
    let (id, now) = (request.purchase, request.now);
    let Some(row) = book.purchases.get(&id) else { return Ok(()) };
    let row = (**row).clone();
    give_notice_of_failure(book, &row, request);
    if row.progress == Progress::Paid && row.paid_at.is_none() {
        grant(book, &row, request.grant, request.actor.clone(), now)?;
    }
    close_top_up(book, &row, now);
    if row.names.subscription.is_some() {
        carry_subscription(book, &row, now.at);
    }
    let granted = book.purchases.get(&id).is_some_and(|row| row.paid_at.is_some());
    if let Some(source) = row.source()
        && granted
    {
        let claw_back = ClawBackRequest {
            id: request.restore,
            user: row.user,
            source,
            paid_minor: row.offer.price.minor(),
            returned_minor: row.returned_minor(),
            actor: request.actor.clone(),
            now,
        };
        clawback::claw_back(book, claw_back)?;
    }
    if row.returned_minor() > before.map_or(0, Purchase::returned_minor) {
        stop_top_up(book, &row, now.at);
    }
    if let Some(after) = book.purchases.get(&id) {
        let moved = revenue::entries(before, after, now.at);
        book.out.book_revenue(moved);
    }
    stand(book, before, &row, request);
    if let Some(warning) = &request.facts.fraud_warning {
        warn(book, &row, warning, request);
    }
    Ok(())
}

/// Grants what a paid purchase stands for.
fn grant(book: &mut Book, row: &Purchase, id: GrantId, actor: Actor, now: Moment) -> Result<(), Halt> {
    let Some(source) = row.source() else { return Ok(()) };
    let expires_at = match row.kind {
        PurchaseKind::Pack | PurchaseKind::TopUp => row.offer.pack_expiry(now.at),
        PurchaseKind::Subscription | PurchaseKind::Renewal => {
            let due = row.period_end.map(|end| end.after(GRACE));
            // Collected after its period was over: what was paid for is not to be gone at once.
            due.map(|due| if due <= now.at { now.at.after(LATE_PERIOD) } else { due })
        }
    };
    let request = GrantRequest {
        id,
        user: row.user,
        source,
        amount: row.offer.credits,
        expires_at,
        plan: None,
        actor,
        note: None,
        now,
    };
    grants::grant(book, request)?;
    if let Some(row) = book.purchases.get_mut(&row.id) {
        row.change().paid_at = Some(now.at);
    }
    let (kind, subject) = match row.kind {
        PurchaseKind::Pack | PurchaseKind::TopUp => {
            standing::take_pack(book, row.offer.plan.clone());
            (NoticeKind::PurchasePaid, row.id.to_string())
        }
        PurchaseKind::Subscription => (NoticeKind::PurchasePaid, row.id.to_string()),
        PurchaseKind::Renewal => (NoticeKind::RenewalPaid, row.names.invoice.clone().unwrap_or_default()),
    };
    let balance = Some(book.account.balance()?);
    let details = NoticeDetails { credits: Some(row.offer.credits), balance, ..priced(row) };
    if book.account.closed_at.is_some() {
        book.tell(NoticeKind::PaidAfterClosing, subject.clone(), details.clone(), now.at);
    }
    book.tell(kind, subject, details, now.at);
    Ok(())
}

fn priced(row: &Purchase) -> NoticeDetails {
    NoticeDetails {
        plan: Some(row.offer.plan.clone()),
        minor: Some(row.offer.price.minor()),
        ..NoticeDetails::default()
    }
}

fn give_notice_of_failure(book: &mut Book, row: &Purchase, request: &ObservePaymentRequest) {
    let now = request.now.at;
    let collecting_failed = request.facts.invoice.as_ref().is_some_and(|invoice| invoice.collecting_failed)
        && row.paid_at.is_none();
    match (&request.facts.evidence, row.progress) {
        (Some(Evidence::Unpaid(Progress::Failed)), Progress::Failed) => {
            book.tell(NoticeKind::PaymentFailed, row.id.to_string(), priced(row), now);
        }
        (Some(Evidence::Unpaid(Progress::Expired)), Progress::Expired) => {
            book.tell(NoticeKind::CheckoutExpired, row.id.to_string(), priced(row), now);
        }
        _ if collecting_failed => {
            book.tell(NoticeKind::PaymentFailed, row.id.to_string(), priced(row), now);
        }
        _ => {}
    }
}

/// Who gets money back does not want a card charged for what it bought: automatic top-up is switched off.
fn stop_top_up(book: &mut Book, row: &Purchase, now: Timestamp) {
    let Some(profile) = book.profile.as_mut() else { return };
    if !profile.top_up.as_ref().is_some_and(|it| it.settings.enabled) {
        return;
    }
    if let Some(top_up) = &mut profile.change().top_up {
        top_up.settings.enabled = false;
    }
    book.tell(NoticeKind::TopUpDisabled, row.id.to_string(), priced(row), now);
}

/// Lets the next top-up begin when this one has ended; too many declines in a row switch it off. `row` is the
/// purchase as it was before its grant.
fn close_top_up(book: &mut Book, row: &Purchase, now: Moment) {
    let Some(profile) = book.profile.as_mut() else { return };
    let Some(known) = &profile.top_up else { return };
    if known.open != Some(row.id) {
        if row.kind == PurchaseKind::TopUp && row.progress == Progress::Paid && row.paid_at.is_none() {
            // It was taken for declined, and is paid after all: it counts again.
            let (month, price) = (now.day.month(), row.offer.price.minor());
            let month_minor = known.spent_in(month).saturating_add(price);
            profile.change().top_up = Some(TopUp { month, month_minor, declines: 0, ..known.clone() });
        }
        return;
    }
    if row.progress.is_open() {
        return;
    }
    let Some(top_up) = &mut profile.change().top_up else { return };
    top_up.open = None;
    if row.progress == Progress::Paid {
        top_up.declines = 0;
        return;
    }
    top_up.month_minor = top_up.month_minor.saturating_sub(row.offer.price.minor()).max(0);
    top_up.declines = top_up.declines.saturating_add(1);
    if top_up.declines >= DECLINES_ALLOWED && top_up.settings.enabled {
        top_up.settings.enabled = false;
        book.tell(NoticeKind::TopUpDisabled, row.id.to_string(), priced(row), now.at);
    }
}

/// The subscription that the purchase began or renewed: known from now on, and paid as far as it paid.
fn carry_subscription(book: &mut Book, row: &Purchase, now: Timestamp) {
    let Some(id) = &row.names.subscription else { return };
    let entry = book.subscriptions.entry(id.clone()).or_insert_with(|| {
        Tracked::new(Subscription {
            id: id.clone(),
            user: row.user,
            purchase: row.id,
            offer: row.offer.clone(),
            status: "incomplete".to_owned(),
            cancel_at_period_end: false,
            ended: false,
            paid_until: None,
            as_of: Timestamp::default(),
            created_at: now,
        })
    });
    if row.kind == PurchaseKind::Subscription && entry.purchase != row.id {
        // A renewal was heard of first.
        entry.change().purchase = row.id;
    }
    if row.progress == Progress::Paid && row.period_end > entry.paid_until {
        let subscription = entry.change();
        subscription.paid_until = row.period_end;
        subscription.offer = row.offer.clone();
        if subscription.as_of == Timestamp::default() {
            "active".clone_into(&mut subscription.status);
        }
    }
    standing::follow_subscriptions(book, now);
}

/// A dispute that is open suspends; one that is over does not, unless the house wants it so. Then it suspends
/// when it is lost, and not again after an admin has lifted that.
fn stand(book: &mut Book, before: Option<&Purchase>, row: &Purchase, request: &ObservePaymentRequest) {
    let now = request.now;
    for dispute in row.returns.iter().filter(|each| each.kind == ReturnKind::Dispute) {
        let source = SuspensionSource::dispute(&dispute.reference);
        let suspended = book.suspensions.iter().any(|known| known.source == source);
        let same = |each: &&Return| each.kind == dispute.kind && each.reference == dispute.reference;
        let heard = before.and_then(|row| row.returns.iter().find(same)).map(|each| each.state);
        let wanted = match dispute.state {
            ReturnState::Open => true,
            ReturnState::Won => false,
            ReturnState::Lost if heard == Some(ReturnState::Lost) => suspended,
            ReturnState::Lost => request.policy.suspend_after_lost_dispute,
        };
        if dispute.state == ReturnState::Open {
            let details = NoticeDetails { minor: Some(dispute.minor), ..priced(row) };
            book.tell(NoticeKind::DisputeOpened, dispute.reference.clone(), details, now.at);
        }
        let (user, actor) = (row.user, request.actor.clone());
        if wanted && !suspended {
            let reason = format!("dispute {} of purchase {}", dispute.reference, row.id);
            standing::suspend(book, SuspendRequest { user, source, actor, reason, now });
        } else if suspended && !wanted {
            standing::resume(book, &ResumeRequest { user, source, actor, now });
        }
    }
}

fn warn(book: &mut Book, row: &Purchase, warning: &str, request: &ObservePaymentRequest) {
    let now = request.now;
    book.tell(NoticeKind::FraudWarning, warning.to_owned(), priced(row), now.at);
    if request.policy.suspend_on_fraud_warning {
        let source = SuspensionSource::fraud_warning(warning);
        let reason = format!("fraud warning {warning} for purchase {}", row.id);
        let (user, actor) = (row.user, request.actor.clone());
        standing::suspend(book, SuspendRequest { user, source, actor, reason, now });
    }
}

/// Takes news of a subscription in: an end is final, else the later news counts.
pub(super) fn observe_subscription(
    book: &mut Book,
    request: ObserveSubscriptionRequest,
) -> Result<Receipt, Halt> {
    let ObserveSubscriptionRequest { facts, now, .. } = request;
    let Some(row) = book.subscriptions.get_mut(&facts.id) else {
        // Its purchase's news makes the row; until then there is nothing that this would change.
        return Err(Refusal::PurchaseUnknown.into());
    };
    let newer = !row.ended && (facts.ended || facts.as_of >= row.as_of);
    let mut next = (**row).clone();
    if newer {
        next.status = facts.status;
        next.cancel_at_period_end = facts.cancel_at_period_end;
        next.ended = facts.ended;
        next.as_of = facts.as_of;
    }
    let changed = next != **row;
    if changed {
        *row.change() = next;
        standing::follow_subscriptions(book, now.at);
    }
    Ok(Receipt::Payment(PaymentReceipt::Subscription(changed)))
}

/// Keeps what the user wants of automatic top-up; switching it on forgives declines.
pub(super) fn set_top_up(book: &mut Book, request: SetTopUpRequest) -> Result<Receipt, Halt> {
    closing::must_be_open(book)?;
    let SetTopUpRequest { user, settings, .. } = request;
    let profile = book.profile.get_or_insert_with(|| Tracked::new(BillingProfile::of_newcomer(user)));
    let row = profile.change();
    row.top_up = Some(match row.top_up.take() {
        Some(known) => TopUp { settings, declines: 0, ..known },
        None => TopUp { settings, open: None, declines: 0, month: 0, month_minor: 0 },
    });
    Ok(Receipt::Payment(PaymentReceipt::Profile(row.clone())))
}

fn receipt(book: &Book, id: PurchaseId, repeated: bool, complaint: Option<String>) -> Result<Receipt, Halt> {
    let Some(purchase) = book.purchases.get(&id) else { return Err(Refusal::PurchaseUnknown.into()) };
    let purchase = (**purchase).clone();
    let balances = book.account.balances()?;
    let receipt = PurchaseReceipt { purchase, repeated, complaint, balances };
    Ok(Receipt::Payment(PaymentReceipt::Purchase(Box::new(receipt))))
}
