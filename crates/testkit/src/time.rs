//! A clock that stands where a test puts it.

use std::sync::Mutex;

use domain::clock::{Clock, Day, Moment, Span, Timestamp};

/// Second 0 of every test: midnight of 2026-01-01, UTC.
const START_SECS: i64 = 1_767_225_600;
/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// The time `secs` seconds after the tests' beginning.
pub fn time(secs: i64) -> Timestamp {
    Timestamp::from_micros((START_SECS + secs) * 1_000_000)
}

/// The moment `secs` seconds after the tests' beginning; the reporting time zone is UTC.
pub fn moment(secs: i64) -> Moment {
    let day = (START_SECS + secs).div_euclid(DAY);
    let day_ends = Timestamp::from_micros((day + 1) * DAY * 1_000_000);
    Moment { at: time(secs), day: Day::from_days(i32::try_from(day).expect("a day in range")), day_ends }
}

/// A length of time.
pub fn secs(secs: u32) -> Span {
    Span::from_secs(secs)
}

/// A clock that moves only when it is told to.
#[derive(Debug, Default)]
pub struct FixedClock(Mutex<i64>);

impl FixedClock {
    /// A clock that stands at `secs`.
    pub fn at(secs: i64) -> Self {
        Self(Mutex::new(secs))
    }

    /// Puts the clock to `secs`.
    pub fn set(&self, secs: i64) {
        *self.0.lock().expect("no panic while the clock was set") = secs;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Moment {
        moment(*self.0.lock().expect("no panic while the clock was set"))
    }
}
