//! Totals, breakdowns and series.

use domain::clock::Span;
use serde_json::{Value, json};

use crate::harness::{Server, Setup, read, token};

async fn get(server: &Server, path: &str) -> (u16, Value) {
    read(server.get(path).bearer_auth(token("boss", "admin")).send().await.unwrap()).await
}

async fn good(server: &Server, path: &str) -> Value {
    let (status, body) = get(server, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Two users ask twice each; one insight; the model fails nobody.
async fn some_use(server: &Server) {
    for _ in 0..2 {
        let user = server.user(100).await;
        for _ in 0..2 {
            assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
        }
    }
    let user = server.user(1000).await;
    let analysis = json!({ "analysis": { "totalIncome": 1, "totalExpense": 1, "balance": 0 } });
    let asked = server.post("/api/ai-insights").bearer_auth(&user.token).json(&analysis);
    assert_eq!(asked.send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn analytics_are_cut_by_model_type_plan_outcome_and_user() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let empty = good(&server, "/api/admin/ai-analytics").await;
        for zero in ["error_rate", "absorbed_credits", "credits_sold", "credits_outstanding"] {
            assert!(empty[zero] == 0 || empty[zero] == "0.0000", "{zero}: {empty}");
        }
        assert_eq!((&empty["margin_brl"], &empty["by_model"]), (&json!("0.00"), &json!([])));
        some_use(&server).await;
        let day = good(&server, "/api/admin/ai-analytics").await;
        assert_eq!((&day["total_requests"], &day["unique_users"]), (&json!(5), &json!(3)));
        assert_eq!(day["total_credits_used"], 90);
        let model = &day["by_model"][0];
        assert_eq!((&model["model"], &model["requests"]), (&json!("gpt-4o-mini"), &json!(5)));
        assert_eq!((&model["credits_used"], &model["cost"]), (&json!(90), &day["total_cost"]));
        let types: Vec<_> = day["by_request_type"].as_array().unwrap().iter().collect();
        assert_eq!(types.len(), 2);
        assert_eq!((&types[0]["request_type"], &types[0]["credits_used"]), (&json!("insights"), &json!(50)));
        assert_eq!((&types[1]["request_type"], &types[1]["requests"]), (&json!("assistant"), &json!(4)));
        assert_eq!(day["by_plan"][0]["plan_type"], "free");
        assert_eq!(day["by_outcome"], json!([{ "outcome": "settled", "requests": 5 }]));
        let credits: Vec<_> =
            day["top_users"].as_array().unwrap().iter().map(|it| &it["credits_used"]).collect();
        assert_eq!(credits, [50, 20, 20]);
        assert_eq!((&day["credits_granted"], &day["credits_sold"]), (&json!(1200), &json!(0)));
        assert_eq!(day["credits_outstanding"], 1200 - 90);
        assert!(day["latency_ms"]["p99"].as_u64().unwrap() >= 50);
        assert!(day["cost_brl"].as_str().unwrap().starts_with("0.00"));
        assert_eq!(day["margin_brl"].as_str().unwrap(), format!("-{}", day["cost_brl"].as_str().unwrap()));

        // The same from sums.
        while server.stores.reports.fold(Span::ZERO, 1000).await.unwrap().more {}
        assert_eq!(good(&server, "/api/admin/ai-analytics").await, day);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_has_a_point_for_each_day_and_hour() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        some_use(&server).await;
        let month = good(&server, "/api/admin/ai-analytics/series").await;
        let points = month["data"].as_array().unwrap();
        assert_eq!((points.len(), &month["bucket"]), (30, &json!("day")));
        assert_eq!(month["timezone"], "America/Sao_Paulo");
        let (last, before) = points.split_last().unwrap();
        assert_eq!((&last["requests"], &last["active_users"]), (&json!(5), &json!(3)));
        assert!(before.iter().all(|point| point["requests"] == 0 && point["revenue_brl"] == "0.00"));
        assert_eq!(last["name"].as_str().unwrap().len(), 10);
        assert_eq!(points[28]["to"], last["from"]);

        let day = good(&server, "/api/admin/ai-analytics/series?bucket=hour").await;
        let hours = day["data"].as_array().unwrap();
        assert_eq!(hours.len(), 24);
        assert_eq!(hours.iter().map(|it| it["credits_used"].as_i64().unwrap()).sum::<i64>(), 90);

        // A day of 23 hours, and one cut at both ends.
        let short = "/api/admin/ai-analytics/series?bucket=hour&date=2018-11-04";
        assert_eq!(good(&server, short).await["data"].as_array().unwrap().len(), 23);
        let cut = "/api/admin/ai-analytics/series?from=2026-01-05T12:00:00Z&to=2026-01-07";
        let cut = good(&server, cut).await;
        let names: Vec<_> = cut["data"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
        assert_eq!(names, ["2026-01-05", "2026-01-06"]);
        assert_eq!(cut["data"][0]["from"], "2026-01-05T12:00:00Z");
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_makes_no_sense_is_refused_with_all_its_faults() {
    let server = Setup::sqlite().start().await;
    for (query, pointers) in [
        ("?bucket=week", vec!["bucket"]),
        ("?bucket=hour&from=2026-01-01&to=2026-03-01", vec!["bucket"]),
        ("?from=2020-01-01&to=2026-01-01", vec!["bucket"]),
        ("?bucket=month&from=x&to=y", vec!["bucket", "from", "to"]),
        ("?from=2026-01-02&to=2026-01-02", vec!["from"]),
        ("?to=2026-01-02", vec!["from"]),
        ("?from=2999-01-01", vec!["from"]),
        ("?date=2026-02-30", vec!["date"]),
    ] {
        let (status, body) = get(&server, &format!("/api/admin/ai-analytics/series{query}")).await;
        let found: Vec<_> =
            body["errors"].as_array().unwrap().iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!((status, found), (422, pointers), "{query}: {body}");
    }
    server.finish().await;
}
