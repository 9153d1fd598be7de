//! Events, as the operator's program gets them.

use adapters_notify::{Egress, Webhook, WebhookAddress};
use domain::billing::notice::{NOBODY, NoticeKind};
use domain::clock::Span;
use domain::ports::notices::{Courier, CourierError, Recipient};
use serde_json::{Value, json};
use testkit::post::Receiver;

use crate::message;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn webhook(url: &str) -> Webhook {
    let address = WebhookAddress::parse(url, Egress::PublicAndLoopback).expect("an address");
    Webhook::new(&address, SECRET.parse().expect("a secret")).expect("a client")
}

#[tokio::test]
async fn an_event_is_signed_and_says_what_happened() {
    let receiver = Receiver::start().await;
    webhook(&receiver.url()).send(&message(Recipient::Endpoint)).await.expect("sent");
    let hooks = receiver.hooks();
    let [hook] = &hooks[..] else { panic!("one: {hooks:?}") };
    assert!(hook.is_signed_with(SECRET));
    assert!(!hook.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(hook.header("webhook-id"), "msg_0123456789abcdef");
    assert_eq!(hook.header("webhook-timestamp"), "1767225600");
    assert_eq!(hook.header("content-type"), "application/json");
    assert_eq!(
        hook.json(),
        json!({
            "type": "low_balance",
            "timestamp": "2026-01-01T00:00:00Z",
            "data": {
                "user_id": "01010101-0101-0101-0101-010101010101", "audience": "user", "subject": "entry:3",
                "plan_id": null, "credits": null, "amount_minor": null, "balance": 91, "threshold": 100,
                "detail": null,
            },
        })
    );
}

#[tokio::test]
async fn what_is_about_no_account_names_no_user() {
    let receiver = Receiver::start().await;
    let mut message = message(Recipient::Endpoint);
    (message.notice.user, message.notice.kind) = (NOBODY, NoticeKind::WebhookDisabled);
    webhook(&receiver.url()).send(&message).await.expect("sent");
    assert_eq!(receiver.hooks()[0].json()["data"]["user_id"], Value::Null);
}

#[tokio::test]
async fn success_is_any_2xx_and_nothing_else() {
    let receiver = Receiver::start().await;
    let webhook = webhook(&receiver.url());
    for status in [200, 201, 202, 204, 299] {
        receiver.answer(status);
        assert_eq!(webhook.send(&message(Recipient::Endpoint)).await, Ok(()), "{status}");
    }
    for status in [301, 302, 307, 308, 400, 401, 404, 429, 500, 502, 503] {
        receiver.answer_with(status, &[("location", &receiver.url())]);
        let reason = format!("answered with status {status}");
        let failed = Err(CourierError::Failed { reason, retry_after: None });
        assert_eq!(webhook.send(&message(Recipient::Endpoint)).await, failed, "no redirect is followed");
    }
    receiver.answer(410);
    let gone = Err(CourierError::Gone("answered with status 410".to_owned()));
    assert_eq!(webhook.send(&message(Recipient::Endpoint)).await, gone);
    assert_eq!(receiver.hooks().len(), 17, "each was sent once");
}

#[tokio::test]
async fn a_busy_receiver_says_when_to_come_back() {
    let receiver = Receiver::start().await;
    let webhook = webhook(&receiver.url());
    for (status, header, expected) in [
        (429, "120", Some(120)),
        (503, "7", Some(7)),
        (503, "Thu, 01 Jan 2026 00:01:00 GMT", Some(60)),
        (503, "later", None),
        (500, "120", None),
    ] {
        receiver.answer_with(status, &[("retry-after", header)]);
        match webhook.send(&message(Recipient::Endpoint)).await {
            Err(CourierError::Failed { retry_after, .. }) => {
                assert_eq!(retry_after, expected.map(Span::from_secs), "{status} {header}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_receiver_that_is_away_is_a_failure_and_its_address_is_not_told() {
    let mut receiver = Receiver::start().await;
    let webhook = webhook(&format!("{}?key=canary", receiver.url()));
    receiver.stop().await;
    let error = webhook.send(&message(Recipient::Endpoint)).await.expect_err("away");
    assert!(matches!(error, CourierError::Failed { .. }), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    receiver.start_again().await;
    assert_eq!(webhook.send(&message(Recipient::Endpoint)).await, Ok(()));
}

#[tokio::test]
async fn in_production_a_name_that_leads_to_this_machine_gets_nothing() {
    let receiver = Receiver::start().await;
    let url = format!("https://localhost:{}/hooks", receiver.port());
    let address =
        WebhookAddress::parse(&url, Egress::Public).expect("a name is looked at when it is resolved");
    let webhook = Webhook::new(&address, SECRET.parse().expect("a secret")).expect("a client");
    let error = webhook.send(&message(Recipient::Endpoint)).await.expect_err("refused").to_string();
    assert!(error.contains("no address that events may be sent to"), "{error}");
    assert!(receiver.hooks().is_empty());
}
