//! What happened to a user's payments at the provider, and the news of it: small numbers, so that they meet.

use domain::billing::facts::{
    DisputeFact, Evidence, InvoiceFacts, ManualRefund, Paid, PaymentFacts, Refunded, SubscriptionFacts,
};
use domain::billing::offer::{Offer, PayMode};
use domain::billing::purchase::{Progress, PurchaseKind, ReturnState};
use domain::clock::{Moment, Timestamp};
use domain::credits::Credits;
use domain::ids::{GrantId, PurchaseId, UserId};
use domain::ledger::account::{Actor, PlanName};
use domain::ledger::command::{
    Command, ObservePaymentRequest, ObserveSubscriptionRequest, OpenPurchaseRequest, PaymentPolicy,
};
use domain::money::{Currency, Money};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::acts::moment;

/// Seconds of a day.
pub const DAY: i64 = 86_400;
/// What every payment costs, in centavos.
pub const PRICE: i64 = 700;
/// Credits of the pack that is paid and spent from before anything else happens.
pub const FIRST_PACK: i64 = 1000;

/// All that ever happened to one user's payments.
#[derive(Clone, Debug)]
pub struct Dealings {
    /// Credits spent of the first pack, before the news.
    pub spent: i64,
    pub policy: PaymentPolicy,
    /// The first one is the first pack.
    pub payments: Vec<Payment>,
    pub subscriptions: Vec<SubscriptionNews>,
}

/// One payment, with all that is ever said of it.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Its place among all.
    pub number: usize,
    pub kind: Kind,
    pub credits: i64,
    pub said: Vec<Said>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Expires after some days, if at all.
    Pack {
        expires: Option<u32>,
    },
    TopUp,
    /// A period of a subscription; period 1 was begun at the checkout.
    Period {
        subscription: usize,
        period: i64,
    },
}

/// One thing that is said of a payment.
#[derive(Clone, Debug)]
pub enum Said {
    Unpaid(Progress),
    Paid,
    /// Another amount.
    PaidWrong(i64),
    /// The checkout says that it was paid, and perhaps by which invoice.
    Checkout {
        names_invoice: bool,
    },
    CollectingFailed,
    Refunded {
        minor: i64,
        as_of: i64,
    },
    Dispute {
        id: u8,
        minor: i64,
        state: ReturnState,
        as_of: i64,
    },
    ByHand {
        key: u8,
    },
    Fraud,
}

/// One thing that is said of a subscription. What is said later in the list was so later.
#[derive(Clone, Debug)]
pub struct SubscriptionNews {
    pub subscription: usize,
    pub as_of: i64,
    pub cancelled: bool,
    pub ended: bool,
}

/// One piece of news.
#[derive(Clone, Debug)]
pub enum Piece {
    Payment { number: usize, said: Said },
    Subscription(SubscriptionNews),
}

fn said(kind: Kind) -> impl Strategy<Value = Said> {
    let unpaid = prop_oneof![Just(Progress::Processing), Just(Progress::Expired), Just(Progress::Failed)];
    let state = prop_oneof![Just(ReturnState::Open), Just(ReturnState::Won), Just(ReturnState::Lost)];
    let begins = match kind {
        Kind::Period { period: 1, .. } => 3,
        Kind::Pack { .. } | Kind::TopUp | Kind::Period { .. } => 0,
    };
    let invoiced = u32::from(matches!(kind, Kind::Period { .. }));
    // What is not an invoice's to say is not said of one.
    let checkout = if begins > 0 || invoiced == 0 { 3 } else { 0 };
    prop_oneof![
        checkout => unpaid.prop_map(Said::Unpaid),
        5 => Just(Said::Paid),
        1 => (1..2 * PRICE).prop_filter("the price", |minor| *minor != PRICE).prop_map(Said::PaidWrong),
        begins => any::<bool>().prop_map(|names_invoice| Said::Checkout { names_invoice }),
        invoiced => Just(Said::CollectingFailed),
        4 => (0..=PRICE + 50, 1..6_i64).prop_map(|(minor, as_of)| Said::Refunded { minor, as_of }),
        5 => (0..2_u8, 0..=PRICE, state, 1..6_i64).prop_map(|(id, minor, state, as_of)| {
            Said::Dispute { id, minor, state, as_of }
        }),
        1 => (0..2_u8).prop_map(|key| Said::ByHand { key }),
        1 => Just(Said::Fraud),
    ]
}

fn payment(kind: Kind, credits: std::ops::Range<i64>) -> impl Strategy<Value = Payment> {
    (credits, vec(said(kind), 0..7)).prop_map(move |(credits, said)| Payment {
        number: 0,
        kind,
        credits,
        said,
    })
}

