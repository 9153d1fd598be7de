//! The admin's figures: of a range of time, and of each bucket of a series.

use actix_web::{Responder, web};
use chrono::Days;
use domain::credits::Credits;
use domain::ports::identity::Scope;
use domain::reports::UserSum;
use domain::reports::buckets::MOST;
use domain::reports::period::{Part, Report};
use domain::services::assistant::question::FieldRule;
use domain::services::figures::Point;
use serde::Serialize;
use utoipa::ToSchema;

use crate::calendar::{Step, buckets, day_range};
use crate::clock::{rfc3339, today};
use crate::http::auth::Bearer;
use crate::http::problem::Problem;
use crate::http::query::Asked;
use crate::openapi::words;
use crate::routes::credits::Parameters;
use crate::wiring::App;

/// How many days a series shows when nobody says from when.
const USUAL_DAYS: u64 = 30;

/// Figures of a stretch of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Analytics)]
pub struct AnalyticsBody {
    /// Those that were answered.
    total_requests: u64,
    total_credits_used: i64,
    /// What the providers charged for them: dollars, as a decimal.
    total_cost: String,
    unique_users: u64,
    failed_requests: u64,
    /// The failed ones among all, as a decimal between 0 and 1.
    error_rate: String,
    /// Credits that answers cost beyond what was charged.
    absorbed_credits: i64,
    /// What was paid less what went back: reais, as a decimal.
    revenue_brl: String,
    paid_brl: String,
    returned_brl: String,
    /// `total_cost` in reais.
    cost_brl: String,
    /// `revenue_brl` less `cost_brl`.
    margin_brl: String,
    credits_sold: i64,
    /// In all, those that were sold included.
    credits_granted: i64,
    /// Now, on all accounts.
    credits_outstanding: i64,
    latency_ms: LatencyBody,
    by_model: Vec<ModelSums>,
    by_request_type: Vec<RequestTypeSums>,
    by_plan: Vec<PlanSums>,
    by_outcome: Vec<OutcomeBody>,
    top_users: Vec<UserBody>,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    /// Whose days they are.
    timezone: String,
}

/// How long answered requests took, in milliseconds.
#[derive(Serialize, ToSchema)]
#[schema(as = Latency)]
pub struct LatencyBody {
    avg: u64,
    p50: u64,
    p95: u64,
    p99: u64,
}

/// What a part of all requests came to.
#[derive(Serialize, ToSchema)]
#[schema(as = Sums)]
pub struct SumsBody {
    requests: u64,
    failed_requests: u64,
    credits_used: i64,
    absorbed_credits: i64,
    /// Dollars, as a decimal.
    cost: String,
}

impl From<&Part> for SumsBody {
    fn from(part: &Part) -> Self {
        Self {
            requests: part.answered.requests,
            failed_requests: part.failed,
            credits_used: part.answered.credits.get(),
            absorbed_credits: part.answered.absorbed.get(),
            cost: part.answered.cost.to_string(),
        }
    }
}

