//! Many callers at once, over every server that there is.

use std::sync::Arc;

use domain::ids::{HoldId, UserId};
use domain::ledger::command::Refusal;
use domain::ledger::journal::EntryKind;
use domain::ports::ledger::{HoldOutcome, Ledger, LedgerError};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::Fixture;
use crate::acts::must;
use crate::dice::Dice;
use crate::requests::{
    At, GrantExt, HoldExt, SettleExt, adjust, claw_back, credits, grant, hold, settle, user, void,
};

/// Callers of [`funds_for_a_hundred_holds_make_a_hundred`], and how often each tries.
pub const CALLERS: usize = 64;
/// See [`CALLERS`].
pub const TRIES: usize = 200;
const ROUNDS: u8 = 2;

/// Never overspend: funds for exactly 100 holds of 10 credits, no limits, 64 callers with 200 tries
/// each, and every hold settled for its full amount.
pub async fn funds_for_a_hundred_holds_make_a_hundred(f: &Fixture) {
    for round in 1..=ROUNDS {
        let user = user(round);
        f.granted(grant(user, "p").of(1000)).await;
        let start = Arc::new(Barrier::new(CALLERS));
        let held: usize = everybody(f, CALLERS, move |ledger, _| {
            let start = Arc::clone(&start);
            async move {
                start.wait().await;
                let mut held = 0;
                for _ in 0..TRIES {
                    match ledger.hold(hold(user).exactly(10)).await {
                        Ok(HoldOutcome::Held(it)) => {
                            held += 1;
                            must(ledger.settle(settle(user, it.hold).charge(10)).await);
                        }
                        Err(LedgerError::Refused(Refusal::InsufficientCredits { .. })) => {}
                        other => panic!("neither held nor too few credits: {other:?}"),
                    }
                }
                held
            }
        })
        .await
        .into_iter()
        .sum();
        assert_eq!(held, 100);
        assert_eq!(f.sums(user, 0).await, [1000, 1000, 0, 0, 0]);
    }
}

/// The same key from many callers at once: one holds, and when it has settled, all get its answer.
pub async fn one_of_many_callers_with_one_key_holds(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    let outcomes = everybody(f, 32, async |ledger, _| ledger.hold(hold(user(1)).keyed("k")).await).await;
    let mut held: Vec<HoldId> = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(HoldOutcome::Held(it)) => held.push(it.hold),
            Err(LedgerError::Refused(Refusal::KeyInProgress)) => {}
            other => panic!("neither held nor in progress: {other:?}"),
        }
    }
    let [hold_id] = held[..] else { panic!("one hold, not {held:?}") };
    f.settled(settle(user(1), hold_id).answered("k", "once")).await;
    let outcomes = everybody(f, 32, async |ledger, _| ledger.hold(hold(user(1)).keyed("k")).await).await;
    for outcome in outcomes {
        let HoldOutcome::Replay(replay) = must(outcome) else { panic!("held again") };
        assert_eq!(replay.answer.body, b"once");
    }
    assert_eq!(f.sums(user(1), 0).await, [1000, 10, 0, 990, 0]);
}

/// A webhook that comes many times at once, to a user who was never seen.
pub async fn many_grants_for_one_source_make_one_lot(f: &Fixture) {
    let posted = everybody(f, 32, async |ledger, _| must(ledger.grant(grant(user(1), "p")).await)).await;
    assert_eq!(posted.iter().filter(|posted| !posted.repeated).count(), 1);
    assert_eq!(f.books_of(user(1)).await.lots.len(), 1);
    assert_eq!(f.sums(user(1), 0).await, [100, 0, 0, 100, 0]);
}

