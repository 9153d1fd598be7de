//! What a provider says of a client's own request, and when it wants to be asked again.

use std::time::Duration;

use domain::clock::Span;
use domain::ports::language_model::{Interface, LanguageModel, ModelError, Rejection};
use serde_json::{Value, json};
use testkit::provider::{Provider, Script};

use crate::ask::{KEY, PROMPT, client, drain, passed, patient};

async fn refused(script: Script) -> ModelError {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, script);
    let model = client(&provider, patient());
    let request =
        passed(Interface::ChatCompletions, &json!({"messages": [{"role": "user", "content": PROMPT}]}));
    let whole = model.complete(request.clone()).await.expect_err("no answer");
    let stream = drain(model.stream(request).await).await.1.expect_err("no answer");
    assert_eq!(whole, stream);
    whole
}

async fn rejected(status: u16, body: Value) -> Rejection {
    match refused(Script::json(status, &body)).await {
        ModelError::Rejected(rejection) => *rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rejection_of_a_clients_request_is_for_that_client() {
    let message = format!("Invalid 'messages[0]': '{PROMPT}'");
    let error = json!({"error": {"message": message, "type": "invalid_request_error", "param": "messages[0]", "code": "bad"}});
    for status in [400, 413, 422] {
        let expected = Rejection {
            status,
            message: message.clone(),
            kind: Some("invalid_request_error".into()),
            code: Some("bad".into()),
            param: Some("messages[0]".into()),
        };
        assert_eq!(rejected(status, error.clone()).await, expected);
    }
    let error = ModelError::Rejected(Box::new(rejected(400, error).await));
    assert!(!format!("{error} {error:?} {error:#?}").contains("alimentação"), "it would be logged");
}

#[tokio::test]
async fn rejections_of_other_shapes_are_read_as_far_as_possible() {
    for (body, message) in [
        (json!({"error": "nope"}), "nope"),
        (json!({"message": "nope"}), "nope"),
        (json!({"detail": "nope"}), "nope"),
        (json!({"detail": [{"loc": ["body"], "msg": "nope"}]}), "[{\"loc\":[\"body\"],\"msg\":\"nope\"}]"),
        (json!({}), "no details"),
        (json!([1]), "no details"),
        (json!({"error": {"message": "a\nb\u{1b}[31m"}}), "a b [31m"),
    ] {
        assert_eq!(rejected(422, body).await.message, message);
    }
    assert_eq!(
        rejected(400, json!({"error": {"code": 12, "param": null, "type": {}}})).await.code,
        Some("12".into())
    );
}

#[tokio::test]
async fn a_rejection_is_short_and_never_shows_our_key() {
    let long = rejected(400, json!({"error": {"message": "ç".repeat(9_000)}})).await;
    assert_eq!(long.message.chars().count(), 2_000);
    let part = &KEY[..12];
    let leaky = json!({"error": {"message": format!("key {KEY}"), "type": part, "code": format!("x{part}"), "param": "a"}});
    let rejection = rejected(400, leaky).await;
    assert_eq!((rejection.message.as_str(), rejection.kind, rejection.code), ("no details", None, None));
    assert_eq!(rejection.param, Some("a".into()));
}

#[tokio::test]
async fn other_statuses_are_no_rejections() {
    for status in [404, 405, 408, 409, 415, 500, 503] {
        let error = refused(Script::json(status, &json!({"error": {"message": PROMPT}}))).await;
        assert_eq!(error, ModelError::Failed { status, detail: "no details".into() });
    }
}

#[tokio::test]
async fn a_limit_says_when_to_ask_again() {
    let seconds = |seconds: u32| Some(Span::from_secs(seconds));
    let date = ("date", "Sun, 06 Nov 1994 08:49:30 GMT");
    for (headers, expected) in [
        (vec![("retry-after", "7")], seconds(7)),
        (vec![("retry-after", "Sun, 06 Nov 1994 08:50:30 GMT"), date], seconds(60)),
        (vec![("retry-after-ms", "1500")], Some(Span::from_micros(1_500_000))),
        (vec![("retry-after", "soon")], None),
        (vec![], None),
    ] {
        let script = headers
            .iter()
            .fold(Script::json(429, &json!({})), |script, (name, value)| script.header(name, value));
        let expected = ModelError::Limited { detail: "no details".into(), retry_after: expected };
        assert_eq!(refused(script).await, expected);
    }
}

#[tokio::test]
async fn a_rejection_whose_body_hangs_keeps_its_status() {
    let provider = Provider::start().await;
    let script = Script::raw().wire("HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\n{").hang();
    provider.on(Interface::Responses, script);
    let mut timeouts = patient();
    timeouts.idle = Duration::from_millis(200);
    let outcome =
        client(&provider, timeouts).complete(passed(Interface::Responses, &json!({"input": "a"}))).await;
    let Err(ModelError::Rejected(rejection)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((rejection.status, rejection.message.as_str()), (400, "no details"));
}
