//! The admin's figures, and how the providers of models do.

use domain::reports::buckets::MOST;
use serde_json::json;

use super::Group;
use super::operation::{Operation, day_or_time};
use crate::calendar::Step;
use crate::routes::admin::figures::{AnalyticsBody, SeriesBody};
use crate::routes::upstreams::UpstreamsBody;

/// `date`, or `from` and `to`.
fn range(operation: Operation) -> Operation {
    operation
        .asks("date", "A day, in place of `from` and `to`.", json!({ "type": "string", "format": "date" }))
        .asks("from", "From this day or moment on.", day_or_time())
        .asks("to", "Up to, and not including, this day or moment; now, when absent.", day_or_time())
        .refuses("from", "not before `to`, absent where `to` is there, or there beside `date`")
        .refuses("to", "there beside `date`")
}

/// `GET /api/admin/ai-analytics`.
pub fn analytics(operation: Operation) -> Operation {
    let sums = json!({ "requests": 2, "failed_requests": 0, "credits_used": 20, "absorbed_credits": 0, "cost": "0.000117" });
    let part = |name: &str, value: &str| {
        let mut part = sums.clone();
        part[name] = value.into();
        part
    };
    range(operation.named(Group::Admin, "getAnalytics", "See figures of a day, or of a range"))
        .about("Of today without parameters. Days are those of the reporting time zone.")
        .answers::<AnalyticsBody>(
            200,
            "The figures.",
            json!({
                "total_requests": 2,
                "total_credits_used": 20,
                "total_cost": "0.000117",
                "unique_users": 2,
                "failed_requests": 0,
                "error_rate": "0.0000",
                "absorbed_credits": 0,
                "revenue_brl": "29",
                "paid_brl": "29",
                "returned_brl": "0",
                "cost_brl": "0.00064",
                "margin_brl": "28.99936",
                "credits_sold": 5000,
                "credits_granted": 12,
                "credits_outstanding": 9992,
                "latency_ms": { "avg": 415, "p50": 400, "p95": 450, "p99": 450 },
                "by_model": [part("model", "gpt-4o-mini")],
                "by_request_type": [part("request_type", "assistant")],
                "by_plan": [part("plan_type", "free")],
                "by_outcome": [{ "outcome": "settled", "requests": 2 }],
                "top_users": [{
                    "user_id": "b7eb7dc6-97ca-581d-9f87-a3b6dd4a1248",
                    "requests": 1,
                    "credits_used": 10,
                }],
                "from": "2026-11-22T03:00:00Z",
                "to": "2026-11-23T03:00:00Z",
                "timezone": "America/Sao_Paulo",
            }),
        )
}

/// `GET /api/admin/ai-analytics/series`.
pub fn series(operation: Operation) -> Operation {
    range(operation.named(Group::Admin, "getSeries", "See figures of each day, or of each hour"))
        .about("Of the last 30 days without parameters; of today's hours with `bucket=hour` alone.")
        .asks("bucket", "How long each bucket is.", json!({ "enum": Step::WORDS, "default": "day" }))
        .refuses("bucket", TOO_MANY)
        .answers::<SeriesBody>(
            200,
            "The series.",
            json!({
                "bucket": "day",
                "from": "2026-10-24T03:00:00Z",
                "to": "2026-11-23T03:00:00Z",
                "timezone": "America/Sao_Paulo",
                "data": [{
                    "name": "2026-10-24",
                    "from": "2026-10-24T03:00:00Z",
                    "to": "2026-10-25T03:00:00Z",
                    "requests": 2,
                    "failed_requests": 0,
                    "credits_used": 20,
                    "cost": "0.000117",
                    "cost_brl": "0.00064",
                    "revenue_brl": "29",
                    "margin_brl": "28.99936",
                    "active_users": 2,
                }],
            }),
        )
}

const TOO_MANY: &str = "more than 750 buckets in the range";
const _: () = assert!(MOST == 750, "TOO_MANY says how many");

/// `GET /api/admin/upstreams`.
pub fn upstreams(operation: Operation) -> Operation {
    operation
        .named(Group::Admin, "listUpstreams", "See how the providers of models do")
        .about("As this server sees them.")
        .answers::<UpstreamsBody>(
            200,
            "The providers.",
            json!({
                "data": [{
                    "id": "default",
                    "state": "healthy",
                    "requests": 2,
                    "failures": 0,
                    "last_failure": null,
                    "retry_after": null,
                    "latency_ms": 380,
                }],
            }),
        )
}
