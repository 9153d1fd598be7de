//! Traces, as a collector gets them; and what the log says beside them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reqwest::Client;
use serde_json::json;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::harness::{Setup, token};
use crate::process::{command, start_as};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

async fn collector() -> MockServer {
    let collector = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/traces"))
        .and(header("content-type", "application/x-protobuf"))
        .and(header("authorization", "Bearer of-the-collector"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&collector)
        .await;
    collector
}

/// The spans that a collector has, with the name of the service that they come from.
async fn spans(collector: &MockServer) -> Vec<(String, Span)> {
    let mut all = Vec::new();
    for request in collector.received_requests().await.unwrap() {
        let message = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
        for resource in message.resource_spans {
            let about = resource.resource.unwrap();
            let service = about.attributes.iter().find(|pair| pair.key == "service.name").unwrap();
            let service = text(service.value.as_ref().and_then(|value| value.value.as_ref()));
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            all.extend(spans.map(|span| (service.clone(), span)));
        }
    }
    all
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let pair = |value: &Option<opentelemetry_proto::tonic::common::v1::AnyValue>| {
        text(value.as_ref().and_then(|value| value.value.as_ref()))
    };
    span.attributes.iter().map(|it| (it.key.as_str(), pair(&it.value))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_trace_of_its_caller_and_holds_nothing_private() {
    let collector = collector().await;
    let setup = Setup::sqlite()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.uri())
        .with("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer of-the-collector")
        .with("OTEL_SERVICE_NAME", "saldo-under-test")
        .with("OTEL_BSP_SCHEDULE_DELAY", "50")
        .with("LOG_FORMAT", "json");
    let server = start_as(&setup, &mut command(&setup, &[]));
    let client = Client::new();
    let url = server.url.clone();
    let grant = client
        .post(format!("{url}/api/admin/users/canary-user/credits"))
        .bearer_auth(token("boss", "admin"))
        .header("Idempotency-Key", "once")
        .json(&json!({ "amount": 100, "reason": "canary-reason" }));
    assert_eq!(grant.send().await.unwrap().status(), 201);
    let asked = client
        .post(format!("{url}/api/ai-assistant"))
        .bearer_auth(token("canary-user", "user"))
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("X-Request-Id", "the-request")
        .json(&json!({ "message": "canary-question" }))
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 200);
    let lost = client.get(format!("{url}/nowhere")).header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    assert_eq!(lost.send().await.unwrap().status(), 404);
    // What the caller does not sample is not exported.
    let unsampled = client
        .get(format!("{url}/api/user/ai-credits"))
        .bearer_auth(token("canary-user", "user"))
        .header("traceparent", format!("00-{}-{PARENT}-00", "a".repeat(32)));
    assert_eq!(unsampled.send().await.unwrap().status(), 200);

    let begun = Instant::now();
    let traced = loop {
        let traced: Vec<_> =
            spans(&collector).await.into_iter().filter(|(_, span)| hex(&span.trace_id) == TRACE).collect();
        if traced.len() >= 5 {
            break traced;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "only {traced:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let log = tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    assert!(traced.iter().all(|(service, _)| service == "saldo-under-test"));
    let by_name: BTreeMap<_, _> = traced.iter().map(|(_, span)| (span.name.as_str(), span)).collect();
    let names: Vec<_> = by_name.keys().copied().collect();
    assert_eq!(names, ["GET none", "POST /api/ai-assistant", "hold", "model call", "settle"]);
    let request = by_name["POST /api/ai-assistant"];
    assert_eq!(hex(&request.parent_span_id), PARENT);
    let said = attributes(request);
    assert_eq!(
        (
            said["http.route"].as_str(),
            said["http.response.status_code"].as_str(),
            said["saldo.request_id"].as_str()
        ),
        ("/api/ai-assistant", "200", "the-request")
    );
    for name in ["hold", "model call", "settle"] {
        let child = by_name[name];
        assert_eq!(child.parent_span_id, request.span_id, "{name}");
        assert!(request.start_time_unix_nano <= child.start_time_unix_nano, "{name}");
        assert!(child.end_time_unix_nano <= request.end_time_unix_nano, "{name}");
    }
    assert_eq!(attributes(by_name["hold"])["saldo.result"], "held");
    assert_eq!(attributes(by_name["settle"])["saldo.credits"], "10");
    assert_eq!(attributes(by_name["model call"])["gen_ai.request.model"], "gpt-4o-mini");

    // The log names the trace, and has its lines as ever.
    let line = log.lines().find(|line| line.contains("the-request")).expect("the request's line");
    assert!(line.contains(TRACE) && line.contains("\"route\":\"/api/ai-assistant\""), "{line}");
    let exported = spans(&collector).await;
    assert!(!exported.iter().any(|(_, span)| hex(&span.trace_id) == "a".repeat(32)));
    let shown = format!("{exported:?}{log}");
    let user = adapters_jwt::user_id("canary-user").to_string();
    for private in ["canary-user", "canary-question", "canary-reason", &user, "simulado", "of-the-collector"]
    {
        assert!(!shown.contains(private), "{private}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_marked_in_the_trace() {
    let collector = collector().await;
    let setup = Setup::sqlite()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.uri())
        .with("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer of-the-collector")
        .with("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        .with("OPENAI_API_KEY", "sk-test");
    let granted =
        command(&setup, &["credits", "grant", "maria", "100", "--reason", "teste"]).output().unwrap();
    assert!(granted.status.success());
    let server = start_as(&setup, &mut command(&setup, &[]));
    let asked = Client::new()
        .post(format!("{}/api/ai-assistant", server.url))
        .bearer_auth(token("maria", "user"))
        .json(&json!({ "message": "Oi" }));
    assert_eq!(asked.send().await.unwrap().status(), 502);
    // What is left is exported at the end.
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    let spans = spans(&collector).await;
    let named = |name: &str| &spans.iter().find(|(_, span)| span.name == name).expect(name).1;
    for name in ["POST /api/ai-assistant", "model call"] {
        assert_eq!(named(name).status.as_ref().map(|status| status.code), Some(2), "{name}");
    }
    assert_eq!(attributes(named("model call"))["saldo.result"], "unreachable");
    assert_eq!(attributes(named("void"))["saldo.outcome"], "upstream_failed");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_nothing_up() {
    let setup = Setup::sqlite()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .with("OTEL_BSP_SCHEDULE_DELAY", "50");
    let server = start_as(&setup, &mut command(&setup, &[]));
    let client = Client::new();
    for _ in 0..20 {
        let answer = client.get(format!("{}/livez", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let stopping = Instant::now();
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    assert!(stopping.elapsed() < Duration::from_secs(20), "{:?}", stopping.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_says_how_much_is_logged_unless_the_process_does() {
    let setup = Setup::sqlite();
    std::fs::write(setup.path(".env"), "RUST_LOG=warn\n").unwrap();
    for (process, logs) in [(None, false), (Some("info"), true)] {
        let mut command = command(&setup, &[]);
        command.envs(process.map(|level| ("RUST_LOG", level)));
        let server = start_as(&setup, &mut command);
        let answer = Client::new().get(format!("{}/livez", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let log = tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
        assert_eq!(log.contains("/livez"), logs, "{process:?}: {log}");
    }
}
