//! Time as plain data. The domain never reads a clock; callers pass the time in.

use std::fmt;

/// A moment: microseconds since the Unix epoch, UTC. Both stores keep exactly this precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of time in microseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// A calendar day in the reporting time zone, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

/// "Now", with the reporting day it falls on: what an act needs to know of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time itself.
    pub at: Timestamp,
    /// The reporting day of `at`.
    pub day: Day,
    /// When that day ends.
    pub day_ends: Timestamp,
}

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment `span` later; stays at the end of time rather than wrap.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The moment `span` earlier; stays at the beginning of time rather than wrap.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Span {
        let micros = self.0.saturating_sub(earlier.0);
        Span(if micros < 0 { 0 } else { micros })
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// From whole seconds.
    pub const fn from_secs(secs: u32) -> Self {
        Self((secs as i64).saturating_mul(1_000_000))
    }

    /// From whole milliseconds.
    pub const fn from_millis(millis: u32) -> Self {
        Self((millis as i64).saturating_mul(1000))
    }

    /// From microseconds; negative counts as zero.
    pub const fn from_micros(micros: i64) -> Self {
        Self(if micros < 0 { 0 } else { micros })
    }

    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// In milliseconds, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// In seconds, rounded up: what a `Retry-After` header can say.
    pub const fn as_secs_up(self) -> i64 {
        self.0.saturating_add(999_999).div_euclid(1_000_000)
    }
}

impl Day {
    /// From days since 1970-01-01.
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn as_days(self) -> i32 {
        self.0
    }

    /// The calendar month of the day, counted from January of the year 0.
    ///
    /// Counts in years that begin in March, so that the leap day is a year's last.
    pub const fn month(self) -> i64 {
        let days = (self.0 as i64).saturating_add(719_468);
        let of_era = days.rem_euclid(146_097);
        let leap_days = of_era
            .div_euclid(1460)
            .saturating_sub(of_era.div_euclid(36_524))
            .saturating_add(of_era.div_euclid(146_096));
        let year = of_era.saturating_sub(leap_days).div_euclid(365);
        let before_year =
            year.saturating_mul(365).saturating_add(year.div_euclid(4)).saturating_sub(year.div_euclid(100));
        let of_year = of_era.saturating_sub(before_year);
        let month = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
        let years = days.div_euclid(146_097).saturating_mul(400).saturating_add(year);
        years.saturating_mul(12).saturating_add(month).saturating_add(2)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}us", self.0)
    }
}

/// Tells the time. The only way that services learn it.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// The present moment and its reporting day. Never fails; may step back when the host's clock does.
    fn now(&self) -> Moment;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_knows_its_month() {
        // 1970-01-01, 2000-02-29, 2000-03-01, 2026-11-22, 2026-12-31, 2027-01-01
        let months = [0, 11_016, 11_017, 20_779, 20_818, 20_819].map(|days| Day::from_days(days).month());
        let expected = [(1970, 1), (2000, 2), (2000, 3), (2026, 11), (2026, 12), (2027, 1)];
        assert_eq!(months, expected.map(|(year, month)| year * 12 + month - 1));
    }
}
