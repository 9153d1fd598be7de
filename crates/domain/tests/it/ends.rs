//! What a user's dealings come to: as the books say it, and as it follows from the news without any order.

use std::collections::{BTreeMap, BTreeSet};

use domain::billing::notice::NoticeKind;
use domain::billing::purchase::{Progress, Purchase, ReturnKind, ReturnState};
use domain::billing::subscription::GRACE;
use domain::clock::{Span, Timestamp};
use domain::ids::PurchaseId;
use domain::ledger::account::PlanName;
use domain::ledger::lots::SourceKind;

use crate::acts::moment;
use crate::model::{Sums, sums};
use crate::news::{DAY, Dealings, Kind, PRICE, Payment, Said, by_hand, subscription_id, user};
use crate::rows::Store;

/// Times at which the plan is looked at, in days.
const LATER: [i64; 7] = [0, 29, 31, 39, 63, 93, 120];

/// What the news comes to, where its order may make no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub purchases: BTreeMap<PurchaseId, PurchaseEnd>,
    /// Credits granted and clawed back for each payment.
    pub lots: BTreeMap<String, (i64, i64)>,
    pub sums: Sums,
    pub suspensions: BTreeSet<String>,
    /// In force now and later, with the renewal.
    pub plans: Vec<(PlanName, Option<Timestamp>)>,
    pub subscriptions: BTreeMap<String, SubscriptionEnd>,
    /// Whether one is under way, declines, spent this month.
    pub top_up: (bool, u32, i64),
    /// Payments that the user was told of.
    pub told: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseEnd {
    progress: Progress,
    granted: bool,
    waits: bool,
    refunded: i64,
    returns: BTreeMap<(ReturnKind, String), (i64, ReturnState)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionEnd {
    plan: PlanName,
    paid_until: Option<Timestamp>,
    ended: bool,
    /// Whether it ends with its period; of no interest once it has ended.
    cancelled: bool,
}

/// What the books say.
pub fn found(store: &Store) -> End {
    let purchase = |row: &Purchase| PurchaseEnd {
        progress: row.progress,
        granted: row.paid_at.is_some(),
        waits: row.next_lookup.is_some(),
        refunded: row.refunded_minor,
        returns: row
            .returns
            .iter()
            .map(|each| ((each.kind, each.reference.clone()), (each.minor, each.state)))
            .collect(),
    };
    let lots = store.lots.values().filter(|lot| lot.source.kind != SourceKind::Restore);
    let told = store
        .notices
        .values()
        .filter(|notice| matches!(notice.kind, NoticeKind::PurchasePaid | NoticeKind::RenewalPaid));
    let top_up = store.profiles[&user()].top_up.clone().unwrap();
    let view = |days: &i64| {
        let view = store.view(user(), moment(days * DAY).at.after(Span::from_secs(3600))).unwrap();
        (view.plan, view.renewal)
    };
    End {
        purchases: store.purchases.values().map(|row| (row.id, purchase(row))).collect(),
        lots: lots.map(|lot| (lot.source.to_string(), (lot.amount.get(), lot.clawed.get()))).collect(),
        sums: sums(store.accounts[&user()].balances().unwrap()),
        suspensions: store.suspensions.keys().map(|(_, source)| source.as_str().to_owned()).collect(),
        plans: LATER.iter().map(view).collect(),
        subscriptions: store
            .subscriptions
            .values()
            .map(|row| {
                let end = SubscriptionEnd {
                    plan: row.offer.plan.clone(),
                    paid_until: row.paid_until,
                    ended: row.ended,
                    cancelled: row.cancel_at_period_end && !row.ended,
                };
                (row.id.clone(), end)
            })
            .collect(),
        top_up: (top_up.open.is_some(), top_up.declines, top_up.month_minor),
        told: told.map(|notice| notice.subject.clone()).collect(),
    }
}

/// What the dealings come to, said without any order.
pub fn expected(dealings: &Dealings) -> End {
    let known: Vec<&Payment> = dealings.payments.iter().filter(|payment| is_known(payment)).collect();
    let paid = || known.iter().copied().filter(|payment| is_paid(payment));
    let granted: i64 = paid().map(|payment| payment.credits).sum();
    let clawed: i64 = paid().map(share).sum();
    let free = granted - clawed - dealings.spent;
    let longest = longest_subscription(dealings);
    let plan = |days: &i64| {
        let at = moment(days * DAY).at.after(Span::from_secs(3600));
        match &longest {
            Some((paid_until, lapses, plan)) if *lapses > at => (plan.clone(), Some(*paid_until)),
            _ => (PlanName::new("pack"), None),
        }
    };
    let told = |payment: &Payment| match payment.kind {
        Kind::Period { period: 2.., .. } => payment.invoice(),
        _ => payment.id().to_string(),
    };
    End {
        purchases: known.iter().map(|payment| (payment.id(), purchase_end(payment))).collect(),
        lots: paid().map(|payment| (source(payment), (payment.credits, share(payment)))).collect(),
        sums: [granted - clawed, dealings.spent, 0, free.max(0), (-free).max(0)],
        suspensions: known.iter().flat_map(|payment| suspensions(dealings, payment)).collect(),
        plans: LATER.iter().map(plan).collect(),
        subscriptions: (0..2)
            .filter_map(|number| Some((subscription_id(number), subscription_end(dealings, number)?)))
            .collect(),
        top_up: dealings.payments.iter().find(|payment| payment.kind == Kind::TopUp).map_or(
            (false, 0, 0),
            |payment| match progress(payment) {
                Progress::Created | Progress::Processing => (true, 0, PRICE),
                Progress::Expired | Progress::Failed => (false, 1, 0),
                Progress::Paid => (false, 0, PRICE),
            },
        ),
        told: paid().map(told).collect(),
    }
}

/// The first pack is paid for before anything else is told.
fn is_paid(payment: &Payment) -> bool {
    payment.number == 0 || payment.said.iter().any(|said| matches!(said, Said::Paid))
}

/// A renewal is known once it is paid; the others were written down before.
fn is_known(payment: &Payment) -> bool {
    is_paid(payment) || !matches!(payment.kind, Kind::Period { period: 2.., .. })
}

fn progress(payment: &Payment) -> Progress {
    if is_paid(payment) {
        return Progress::Paid;
    }
    let heard = payment.said.iter().filter_map(|said| match said {
        Said::Unpaid(progress) => Some(*progress),
        Said::Checkout { .. } => Some(Progress::Processing),
        _ => None,
    });
    heard.max().unwrap_or(Progress::Created)
}

fn refunded(payment: &Payment) -> i64 {
    let figures = payment.said.iter().filter_map(|said| match said {
        Said::Refunded { minor, as_of } => Some((*as_of, *minor)),
        _ => None,
    });
    figures.max().map_or(0, |(_, minor)| minor)
}

/// An end outweighs an open dispute, the later news the earlier; then a loss, then the larger figure.
fn returns(payment: &Payment) -> BTreeMap<(ReturnKind, String), (i64, ReturnState)> {
    let mut ends: BTreeMap<(ReturnKind, String), (bool, i64, ReturnState, i64)> = BTreeMap::new();
    for said in &payment.said {
        let (name, weight) = match said {
            Said::Dispute { id, minor, state, as_of } => (
                (ReturnKind::Dispute, payment.dispute(*id)),
                (*state != ReturnState::Open, *as_of, *state, *minor),
            ),
            Said::ByHand { key } => {
                ((ReturnKind::Manual, key.to_string()), (true, 0, ReturnState::Lost, by_hand(*key)))
            }
            _ => continue,
        };
        let known = ends.entry(name).or_insert(weight);
        *known = (*known).max(weight);
    }
    ends.into_iter().map(|(name, (_, _, state, minor))| (name, (minor, state))).collect()
}

fn purchase_end(payment: &Payment) -> PurchaseEnd {
    let progress = progress(payment);
    PurchaseEnd {
        progress,
        granted: is_paid(payment),
        waits: progress < Progress::Expired,
        refunded: refunded(payment),
        returns: returns(payment),
    }
}

/// The part of the credits that the returned part of the money stands for, credit by credit.
fn share(payment: &Payment) -> i64 {
    let away = returns(payment)
        .values()
        .filter(|(_, state)| *state != ReturnState::Won)
        .map(|(minor, _)| minor)
        .sum::<i64>();
    let away = (away + refunded(payment)).min(PRICE);
    let gone = (1..=payment.credits).filter(|credit| credit * PRICE <= payment.credits * away).count();
    i64::try_from(gone).unwrap()
}

fn source(payment: &Payment) -> String {
    match payment.kind {
        Kind::Period { .. } => format!("plan:{}", payment.invoice()),
        Kind::Pack { .. } | Kind::TopUp => format!("purchase:{}", payment.id()),
    }
}

fn suspensions(dealings: &Dealings, payment: &Payment) -> Vec<String> {
    let mut all = Vec::new();
    for ((kind, reference), (_, state)) in returns(payment) {
        let lost = state == ReturnState::Lost && dealings.policy.suspend_after_lost_dispute;
        if kind == ReturnKind::Dispute && (state == ReturnState::Open || lost) {
            all.push(format!("dispute:{reference}"));
        }
    }
    let warned = payment.said.iter().any(|said| matches!(said, Said::Fraud));
    if warned && dealings.policy.suspend_on_fraud_warning {
        all.push(format!("fraud_warning:{}", payment.fraud_warning()));
    }
    all
}

/// A subscription is known once anything that names it was taken in.
fn subscription_end(dealings: &Dealings, number: usize) -> Option<SubscriptionEnd> {
    let of_it = |payment: &&Payment| matches!(payment.kind, Kind::Period { subscription, .. } if subscription == number);
    let periods: Vec<&Payment> = dealings.payments.iter().filter(of_it).collect();
    let names_it = |said: &Said| matches!(said, Said::Paid | Said::Checkout { .. } | Said::CollectingFailed);
    let begun = periods.first()?.said.iter().any(names_it);
    let paid = periods.iter().copied().filter(|payment| is_paid(payment)).max_by_key(|it| it.period_end());
    if !begun && paid.is_none() {
        return None;
    }
    let news = || dealings.subscriptions.iter().filter(|news| news.subscription == number);
    let ended = news().any(|news| news.ended);
    // Before anything is paid, the terms are those of the period that was heard of: the first.
    let plan = paid.unwrap_or(periods.first()?).offer().plan;
    Some(SubscriptionEnd {
        plan,
        paid_until: paid.and_then(Payment::period_end),
        ended,
        cancelled: !ended && news().max_by_key(|news| news.as_of).is_some_and(|news| news.cancelled),
    })
}

/// Paid until, lapses at, plan.
fn longest_subscription(dealings: &Dealings) -> Option<(Timestamp, Timestamp, PlanName)> {
    let ends = (0..2).filter_map(|number| {
        let end = subscription_end(dealings, number)?;
        let paid_until = end.paid_until?;
        let over = end.ended || end.cancelled;
        Some((paid_until, if over { paid_until } else { paid_until.after(GRACE) }, end.plan))
    });
    ends.max_by_key(|(paid_until, ..)| *paid_until)
}
