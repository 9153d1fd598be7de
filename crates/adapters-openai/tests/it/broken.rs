//! Connections that fail, hang and break.

use std::net::TcpListener;
use std::time::Duration;

use adapters_openai::Timeouts;
use domain::ports::language_model::ModelError;
use serde_json::json;

use crate::ask::{LONG, SHORT, ask, patient};
use crate::raw::{Act, RawServer, say};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn impatient(change: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = patient();
    change(&mut timeouts);
    timeouts
}

/// The outcome at a server that acts like this, which must not have been asked twice.
async fn asked(acts: Vec<Act>, timeouts: Timeouts) -> Result<String, ModelError> {
    let server = RawServer::start(acts);
    let outcome = ask(&server.url, timeouts).await;
    assert!(server.requests() <= 1, "asked twice");
    outcome.map(|completion| completion.text)
}

#[tokio::test]
async fn a_refused_connection_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
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
    let server = RawServer::start(vec![say("HTTP/1.1 400 Bad Request\r\n\r\n")]);
    let url = server.url.replace("http://", "https://");
    let outcome = ask(&url, impatient(|timeouts| timeouts.connect = SHORT)).await;
    assert!(matches!(outcome, Err(ModelError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout() {
    let hang = || vec![Act::Wait(LONG)];
    let first = asked(hang(), impatient(|timeouts| timeouts.first_byte = SHORT)).await;
    assert_eq!(first, Err(ModelError::TimedOut));
    let total = asked(hang(), impatient(|timeouts| timeouts.total = SHORT)).await;
    assert_eq!(total, Err(ModelError::TimedOut));
    let half_a_head =
        asked(vec![say(HEAD), Act::Wait(LONG)], impatient(|timeouts| timeouts.first_byte = SHORT));
    assert_eq!(half_a_head.await, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn a_pause_in_the_answer_is_a_timeout() {
    let acts = vec![say(&format!("{HEAD}content-length: 100\r\n\r\n{{\"choices\"")), Act::Wait(LONG)];
    let outcome = asked(acts, impatient(|timeouts| timeouts.idle = SHORT)).await;
    assert_eq!(outcome, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn an_answer_that_drips_on_ends_with_the_total() {
    let mut acts = vec![say(&format!("{HEAD}content-length: 100000\r\n\r\n"))];
    for _ in 0..1000 {
        acts.extend([say(" "), Act::Wait(Duration::from_millis(20))]);
    }
    let outcome = asked(acts, impatient(|timeouts| timeouts.total = SHORT)).await;
    assert_eq!(outcome, Err(ModelError::TimedOut));
}

#[tokio::test]
async fn a_refusal_whose_body_hangs_keeps_its_status() {
    let acts = vec![say("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 100\r\n\r\n{"), Act::Wait(LONG)];
    let outcome = asked(acts, impatient(|timeouts| timeouts.idle = SHORT)).await;
    assert_eq!(outcome, Err(ModelError::Limited { detail: "no details".into(), retry_after: None }));
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_is_interrupted() {
    for acts in [vec![], vec![say("HTTP/1.1 200")], vec![say(HEAD)]] {
        let outcome = asked(acts, patient()).await;
        assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_truncated_answer_is_interrupted() {
    let body = json!({"choices": [{"message": {"content": "ok"}}]}).to_string();
    let whole = format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len());
    assert_eq!(asked(vec![say(&whole)], patient()).await, Ok("ok".into()));
    for missing in [1, 10, body.len()] {
        let outcome = asked(vec![say(&whole[..whole.len() - missing])], patient()).await;
        assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
    }
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len());
    let outcome = asked(vec![say(&chunked)], patient()).await;
    assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
    assert_eq!(asked(vec![say(&chunked), say("0\r\n\r\n")], patient()).await, Ok("ok".into()));
}

#[tokio::test]
async fn what_is_no_http_is_interrupted() {
    let outcome = asked(vec![say("220 smtp.example ESMTP\r\n")], patient()).await;
    assert!(matches!(outcome, Err(ModelError::Interrupted(_))), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_over_8_mebibytes_is_unusable() {
    // Without an end: only a bound stops this one.
    let mebibyte = Act::Say(vec![b' '; 1024 * 1024]);
    let mut acts = vec![say(&format!("{HEAD}connection: close\r\n\r\n"))];
    acts.extend(vec![mebibyte; 9]);
    acts.push(Act::Wait(LONG));
    let outcome = asked(acts, patient()).await;
    assert!(matches!(outcome, Err(ModelError::Unusable(_))), "{outcome:?}");
}
