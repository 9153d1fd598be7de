//! The system's clock, and its sources of ids and secrets.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use domain::clock::{Clock, Day, Moment, Span, Timestamp};
use domain::ids::IdSource;
use domain::ports::Unavailable;
use domain::ports::api_keys::SecretSource;
use domain::ports::timer::Timer;

/// The host's time, with days in the reporting time zone.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    /// The reporting time zone.
    pub zone: Tz,
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let now = Utc::now();
        let today = now.with_timezone(&self.zone).date_naive();
        let day_ends = today.checked_add_days(Days::new(1)).map_or(now, |next| day_start(self.zone, next));
        let days = today.signed_duration_since(NaiveDate::default()).num_days();
        Moment {
            at: to_timestamp(now),
            day: Day::from_days(i32::try_from(days).unwrap_or(i32::MAX)),
            day_ends: to_timestamp(day_ends),
        }
    }
}

/// The runtime's timer.
#[derive(Clone, Copy, Debug)]
pub struct TokioTimer;

#[async_trait]
impl Timer for TokioTimer {
    async fn after(&self, span: Span) {
        tokio::time::sleep(Duration::from_micros(span.as_micros().unsigned_abs())).await;
    }
}

/// When a day begins in a time zone. Where clocks jump over midnight, the first moment after the jump.
pub fn day_start(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let mut candidates = (0..=3).map(|hours| midnight + chrono::Duration::hours(hours));
    let local = candidates.find_map(|time| zone.from_local_datetime(&time).earliest());
    local.map_or_else(|| midnight.and_utc(), |time| time.with_timezone(&Utc))
}

/// Today in a time zone.
pub fn today(zone: Tz, now: Timestamp) -> NaiveDate {
    to_utc(now).with_timezone(&zone).date_naive()
}

/// A time as the domain keeps it.
pub fn to_timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp::from_micros(time.timestamp_micros())
}

/// A time as the rest of the world writes it. What no calendar can write becomes the epoch's year.
pub fn to_utc(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.as_micros()).filter(|time| time.year() < 10_000).unwrap_or_default()
}

/// RFC 3339, with the digits that there are.
pub fn rfc3339(time: Timestamp) -> String {
    to_utc(time).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// A time that somebody wrote as RFC 3339, in a year of four digits.
pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (time.year() < 10_000).then(|| to_timestamp(time))
}

/// UUIDs of version 7.
#[derive(Clone, Copy, Debug)]
pub struct UuidSource;

impl IdSource for UuidSource {
    fn unique(&self) -> [u8; 16] {
        uuid::Uuid::now_v7().into_bytes()
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug)]
pub struct SystemSecrets;

impl SecretSource for SystemSecrets {
    fn secret(&self) -> Result<[u8; 32], Unavailable> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| Unavailable(format!("no randomness: {error}")))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_time_has_a_year_of_four_digits() {
        assert!(from_rfc3339("9999-12-31T23:59:59Z").is_some());
        for bad in ["9999-12-31T23:59:59-01:00", "2026-11-25", "soon", ""] {
            assert_eq!(from_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_begins_at_local_midnight_or_after_the_jump() {
        let zone = chrono_tz::America::Sao_Paulo;
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(day_start(zone, day(2026, 1, 5)).to_rfc3339(), "2026-01-05T03:00:00+00:00");
        // Brazil's clocks jumped from 00:00 to 01:00 on this day.
        assert_eq!(day_start(zone, day(2018, 11, 4)).to_rfc3339(), "2018-11-04T03:00:00+00:00");
    }
}
