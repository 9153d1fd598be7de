//! The list of events.

use domain::ports::payments::{EventPage, PaymentError, PaymentProvider};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::fixtures::{Fake, NOW_SECONDS, ok, seconds};

const EVENTS: &str = "/v1/events";

async fn page(body: &str) -> Result<EventPage, PaymentError> {
    let answer = ResponseTemplate::new(200).set_body_string(body);
    let fake = Fake::start().await.answers("GET", EVENTS, answer).await;
    fake.stripe.events(seconds(NOW_SECONDS), None).await
}

#[tokio::test]
async fn a_page_is_asked_for_by_time_and_by_where_the_last_one_ended() {
    let fake = Fake::start().await.answers("GET", EVENTS, ok(json!({"data": []}))).await;
    let since = domain::clock::Timestamp::from_micros(NOW_SECONDS * 1_000_000 + 999_999);
    fake.stripe.events(since, None).await.expect("a page");
    fake.stripe.events(since, Some("evt_9".into())).await.expect("a page");
    let first = format!("GET {EVENTS}?created[gte]={NOW_SECONDS}&limit=100");
    assert_eq!(fake.asked().await, [first.clone(), format!("{first}&starting_after=evt_9")]);
}

#[tokio::test]
async fn events_are_kept_to_the_byte() {
    let events =
        [r#"{ "id":"evt_2",  "amount": 1.50, "n": 123456789012345678901234567890 }"#, r#"{"id":"evt_1"}"#];
    let body = format!(
        r#"{{"object": "list", "data": [{} ,{}], "has_more": true, "url": 7}}"#,
        events[0], events[1]
    );
    let expected = events.map(|event| event.as_bytes().to_vec());
    assert_eq!(page(&body).await, Ok(EventPage { events: expected.into(), next: Some("evt_1".into()) }));
}

#[tokio::test]
async fn the_last_page_has_no_next() {
    for body in [
        r#"{"data": [{"id": "evt_1"}], "has_more": false}"#,
        r#"{"data": [{"id": "evt_1"}]}"#,
        r#"{"data": [], "has_more": true}"#,
    ] {
        assert_eq!(page(body).await.map(|page| page.next), Ok(None));
    }
}

#[tokio::test]
async fn an_event_that_is_none_does_not_spoil_its_page() {
    let page =
        page(r#"{"data": [7, {"type": []}, {"id": "evt_1"}], "has_more": true}"#).await.expect("a page");
    assert_eq!((page.events.len(), page.next.as_deref()), (3, Some("evt_1")));
}

#[tokio::test]
async fn what_would_lose_events_is_unavailable() {
    let more: Value = json!({"data": [{"id": "evt_1"}, {"no": "id"}], "has_more": true});
    for body in [more.to_string(), "{}".into(), "[]".into(), "<html>".into(), r#"{"data": "#.into()] {
        assert!(matches!(page(&body).await, Err(PaymentError::Unavailable(_))), "{body}");
    }
}
