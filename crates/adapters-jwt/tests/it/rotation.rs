//! Keys that change, and an issuer that is away.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use adapters_jwt::{FetchError, JwksConfig, JwksVerifier};
use domain::ports::identity::TokenVerifier;
use serde_json::json;
use tokio::time::{Instant, pause, resume};
use wiremock::ResponseTemplate;

use crate::issuer::{Issuer, all, check, key, key_with, pinned, reason, signed};

/// How long the verifier waits before it asks again, told without waiting.
async fn pause_before_next(verifier: &JwksVerifier) -> Duration {
    pause();
    let begun = Instant::now();
    verifier.due().await;
    let waited = begun.elapsed();
    resume();
    waited
}

fn secs(range: std::ops::RangeInclusive<u64>, waited: Duration) -> bool {
    let (least, most) = (Duration::from_secs(*range.start()), Duration::from_secs(*range.end()));
    (least..=most).contains(&waited)
}

#[tokio::test]
async fn the_first_keys_are_asked_for_at_once_and_then_every_ten_minutes() {
    let issuer = Issuer::with(all()).await;
    let verifier = issuer.verifier();
    assert!(!verifier.is_ready());
    assert_eq!(reason(&verifier, &pinned("RS256")), "the issuer's keys are not here yet");
    verifier.due().await;
    verifier.refresh().await.expect("a good set");
    assert!(verifier.is_ready());
    let waited = pause_before_next(&verifier).await;
    assert!(secs(535..=661, waited), "{waited:?}");
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let issuer = Issuer::with(json!([key("rsa-1")])).await;
    let verifier = issuer.fresh().await;
    issuer.publish(json!([key("rsa-1"), key("p256")]));
    assert_eq!(reason(&verifier, &pinned("ES256")), "no key of the issuer fits");
    // Nothing is waited for.
    verifier.due().await;
    verifier.refresh().await.expect("a good set");
    assert!(check(&verifier, &pinned("ES256")).is_ok());
    assert!(check(&verifier, &pinned("RS256")).is_ok());
    assert_eq!(issuer.asked().await, 2);
}

