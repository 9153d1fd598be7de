//! News of payments in any order, with copies: the end is what the news says, whatever came first.
//!
//! `SALDO_PROPTEST_ACTS` says how many acts are tried (10,000 by default): one case of the first property for
//! each five of them, and of the others for each twenty.

use std::collections::VecDeque;
use std::env;

use domain::billing::notice::NoticeKind;
use domain::billing::profile::TopUpSettings;
use domain::clock::Span;
use domain::ids::{HoldId, IdempotencyKey, InstanceId};
use domain::ledger::account::PlanName;
use domain::ledger::command::{
    Command, HoldRequest, PaymentReceipt, Receipt, Refusal, SetTopUpRequest, SettleRequest,
};
use domain::ledger::limits::LimitBook;
use domain::tokens::Tokens;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::acts::{facts, moment};
use crate::ends::{expected, found};
use crate::news::{Dealings, Kind, PRICE, Payment, Piece, Said, credits, told_twice, user};
use crate::rows::Store;

// The one setting of these tests.
#[allow(clippy::disallowed_methods)]
fn config(acts_per_case: u32) -> ProptestConfig {
    let acts = env::var("SALDO_PROPTEST_ACTS").ok().and_then(|text| text.parse::<u32>().ok());
    ProptestConfig {
        cases: acts.unwrap_or(10_000).div_ceil(acts_per_case),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The books before the news: everything opened, the first pack paid for and spent from.
fn beginning(dealings: &Dealings) -> Store {
    let mut store = Store::default();
    let settings = TopUpSettings {
        enabled: true,
        threshold: credits(1_000_000),
        plan: PlanName::new("pack"),
        monthly_cap_minor: PRICE,
    };
    do_all(&mut store, &[Command::SetTopUp(SetTopUpRequest { user: user(), settings, now: moment(0) })]);
    do_all(&mut store, &dealings.openings());
    let paid = Piece::Payment { number: 0, said: Said::Paid };
    do_all(&mut store, &[dealings.command(&paid, 0, moment(0), None)]);
    if dealings.spent >= 10 {
        do_all(&mut store, &[hold(1, dealings.spent, 1)]);
        do_all(&mut store, &[settle(1, dealings.spent, 1)]);
    }
    store
}

fn do_all(store: &mut Store, commands: &[Command]) {
    for result in store.run(commands) {
        result.expect("nothing is wrong with it");
    }
}

fn hold_id(number: u8) -> HoldId {
    HoldId::for_user(&user(), [number; 16])
}

fn hold(number: u8, amount: i64, secs: i64) -> Command {
    let now = moment(secs);
    Command::Hold(HoldRequest {
        id: hold_id(number),
        user: user(),
        at_least: credits(amount),
        at_most: credits(amount),
        tokens: Tokens::ZERO,
        kind: domain::ledger::usage::RequestKind::Assistant,
        key: None,
        api_key: None,
        expires_at: now.at.after(Span::from_secs(600)),
        instance: InstanceId::from_bytes([1; 16]),
        limits: LimitBook::unlimited().into(),
        now,
    })
}

fn settle(number: u8, charge: i64, secs: i64) -> Command {
    let (charge, key): (_, Option<IdempotencyKey>) = (credits(charge), None);
    let (facts, now) = (facts(), moment(secs));
    Command::Settle(SettleRequest {
        user: user(),
        hold: hold_id(number),
        charge,
        facts,
        key,
        api_key: None,
        answer: None,
        content: None,
        now,
    })
}

/// Tells the news in this order, in batches of these sizes. What is refused is told again later, as long as
/// that does any good.
fn tell(
    dealings: &Dealings,
    order: &[Piece],
    sizes: &[usize],
    store: &mut Store,
) -> Result<(), TestCaseError> {
    let mut waiting: VecDeque<Piece> = order.iter().cloned().collect();
    let mut sizes = sizes.iter().cycle();
    let mut serial = 0;
    let mut refused = VecDeque::new();
    let mut taken = 0;
    loop {
        if waiting.is_empty() {
            if taken == 0 || refused.is_empty() {
                return Ok(());
            }
            std::mem::swap(&mut waiting, &mut refused);
            taken = 0;
        }
        let size = sizes.next().copied().unwrap_or(1).min(waiting.len());
        let batch: Vec<Piece> = waiting.drain(..size).collect();
        let commands: Vec<Command> = batch
            .iter()
            .map(|piece| {
                serial += 1;
                command(dealings, store, piece, serial, 2)
            })
            .collect();
        for (piece, result) in batch.into_iter().zip(store.run(&commands)) {
            match result {
                Ok(_) => taken += 1,
                Err(Refusal::PurchaseUnknown) => refused.push_back(piece),
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
        let breaches = store.breaches(moment(2).at);
        prop_assert!(breaches.is_empty(), "{breaches:?}");
    }
}

/// The act that tells a piece of news, prepared by a look at the books.
fn command(dealings: &Dealings, store: &Store, piece: &Piece, serial: u64, secs: i64) -> Command {
    let invoice = match piece {
        Piece::Payment { number, .. } => {
            let row = store.purchases.get(&(user(), dealings.payments[*number].id()));
            row.and_then(|row| row.names.invoice.clone())
        }
        Piece::Subscription(_) => None,
    };
    dealings.command(piece, serial, moment(secs), invoice)
}

fn batches() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..6, 1..5)
}

proptest! {
    #![proptest_config(config(5))]

    #[test]
    fn news_in_any_order_ends_in_what_it_says(
        (dealings, one, other) in told_twice(false), sizes in batches()
    ) {
        let mut dealings = dealings;
        if dealings.spent < 10 {
            dealings.spent = 0;
        }
        let expected = expected(&dealings);
        for order in [one, other] {
            let mut store = beginning(&dealings);
            tell(&dealings, &order, &sizes, &mut store)?;
            prop_assert_eq!(&found(&store), &expected, "in the order {:#?}", order);
        }
    }
}

proptest! {
    #![proptest_config(config(20))]

    /// A delivery that was not answered in time comes again, with other ids for what it may add.
    #[test]
    fn hearing_it_again_changes_nothing((dealings, order, _) in told_twice(true)) {
        let mut store = beginning(&dealings);
        let mut serial = 0;
        for piece in &order {
            for _ in 0..2 {
                serial += 1;
                let told = command(&dealings, &store, piece, serial, 2);
                let first = store.run(std::slice::from_ref(&told));
                let once = store.clone();
                let again = command(&dealings, &store, piece, serial + 100_000, 2);
                let second = store.run(&[again]);
                prop_assert_eq!(&store, &once, "{:?}", piece);
                prop_assert_eq!(first[0].is_ok(), second[0].is_ok());
            }
        }
    }

    /// Credits are spent and fall due in between: then the order matters to who pays, but never to what is
    /// granted, taken back and suspended.
    #[test]
    fn spending_in_between_breaks_nothing(
        (dealings, order, _) in told_twice(true),
        steps in vec((0..3_u8, 10..900_i64, 0..2000_i64), 40),
    ) {
        let mut store = beginning(&dealings);
        let (mut waiting, mut secs): (VecDeque<Piece>, i64) = (order.into_iter().collect(), 2);
        let (mut serial, mut idle, mut holds) = (0, 0, 1);
        let mut steps = steps.into_iter().cycle();
        while let Some(piece) = waiting.pop_front() {
            serial += 1;
            let (what, amount, later) = steps.next().unwrap();
            let told = command(&dealings, &store, &piece, serial, secs);
            if let [Err(Refusal::PurchaseUnknown)] = store.run(&[told])[..] {
                waiting.push_back(piece);
                idle += 1;
            } else {
                idle = 0;
            }
            if idle > waiting.len() {
                break;
            }
            secs += if later < 100 { later * 600 } else { later % 7 };
            if what == 0 && holds < 250 {
                holds += 1;
                if let [Ok(Receipt::Held(_))] = store.run(&[hold(holds, amount, secs)])[..] {
                    secs += later % 5;
                    do_all(&mut store, &[settle(holds, amount, secs)]);
                }
            }
            let breaches = store.breaches(moment(secs).at);
            prop_assert!(breaches.is_empty(), "{breaches:?}");
        }
        let (end, expected) = (found(&store), expected(&dealings));
        prop_assert_eq!(&end.purchases, &expected.purchases);
        prop_assert_eq!(&end.suspensions, &expected.suspensions);
        prop_assert_eq!(&end.subscriptions, &expected.subscriptions);
        prop_assert_eq!(&end.told, &expected.told);
        prop_assert_eq!(end.lots.len(), expected.lots.len(), "one grant for each payment");
        for (source, (granted, share)) in expected.lots {
            let origin = store.lots.values().find(|lot| lot.source.to_string() == source).unwrap();
            let own = |lot: &&domain::ledger::lots::Lot| {
                lot.id == origin.id || lot.parent == Some(origin.id)
            };
            let expired: i64 = store.lots.values().filter(own).map(|lot| lot.expired.get()).sum();
            let clawed = origin.clawed.get();
            prop_assert_eq!(origin.amount.get(), granted);
            prop_assert!(clawed <= share, "{source}: {clawed} of {share} clawed back");
            prop_assert!(clawed >= share - expired, "{source}: {clawed} of {share} clawed back, {expired} expired");
        }
    }
}

#[test]
fn a_wrong_amount_is_answered_with_a_complaint() {
    let payment = Payment { number: 0, kind: Kind::Pack { expires: None }, credits: 1000, said: vec![] };
    let policy = domain::ledger::command::PaymentPolicy::default();
    let dealings = Dealings { spent: 0, policy, payments: vec![payment], subscriptions: vec![] };
    let mut store = Store::default();
    do_all(&mut store, &dealings.openings());
    let wrong = Piece::Payment { number: 0, said: Said::PaidWrong(1) };
    let results = store.run(&[dealings.command(&wrong, 0, moment(0), None)]);
    let [Ok(Receipt::Payment(PaymentReceipt::Purchase(receipt)))] = &results[..] else {
        panic!("not taken in: {results:?}")
    };
    let complaint = "paid 1 brl by payment, asked for 700 brl by payment";
    assert_eq!(receipt.complaint.as_deref(), Some(complaint));
    assert_eq!(receipt.purchase.fault.as_deref(), Some(complaint));
    assert!(store.lots.is_empty());
    let [notice] = &store.notices.values().collect::<Vec<_>>()[..] else { panic!("one notice") };
    assert_eq!(notice.kind, NoticeKind::PaymentMismatch);
    assert_eq!(notice.details.text.as_deref(), Some(complaint));
}
