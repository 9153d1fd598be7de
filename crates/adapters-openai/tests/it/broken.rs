//! Connections that fail, hang and break.

use std::time::Duration;

use adapters_openai::Timeouts;
use domain::ports::language_model::Interface;
use domain::ports::language_model::ModelError;
use serde_json::json;
use testkit::provider::{Provider, Script};

use crate::ask::{SHORT, ask, patient};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn impatient(change: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = patient();
    change(&mut timeouts);
    timeouts
}

/// Bytes on the wire, and then the end of the connection.
fn wire(bytes: &str) -> Script {
    Script::raw().wire(bytes).close()
}

/// The outcome at a provider that answers like this, which must not have been asked twice.
async fn asked(script: Script, timeouts: Timeouts) -> Result<String, ModelError> {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, script);
    let outcome = ask(&provider.url(), timeouts).await;
    assert!(provider.state().requests <= 1, "asked twice");
    outcome.map(|completion| completion.text)
}

#[tokio::test]
async fn a_refused_connection_is_unreachable() {
    let url = Provider::nowhere().await;
    let Err(ModelError::Unreachable(detail)) = ask(&url, patient()).await else { panic!("another outcome") };
    assert!(!detail.contains("http://"), "{detail}");
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_unreachable() {
    // 192.0.2.0/24 is for documentation (RFC 5737): nobody answers there.
    let outcome = ask("http://192.0.2.1:81", impatient(|timeouts| timeouts.connect = SHORT)).await;
    assert!(matches!(outcome, Err(ModelError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn an_unknown_host_is_unreachable() {
    let outcome = ask("http://nobody.invalid", patient()).await;
    assert!(matches!(outcome, Err(ModelError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_unreachable_over_https() {
    let provider = Provider::start().await;
    let url = provider.url().replace("http://", "https://");
    let outcome = ask(&url, impatient(|timeouts| timeouts.connect = SHORT)).await;
    assert!(matches!(outcome, Err(ModelError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout() {
    let first = asked(Script::silent(), impatient(|timeouts| timeouts.first_byte = SHORT)).await;
    assert_eq!(first, Err(ModelError::TimedOut));
    let total = asked(Script::silent(), impatient(|timeouts| timeouts.total = SHORT)).await;
    assert_eq!(total, Err(ModelError::TimedOut));
    let half_a_head =
        asked(Script::raw().wire(HEAD).hang(), impatient(|timeouts| timeouts.first_byte = SHORT));
    assert_eq!(half_a_head.await, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn a_pause_in_the_answer_is_a_timeout() {
    let script = Script::raw().wire(format!("{HEAD}content-length: 100\r\n\r\n{{\"choices\"")).hang();
    let outcome = asked(script, impatient(|timeouts| timeouts.idle = SHORT)).await;
    assert_eq!(outcome, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn an_answer_that_drips_on_ends_with_the_total() {
    let script = Script::body(200, "application/json", " ".repeat(1000)).sliced(1, Duration::from_millis(20));
    let outcome = asked(script, impatient(|timeouts| timeouts.total = SHORT)).await;
    assert_eq!(outcome, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn a_refusal_whose_body_hangs_keeps_its_status() {
    let script = Script::raw().wire("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 100\r\n\r\n{").hang();
    let outcome = asked(script, impatient(|timeouts| timeouts.idle = SHORT)).await;
    assert_eq!(outcome, Err(ModelError::Limited { detail: "no details".into(), retry_after: None }));
}

#[tokio::test]
async fn a_connection_closed_or_reset_before_the_answer_is_interrupted() {
    for script in [wire(""), wire("HTTP/1.1 200"), wire(HEAD), Script::raw().reset()] {
        let outcome = asked(script, patient()).await;
        assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_truncated_answer_is_interrupted() {
    let body = json!({"choices": [{"message": {"content": "ok"}}]}).to_string();
    let whole = format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len());
    assert_eq!(asked(wire(&whole), patient()).await, Ok("ok".into()));
    for missing in [1, 10, body.len()] {
        let outcome = asked(wire(&whole[..whole.len() - missing]), patient()).await;
        assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
    }
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len());
    let outcome = asked(wire(&chunked), patient()).await;
    assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
    assert_eq!(asked(wire(&format!("{chunked}0\r\n\r\n")), patient()).await, Ok("ok".into()));
}

#[tokio::test]
async fn what_is_no_http_is_interrupted() {
    let outcome = asked(wire("220 smtp.example ESMTP\r\n"), patient()).await;
    assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_over_8_mebibytes_is_unusable() {
    // Without an end: only a bound stops this one.
    let head = Script::raw().wire(format!("{HEAD}connection: close\r\n\r\n"));
    let script = (0..9).fold(head, |script, _| script.wire(vec![b' '; 1024 * 1024])).hang();
    let outcome = asked(script, patient()).await;
    assert!(matches!(outcome, Err(ModelError::Unusable(_))), "{outcome:?}");
}
