//! The admin's figures.

use std::sync::Arc;

use crate::catalog::LiveCatalogue;
use crate::clock::{Clock, Span, Timestamp};
use crate::ports::Unavailable;
use crate::ports::reports::{FOLD_LAG, Reports};
use crate::reports::BucketFigures;
use crate::reports::buckets::Buckets;
use crate::reports::period::Report;
use crate::reports::reais::NanoBrl;

/// About how many rows are folded in one transaction.
const FOLD_AT_ONCE: u32 = 20_000;
/// How far back hours are compared with their rows.
const RECHECKED: Span = Span::from_secs(24 * 3600);

/// Reports, and what keeps them fast.
#[derive(Clone)]
pub struct Figures {
    /// The store's sums.
    pub reports: Arc<dyn Reports>,
    /// What a dollar costs now.
    pub catalogue: Arc<LiveCatalogue>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whether real money is what counts.
    pub livemode: bool,
}

/// One bucket of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub to: Timestamp,
    /// What a store added up.
    pub figures: BucketFigures,
    /// What customers paid, less what went back.
    pub revenue: NanoBrl,
    /// What the provider charges, in reais.
    pub cost: NanoBrl,
    /// Revenue less cost.
    pub margin: NanoBrl,
}

impl Figures {
    /// The report of `from <= time < to`.
    pub async fn report(&self, from: Timestamp, to: Timestamp) -> Result<Report, Unavailable> {
        let figures = self.reports.period(from, to, self.livemode).await?;
        Report::of(figures, self.catalogue.current().usd_brl_e4())
            .map_err(|error| Unavailable(error.to_string()))
    }

    /// The figures of each bucket, in order.
    pub async fn series(&self, buckets: &Buckets) -> Result<Vec<Point>, Unavailable> {
        let figures = self.reports.series(buckets, self.livemode).await?;
        let usd_brl_e4 = self.catalogue.current().usd_brl_e4();
        let point = |(each, figures): (crate::reports::buckets::Stretch, BucketFigures)| {
            let money = figures.money;
            let revenue = NanoBrl::of_minor(money.paid_minor).less(NanoBrl::of_minor(money.returned_minor));
            let cost = NanoBrl::of_usd(figures.cost, usd_brl_e4);
            Point { from: each.from, to: each.to, figures, revenue, cost, margin: revenue.less(cost) }
        };
        Ok(buckets.each().zip(figures).map(point).collect())
    }

    /// Folds what can be folded now; answers how many rows that were.
    pub async fn fold(&self) -> Result<u64, Unavailable> {
        let mut rows: u64 = 0;
        loop {
            let folded = self.reports.fold(FOLD_LAG, FOLD_AT_ONCE).await?;
            rows = rows.saturating_add(folded.rows);
            if !folded.more {
                return Ok(rows);
            }
        }
    }

    /// Compares the last day's sums with their rows, and mends those that differ; answers how many hours that were.
    pub async fn recheck(&self) -> Result<u32, Unavailable> {
        let now = self.clock.now().at;
        self.reports.recheck(now.before(RECHECKED), now).await
    }
}
