//! A provider, and what is remembered of how it did.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ports::language_model::{ModelError, UpstreamHealth, UpstreamState};
use tokio::time::Instant;
use tower::retry::budget::{Budget, TpsBudget};

use super::breaker::{Admission, Breaker};
use crate::client::OpenAi;
use crate::error::span;

/// The part of the traffic that may be tried again.
const RETRIES: f32 = 0.1;
/// Retries for each second that are there without traffic, so that the first ones are possible.
const RESERVE_PER_SECOND: u32 = 1;
/// The time that traffic and retries are set against each other in.
const BUDGET_TIME: Duration = Duration::from_secs(10);
/// How many answers the mean latency is of.
const LATENCIES: usize = 20;

/// A provider.
pub(super) struct Provider {
    pub(super) client: OpenAi,
    name: String,
    budget: TpsBudget,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    breaker: Breaker,
    requests: u64,
    failures: u64,
    last_failure: Option<String>,
    latencies: VecDeque<Duration>,
}

impl Provider {
    pub(super) fn new(name: String, client: OpenAi) -> Self {
        let budget = TpsBudget::new(BUDGET_TIME, RESERVE_PER_SECOND, RETRIES);
        Self { client, name, budget, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request through, or says when to ask again.
    pub(super) fn admit(self: &Arc<Self>) -> Result<Attempt, Duration> {
        let mut seen = self.seen();
        let is_trial = match seen.breaker.admit(Instant::now()) {
            Admission::Go => false,
            Admission::Trial => true,
            Admission::No(time) => return Err(time),
        };
        seen.requests += 1;
        Ok(Attempt { provider: Arc::clone(self), is_trial, is_over: false })
    }

    /// Counts a request, of which a tenth may be tried again.
    pub(super) fn note_traffic(&self) {
        self.budget.deposit();
    }

    /// Whether one may be tried again now.
    pub(super) fn may_retry(&self) -> bool {
        self.budget.withdraw()
    }

    pub(super) fn health(&self, now: Instant) -> UpstreamHealth {
        let seen = self.seen();
        let (state, retry_after) = match seen.breaker.is_open_for(now) {
            None => (UpstreamState::Healthy, None),
            Some(Duration::ZERO) => (UpstreamState::Trying, None),
            Some(time) => (UpstreamState::Broken, Some(span(time))),
        };
        let count = u32::try_from(seen.latencies.len()).unwrap_or(u32::MAX);
        let sum: Duration = seen.latencies.iter().sum();
        UpstreamHealth {
            name: self.name.clone(),
            state,
            requests: seen.requests,
            failures: seen.failures,
            retry_after,
            last_failure: seen.last_failure.clone(),
            latency: sum.checked_div(count).map(span),
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// A request at a provider, until its outcome is known. Dropped before that, it was neither good nor bad: its client
/// left.
#[derive(Debug)]
pub(super) struct Attempt {
    provider: Arc<Provider>,
    /// Whether it tries a provider that had failed.
    is_trial: bool,
    /// Whether a failure is noted already.
    is_over: bool,
}

impl Attempt {
    /// An answer begins.
    pub(super) fn begun(&mut self, latency: Duration) {
        let mut seen = self.provider.seen();
        if seen.latencies.len() == LATENCIES {
            seen.latencies.pop_front();
        }
        seen.latencies.push_back(latency);
    }

    /// It goes well so far, or it failed.
    pub(super) fn note(&mut self, error: Option<&ModelError>) {
        if self.is_over || (error.is_none() && !self.is_trial) {
            return;
        }
        let mut seen = self.provider.seen();
        let Some((fault, words)) = error.and_then(fault) else {
            // Answered, if only with the news that the request is wrong.
            if self.is_trial {
                seen.breaker.trial_succeeded();
                self.is_trial = false;
            }
            return;
        };
        self.is_over = true;
        seen.failures += 1;
        seen.last_failure = Some(words);
        match fault {
            Fault::Broken => seen.breaker.failed(Instant::now(), self.is_trial),
            Fault::Unwilling if self.is_trial => seen.breaker.trial_succeeded(),
            Fault::Unwilling => {}
        }
        self.is_trial = false;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.is_trial {
            self.provider.seen().breaker.trial_given_up(Instant::now());
        }
    }
}

/// What kind of fault of a provider an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It does not work.
    Broken,
    /// It works, but not for us.
    Unwilling,
}

/// The provider's fault, in a word or two; `None` where it is the request's.
fn fault(error: &ModelError) -> Option<(Fault, String)> {
    let (fault, words) = match error {
        ModelError::Rejected(_)
        | ModelError::Failed { status: 400 | 413 | 422, .. }
        | ModelError::Resting { .. } => return None,
        ModelError::Unreachable(_) => (Fault::Broken, "unreachable"),
        ModelError::TimedOut => (Fault::Broken, "timed out"),
        ModelError::Interrupted(_) => (Fault::Broken, "interrupted"),
        ModelError::Unusable(_) => (Fault::Broken, "unusable answer"),
        ModelError::KeyRefused(_) => (Fault::Unwilling, "key refused"),
        ModelError::Limited { .. } => (Fault::Unwilling, "limited"),
        ModelError::Failed { status, .. } => {
            // An error within an answer (status 200) may be about the request; it breaks nothing.
            let fault = if *status >= 500 { Fault::Broken } else { Fault::Unwilling };
            return Some((fault, format!("status {status}")));
        }
    };
    Some((fault, words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OpenAiConfig;

    #[test]
    fn a_tenth_of_the_traffic_may_be_tried_again_and_a_few_at_first() {
        let config = OpenAiConfig::new("http://localhost".parse().unwrap(), String::new().into());
        let provider = Provider::new("one".to_owned(), OpenAi::new(&config).unwrap());
        let allowed = || (0..1_000).take_while(|_| provider.may_retry()).count();
        assert_eq!(allowed(), 10);
        for _ in 0..200 {
            provider.note_traffic();
        }
        assert_eq!(allowed(), 20);
    }
}