/// Settling and voiding one hold at once: one of them wins, whoever it is.
pub async fn a_hold_is_settled_or_voided_but_not_both(f: &Fixture) {
    for round in 1..=8 {
        let user = user(round);
        f.granted(grant(user, "p")).await;
        let id = f.held(hold(user).exactly(40)).await.hold;
        let outcomes = everybody(f, 16, move |ledger, caller| async move {
            if caller % 2 == 0 {
                ledger.settle(settle(user, id).charge(30)).await.map(|_| "settled")
            } else {
                ledger.void(void(user, id)).await.map(|_| "voided")
            }
        })
        .await;
        let mut won = "";
        for outcome in outcomes {
            match outcome {
                Ok(how) => {
                    assert!(won.is_empty() || won == how, "settled and voided");
                    won = how;
                }
                Err(LedgerError::Refused(Refusal::HoldSettled | Refusal::HoldVoided)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        let expected = if won == "settled" { [100, 30, 0, 70, 0] } else { [100, 0, 0, 100, 0] };
        assert_eq!(f.sums(user, 0).await, expected);
        assert_eq!(f.usage(user).await.len(), 1);
    }
}

/// Refunds reported many times at once, up and down, then the last word.
pub async fn claw_backs_at_once_end_where_the_last_word_says(f: &Fixture) {
    f.granted(grant(user(1), "p").of(1000)).await;
    everybody(f, 32, async |ledger, caller| {
        let returned = i64::try_from(caller % 5).expect("small") * 25;
        must(ledger.claw_back(claw_back(user(1), "p", returned, 100)).await);
    })
    .await;
    f.clawed_back(claw_back(user(1), "p", 40, 100)).await;
    assert_eq!(f.sums(user(1), 0).await, [600, 0, 0, 600, 0]);
}

/// Everything at once on a few accounts; whatever the order, the books add up.
pub async fn a_storm_of_acts_leaves_books_that_add_up(f: &Fixture) {
    const USERS: u8 = 8;
    for number in 1..=USERS {
        f.granted(grant(user(number), "first").of(2000)).await;
        f.granted(grant(user(number), "due").of(500).due(40)).await;
    }
    let settled: i64 = everybody(f, 24, async |ledger, caller| {
        let mut dice = Dice::seeded(u64::try_from(caller).expect("small"));
        let mut charged = 0;
        let mut open: Vec<(UserId, HoldId)> = Vec::new();
        for step in 0..60_i64 {
            let number = u8::try_from(dice.below(u32::from(USERS)) + 1).expect("small");
            charged += act(&*ledger, user(number), step, &mut dice, &mut open).await;
        }
        for (user, id) in open {
            match ledger.settle(settle(user, id).charge(10).at(60)).await {
                Ok(settled) if !settled.repeated => charged += settled.charged.get(),
                Ok(_) | Err(LedgerError::Refused(Refusal::HoldVoided)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        charged
    })
    .await
    .into_iter()
    .sum();
    let mut used = 0;
    for number in 1..=USERS {
        let books = f.books_of(user(number)).await;
        assert_eq!(books.account.held, credits(0), "every hold was ended");
        used += books.account.used.get();
        let uses = books.journal.iter().filter(|entry| entry.kind == EntryKind::Use);
        assert_eq!(uses.map(|entry| -entry.amount.get()).sum::<i64>(), books.account.used.get());
    }
    assert_eq!(used, settled, "every charge was answered to somebody");
}

/// One random act; answers what it charged.
async fn act(
    ledger: &dyn Ledger,
    user: UserId,
    step: i64,
    dice: &mut Dice,
    open: &mut Vec<(UserId, HoldId)>,
) -> i64 {
    let amount = i64::from(dice.below(60)) + 10;
    match dice.below(10) {
        0..=3 => match ledger.hold(hold(user).at_most(amount).at(step)).await {
            Ok(HoldOutcome::Held(held)) => open.push((user, held.hold)),
            Ok(HoldOutcome::Replay(_)) => panic!("no key, no replay"),
            Err(LedgerError::Refused(_)) => {}
            Err(other) => panic!("{other:?}"),
        },
        4..=6 => {
            if let Some((user, id)) = open.pop() {
                let settled = must(ledger.settle(settle(user, id).charge(amount).at(step)).await);
                assert!(!settled.repeated, "nobody else knows this hold");
                return settled.charged.get();
            }
        }
        7 => {
            if let Some((user, id)) = open.pop() {
                must(ledger.void(void(user, id).at(step)).await);
            }
        }
        8 => {
            let returned = i64::from(dice.below(100));
            must(ledger.claw_back(claw_back(user, "first", returned, 100).at(step)).await);
        }
        _ => {
            let source = format!("a{}", dice.bits());
            let signed = if dice.below(2) == 0 { amount } else { -amount };
            match ledger.adjust(adjust(user, &source, signed).at(step)).await {
                Ok(_) | Err(LedgerError::Refused(Refusal::NotEnough { .. })) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    0
}

/// Runs `callers` callers at once, spread over the servers; answers what each came to.
pub(super) async fn everybody<T, W>(
    f: &Fixture,
    callers: usize,
    work: impl Fn(Arc<dyn Ledger>, usize) -> W,
) -> Vec<T>
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let servers = f.servers();
    let mut running = JoinSet::new();
    for caller in 0..callers {
        let server = Arc::clone(&servers[caller % servers.len()]);
        running.spawn(work(server, caller));
    }
    running.join_all().await
}