/// Periods 1 to 3 of a subscription, with what is said of it.
fn subscription(number: usize) -> impl Strategy<Value = (Vec<Payment>, Vec<SubscriptionNews>)> {
    let period = move |period| payment(Kind::Period { subscription: number, period }, 1..2000);
    let news = vec((any::<bool>(), proptest::bool::weighted(0.2)), 0..4);
    ((period(1), period(2), period(3)), 1..4_usize, news).prop_map(
        move |((one, two, three), periods, news)| {
            let mut payments = vec![one, two, three];
            payments.truncate(periods);
            let said = (1..).zip(news).map(|(as_of, (cancelled, ended))| SubscriptionNews {
                subscription: number,
                as_of,
                cancelled,
                ended,
            });
            (payments, said.collect())
        },
    )
}

/// Random dealings; packs expire only where `expiring` says that they may.
pub fn dealings(expiring: bool) -> impl Strategy<Value = Dealings> {
    let first = vec(said(Kind::Pack { expires: None }), 0..6);
    let expires = if expiring {
        prop_oneof![Just(None), Just(Some(1)), Just(Some(2))].boxed()
    } else {
        Just(None).boxed()
    };
    let pack = expires.prop_flat_map(|expires| payment(Kind::Pack { expires }, 1..2000));
    let packs = vec(pack, 0..3);
    let top_up = proptest::option::weighted(0.4, payment(Kind::TopUp, 1..2000));
    let subscriptions = proptest::option::weighted(0.7, subscription(0));
    let second = proptest::option::weighted(0.2, subscription(1));
    let strict = (any::<bool>(), any::<bool>());
    (0..=FIRST_PACK, strict, first, packs, top_up, subscriptions, second).prop_map(
        |(spent, strict, first, packs, top_up, one, two)| {
            let (suspend_after_lost_dispute, suspend_on_fraud_warning) = strict;
            let kind = Kind::Pack { expires: None };
            let mut payments = vec![Payment { number: 0, kind, credits: FIRST_PACK, said: first }];
            payments.extend(packs);
            payments.extend(top_up);
            let mut subscriptions = Vec::new();
            for (periods, news) in one.into_iter().chain(two) {
                payments.extend(periods);
                subscriptions.extend(news);
            }
            for (number, payment) in payments.iter_mut().enumerate() {
                payment.number = number;
            }
            let policy = PaymentPolicy { suspend_after_lost_dispute, suspend_on_fraud_warning };
            Dealings { spent, policy, payments, subscriptions }
        },
    )
}

/// All the news of some dealings, some of it more than once, in two orders.
pub fn told_twice(expiring: bool) -> impl Strategy<Value = (Dealings, Vec<Piece>, Vec<Piece>)> {
    (dealings(expiring), vec(any::<Index>(), 0..8)).prop_flat_map(|(dealings, again)| {
        let mut pieces: Vec<Piece> = dealings.pieces();
        let once = pieces.clone();
        if !once.is_empty() {
            pieces.extend(again.iter().map(|index| once[index.index(once.len())].clone()));
        }
        (Just(dealings), Just(pieces.clone()).prop_shuffle(), Just(pieces).prop_shuffle())
    })
}

/// The user that everything happens to.
pub fn user() -> UserId {
    UserId::from_bytes([1; 16])
}

