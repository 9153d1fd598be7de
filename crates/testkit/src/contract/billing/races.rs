//! Many callers at once, over every server that there is.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::billing::purchase::{Progress, ReturnState};
use domain::ids::PurchaseId;
use domain::ledger::command::{ObservePaymentRequest, Refusal};
use domain::ports::ledger::{HoldOutcome, LedgerError};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::Fixture;
use crate::acts::must;
use crate::dice::Dice;
use crate::requests::billing::{NewsExt, OpenExt, auto_top_up, event, invoice, news, open, top_up};
use crate::requests::{HoldExt, SettleExt, hold, settle, user};
use crate::time::{DAY, secs, time};

/// Runs `callers` callers at once, spread over these servers; answers what each came to.
async fn at_once<S, T, W>(servers: Vec<Arc<S>>, callers: usize, work: impl Fn(Arc<S>, usize) -> W) -> Vec<T>
where
    S: ?Sized + Send + Sync + 'static,
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(callers));
    let mut running = JoinSet::new();
    for caller in 0..callers {
        let work = work(Arc::clone(&servers[caller % servers.len()]), caller);
        let start = Arc::clone(&start);
        running.spawn(async move {
            start.wait().await;
            work.await
        });
    }
    running.join_all().await
}

/// A webhook that comes a dozen times at once, to every server.
pub async fn twelve_copies_of_a_payment_grant_once(f: &Fixture) {
    for round in 1..=4 {
        let user = user(round);
        let id = f.pack_opened(user).await;
        at_once(f.tills(), 12, move |till, _| async move {
            must(till.observe(news(user, id).session("cs_1").paid()).await);
        })
        .await;
        assert_eq!(f.sums(user, 0).await, [5000, 0, 0, 5000, 0]);
        assert_eq!(f.books_of(user).await.lots.len(), 1);
        assert_eq!(f.told(user).await, [format!("purchase_paid:{id}")]);
    }
}

pub async fn two_servers_that_open_under_one_key_open_once(f: &Fixture) {
    let opened = at_once(f.tills(), 16, async |till, _| {
        let receipt = must(till.open(open(user(1)).keyed("k")).await);
        (receipt.repeated, receipt.purchase.id)
    })
    .await;
    let ids: BTreeSet<PurchaseId> = opened.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids.len(), 1, "all were answered the same purchase");
    assert_eq!(opened.iter().filter(|(repeated, _)| !repeated).count(), 1);
    assert_eq!(f.purchases.purchases(None, None, 10).await.expect("the store answers").len(), 1);
}

/// Paid, half refunded, disputed and won: whoever is first.
pub async fn every_order_at_once_ends_the_same(f: &Fixture) {
    for round in 1..=4 {
        let user = user(round);
        let id = f.pack_opened(user).await;
        let told: Vec<ObservePaymentRequest> = vec![
            news(user, id).unpaid(Progress::Processing),
            news(user, id).paid(),
            news(user, id).refunded(2900, 3),
            news(user, id).refunded(1450, 4),
            news(user, id).dispute("dp_1", 2900, ReturnState::Open, 5),
            news(user, id).dispute("dp_1", 2900, ReturnState::Won, 6),
        ];
        let callers = told.len() * 3;
        at_once(f.tills(), callers, move |till, caller| {
            let request = told[(caller + usize::from(round)) % told.len()].clone();
            async move { must(till.observe(request).await) }
        })
        .await;
        assert_eq!(f.sums(user, 0).await, [2500, 0, 0, 2500, 0]);
        assert!(!f.account(user, 0).await.suspended);
        assert_eq!(f.purchase(id).await.standing().as_str(), "partly_refunded");
    }
}