#[tokio::test]
async fn a_key_that_was_taken_back_opens_nothing_any_more() {
    let issuer = Issuer::with(json!([key("rsa-1"), key("p256")])).await;
    let verifier = issuer.fresh().await;
    assert!(check(&verifier, &pinned("RS256")).is_ok());
    issuer.publish(json!([key("p256")]));
    verifier.refresh().await.expect("a good set");
    assert_eq!(reason(&verifier, &pinned("RS256")), "no key of the issuer fits");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_once() {
    let issuer = Issuer::with(all()).await;
    let verifier = issuer.fresh().await;
    let flood = || {
        for number in 0..1_000 {
            let header = json!({"alg": "RS256", "kid": format!("unknown-{number}")}).to_string();
            let token = format!("{}.e30.AAAA", crate::mint::base64url(header.as_bytes()));
            assert_eq!(reason(&verifier, &token), "no key of the issuer fits");
        }
    };
    flood();
    verifier.due().await;
    verifier.refresh().await.expect("a good set");
    for _ in 0..3 {
        flood();
        let waited = pause_before_next(&verifier).await;
        assert!(secs(25..=31, waited), "{waited:?}");
        // Half a minute later, one more.
        verifier.refresh().await.expect("a good set");
    }
    assert_eq!(issuer.asked().await, 5);
}

#[tokio::test]
async fn one_wish_wakes_who_waits_already() {
    let issuer = Issuer::with(json!([key("rsa-1")])).await;
    let verifier = std::sync::Arc::new(issuer.fresh().await);
    let waiting = tokio::spawn({
        let verifier = verifier.clone();
        async move { verifier.due().await }
    });
    tokio::task::yield_now().await;
    assert!(check(&verifier, &pinned("ES256")).is_err());
    waiting.await.expect("it was woken");
}

#[tokio::test]
async fn known_keys_and_what_is_no_token_ask_for_nothing() {
    let issuer = Issuer::with(all()).await;
    let verifier = issuer.fresh().await;
    let wrong = [
        pinned("RS256 expired"),
        pinned("none"),
        pinned("HS256 with rsa-1's public key"),
        signed(&json!({"alg": "RS256", "kid": "rsa-2"})),
        signed(&json!({"alg": "RS256", "kid": "unknown", "crit": ["x"]})),
        "garbage".to_owned(),
    ];
    for token in wrong {
        assert!(check(&verifier, &token).is_err());
    }
    let waited = pause_before_next(&verifier).await;
    assert!(secs(535..=661, waited), "{waited:?}");
}

#[tokio::test]
async fn keys_without_names_are_fetched_when_a_signature_is_of_another_key() {
    let nameless = |name| json!([key_with(name, &json!({"kid": null}))]);
    let issuer = Issuer::with(nameless("rsa-2")).await;
    let verifier = issuer.fresh().await;
    issuer.publish(nameless("rsa-1"));
    let token = signed(&json!({"alg": "RS256"}));
    assert_eq!(reason(&verifier, &token), "bad signature");
    verifier.due().await;
    verifier.refresh().await.expect("a good set");
    assert!(check(&verifier, &token).is_ok());
}

#[tokio::test]
async fn an_issuer_that_fails_takes_no_key_away() {
    let issuer = Issuer::with(all()).await;
    let verifier = issuer.fresh().await;
    let garbage = [
        ResponseTemplate::new(500),
        ResponseTemplate::new(404).set_body_json(json!({"keys": [key("rsa-2")]})),
        ResponseTemplate::new(200).set_body_string("<html>maintenance</html>"),
        ResponseTemplate::new(200).set_body_json(json!({"keys": []})),
        ResponseTemplate::new(200).set_body_string("x".repeat(300 * 1024)),
    ];
    for answer in garbage {
        issuer.answer(answer);
        assert!(verifier.refresh().await.is_err());
        assert!(verifier.is_ready());
        assert!(check(&verifier, &pinned("RS256")).is_ok());
    }
}

#[tokio::test]
async fn an_issuer_that_is_gone_takes_no_key_away() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}/keys", listener.local_addr().expect("bound"));
    let verifier = JwksVerifier::new(JwksConfig::new(address.parse().expect("an address"))).expect("usable");
    // Answers once, and is gone.
    let issuer = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let set = json!({ "keys": all() }).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", set.len());
        let mut request = [0; 4096];
        let read = connection.read(&mut request).expect("a request");
        assert!(request[..read].ends_with(b"\r\n\r\n"));
        connection.write_all(format!("{head}{set}").as_bytes()).expect("an answer");
    });
    verifier.refresh().await.expect("a good set");
    issuer.join().expect("it answered");
    let outcome = verifier.refresh().await;
    assert!(matches!(outcome, Err(FetchError::Unreachable(_))), "{outcome:?}");
    assert!(check(&verifier, &pinned("RS256")).is_ok());
}

#[tokio::test]
async fn an_issuer_that_fails_is_asked_again_soon_but_ever_less() {
    let issuer = Issuer::with(json!([])).await;
    let verifier = issuer.verifier();
    let mut before = Duration::ZERO;
    for _ in 0..4 {
        assert!(verifier.refresh().await.is_err());
        let waited = pause_before_next(&verifier).await;
        assert!(waited > before && waited < Duration::from_secs(10), "{waited:?} after {before:?}");
        before = waited;
    }
    issuer.publish(all());
    verifier.refresh().await.expect("a good set");
    assert!(check(&verifier, &pinned("RS256")).is_ok());
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_given_up_after_five_seconds() {
    // Takes connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}/keys", listener.local_addr().expect("bound"));
    let config = JwksConfig::new(address.parse().expect("an address"));
    let verifier = JwksVerifier::new(config).expect("a usable address");
    pause();
    let begun = Instant::now();
    let outcome = verifier.refresh().await;
    assert!(matches!(outcome, Err(FetchError::Unreachable(_))), "{outcome:?}");
    assert!(begun.elapsed() <= Duration::from_secs(6));
}

#[tokio::test]
async fn a_failure_does_not_say_where_the_keys_are() {
    let config = JwksConfig::new("http://127.0.0.1:9/keys?code=canary".parse().expect("an address"));
    let verifier = JwksVerifier::new(config).expect("a usable address");
    let shown = format!("{:?} {verifier:?}", verifier.refresh().await.expect_err("nobody is there"));
    assert!(!shown.contains("canary"), "{shown}");
}
