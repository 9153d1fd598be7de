//! The provider's events on a file: kept once, given to one.

use diesel::connection::SimpleConnection;
use domain::ports::billing::{EventState, Inbox};
use testkit::requests::At;
use testkit::requests::billing::event;
use testkit::time::time;

use crate::harness::{Place, impatient};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_kept_once_with_the_bytes_as_they_came() {
    let place = Place::new();
    let (store, writer) = place.open();
    let mut first = event("evt_1");
    first.body = vec![0, 0xff, b'{', b'\'', 0];
    assert_eq!(store.put(first.clone()).await, Ok(true));
    assert_eq!(store.put(event("evt_1").at(9)).await, Ok(false));
    let mut ignored = event("evt_2");
    (ignored.livemode, ignored.state, ignored.note) =
        (true, EventState::Ignored, Some("of the other mode".to_owned()));
    assert_eq!(store.put(ignored.clone()).await, Ok(true));
    writer.shutdown(std::time::Duration::from_secs(10)).await;
    drop(store);

    let (store, _writer) = place.open();
    assert_eq!(store.event("evt_1").await, Ok(Some(first)));
    assert_eq!(store.event("evt_2").await, Ok(Some(ignored)));
    assert_eq!(store.event("evt_3").await, Ok(None));
    let claimed = store.claim(time(0), time(60), 10).await.expect("the store answers");
    assert_eq!(claimed.len(), 1, "what is ignored is not worked on");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_given_to_one_of_many_callers() {
    let place = Place::new();
    let (one, _one) = place.open();
    let (other, _other) = place.open();
    for number in 0..40 {
        assert_eq!(one.put(event(&format!("evt_{number}")).at(number)).await, Ok(true));
    }
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let server = if number % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(async move { server.claim(time(100), time(160), 7).await })
        })
        .collect();
    let mut claimed = Vec::new();
    for caller in callers {
        let events = caller.await.expect("no panic").expect("the store answers");
        assert!(events.is_sorted_by_key(|event| event.received_at), "oldest first");
        claimed.extend(events.into_iter().map(|event| (event.id, event.tries)));
    }
    assert_eq!(claimed.len(), 40);
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!(claimed.len(), 40);
    assert!(claimed.iter().all(|(_, tries)| *tries == 1));
    assert_eq!(one.claim(time(159), time(200), 100).await, Ok(Vec::new()));
    let again = one.claim(time(160), time(200), 100).await.expect("the store answers");
    assert!(again.len() == 40 && again.iter().all(|event| event.tries == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_stays_closed_and_what_is_retried_comes_back() {
    let place = Place::new();
    let (store, _writer) = place.open();
    for id in ["evt_1", "evt_2"] {
        assert_eq!(store.put(event(id)).await, Ok(true));
    }
    store.close("evt_1", EventState::Done, None).await.expect("closed");
    store.close("evt_1", EventState::Parked, Some("too late".to_owned())).await.expect("answered");
    store.retry("evt_1", time(5), "too late".to_owned()).await.expect("answered");
    let closed = store.event("evt_1").await.expect("the store answers").expect("there");
    assert_eq!((closed.state, closed.note), (EventState::Done, None));

    store.retry("evt_2", time(50), "the provider is away".to_owned()).await.expect("put off");
    assert_eq!(store.claim(time(49), time(60), 10).await, Ok(Vec::new()));
    let claimed = store.claim(time(50), time(60), 10).await.expect("the store answers");
    let [event] = claimed.as_slice() else { panic!("one event: {claimed:?}") };
    assert_eq!((event.id.as_str(), event.tries), ("evt_2", 1));
    assert_eq!(event.note.as_deref(), Some("the provider is away"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_never_moves_back() {
    let place = Place::new();
    let (store, _writer) = place.open();
    assert_eq!(store.cursor().await, Ok(None));
    for (to, stands) in [(5, 5), (3, 5), (9, 9), (9, 9)] {
        store.advance(time(to)).await.expect("remembered");
        assert_eq!(store.cursor().await, Ok(Some(time(stands))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_could_not_be_kept_is_not_answered_as_kept() {
    let place = Place::new();
    let (store, _writer) = place.open_with(impatient());
    let mut stranger = place.stranger();
    stranger.batch_execute("BEGIN IMMEDIATE").expect("locked");
    assert!(store.put(event("evt_1")).await.is_err());
    stranger.batch_execute("ROLLBACK").expect("unlocked");
    assert_eq!(store.event("evt_1").await, Ok(None));
    assert_eq!(store.put(event("evt_1")).await, Ok(true));
}