pub async fn one_of_many_top_ups_is_opened(f: &Fixture) {
    f.top_up_set(auto_top_up(user(1))).await;
    let opened = at_once(f.tills(), 12, async |till, _| till.open(top_up(user(1))).await).await;
    let mut ids = Vec::new();
    for outcome in opened {
        match outcome {
            Ok(receipt) => ids.push(receipt.purchase.id),
            Err(LedgerError::Refused(Refusal::TopUpNotDue)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(f.top_up(user(1)).await.open, ids.first().copied());
}

pub async fn many_copies_of_an_invoice_make_one_purchase(f: &Fixture) {
    at_once(f.tills(), 12, async |till, _| {
        must(till.observe(invoice(user(1), "in_1", 30 * DAY).month_paid()).await);
    })
    .await;
    assert_eq!(f.purchases.purchases(None, None, 10).await.expect("the store answers").len(), 1);
    assert_eq!(f.sums(user(1), 0).await, [20_000, 0, 0, 20_000, 0]);
}

pub async fn each_lookup_is_claimed_once(f: &Fixture) {
    for number in 1..=30 {
        f.opened(open(user(number)).looked_up(10)).await;
    }
    let claimed = at_once(f.purchase_books(), 8, async |book, _| {
        let mut ids = Vec::new();
        for _ in 0..10 {
            let rows = book.claim_lookups(time(10), &[secs(60)], 3).await.expect("the store answers");
            ids.extend(rows.into_iter().map(|row| row.id));
        }
        ids
    })
    .await;
    let claimed: Vec<PurchaseId> = claimed.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 30, "each was given to one caller");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), 30);
}

pub async fn each_event_is_claimed_once(f: &Fixture) {
    for number in 1..=30 {
        f.inbox.put(event(&format!("evt_{number}"))).await.expect("the store answers");
    }
    let claimed = at_once(f.inboxes(), 8, async |inbox, _| {
        let mut ids = Vec::new();
        for _ in 0..10 {
            let events = inbox.claim(time(1), time(60), 3).await.expect("the store answers");
            ids.extend(events.into_iter().map(|event| event.id));
        }
        ids
    })
    .await;
    let claimed: Vec<String> = claimed.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 30, "each was given to one caller");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), 30);
}

pub async fn an_event_that_comes_many_times_at_once_is_kept_once(f: &Fixture) {
    let new = at_once(f.inboxes(), 12, async |inbox, _| {
        inbox.put(event("evt_1")).await.expect("the store answers")
    })
    .await;
    assert_eq!(new.into_iter().filter(|new| *new).count(), 1);
}

/// Users who spend while their packs are paid, refunded and disputed.
pub async fn payments_holds_and_refunds_at_once_leave_books_that_add_up(f: &Fixture) {
    const USERS: u8 = 4;
    const PACKS: usize = 3;
    let mut packs = Vec::new();
    for number in 1..=USERS {
        for _ in 0..PACKS {
            packs.push((user(number), f.pack_opened(user(number)).await));
        }
    }
    let all = packs.clone();
    let spending = at_once(f.servers(), 8, |ledger, caller| async move {
        let mut dice = Dice::seeded(u64::try_from(caller).expect("small"));
        for _ in 0..30 {
            let user = user(u8::try_from(dice.below(u32::from(USERS)) + 1).expect("small"));
            match ledger.hold(hold(user).at_most(i64::from(dice.below(900)) + 10)).await {
                Ok(HoldOutcome::Held(held)) => {
                    let charge = i64::from(dice.below(900));
                    must(ledger.settle(settle(user, held.hold).charge(charge)).await);
                }
                Ok(HoldOutcome::Replay(_)) => panic!("no key, no replay"),
                Err(LedgerError::Refused(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    });
    let buying = at_once(f.tills(), 8, move |till, caller| {
        let packs = all.clone();
        async move {
            let mut dice = Dice::seeded(u64::try_from(caller + 100).expect("small"));
            for step in 0..40_i64 {
                let size = u32::try_from(packs.len()).expect("small");
                let (user, id) = packs[usize::try_from(dice.below(size)).expect("small")];
                let minor = i64::from(dice.below(3000));
                let told = news(user, id);
                let told = match dice.below(5) {
                    0 | 1 => told.paid(),
                    2 => told.refunded(minor, step),
                    3 => told.dispute("dp", minor, ReturnState::Open, step),
                    _ => told.dispute("dp", minor, ReturnState::Won, step),
                };
                must(till.observe(told).await);
            }
        }
    });
    tokio::join!(spending, buying);
    for (user, id) in packs {
        f.observed(news(user, id).paid().refunded(1450, 100).dispute("dp", 1, ReturnState::Won, 100)).await;
    }
    for number in 1..=USERS {
        let account = f.books_of(user(number)).await.account;
        assert_eq!(account.total.get(), 7500, "three packs, half of each refunded");
        assert_eq!((account.clawed.get(), account.suspensions), (7500, 0));
    }
}
