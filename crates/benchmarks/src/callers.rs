//! Callers that ask again and again until the time is over.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::UserId;
use tokio::task::JoinSet;

use crate::cpu;
use crate::measure::Run;
use crate::{Failure, Result};

/// One way of doing a hold and its settlement, durably.
pub trait Way: Send + Sync + 'static {
    /// Does one pair for `user`; `caller` numbers the callers from 0. Any refusal is a failure.
    fn pair(&self, caller: usize, user: UserId) -> impl Future<Output = Result<()>> + Send;
}

/// How much is asked.
#[derive(Clone, Debug)]
pub struct Load {
    /// Whose accounts; each pair picks one, by the same dice on both sides.
    pub users: Arc<[UserId]>,
    /// How many ask at the same time, each one pair after the other.
    pub callers: usize,
    /// How long new pairs are begun.
    pub window: Duration,
}

/// Runs the load; `postgres` is the head of the database's processes.
pub async fn run<W: Way>(way: &Arc<W>, load: &Load, seed: u64, postgres: Option<u32>) -> Result<Run> {
    let (own_before, server_before) = (cpu::own(), postgres.map(cpu::of_family));
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..load.callers {
        let (way, load) = (Arc::clone(way), load.clone());
        callers.spawn(async move { call(way.as_ref(), caller, &load, seed, begun).await });
    }
    let mut latencies: Vec<u64> = Vec::new();
    while let Some(ended) = callers.join_next().await {
        latencies.append(&mut ended??);
    }
    let wall = begun.elapsed();
    let own_cpu = cpu::own().saturating_sub(own_before);
    let server_cpu =
        postgres.zip(server_before).map(|(it, before)| cpu::of_family(it).saturating_sub(before));
    latencies.sort_unstable();
    let done = u64::try_from(latencies.len())?;
    Ok(Run { done, wall, own_cpu, server_cpu, latencies })
}

async fn call<W: Way>(way: &W, caller: usize, load: &Load, seed: u64, begun: Instant) -> Result<Vec<u64>> {
    let mut dice = seed.wrapping_mul(1 << 32).wrapping_add(u64::try_from(caller)?);
    let users = u64::try_from(load.users.len())?;
    let mut latencies = Vec::new();
    while begun.elapsed() < load.window {
        let index = usize::try_from(roll(&mut dice) % users.max(1))?;
        let user = load.users.get(index).copied().ok_or("no accounts")?;
        let asked = Instant::now();
        way.pair(caller, user).await?;
        latencies.push(u64::try_from(asked.elapsed().as_micros())?);
    }
    Ok(latencies)
}

/// The generator splitmix64.
fn roll(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The failure that a pair did not do what it should.
pub fn wrong(what: impl Into<String>) -> Failure {
    what.into().into()
}
