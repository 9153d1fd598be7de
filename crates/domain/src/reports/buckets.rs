//! A range of time, cut into buckets; and the buckets, cut into whole hours and what is left at their edges.
//!
//! Stores keep sums for whole hours (UTC). A bucket is the sums of the hours that lie wholly in it, and the rows of
//! the pieces of hours at its edges.

use crate::clock::{Span, Timestamp};

/// An hour.
pub const HOUR: Span = Span::from_secs(3600);
/// The most buckets of a series: the hours of a month, or two years of days.
pub const MOST: usize = 750;

/// One or more buckets, next to each other, each from one boundary to before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets(Vec<Timestamp>);

/// A stretch of time within one bucket, from one moment to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The bucket's number, from 0.
    pub bucket: usize,
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub to: Timestamp,
}

impl Buckets {
    /// Buckets between these boundaries; `None` unless there are two or more, each later than the one before.
    pub fn between(boundaries: Vec<Timestamp>) -> Option<Self> {
        let ascending = boundaries.iter().zip(boundaries.iter().skip(1)).all(|(from, to)| from < to);
        (boundaries.len() > 1 && ascending).then_some(Self(boundaries))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// The boundaries, one more than there are buckets.
    pub fn boundaries(&self) -> &[Timestamp] {
        &self.0
    }

    /// Each bucket as a whole.
    pub fn each(&self) -> impl Iterator<Item = Stretch> {
        self.0.iter().zip(self.0.iter().skip(1)).enumerate().map(|(bucket, (from, to))| Stretch {
            bucket,
            from: *from,
            to: *to,
        })
    }

    /// The whole hours in each bucket that has any.
    pub fn whole_hours(&self) -> Vec<Stretch> {
        self.each().filter_map(|each| each.cut().1).collect()
    }

    /// The beginnings of the hours that lie in no bucket as a whole, because a boundary lies within them.
    pub fn cut_hours(&self) -> Vec<Timestamp> {
        let mut cut: Vec<Timestamp> =
            self.0.iter().filter(|at| hour_of(**at) != **at).map(|at| hour_of(*at)).collect();
        cut.dedup();
        cut
    }

    /// What is left of the buckets beside their whole hours.
    pub fn edges(&self) -> Vec<Stretch> {
        let parts = self.each().flat_map(|each| {
            let (before, _, after) = each.cut();
            [before, after]
        });
        parts.flatten().collect()
    }
}

impl Stretch {
    /// What lies before the first whole hour, the whole hours, and what lies behind the last one.
    fn cut(self) -> (Option<Self>, Option<Self>, Option<Self>) {
        let (first, last) = (hour_from(self.from), hour_of(self.to));
        if first >= last {
            return (Some(self), None, None);
        }
        let part = |from, to| (from < to).then_some(Self { from, to, ..self });
        (part(self.from, first), part(first, last), part(last, self.to))
    }
}

/// The beginning of the hour that `at` lies in, UTC.
pub fn hour_of(at: Timestamp) -> Timestamp {
    let into = at.as_micros().rem_euclid(HOUR.as_micros());
    Timestamp::from_micros(at.as_micros().saturating_sub(into))
}

/// The beginning of the first hour that begins at `at` or later.
fn hour_from(at: Timestamp) -> Timestamp {
    let hour = hour_of(at);
    if hour == at { at } else { hour.after(HOUR) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn buckets(minutes: &[i64]) -> Buckets {
        let at = |minute: &i64| Timestamp::from_micros(minute.saturating_mul(MINUTE));
        Buckets::between(minutes.iter().map(at).collect()).expect("ascending")
    }

    fn shown(stretches: &[Stretch]) -> Vec<(usize, i64, i64)> {
        let minute = |at: Timestamp| at.as_micros().div_euclid(MINUTE);
        stretches.iter().map(|each| (each.bucket, minute(each.from), minute(each.to))).collect()
    }

    #[test]
    fn aligned_buckets_are_whole_hours() {
        let two = buckets(&[60, 180, 240]);
        assert_eq!(shown(&two.whole_hours()), [(0, 60, 180), (1, 180, 240)]);
        assert!(two.edges().is_empty());
    }

    #[test]
    fn what_is_no_whole_hour_lies_at_the_edges() {
        // From half past to half past, then a piece inside one hour, then up to half past before the epoch.
        let odd = buckets(&[-90, 150, 170, 210]);
        assert_eq!(shown(&odd.whole_hours()), [(0, -60, 120)]);
        assert_eq!(shown(&odd.edges()), [(0, -90, -60), (0, 120, 150), (1, 150, 170), (2, 170, 210)]);
        let cut: Vec<i64> = odd.cut_hours().iter().map(|at| at.as_micros().div_euclid(MINUTE)).collect();
        assert_eq!(cut, [-120, 120, 180]);
    }

    #[test]
    fn boundaries_must_ascend() {
        let at = Timestamp::from_micros;
        assert_eq!(Buckets::between(vec![at(1)]), None);
        assert_eq!(Buckets::between(vec![at(1), at(1)]), None);
        assert_eq!(Buckets::between(vec![at(2), at(1)]), None);
        assert_eq!(Buckets::between(vec![at(1), at(2)]).map(|it| it.count()), Some(1));
    }
}
