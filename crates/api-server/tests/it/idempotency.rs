//! The same request under the same key is done once.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Setup, next_key, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_same_answer_at_no_charge() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(100).await;
        let key = next_key();
        let ask = |message: &str| server.ask(&user, message).header("Idempotency-Key", &key).send();
        let (status, first) = read(ask("Oi").await.unwrap()).await;
        assert_eq!(status, 200);
        let again = ask("Oi").await.unwrap();
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(again.headers()["x-credits-charged"], "0");
        assert_eq!(read(again).await, (200, first));
        let (status, other) = read(ask("Tchau").await.unwrap()).await;
        assert_eq!((status, &other["code"]), (422, &json!("idempotency_mismatch")));
        assert_eq!(server.credits(&user).await["used_credits"], 10);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_at_once_under_one_key_are_charged_once() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let server = setup.start().await;
        let user = server.user(1000).await;
        for _ in 0..10 {
            let key = next_key();
            let asked = (0..10).map(|_| server.ask(&user, "Oi").header("Idempotency-Key", &key).send());
            let mut answers = Vec::new();
            for answer in join_all(asked).await {
                let (status, body) = read(answer.unwrap()).await;
                match status {
                    200 => answers.push(body),
                    409 => assert_eq!(body["code"], "idempotency_in_progress"),
                    other => panic!("{other}: {body}"),
                }
            }
            assert!(!answers.is_empty());
            assert!(answers.iter().all(|answer| *answer == answers[0]));
        }
        assert_eq!(server.credits(&user).await["used_credits"], 100);
        server.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_402_can_be_retried_with_its_key_after_a_top_up() {
    let server = Setup::sqlite().start().await;
    let user = server.user(5).await;
    let key = next_key();
    let ask = || server.ask(&user, "Oi").header("Idempotency-Key", format!("\"{key}\"")).send();
    assert_eq!(ask().await.unwrap().status(), 402);
    server.move_credits(&user, 50, &next_key()).await;
    assert_eq!(ask().await.unwrap().status(), 200);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_retention_a_replay_says_that_the_answer_was_not_kept() {
    let server = Setup::sqlite().with("CONTENT_RETENTION_DAYS", "0").start().await;
    let user = server.user(100).await;
    let ask = || server.ask(&user, "Oi").header("Idempotency-Key", "k").send();
    assert_eq!(ask().await.unwrap().status(), 200);
    let (status, body) = read(ask().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (409, &json!("idempotency_answer_not_kept")));
    assert_eq!(server.credits(&user).await["used_credits"], 10);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_no_keys_are_refused() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    for key in ["", "a b", &"x".repeat(256)] {
        let (status, body) =
            read(server.ask(&user, "Oi").header("Idempotency-Key", key).send().await.unwrap()).await;
        assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!("Idempotency-Key")), "{key}");
    }
    server.finish().await;
}
