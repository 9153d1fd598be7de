//! What is made of statuses that are no success.

use domain::ports::language_model::ModelError;
use serde_json::{Value, json};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::ask::{KEY, PROMPT, answered, ask, patient};

async fn refused(status: u16, body: Value) -> ModelError {
    answered(ResponseTemplate::new(status).set_body_json(body)).await.expect_err("no completion")
}

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": "some_type", "param": null, "code": code}})
}

#[tokio::test]
async fn a_refused_key_is_told_apart_and_the_message_is_not_kept() {
    for status in [401, 403] {
        let body = error("invalid_api_key", &format!("Incorrect API key provided: {KEY}."));
        assert_eq!(refused(status, body).await, ModelError::KeyRefused("invalid_api_key: some_type".into()));
    }
}

#[tokio::test]
async fn a_limit_is_told_apart() {
    let body = error("rate_limit_exceeded", "Slow down");
    assert_eq!(
        refused(429, body).await,
        ModelError::Limited { detail: "rate_limit_exceeded: some_type: Slow down".into(), retry_after: None }
    );
}

#[tokio::test]
async fn other_statuses_are_failures() {
    for status in [300, 400, 402, 404, 408, 409, 413, 422, 500, 502, 503, 504, 529, 599] {
        let failed = refused(status, error("a_code", "Why")).await;
        assert_eq!(failed, ModelError::Failed { status, detail: "a_code: some_type: Why".into() });
    }
}

#[tokio::test]
async fn errors_of_other_shapes_are_read_as_far_as_possible() {
    for (body, expected) in [
        (json!({"error": "nope"}), "nope"),
        (json!({"object": "error", "message": "nope", "code": 400}), "400: nope"),
        (json!({"error": {"message": ["a", 1]}}), "no details"),
        (json!({}), "no details"),
        (json!([1]), "no details"),
        (json!({"error": {"code": "a\nb\u{1b}[31m"}}), "a b [31m"),
    ] {
        assert_eq!(refused(400, body).await, ModelError::Failed { status: 400, detail: expected.into() });
    }
    let page = answered(ResponseTemplate::new(502).set_body_string("<html>Bad gateway</html>")).await;
    assert_eq!(page, Err(ModelError::Failed { status: 502, detail: "no details".into() }));
    let nothing = answered(ResponseTemplate::new(401)).await;
    assert_eq!(nothing, Err(ModelError::KeyRefused("no details".into())));
}

#[tokio::test]
async fn long_details_are_cut_at_300_characters() {
    let ModelError::Failed { detail, .. } = refused(500, error("c", &"ç".repeat(5_000))).await else {
        panic!("another error")
    };
    assert_eq!(detail.chars().count(), 300);
}

#[tokio::test]
async fn an_endless_error_keeps_its_status() {
    let body = error("c", &"x".repeat(1_000_000));
    assert_eq!(
        refused(429, body).await,
        ModelError::Limited { detail: "no details".into(), retry_after: None }
    );
}

#[tokio::test]
async fn an_error_that_quotes_the_conversation_is_not_kept() {
    let quotes = [
        format!("Bad input: '{PROMPT}'"),
        format!("Bad input: {}", &PROMPT[..20]),
        "system: Você é um assistente".into(),
    ];
    for quote in quotes {
        let failed = refused(400, error("bad_input", &quote)).await;
        assert_eq!(failed, ModelError::Failed { status: 400, detail: "bad_input: some_type".into() });
        let failed = refused(400, json!({"error": quote})).await;
        assert_eq!(failed, ModelError::Failed { status: 400, detail: "no details".into() });
    }
}

#[tokio::test]
async fn an_error_that_quotes_the_key_is_not_kept() {
    let failed = refused(400, error("bad_header", &format!("authorization: Bearer {KEY}"))).await;
    assert_eq!(failed, ModelError::Failed { status: 400, detail: "bad_header: some_type".into() });
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    // `answered` expects exactly one request.
    for status in [408, 429, 500, 503] {
        let template = ResponseTemplate::new(status).insert_header("retry-after", "0");
        assert!(answered(template).await.is_err());
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for status in [301, 302, 303, 307, 308] {
        let server = MockServer::start().await;
        let redirect = ResponseTemplate::new(status).insert_header("location", elsewhere.uri());
        Mock::given(path("/chat/completions")).respond_with(redirect).expect(1).mount(&server).await;
        let error = ask(&server.uri(), patient()).await;
        assert_eq!(error, Err(ModelError::Failed { status, detail: "no details".into() }));
    }
}
