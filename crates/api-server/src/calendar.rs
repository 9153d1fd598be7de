//! Days and hours as people count them, in the reporting time zone.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use domain::clock::Timestamp;
use domain::reports::buckets::{Buckets, MOST};

use crate::clock::{day_start, to_timestamp, to_utc};

/// How long a bucket of a series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// From full hour to full hour of the local clock.
    Hour,
    /// From the beginning of a local day to that of the next: 23 or 25 hours where clocks are changed.
    Day,
}

impl Step {
    /// The words that clients use.
    pub const WORDS: &[&str] = &["hour", "day"];

    /// The word that clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The step that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Hour, Self::Day].into_iter().find(|step| step.as_str() == word)
    }

    /// The bucket that begins at a moment, as people name it.
    pub fn name(self, zone: Tz, at: Timestamp) -> String {
        let local = to_utc(at).with_timezone(&zone);
        match self {
            Self::Hour => local.format("%Y-%m-%dT%H:%M%:z").to_string(),
            Self::Day => local.format("%Y-%m-%d").to_string(),
        }
    }
}

/// The beginning and the end of a day.
pub fn day_range(zone: Tz, day: NaiveDate) -> (Timestamp, Timestamp) {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    (to_timestamp(day_start(zone, day)), to_timestamp(day_start(zone, next)))
}

/// A day in a year of four digits, `YYYY-MM-DD`; not the last of them, which has no end in such a year.
pub fn plausible_day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (text.len() == 10 && day.succ_opt()?.year() <= 9999).then_some(day)
}

/// A range in buckets; the first begins and the last ends with the range. `None` when there are more than [`MOST`],
/// or the range is empty.
pub fn buckets(zone: Tz, from: Timestamp, to: Timestamp, step: Step) -> Option<Buckets> {
    let mut boundaries = vec![from];
    let mut at = to_utc(from);
    loop {
        at = match step {
            Step::Hour => next_hour(zone, at),
            Step::Day => next_day(zone, at)?,
        };
        if to_timestamp(at) >= to {
            break;
        }
        if boundaries.len() >= MOST {
            return None;
        }
        boundaries.push(to_timestamp(at));
    }
    boundaries.push(to);
    Buckets::between(boundaries)
}

fn next_day(zone: Tz, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut day = at.with_timezone(&zone).date_naive();
    loop {
        day = day.checked_add_days(Days::new(1))?;
        let begins = day_start(zone, day);
        if begins > at {
            return Some(begins);
        }
    }
}

/// The next moment at which the local clock shows a full hour.
fn next_hour(zone: Tz, at: DateTime<Utc>) -> DateTime<Utc> {
    let into_hour = |at: DateTime<Utc>| {
        let local = at.with_timezone(&zone);
        Duration::minutes(i64::from(local.minute()))
            + Duration::seconds(i64::from(local.second()))
            + Duration::nanoseconds(i64::from(local.nanosecond() % 1_000_000_000))
    };
    let next = at + (Duration::hours(1) - into_hour(at));
    // Clocks may have been changed by half an hour in between.
    let over = into_hour(next);
    if over.is_zero() {
        return next;
    }
    let back = next - over;
    if back > at && into_hour(back).is_zero() { back } else { next + (Duration::hours(1) - over) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        to_timestamp(DateTime::parse_from_rfc3339(text).unwrap().to_utc())
    }

    fn names(zone: Tz, from: &str, to: &str, step: Step) -> Vec<String> {
        let buckets = buckets(zone, at(from), at(to), step).unwrap();
        buckets.each().map(|each| step.name(zone, each.from)).collect()
    }

    fn hours(zone: Tz, from: &str, to: &str) -> Vec<i64> {
        let buckets = buckets(zone, at(from), at(to), Step::Day).unwrap();
        buckets.each().map(|each| each.to.since(each.from).as_micros() / 60_000_000).collect()
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_make_it() {
        let brazil = chrono_tz::America::Sao_Paulo;
        assert_eq!(hours(brazil, "2018-11-03T03:00:00Z", "2018-11-06T02:00:00Z"), [1440, 1380, 1440]);
        assert_eq!(hours(brazil, "2018-02-17T02:00:00Z", "2018-02-19T03:00:00Z"), [1500, 1440]);
        let new_york = chrono_tz::America::New_York;
        assert_eq!(hours(new_york, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"), [1380]);
        assert_eq!(hours(new_york, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"), [1500]);
    }

    #[test]
    fn the_first_and_the_last_bucket_end_with_the_range() {
        let brazil = chrono_tz::America::Sao_Paulo;
        assert_eq!(hours(brazil, "2026-01-05T12:00:00Z", "2026-01-07T04:30:00Z"), [15 * 60, 1440, 90]);
        assert_eq!(
            names(brazil, "2026-01-05T02:30:00Z", "2026-01-05T04:00:00Z", Step::Hour),
            ["2026-01-04T23:30-03:00", "2026-01-05T00:00-03:00"]
        );
        assert_eq!(names(brazil, "2026-01-05T02:30:00Z", "2026-01-05T02:31:00Z", Step::Day), ["2026-01-04"]);
    }

    #[test]
    fn an_hour_that_comes_twice_is_two_buckets() {
        assert_eq!(
            names(chrono_tz::America::New_York, "2026-11-01T04:00:00Z", "2026-11-01T08:00:00Z", Step::Hour),
            [
                "2026-11-01T00:00-04:00",
                "2026-11-01T01:00-04:00",
                "2026-11-01T01:00-05:00",
                "2026-11-01T02:00-05:00"
            ]
        );
    }

    #[test]
    fn hours_begin_where_the_local_clock_says() {
        assert_eq!(
            names(chrono_tz::Asia::Kolkata, "2026-01-05T00:00:00Z", "2026-01-05T02:00:00Z", Step::Hour),
            ["2026-01-05T05:30+05:30", "2026-01-05T06:00+05:30", "2026-01-05T07:00+05:30"]
        );
        // Clocks go back by half an hour at 02:00 (UTC+11), to 01:30 (UTC+10:30).
        assert_eq!(
            names(
                chrono_tz::Australia::Lord_Howe,
                "2026-04-04T14:00:00Z",
                "2026-04-04T17:00:00Z",
                Step::Hour
            ),
            ["2026-04-05T01:00+11:00", "2026-04-05T02:00+10:30", "2026-04-05T03:00+10:30"]
        );
    }

    #[test]
    fn there_are_only_so_many_buckets() {
        let zone = chrono_tz::UTC;
        let count =
            |to: &str, step| buckets(zone, at("2026-01-01T00:00:00Z"), at(to), step).map(|it| it.count());
        assert_eq!(count("2026-02-01T06:00:00Z", Step::Hour), Some(750));
        assert_eq!(count("2026-02-01T06:00:01Z", Step::Hour), None);
        assert_eq!(count("2027-01-01T00:00:00Z", Step::Day), Some(365));
        assert_eq!(count("2029-01-01T00:00:00Z", Step::Day), None);
        assert_eq!(count("2026-01-01T00:00:00Z", Step::Day), None);
    }
}
