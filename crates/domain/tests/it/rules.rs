//! Random acts on a few accounts, in random batches: the ledger answers and keeps what the model says,
//! its books always add up, and where a batch ends makes no difference.
//!
//! `SALDO_PROPTEST_ACTS` says how many acts are tried by each property (10,000 by default).

use std::collections::BTreeMap;
use std::env;

use domain::clock::Span;
use domain::credits::Credits;
use domain::ids::UserId;
use domain::ledger::command::Command;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::acts::{Act, act, commands};
use crate::model::{ApiKey, Model, answer, sums};
use crate::rows::Store;

/// Acts in one history.
const HISTORY: usize = 100;

// The one setting of these tests.
#[allow(clippy::disallowed_methods)]
fn config() -> ProptestConfig {
    let acts = env::var("SALDO_PROPTEST_ACTS").ok().and_then(|text| text.parse::<usize>().ok());
    let cases = acts.unwrap_or(10_000).div_ceil(HISTORY);
    ProptestConfig {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        max_shrink_iters: 20_000,
        // A failure prints its shortest history; it becomes a test of its own.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn history() -> impl Strategy<Value = Vec<Act>> {
    vec(act(), 1..HISTORY * 2)
}

/// Sizes of batches, used in turn.
fn batches() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..12, 1..8)
}

/// Cuts the commands into batches of these sizes.
fn cut<'a>(commands: &'a [Command], sizes: &'a [usize]) -> impl Iterator<Item = &'a [Command]> {
    let mut rest = commands;
    sizes.iter().cycle().map_while(move |size| {
        let (batch, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_ledger_does_what_the_model_says(history in history(), sizes in batches(), ahead in 0..400_u32) {
        let commands = commands(&history);
        let (mut store, mut model) = (Store::default(), Model::default());
        for batch in cut(&commands, &sizes) {
            let results = store.run(batch);
            for (command, result) in batch.iter().zip(&results) {
                prop_assert_eq!(answer(result), model.act(command), "{:?}", command);
            }
            let now = batch.last().unwrap().now().at;
            let breaches = store.breaches(now);
            prop_assert!(breaches.is_empty(), "{breaches:?}");
            agree(&store, &model)?;
            let later = now.after(Span::from_secs(ahead));
            for (user, account) in &model.users {
                let mut account = account.clone();
                account.let_time_pass(later.as_micros());
                let view = store.view(*user, later).expect("the model knows it");
                prop_assert_eq!(sums(view.balances), account.sums(), "read {} s later", ahead);
            }
        }
    }

    #[test]
    fn where_a_batch_ends_makes_no_difference(history in history(), sizes in batches()) {
        let commands = commands(&history);
        let (mut together, mut apart) = (Store::default(), Store::default());
        for batch in cut(&commands, &sizes) {
            let results = together.run(batch);
            let one_by_one: Vec<_> =
                batch.iter().flat_map(|command| apart.run(std::slice::from_ref(command))).collect();
            prop_assert_eq!(results, one_by_one);
            prop_assert_eq!(&together, &apart);
        }
    }

    /// A command whose answer was lost is sent again.
    #[test]
    fn doing_an_act_twice_does_it_once(history in history()) {
        let mut store = Store::default();
        for command in commands(&history) {
            let first = store.run(std::slice::from_ref(&command));
            let once = store.clone();
            let again = store.run(std::slice::from_ref(&command));
            prop_assert_eq!(&store, &once, "{:?}", command);
            prop_assert_eq!(first[0].is_ok(), again[0].is_ok(), "{:?}", command);
        }
    }
}

/// The sums and the lots of every account.
fn agree(store: &Store, model: &Model) -> Result<(), TestCaseError> {
    let known: Vec<UserId> = store.accounts.keys().copied().collect();
    prop_assert_eq!(known, model.users.keys().copied().collect::<Vec<_>>());
    for (user, account) in &store.accounts {
        let expected = &model.users[user];
        prop_assert_eq!(sums(account.balances().unwrap()), expected.sums());
        prop_assert_eq!(account.clawed.get(), expected.clawed());
        let keys = store.api_keys.values().filter(|key| key.user == *user);
        let keys: BTreeMap<_, _> = keys.map(|key| (key.id, ApiKey::of(key))).collect();
        prop_assert_eq!(&keys, &expected.api_keys);
        let lots = store.lots.values().filter(|lot| lot.user == *user);
        let mut left: Vec<i64> = lots.clone().map(|lot| lot.remaining.get()).collect();
        let mut expected_left: Vec<i64> = expected.lots.iter().map(|lot| lot.left).collect();
        left.sort_unstable();
        expected_left.sort_unstable();
        prop_assert_eq!(left, expected_left);
        for lot in &expected.lots {
            let found = lots.clone().find(|known| known.source.to_string() == lot.source);
            prop_assert!(found.is_none_or(|found| found.remaining.get() == lot.left), "{lot:?}: {found:?}");
        }
        let remaining = Credits::sum(lots.map(|lot| lot.remaining)).unwrap();
        prop_assert!(
            remaining >= account.held.minus(account.clawed).unwrap(),
            "open holds of {} are covered by lots of {remaining} only",
            account.held
        );
    }
    Ok(())
}
