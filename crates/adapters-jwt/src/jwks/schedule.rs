//! When an issuer is asked for its keys.

use std::time::Duration;

use tokio::time::Instant;

/// How often an issuer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The pause after keys came; at random a tenth shorter or longer, so that servers that were started together do
    /// not ask together.
    pub usual: Duration,
    /// The least time between two times that it is asked because a token names an unknown key.
    pub on_demand: Duration,
    /// The pause after the first failure; it doubles with each failure that follows.
    pub first_retry: Duration,
    /// The longest pause after a failure.
    pub last_retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            usual: Duration::from_secs(10 * 60),
            on_demand: Duration::from_secs(30),
            first_retry: Duration::from_secs(1),
            last_retry: Duration::from_secs(60),
        }
    }
}

/// What was done so far, as far as it matters for what is done next.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    /// When it is time without anybody's wish.
    regular: Instant,
    /// The soonest that a wish is granted.
    on_demand: Instant,
    failures: u32,
}

impl Schedule {
    /// Due at once.
    pub(super) fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, regular: now, on_demand: now, failures: 0 }
    }

    /// When the issuer is to be asked next.
    pub(super) fn next(&self, wished: bool) -> Instant {
        if wished { self.regular.min(self.on_demand) } else { self.regular }
    }

    /// The issuer is being asked. However often it is wished for, that is granted once in a while.
    pub(super) fn begin(&mut self, now: Instant, wished: bool) {
        if wished {
            self.on_demand = now + self.pace.on_demand;
        }
    }

    /// The issuer was asked. `chance` is a number at random.
    pub(super) fn end(&mut self, now: Instant, success: bool, chance: u8) {
        let pause = if success {
            self.failures = 0;
            self.pace.usual
        } else {
            let doubled = 2_u32.saturating_pow(self.failures);
            self.failures = self.failures.saturating_add(1);
            self.pace.first_retry.saturating_mul(doubled).min(self.pace.last_retry)
        };
        self.regular = now + about(pause, chance);
    }
}

/// From nine to eleven tenths of it.
fn about(pause: Duration, chance: u8) -> Duration {
    pause.saturating_sub(pause / 10) + pause / 5 / 255 * u32::from(chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn keys_are_asked_for_at_once_and_then_every_ten_minutes_or_so() {
        let begun = Instant::now();
        let mut schedule = Schedule::new(Pace::default(), begun);
        assert_eq!(schedule.next(false), begun);
        for (chance, least, most) in [(0, 540, 540), (128, 599, 601), (255, 659, 660)] {
            schedule.begin(begun, false);
            schedule.end(begun, true, chance);
            let pause = schedule.next(false) - begun;
            assert!((secs(least)..=secs(most)).contains(&pause), "{pause:?}");
        }
    }

    #[test]
    fn failures_make_the_pauses_longer_up_to_a_minute() {
        let begun = Instant::now();
        let mut schedule = Schedule::new(Pace::default(), begun);
        let mut pause = |success| {
            schedule.begin(begun, false);
            schedule.end(begun, success, 0);
            (schedule.next(false) - begun).as_millis()
        };
        let pauses: Vec<u128> = (0..8).map(|_| pause(false)).collect();
        assert_eq!(pauses, [900, 1_800, 3_600, 7_200, 14_400, 28_800, 54_000, 54_000]);
        for _ in 0..100 {
            pause(false);
        }
        assert_eq!(pause(false), 54_000);
        assert_eq!(pause(true), 540_000);
        assert_eq!(pause(false), 900);
    }

    #[test]
    fn a_wish_is_granted_at_once_and_then_once_in_thirty_seconds() {
        let begun = Instant::now();
        let mut schedule = Schedule::new(Pace::default(), begun);
        schedule.begin(begun, false);
        schedule.end(begun, true, 0);
        assert_eq!(schedule.next(true), begun);
        schedule.begin(begun, true);
        schedule.end(begun, true, 0);
        assert_eq!(schedule.next(true), begun + secs(30));
        assert_eq!(schedule.next(false), begun + secs(540));
    }

    #[test]
    fn a_wish_does_not_put_off_what_is_due_sooner() {
        let begun = Instant::now();
        let mut schedule = Schedule::new(Pace::default(), begun);
        schedule.begin(begun, true);
        schedule.end(begun, false, 0);
        assert_eq!(schedule.next(true), begun + Duration::from_millis(900));
    }
}
