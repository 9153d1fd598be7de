//! Figures over all users, for admins.

use async_trait::async_trait;

use super::Unavailable;
use crate::clock::{Span, Timestamp};
use crate::reports::buckets::Buckets;
use crate::reports::{BucketFigures, PeriodFigures};

/// How old a row must be before it is folded. A transaction that writes a row and lasts longer than this would go
/// unseen; none of ours can, see [`Reports::fold`].
pub const FOLD_LAG: Span = Span::from_secs(60);

/// What a fold did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// How many usage rows it took.
    pub rows: u64,
    /// Whether there were more to take.
    pub more: bool,
}

/// Sums over the books. Reports are exact at any time: they add up what is folded and the rows that are not.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Reports: Send + Sync {
    /// What happened with `from <= time < to`, and what is outstanding now, all from one snapshot. Usage counts by
    /// the time of its row, money by the time that the books learned of it; money only of the mode asked for.
    /// Zeros where there is nothing; `from` not before `to` is nothing.
    async fn period(
        &self,
        from: Timestamp,
        to: Timestamp,
        livemode: bool,
    ) -> Result<PeriodFigures, Unavailable>;

    /// The figures of each bucket, in order, all from one snapshot. A bucket in which nothing happened is zeros.
    async fn series(&self, buckets: &Buckets, livemode: bool) -> Result<Vec<BucketFigures>, Unavailable>;

    /// Folds about `rows` usage rows into sums by hour, those first that the books got first, once each, whoever
    /// folds; while another server folds, does nothing. Changes no figure, only how fast it is found.
    ///
    /// What counts is when the books got a row, not its own time, which may be minutes earlier: a late row is added
    /// to its hour when it comes. Rows that came less than `lag` ago are left, and so is whatever came after the
    /// beginning of a transaction that may still write.
    async fn fold(&self, lag: Span, rows: u32) -> Result<Folded, Unavailable>;

    /// Compares the sums of the hours from that of `from` to before `to` with their folded rows, and folds anew
    /// the hours that differ; answers how many. None ever should.
    async fn recheck(&self, from: Timestamp, to: Timestamp) -> Result<u32, Unavailable>;
}