fn unique(number: u64) -> [u8; 16] {
    let mut bytes = [9; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Credits as the books count them.
pub fn credits(amount: i64) -> Credits {
    Credits::new(amount).unwrap()
}

/// A time that the provider tells, in its own seconds.
fn told_at(secs: i64) -> Timestamp {
    Timestamp::from_micros(secs * 1_000_000)
}

impl Dealings {
    fn pieces(&self) -> Vec<Piece> {
        let of = |payment: &Payment| {
            let number = payment.number;
            payment.said.clone().into_iter().map(move |said| Piece::Payment { number, said })
        };
        let payments = self.payments.iter().flat_map(of);
        payments.chain(self.subscriptions.iter().cloned().map(Piece::Subscription)).collect()
    }

    /// Opens what was begun here: all but renewals.
    pub fn openings(&self) -> Vec<Command> {
        self.payments.iter().filter_map(Payment::opening).collect()
    }

    /// The command that tells this, as it is prepared when its purchase is known to be for `invoice`.
    pub fn command(&self, piece: &Piece, serial: u64, now: Moment, invoice: Option<String>) -> Command {
        match piece {
            Piece::Payment { number, said } => {
                let payment = &self.payments[*number];
                Command::ObservePayment(Box::new(ObservePaymentRequest {
                    user: user(),
                    purchase: payment.id(),
                    facts: payment.facts(said),
                    invoice,
                    livemode: false,
                    policy: self.policy,
                    grant: GrantId::from_bytes(unique(serial * 2)),
                    restore: GrantId::from_bytes(unique(serial * 2 + 1)),
                    actor: Actor::provider(),
                    now,
                }))
            }
            Piece::Subscription(news) => Command::ObserveSubscription(ObserveSubscriptionRequest {
                user: user(),
                facts: SubscriptionFacts {
                    id: subscription_id(news.subscription),
                    status: format!("status {}", news.as_of),
                    cancel_at_period_end: news.cancelled,
                    ended: news.ended,
                    as_of: told_at(news.as_of),
                },
                now,
            }),
        }
    }
}

/// The provider's name for a subscription.
pub fn subscription_id(number: usize) -> String {
    format!("sub_{number}")
}

/// What an admin pays back by hand under a key.
pub fn by_hand(key: u8) -> i64 {
    30 + i64::from(key) * 100
}

impl Payment {
    pub fn id(&self) -> PurchaseId {
        match self.kind {
            Kind::Period { period: 2.., .. } => PurchaseId::of_invoice(&user(), &self.invoice()),
            _ => PurchaseId::for_user(&user(), unique(10_000 + self.number as u64)),
        }
    }

    pub fn invoice(&self) -> String {
        format!("in_{}", self.number)
    }

    pub fn dispute(&self, id: u8) -> String {
        format!("dp_{}_{id}", self.number)
    }

    pub fn offer(&self) -> Offer {
        let (plan, expires_after_days) = match self.kind {
            Kind::Pack { expires } => ("pack".to_owned(), expires),
            Kind::TopUp => ("pack".to_owned(), None),
            Kind::Period { subscription, period } => (format!("plan {subscription} of {period}"), None),
        };
        let price = Money::new(PRICE, Currency::Brl).unwrap();
        Offer { plan: PlanName::new(plan), credits: credits(self.credits), price, expires_after_days }
    }

    /// End of the period that it pays for.
    pub fn period_end(&self) -> Option<Timestamp> {
        match self.kind {
            Kind::Period { subscription, period } => {
                Some(moment((period * 30 + i64::try_from(subscription).unwrap() * 8) * DAY).at)
            }
            Kind::Pack { .. } | Kind::TopUp => None,
        }
    }

    fn opening(&self) -> Option<Command> {
        let kind = match self.kind {
            Kind::Pack { .. } => PurchaseKind::Pack,
            Kind::TopUp => PurchaseKind::TopUp,
            Kind::Period { period: 1, .. } => PurchaseKind::Subscription,
            Kind::Period { .. } => return None,
        };
        Some(Command::OpenPurchase(OpenPurchaseRequest {
            id: self.id(),
            user: user(),
            kind,
            offer: self.offer(),
            livemode: false,
            key: None,
            next_lookup: moment(60).at,
            now: moment(0),
        }))
    }

    fn facts(&self, said: &Said) -> PaymentFacts {
        let mut facts = PaymentFacts::default();
        let mode = match self.kind {
            Kind::Period { .. } => PayMode::Subscription,
            Kind::Pack { .. } | Kind::TopUp => PayMode::Payment,
        };
        let paid = |minor| Some(Evidence::Paid(Paid { minor, currency: "brl".to_owned(), mode }));
        facts.names.intent = Some(format!("pi_{}", self.number));
        match said {
            Said::Unpaid(progress) => facts.evidence = Some(Evidence::Unpaid(*progress)),
            Said::Paid | Said::Checkout { .. } => facts.evidence = paid(PRICE),
            Said::PaidWrong(minor) => facts.evidence = paid(*minor),
            Said::CollectingFailed => {}
            Said::Refunded { minor, as_of } => {
                facts.refunded = Some(Refunded { minor: *minor, as_of: told_at(*as_of) });
            }
            Said::Dispute { id, minor, state, as_of } => {
                let (id, as_of) = (self.dispute(*id), told_at(*as_of));
                facts.dispute = Some(DisputeFact { id, minor: *minor, state: *state, as_of });
            }
            Said::ByHand { key } => {
                facts.manual_refund = Some(ManualRefund { key: key.to_string(), minor: by_hand(*key) });
            }
            Said::Fraud => facts.fraud_warning = Some(self.fraud_warning()),
        }
        if let Kind::Period { subscription, .. } = self.kind {
            let collecting_failed = matches!(said, Said::CollectingFailed);
            let of_the_invoice = matches!(said, Said::Paid | Said::PaidWrong(_) | Said::CollectingFailed);
            if of_the_invoice || matches!(said, Said::Checkout { .. }) {
                facts.names.subscription = Some(subscription_id(subscription));
            }
            if of_the_invoice || matches!(said, Said::Checkout { names_invoice: true }) {
                facts.names.invoice = Some(self.invoice());
            }
            if of_the_invoice {
                let period_end = self.period_end().unwrap();
                facts.invoice = Some(InvoiceFacts { offer: self.offer(), period_end, collecting_failed });
            }
        }
        facts
    }

    pub fn fraud_warning(&self) -> String {
        format!("issfr_{}", self.number)
    }
}
