//! Taking parameters out of a query, each wrong one noted, all told at once.

use std::collections::HashMap;

use chrono_tz::Tz;
use domain::clock::Timestamp;
use domain::ids::UserId;
use domain::services::assistant::question::{FieldFault, FieldRule};

use super::problem::Problem;
use crate::calendar::{day_range, plausible_day};
use crate::clock::from_rfc3339;

/// The largest page, and the usual one.
const MOST: u32 = 100;
const USUAL: u32 = 20;

/// Parameters of a query; those nobody asks for are ignored. An empty one is one that makes no sense: whoever filters
/// by a variable that is not set must not be shown everybody's. Only an empty `cursor` counts as absent.
pub struct Asked<'a> {
    query: &'a HashMap<String, String>,
    faults: Vec<FieldFault>,
}

impl<'a> Asked<'a> {
    /// Of a query.
    pub fn of(query: &'a HashMap<String, String>) -> Self {
        Self { query, faults: Vec::new() }
    }

    /// Notes a fault of a parameter.
    pub fn fault(&mut self, name: &str, rule: FieldRule) {
        self.faults.push(FieldFault::new(name, rule));
    }

    /// All faults, or what was made of the parameters.
    pub fn finish<T>(self, made: T) -> Result<T, Problem> {
        if self.faults.is_empty() { Ok(made) } else { Err(self.faults.into()) }
    }

    /// A parameter as it was written.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.query.get(name).map(String::as_str)
    }

    /// What `read` makes of a parameter.
    pub fn read<T>(
        &mut self,
        name: &str,
        rule: FieldRule,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let made = read(text);
        if made.is_none() {
            self.fault(name, rule);
        }
        made
    }

    /// One of a set of words.
    pub fn word<T>(
        &mut self,
        name: &str,
        words: &'static [&'static str],
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(name, FieldRule::OneOf(words), read)
    }

    /// A user: a UUID, or what stands as `sub` in their token.
    pub fn user(&mut self, name: &str) -> Option<UserId> {
        if self.text(name).is_some_and(|text| text.trim().is_empty()) {
            self.fault(name, FieldRule::NotBlank);
            return None;
        }
        self.read(name, FieldRule::AtMostChars(255), |text| {
            (text.chars().count() <= 255).then(|| adapters_jwt::user_id(text))
        })
    }

    /// A moment, or the beginning of a day.
    pub fn moment(&mut self, name: &str, zone: Tz) -> Option<Timestamp> {
        self.read(name, FieldRule::DateOrTime, |text| match plausible_day(text) {
            Some(day) => Some(day_range(zone, day).0),
            None => from_rfc3339(text),
        })
    }

    /// `from` and `to`, half-open; either may be absent.
    pub fn open_range(&mut self, zone: Tz) -> (Option<Timestamp>, Option<Timestamp>) {
        let (from, to) = (self.moment("from", zone), self.moment("to", zone));
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            self.fault("from", FieldRule::BeforeTo);
        }
        (from, to)
    }

    /// `date`, or `from` and `to` (half-open; `to` is now when it is absent), or what is usual without any.
    pub fn range(
        &mut self,
        zone: Tz,
        now: Timestamp,
        usual: (Timestamp, Timestamp),
    ) -> (Timestamp, Timestamp) {
        if self.text("date").is_some() {
            for other in
                ["from", "to"].into_iter().filter(|other| self.text(other).is_some()).collect::<Vec<_>>()
            {
                self.fault(other, FieldRule::NotBeside("date"));
            }
            let day = self.read("date", FieldRule::DateOrTime, plausible_day);
            return day.map_or(usual, |day| day_range(zone, day));
        }
        let known = self.faults.len();
        let (from, to) = (self.moment("from", zone), self.moment("to", zone));
        if self.faults.len() > known {
            return usual;
        }
        match (from, to) {
            (None, None) => usual,
            (None, Some(_)) => {
                self.fault("from", FieldRule::Required);
                usual
            }
            (Some(from), to) => {
                let to = to.unwrap_or(now);
                if from >= to {
                    self.fault("from", FieldRule::BeforeTo);
                }
                (from, to)
            }
        }
    }

    fn cursor<C>(&mut self, cursor: impl FnOnce(&str) -> Option<C>) -> Option<C> {
        self.text("cursor").filter(|text| !text.is_empty())?;
        self.read("cursor", FieldRule::Cursor, cursor)
    }

    /// `limit` and `cursor`.
    pub fn page<C>(&mut self, cursor: impl FnOnce(&str) -> Option<C>) -> (u32, Option<C>) {
        let within = FieldRule::WholeWithin(1, i64::from(MOST));
        let limit =
            self.read("limit", within, |text| text.parse().ok().filter(|limit| (1..=MOST).contains(limit)));
        (limit.unwrap_or(USUAL), self.cursor(cursor))
    }
}
