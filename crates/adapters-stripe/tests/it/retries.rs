//! Servers that are busy, broken, slow or gone.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use adapters_stripe::Timeouts;
use domain::ports::payments::{ObjectName, PaymentError, PaymentProvider};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::fixtures::{Fake, KEY, PURCHASE, client, config, error, ok, order};

const SESSIONS: &str = "/v1/checkout/sessions";

fn page() -> ResponseTemplate {
    ok(json!({"id": "cs_1", "url": "https://checkout.example/cs_1"}))
}

fn busy(status: u16) -> ResponseTemplate {
    error(status, "api_error", "lock_timeout", "later")
}

/// What comes of a server that answers so once, and then as it should; and how often it was asked.
async fn after(first: ResponseTemplate) -> (Result<String, PaymentError>, usize) {
    let fake = Fake::start().await.answers_once("POST", SESSIONS, first).await;
    let fake = fake.answers("POST", SESSIONS, page()).await;
    let outcome = fake.stripe.open_checkout(order()).await.map(|page| page.session);
    (outcome, fake.requests().await.len())
}

/// What comes of a server that always answers so; and how often it was asked.
async fn always(answer: ResponseTemplate) -> (PaymentError, usize) {
    let fake = Fake::start().await.answers("POST", SESSIONS, answer).await;
    let outcome = fake.stripe.open_checkout(order()).await.expect_err("an error");
    (outcome, fake.requests().await.len())
}

#[tokio::test]
async fn who_is_busy_or_broken_is_asked_again() {
    for status in [409, 424, 429, 500, 502, 503, 504] {
        assert_eq!(after(busy(status)).await, (Ok("cs_1".into()), 2), "{status}");
    }
    // A page of a proxy's.
    assert_eq!(after(ResponseTemplate::new(502).set_body_string("<html>")).await, (Ok("cs_1".into()), 2));
}

#[tokio::test]
async fn asking_again_names_the_same_key_and_sends_the_same() {
    let fake = Fake::start().await.answers("POST", SESSIONS, busy(500)).await;
    fake.stripe.open_checkout(order()).await.expect_err("an error");
    let requests = fake.requests().await;
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.headers["idempotency-key"], PURCHASE);
        assert_eq!(request.body, requests[0].body);
    }
}

#[tokio::test]
async fn who_stays_busy_is_unavailable_after_three_attempts() {
    for status in [409, 429, 500, 503] {
        let (outcome, times) = always(busy(status)).await;
        assert!(matches!(&outcome, PaymentError::Unavailable(why) if why.0.contains(&status.to_string())));
        assert_eq!(times, 3, "{status}");
    }
}

#[tokio::test]
async fn a_no_is_not_asked_again() {
    for status in [400, 402, 404] {
        let no = error(status, "invalid_request_error", "amount_too_small", "at least R$ 0.50");
        let (outcome, times) = always(no).await;
        assert!(matches!(&outcome, PaymentError::Refused(words) if words.contains("at least R$ 0.50")));
        assert_eq!(times, 1, "{status}");
    }
}

#[tokio::test]
async fn the_servers_own_advice_counts_for_more_than_its_status() {
    let never = busy(500).insert_header("stripe-should-retry", "false");
    assert_eq!(always(never).await.1, 1);
    let again = error(400, "invalid_request_error", "x", "y").insert_header("stripe-should-retry", "true");
    assert_eq!(after(again).await, (Ok("cs_1".into()), 2));
}

#[tokio::test]
async fn a_key_that_was_used_for_another_request_leaves_the_outcome_unknown() {
    let (outcome, times) = always(error(400, "idempotency_error", "", "Keys for idempotent requests")).await;
    assert!(matches!(outcome, PaymentError::Unavailable(_)));
    assert_eq!(times, 1);
}

#[tokio::test]
async fn what_is_not_understood_is_unavailable() {
    for answer in [
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200),
        ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"),
        ResponseTemplate::new(400).set_body_string("<html>"),
        ResponseTemplate::new(402),
        ResponseTemplate::new(413).set_body_json(json!({"error": "too large"})),
    ] {
        let (outcome, times) = always(answer).await;
        assert!(matches!(outcome, PaymentError::Unavailable(_)), "{outcome:?}");
        assert_eq!(times, 1);
    }
}

#[tokio::test]
async fn a_key_that_is_refused_is_unavailable_and_not_repeated() {
    for status in [401, 403] {
        let message = format!("Invalid API Key provided: {KEY}");
        let (outcome, times) =
            always(error(status, "invalid_request_error", "api_key_expired", &message)).await;
        let PaymentError::Unavailable(why) = outcome else { panic!("{outcome:?}") };
        assert!(why.0.contains("api_key_expired") && !why.0.contains("Invalid"), "{}", why.0);
        assert_eq!(times, 1);
    }
}

#[tokio::test]
async fn no_error_repeats_any_of_the_key() {
    for said in [KEY, &KEY[8..24], "sk_test_*******WXYZ", "rk_live_51"] {
        let (outcome, _) =
            always(error(400, "invalid_request_error", said, &format!("about {said}: no"))).await;
        assert_eq!(outcome, PaymentError::Refused("invalid_request_error".into()));
    }
}

#[tokio::test]
async fn long_errors_are_cut_to_one_line() {
    let message = "á\n".repeat(10_000);
    let (outcome, _) = always(error(400, "invalid_request_error", "x", &message)).await;
    let PaymentError::Refused(words) = outcome else { panic!("{outcome:?}") };
    assert!(words.chars().count() == 300 && !words.contains('\n'));
}

#[tokio::test]
async fn an_answer_over_16_mebibytes_is_unavailable() {
    let (outcome, times) =
        always(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 * 1024 * 1024])).await;
    assert!(matches!(outcome, PaymentError::Unavailable(_)));
    assert_eq!(times, 1);
}

#[tokio::test]
async fn a_timeout_is_unavailable_and_not_asked_again() {
    let silent = page().set_delay(Duration::from_mins(1));
    let fake = Fake::start().await.answers("POST", SESSIONS, silent).await;
    let mut config = config(&fake.server.uri());
    config.timeouts = Timeouts { total: Duration::from_millis(200), ..config.timeouts };
    let outcome = client(&config).open_checkout(order()).await;
    let Err(PaymentError::Unavailable(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.0.contains("timed out"), "{}", why.0);
    assert_eq!(fake.requests().await.len(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        for _ in 0..2 {
            drop(listener.accept());
        }
        let (mut stream, _) = listener.accept().expect("a connection");
        assert!(stream.read(&mut [0; 16 * 1024]).expect("a request") > 0);
        let body = r#"{"id": "cs_1", "url": "https://checkout.example/cs_1"}"#;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).expect("a reader");
    });
    let page = client(&config(&url)).open_checkout(order()).await;
    assert_eq!(page.map(|page| page.session), Ok("cs_1".into()));
    server.join().expect("a server");
}

#[tokio::test]
async fn who_is_gone_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let stripe = client(&config(&url));
    let outcomes = [
        stripe.open_checkout(order()).await.err(),
        stripe.look_up(ObjectName::Session("cs_1".into())).await.err(),
    ];
    for outcome in outcomes {
        let Some(PaymentError::Unavailable(why)) = outcome else { panic!("{outcome:?}") };
        assert!(!why.0.contains(&url), "{}", why.0);
    }
}