macro_rules! named_part {
    ($(#[$meta:meta])* $body:ident, $name:ident) => {
        $(#[$meta])*
        #[derive(Serialize, ToSchema)]
        pub struct $body {
            $name: String,
            #[serde(flatten)]
            sums: SumsBody,
        }

        impl From<&Part> for $body {
            fn from(part: &Part) -> Self {
                Self { $name: part.name.clone(), sums: part.into() }
            }
        }
    };
}
named_part!(
    /// What requests to a model came to.
    ModelSums,
    model
);
named_part!(
    /// What requests of a kind came to.
    RequestTypeSums,
    request_type
);
named_part!(
    /// What requests under a plan came to.
    PlanSums,
    plan_type
);

/// How many requests ended so.
#[derive(Serialize, ToSchema)]
#[schema(as = OutcomeSum)]
pub struct OutcomeBody {
    outcome: String,
    requests: u64,
}

impl From<&Part> for OutcomeBody {
    fn from(part: &Part) -> Self {
        Self { outcome: part.name.clone(), requests: part.answered.requests.saturating_add(part.failed) }
    }
}

/// What a user's requests came to.
#[derive(Serialize, ToSchema)]
#[schema(as = UserSum)]
pub struct UserBody {
    #[schema(format = "uuid")]
    user_id: String,
    requests: u64,
    credits_used: i64,
}

impl From<&UserSum> for UserBody {
    fn from(sum: &UserSum) -> Self {
        Self { user_id: sum.user.to_string(), requests: sum.requests, credits_used: sum.credits.get() }
    }
}

/// Hundredths of a hundredth as a decimal: `0.0123`.
fn share(e4: u64) -> String {
    format!("{}.{:04}", e4 / 10_000, e4 % 10_000)
}

fn each<'a, T: From<&'a S>, S>(rows: &'a [S]) -> Vec<T> {
    rows.iter().map(T::from).collect()
}

impl AnalyticsBody {
    fn of(report: &Report, from: String, to: String, timezone: String) -> Self {
        let [avg, p50, p95, p99] = report.latency_ms;
        let whole = Credits::get;
        Self {
            total_requests: report.answered.requests,
            total_credits_used: whole(report.answered.credits),
            total_cost: report.answered.cost.to_string(),
            unique_users: report.users,
            failed_requests: report.failed,
            error_rate: share(report.errors_e4),
            absorbed_credits: whole(report.answered.absorbed),
            revenue_brl: report.revenue.to_string(),
            paid_brl: report.paid.to_string(),
            returned_brl: report.returned.to_string(),
            cost_brl: report.cost.to_string(),
            margin_brl: report.margin.to_string(),
            credits_sold: whole(report.sold),
            credits_granted: whole(report.granted),
            credits_outstanding: whole(report.outstanding),
            latency_ms: LatencyBody { avg, p50, p95, p99 },
            by_model: each(&report.by_model),
            by_request_type: each(&report.by_request_type),
            by_plan: each(&report.by_plan),
            by_outcome: each(&report.by_outcome),
            top_users: each(&report.top_users),
            from,
            to,
            timezone,
        }
    }
}

/// `GET /api/admin/ai-analytics`: of today, of a day, or of a range.
pub async fn analytics(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
) -> Result<impl Responder, Problem> {
    bearer.with(Scope::AdminRead)?;
    let (zone, now) = (app.report_timezone, app.clock.now().at);
    let mut asked = Asked::of(&query);
    let range = asked.range(zone, now, day_range(zone, today(zone, now)));
    let (from, to) = asked.finish(range)?;
    let report = app.figures.report(from, to).await?;
    Ok(web::Json(AnalyticsBody::of(&report, rfc3339(from), rfc3339(to), zone.name().to_owned())))
}

/// Figures of each hour or day.
#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
pub struct SeriesBody {
    #[schema(value_type = words::Bucket)]
    bucket: &'static str,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    /// Whose hours and days they are.
    timezone: String,
    data: Vec<PointBody>,
}

/// Figures of an hour or a day.
#[derive(Serialize, ToSchema)]
#[schema(as = Point)]
pub struct PointBody {
    /// As people name it: `2026-11-22`, `2026-11-22T14:00-03:00`.
    name: String,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    requests: u64,
    failed_requests: u64,
    credits_used: i64,
    cost: String,
    cost_brl: String,
    revenue_brl: String,
    margin_brl: String,
    active_users: u64,
}

impl PointBody {
    fn of(point: &Point, name: String) -> Self {
        let figures = &point.figures;
        Self {
            name,
            from: rfc3339(point.from),
            to: rfc3339(point.to),
            requests: figures.requests,
            failed_requests: figures.failed,
            credits_used: figures.credits.get(),
            cost: figures.cost.to_string(),
            cost_brl: point.cost.to_string(),
            revenue_brl: point.revenue.to_string(),
            margin_brl: point.margin.to_string(),
            active_users: figures.users,
        }
    }
}

/// The figures of each hour or day: of the last 30 days, or today's hours, when nobody says otherwise.
pub async fn series(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
) -> Result<impl Responder, Problem> {
    bearer.with(Scope::AdminRead)?;
    let (zone, now) = (app.report_timezone, app.clock.now().at);
    let mut asked = Asked::of(&query);
    let step = asked.word("bucket", Step::WORDS, Step::from_word).unwrap_or(Step::Day);
    let today = today(zone, now);
    let first = match step {
        Step::Hour => today,
        Step::Day => today.checked_sub_days(Days::new(USUAL_DAYS - 1)).unwrap_or(today),
    };
    let (from, to) = asked.range(zone, now, (day_range(zone, first).0, day_range(zone, today).1));
    let buckets = if from < to { buckets(zone, from, to, step) } else { None };
    if buckets.is_none() && from < to {
        asked.fault("bucket", FieldRule::AtMostBuckets(MOST));
    }
    let Some(buckets) = asked.finish(buckets)? else {
        return Err(Problem::field("from", FieldRule::BeforeTo));
    };
    let points = app.figures.series(&buckets).await?;
    Ok(web::Json(SeriesBody {
        bucket: step.as_str(),
        from: rfc3339(from),
        to: rfc3339(to),
        timezone: zone.name().to_owned(),
        data: points.iter().map(|point| PointBody::of(point, step.name(zone, point.from))).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_four_digits() {
        assert_eq!([0, 7, 123, 10_000].map(share), ["0.0000", "0.0007", "0.0123", "1.0000"]);
    }
}
