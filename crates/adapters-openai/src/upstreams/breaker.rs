//! When a provider that keeps failing is left alone.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many failures ...
const FAILURES: usize = 5;
/// ... within this time break it ...
const WITHIN: Duration = Duration::from_secs(10);
/// ... for this long. Then one request tries.
const BREAK: Duration = Duration::from_secs(5);
/// When to ask again while another request tries.
const WHILE_TRYING: Duration = Duration::from_secs(1);

/// Whether a request goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It does.
    Go,
    /// It does, as the one that tries.
    Trial,
    /// It does not; again after this time.
    No(Duration),
}

/// A circuit breaker. It reads no clock, so that it can be tested without one.
///
/// Our own: what exists (failsafe, recloser) trips at rates or at failures in a row, knows no request that ended as
/// neither (a client that left), and cannot say when to ask again.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// The latest failures.
    failures: VecDeque<Instant>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    Trying,
}

impl Breaker {
    /// Whether a request may be sent now. One that goes as a trial must end as one.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed => Admission::Go,
            State::Open { until } if now < until => Admission::No(until - now),
            State::Open { .. } => {
                self.state = State::Trying;
                Admission::Trial
            }
            State::Trying => Admission::No(WHILE_TRYING),
        }
    }

    /// A request failed by the provider's fault.
    pub(super) fn failed(&mut self, now: Instant, is_trial: bool) {
        match self.state {
            State::Trying if is_trial => self.state = State::Open { until: now + BREAK },
            State::Closed => {
                self.failures.push_back(now);
                while self.failures.front().is_some_and(|first| now - *first > WITHIN) {
                    self.failures.pop_front();
                }
                if self.failures.len() >= FAILURES {
                    self.failures.clear();
                    self.state = State::Open { until: now + BREAK };
                }
            }
            // Of a request that was on its way before.
            State::Open { .. } | State::Trying => {}
        }
    }

    /// The trial was answered.
    pub(super) fn trial_succeeded(&mut self) {
        if self.state == State::Trying {
            self.state = State::Closed;
        }
    }

    /// The trial ended without a result; the next request is one.
    pub(super) fn trial_given_up(&mut self, now: Instant) {
        if self.state == State::Trying {
            self.state = State::Open { until: now };
        }
    }

    /// How long no request goes through, if none does; zero while one tries, or the next would.
    pub(super) fn is_open_for(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed => None,
            State::Open { until } => Some(until.saturating_duration_since(now)),
            State::Trying => Some(Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    /// One that opened at its fifth failure, after 400 ms.
    fn open(start: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for failure in 0..5 {
            assert_eq!(breaker.admit(at(start, failure * 100)), Admission::Go);
            breaker.failed(at(start, failure * 100), false);
        }
        breaker
    }

    #[test]
    fn five_failures_in_ten_seconds_open_it_for_five() {
        let start = Instant::now();
        let mut breaker = open(start);
        assert_eq!(breaker.admit(at(start, 400)), Admission::No(BREAK));
        assert_eq!(breaker.admit(at(start, 5_399)), Admission::No(Duration::from_millis(1)));
        assert_eq!(breaker.admit(at(start, 5_400)), Admission::Trial);
    }

    #[test]
    fn failures_further_apart_do_not() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for failure in 0..50 {
            breaker.failed(at(start, failure * 2_600), false);
            assert_eq!(breaker.admit(at(start, failure * 2_600)), Admission::Go);
        }
        // Five within exactly ten seconds do.
        let mut breaker = Breaker::default();
        for failure in 0..5 {
            breaker.failed(at(start, failure * 2_500), false);
        }
        assert!(matches!(breaker.admit(at(start, 10_000)), Admission::No(_)));
    }

    #[test]
    fn one_request_tries_while_the_others_wait() {
        let start = Instant::now();
        let mut breaker = open(start);
        assert_eq!(breaker.admit(at(start, 6_000)), Admission::Trial);
        assert_eq!(breaker.admit(at(start, 6_000)), Admission::No(WHILE_TRYING));
        breaker.trial_succeeded();
        assert_eq!(breaker.admit(at(start, 6_000)), Admission::Go);
        // What was before does not count any more.
        for _ in 0..4 {
            breaker.failed(at(start, 6_001), false);
        }
        assert_eq!(breaker.admit(at(start, 6_001)), Admission::Go);
    }

    #[test]
    fn a_trial_that_fails_opens_it_again() {
        let start = Instant::now();
        let mut breaker = open(start);
        assert_eq!(breaker.admit(at(start, 6_000)), Admission::Trial);
        breaker.failed(at(start, 6_500), true);
        assert_eq!(breaker.admit(at(start, 6_500)), Admission::No(BREAK));
        assert_eq!(breaker.admit(at(start, 11_500)), Admission::Trial);
    }

    #[test]
    fn a_trial_that_is_given_up_leaves_the_next_one_to_try() {
        let start = Instant::now();
        let mut breaker = open(start);
        assert_eq!(breaker.admit(at(start, 6_000)), Admission::Trial);
        breaker.trial_given_up(at(start, 6_100));
        assert_eq!(breaker.admit(at(start, 6_100)), Admission::Trial);
    }

    #[test]
    fn what_was_on_its_way_before_changes_nothing() {
        let start = Instant::now();
        let mut breaker = open(start);
        breaker.failed(at(start, 3_000), false);
        breaker.trial_succeeded();
        breaker.trial_given_up(at(start, 3_000));
        assert_eq!(breaker.admit(at(start, 5_400)), Admission::Trial);
        breaker.failed(at(start, 5_500), false);
        assert_eq!(breaker.is_open_for(at(start, 5_500)), Some(Duration::ZERO));
        breaker.trial_succeeded();
        assert_eq!(breaker.is_open_for(at(start, 5_500)), None);
    }
}
