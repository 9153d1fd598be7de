//! Figures for Prometheus, read as Prometheus reads them.

mod exposition;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Server, Setup, next_key, read};
use exposition::{Exposition, documented};

impl Server {
    async fn figures(&self) -> Exposition {
        let address = self.metrics.expect("METRICS_ADDR is set");
        let answer = self.client.get(format!("http://{address}/metrics")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Exposition::parse(&answer.text().await.unwrap())
    }

    /// Reads figures until they are so.
    async fn until_figures(&self, what: &str, so: impl Fn(&Exposition) -> bool) -> Exposition {
        let begun = Instant::now();
        loop {
            let figures = self.figures().await;
            if so(&figures) {
                return figures;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "not in a minute: {what}\n{}", figures.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn counted(setup: Setup) -> Setup {
    setup.with("METRICS_ADDR", "127.0.0.1:0")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_and_every_figure_is_the_documented_one() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = counted(setup).start().await;
        let user = server.user(1000).await;
        for _ in 0..3 {
            let key = next_key();
            for _ in 0..2 {
                let answer = server.ask(&user, "Oi").header("Idempotency-Key", &key).send().await.unwrap();
                assert_eq!(answer.status(), 200);
            }
        }
        let body = json!({ "message": "Oi", "stream": true });
        let streamed =
            server.post("/api/ai-assistant").bearer_auth(&user.token).json(&body).send().await.unwrap();
        assert!(streamed.text().await.unwrap().contains("event: done"));
        let poor = server.stranger();
        assert_eq!(server.ask(&poor, "Oi").send().await.unwrap().status(), 402);
        assert_eq!(server.get("/nowhere/secret-path").send().await.unwrap().status(), 404);
        let invented = reqwest::Method::from_bytes(b"SECRETS").unwrap();
        let invented = server.client.request(invented, format!("{}/livez", server.url)).send().await.unwrap();
        assert_eq!(invented.status(), 405);

        let (_, credits) =
            read(server.get("/api/user/ai-credits").bearer_auth(&user.token).send().await.unwrap()).await;
        let used = credits["used_credits"].as_f64().unwrap();
        let figures = server
            .until_figures("the books are read", |figures| {
                figures.value("saldo_books_read_timestamp_seconds", &[]) > 0.0
            })
            .await;
        for (name, labels, value) in [
            ("saldo_holds_total", vec![("kind", "assistant"), ("result", "held")], 4.0),
            ("saldo_holds_total", vec![("kind", "assistant"), ("result", "replayed")], 3.0),
            ("saldo_holds_total", vec![("kind", "assistant"), ("result", "no_credits")], 1.0),
            ("saldo_ai_requests_total", vec![("kind", "assistant"), ("outcome", "settled")], 4.0),
            ("saldo_credits_charged_total", vec![("kind", "assistant")], used),
            ("saldo_credits_absorbed_total", vec![("kind", "assistant")], 0.0),
            ("saldo_model_calls_total", vec![("mode", "whole"), ("result", "ok")], 3.0),
            ("saldo_model_calls_total", vec![("mode", "stream"), ("result", "ok")], 1.0),
            ("saldo_model_first_token_seconds_count", vec![], 1.0),
            ("saldo_upstream_state", vec![("state", "simulated")], 1.0),
            ("saldo_http_requests_total", vec![("route", "/api/ai-assistant"), ("status", "2xx")], 7.0),
            ("saldo_http_requests_total", vec![("route", "/api/ai-assistant"), ("status", "4xx")], 1.0),
            ("saldo_http_requests_total", vec![("route", "none"), ("status", "4xx")], 1.0),
            ("saldo_http_requests_total", vec![("route", "/livez"), ("method", "other")], 1.0),
            ("saldo_http_requests_in_flight", vec![], 0.0),
            ("saldo_ai_requests_running", vec![], 0.0),
            ("saldo_lease_in_force", vec![], 1.0),
            ("saldo_draining", vec![], 0.0),
            ("saldo_spool_files", vec![("state", "waiting")], 0.0),
        ] {
            assert_eq!(
                figures.sum(name, &labels).to_bits(),
                value.to_bits(),
                "{name} {labels:?}\n{}",
                figures.text
            );
        }
        assert!(figures.sum("saldo_tokens_total", &[]) > 0.0);
        // Every command that was done went through a transaction that was committed.
        let commands = figures.value("saldo_ledger_batch_commands_sum", &[]);
        assert!(commands >= 9.0, "{commands}");
        assert_eq!(
            figures.value("saldo_ledger_queue_wait_seconds_count", &[]).to_bits(),
            commands.to_bits(),
            "each command waited once"
        );
        assert!(figures.value("process_resident_memory_bytes", &[]) > 1e6);
        assert!(figures.value("process_cpu_seconds_total", &[]) > 0.0);
        let now = chrono::Utc::now().timestamp();
        let started = figures.value("process_start_time_seconds", &[]);
        assert!((0.0..3600.0).contains(&(f64::from(u32::try_from(now).unwrap()) - started)), "{started}");

        // What the pages of docs/metrics.md list is there, and nothing else.
        let told: BTreeSet<String> = figures.families.keys().cloned().collect();
        let listed: BTreeSet<String> = documented().into_keys().collect();
        assert_eq!(told, listed);
        figures.lint(&documented());
        for private in [&user.sub, &adapters_jwt::user_id(&user.sub).to_string(), "secret", "SECRETS", "Oi"] {
            assert!(!figures.text.contains(private), "{private}");
        }
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_over_all_books_are_what_the_books_say() {
    let server = counted(Setup::sqlite()).start().await;
    // The first reading is as old as the server; the next one is 30 seconds away.
    server
        .until_figures("the books are read", |figures| {
            figures.value("saldo_books_read_timestamp_seconds", &[]) > 0.0
        })
        .await;
    let user = server.user(500).await;
    server.ask(&user, "Oi").send().await.unwrap();
    let metrics = server.metrics;
    let setup = server.stop_only().await;
    assert!(metrics.is_some());
    let server = setup.start().await;
    let figures = server
        .until_figures("the books are read", |figures| {
            figures.value("saldo_books_read_timestamp_seconds", &[]) > 0.0
        })
        .await;
    for (name, value) in [
        ("saldo_accounts", 1.0),
        ("saldo_credits_outstanding", 490.0),
        ("saldo_credits_held", 0.0),
        ("saldo_holds_open", 0.0),
        ("saldo_inbox_events_pending", 0.0),
    ] {
        assert_eq!(figures.value(name, &[]).to_bits(), f64::to_bits(value), "{name}");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_never_on_the_products_own_listener() {
    let server = counted(Setup::sqlite()).start().await;
    assert_eq!(server.get("/metrics").send().await.unwrap().status(), 404);
    let address = server.metrics.unwrap();
    for path in ["/", "/livez", "/api/user/ai-credits"] {
        let answer = server.client.get(format!("http://{address}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    server.finish().await;
    let server = Setup::sqlite().start().await;
    assert!(server.metrics.is_none());
    server.finish().await;
}
