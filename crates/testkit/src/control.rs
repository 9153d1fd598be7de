//! The control of the races: a ledger that checks, and deducts later. The races must catch it, or they
//! are blind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::ids::UserId;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::contract::races::{CALLERS, TRIES};
use crate::requests::user;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Requests that were let through, of 10 credits each.
    pub requests: i64,
    /// What was there to spend.
    pub funds: i64,
}

/// Runs the load of [`crate::contract::races::funds_for_a_hundred_holds_make_a_hundred`] on a plain map:
/// each caller reads what is available, does its request, and deducts without looking again.
pub async fn check_then_deduct() -> Spent {
    const FUNDS: i64 = 1000;
    const PRICE: i64 = 10;
    let balances: Arc<Mutex<BTreeMap<UserId, i64>>> =
        Arc::new(Mutex::new(BTreeMap::from([(user(1), FUNDS)])));
    let start = Arc::new(Barrier::new(CALLERS));
    let mut running = JoinSet::new();
    for _ in 0..CALLERS {
        let (balances, start) = (Arc::clone(&balances), Arc::clone(&start));
        running.spawn(async move {
            start.wait().await;
            let mut requests = 0;
            for _ in 0..TRIES {
                let available = balances.lock().expect("no caller panics")[&user(1)];
                if available >= PRICE {
                    // The request to the model; other callers get their turn.
                    tokio::task::yield_now().await;
                    *balances.lock().expect("no caller panics").entry(user(1)).or_default() -= PRICE;
                    requests += 1;
                }
            }
            requests
        });
    }
    Spent { requests: running.join_all().await.into_iter().sum(), funds: FUNDS }
}
