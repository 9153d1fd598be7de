//! Ranges of time that a report is about.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use domain::clock::{Span, Timestamp};
use domain::reports::buckets::{Buckets, HOUR, hour_of};

use crate::calendar::{Step, buckets, day_range, plausible_day};
use crate::clock::today;
use crate::http::problem::{Kind, Problem};

/// The longest range in days, and the longest that is shown by the hour.
const MOST_DAYS: i64 = 731;
const MOST_HOURLY_DAYS: i64 = 31;

/// A range, to be cut into buckets.
#[derive(Clone, Debug)]
pub struct Range {
    /// Its name among the usual ones; `custom` otherwise.
    pub name: &'static str,
    /// How long its buckets are.
    pub step: Step,
    /// Whether it could be shown with others.
    pub either: bool,
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub to: Timestamp,
    /// First and last day, as forms write them.
    pub days: (String, String),
    /// Whose days.
    zone: Tz,
    /// Whether what was asked for made no sense.
    pub wrong: bool,
}

/// The usual ranges, in days; the first is the last 24 hours.
pub const USUAL: [(&str, u64); 4] = [("24h", 1), ("7d", 7), ("30d", 30), ("90d", 90)];

impl Range {
    /// What the address asks for; the last seven days without a wish, and for one that makes no sense.
    pub fn of(query: &HashMap<String, String>, zone: Tz, now: Timestamp) -> Self {
        let this_day = today(zone, now);
        let wish = |name: &str| query.get(name).map(String::as_str).filter(|text| !text.is_empty());
        if wish("range") == Some("24h") {
            return Self::latest_day(zone, now);
        }
        let step = wish("by").and_then(Step::from_word);
        let usual = |name: &str| USUAL.into_iter().skip(1).find(|(known, _)| *known == name);
        let (name, days) = wish("range").and_then(usual).unwrap_or(("7d", 7));
        let first = this_day.checked_sub_days(Days::new(days - 1)).unwrap_or(this_day);
        let usual =
            || Self::days(name, first, this_day, step, zone).unwrap_or_else(|| Self::latest_day(zone, now));
        let (from, to) = match (wish("from"), wish("to")) {
            (None, None) => return usual(),
            (from, to) => (from.map_or_else(|| this_day.to_string(), str::to_owned), to),
        };
        let to = to.map_or_else(|| this_day.to_string(), str::to_owned);
        let own = plausible_day(&from).zip(plausible_day(&to));
        own.and_then(|(from, to)| Self::days("custom", from, to, step, zone)).unwrap_or_else(|| {
            // What was entered stays in the form.
            Self { wrong: true, days: (from, to), ..usual() }
        })
    }

    /// Whether it is shown by the hour.
    pub fn by_hour(&self) -> bool {
        self.step == Step::Hour
    }

    /// Its buckets.
    pub fn buckets(&self) -> Result<Buckets, Problem> {
        let buckets = buckets(self.zone, self.from, self.to, self.step);
        buckets.ok_or_else(|| Problem::because(Kind::Internal, "a range without buckets"))
    }

    /// The last 24 hours, the running one included.
    fn latest_day(zone: Tz, now: Timestamp) -> Self {
        let to = hour_of(now).after(HOUR);
        let from = to.before(Span::from_secs(24 * 3600));
        let day = |at| today(zone, at).to_string();
        let days = (day(from), day(now));
        Self { name: "24h", step: Step::Hour, either: false, from, to, days, zone, wrong: false }
    }

    fn days(
        name: &'static str,
        first: NaiveDate,
        last: NaiveDate,
        step: Option<Step>,
        zone: Tz,
    ) -> Option<Self> {
        let count = last.signed_duration_since(first).num_days() + 1;
        if !(1..=MOST_DAYS).contains(&count) {
            return None;
        }
        let either = count <= MOST_HOURLY_DAYS;
        let usual = if count <= 2 { Step::Hour } else { Step::Day };
        let step = step.filter(|_| either).unwrap_or(usual);
        let (from, to) = (day_range(zone, first).0, day_range(zone, last).1);
        let days = (first.to_string(), last.to_string());
        Some(Self { name, step, either, from, to, days, zone, wrong: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    fn range(query: &[(&str, &str)]) -> Range {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // 2026-11-25 12:30 in São Paulo.
        Range::of(&query, ZONE, Timestamp::from_micros(1_795_620_600_000_000))
    }

    #[test]
    fn the_usual_ranges_end_today() {
        let week = range(&[]);
        assert_eq!((week.name, week.by_hour(), week.buckets().unwrap().count()), ("7d", false, 7));
        assert_eq!(week.days, ("2026-11-19".to_owned(), "2026-11-25".to_owned()));
        assert_eq!(range(&[("range", "90d")]).buckets().unwrap().count(), 90);
        let day = range(&[("range", "24h")]);
        assert_eq!((day.name, day.by_hour(), day.buckets().unwrap().count()), ("24h", true, 24));
        assert_eq!(range(&[("by", "hour")]).buckets().unwrap().count(), 7 * 24);
    }

    #[test]
    fn a_range_of_ones_own_includes_both_days() {
        let own = range(&[("from", "2026-11-01"), ("to", "2026-11-03")]);
        assert_eq!(
            (own.name, own.by_hour(), own.buckets().unwrap().count(), own.wrong),
            ("custom", false, 3, false)
        );
        let day = range(&[("from", "2026-11-01"), ("to", "2026-11-01")]);
        assert_eq!((day.by_hour(), day.buckets().unwrap().count()), (true, 24));
        assert!(!range(&[("from", "2026-01-01"), ("to", "2026-06-30"), ("by", "hour")]).by_hour());
    }

    #[test]
    fn what_makes_no_sense_is_said_and_the_week_is_shown() {
        for query in [
            [("from", "2026-11-03"), ("to", "2026-11-01")],
            [("from", "1026-11-03"), ("to", "2026-11-01")],
            [("from", "x"), ("to", "2026-11-01")],
        ] {
            let range = range(&query);
            assert_eq!((range.wrong, range.name), (true, "7d"), "{query:?}");
            assert_eq!((range.days.0.as_str(), range.days.1.as_str()), (query[0].1, query[1].1));
        }
        assert_eq!(range(&[("range", "nonsense")]).name, "7d");
    }
}
