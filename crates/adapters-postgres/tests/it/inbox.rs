//! The inbox: an event is kept once, given to one, and closed once.

use domain::ports::billing::{EventState, Inbox, InboxEvent};
use testkit::requests::At;
use testkit::requests::billing::event;
use testkit::time::time;

use crate::harness::{open, run};

fn names(events: &[InboxEvent]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_put_and_is_put_once() {
    let opened = open().await;
    let full = InboxEvent {
        livemode: true,
        body: vec![0, 159, 146, 150],
        state: EventState::Ignored,
        tries: 2,
        note: Some("of another mode".to_owned()),
        ..event("evt_1").at(3)
    };
    assert_eq!(opened.store.put(full.clone()).await, Ok(true));
    assert_eq!(opened.store.put(event("evt_1")).await, Ok(false));
    assert_eq!(opened.store.event("evt_1").await, Ok(Some(full)));
    assert_eq!(opened.store.event("evt_2").await, Ok(None));
    assert_eq!(opened.store.claim(time(10), time(20), 10).await, Ok(vec![]));
}

#[tokio::test]
async fn a_claim_takes_the_oldest_first_and_leaves_what_another_has_locked() {
    let opened = open().await;
    for (id, secs) in [("evt_c", 3), ("evt_a", 1), ("evt_b", 2), ("evt_d", 4)] {
        assert_eq!(opened.store.put(event(id).at(secs)).await, Ok(true));
    }
    let mut other = opened.plain().await;
    run(&mut other, "BEGIN; SELECT FROM stripe_events WHERE id = 'evt_b' FOR UPDATE").await.unwrap();
    let claimed = opened.store.claim(time(3), time(60), 2).await.unwrap();
    assert_eq!(names(&claimed), ["evt_a", "evt_c"]);
    assert_eq!(claimed.iter().map(|event| event.tries).collect::<Vec<_>>(), [1, 1]);
    run(&mut other, "ROLLBACK").await.unwrap();
    assert_eq!(names(&opened.store.claim(time(5), time(60), 10).await.unwrap()), ["evt_b", "evt_d"]);
    assert_eq!(names(&opened.store.claim(time(60), time(90), 2).await.unwrap()), ["evt_a", "evt_b"]);
}

#[tokio::test]
async fn an_event_is_retried_when_it_is_said_and_closed_once() {
    let opened = open().await;
    let store = &opened.store;
    store.put(event("evt_1")).await.unwrap();
    store.claim(time(0), time(60), 1).await.unwrap();
    store.retry("evt_1", time(5), "not now".to_owned()).await.unwrap();
    assert_eq!(store.claim(time(4), time(60), 1).await, Ok(vec![]));
    let again = store.claim(time(5), time(60), 1).await.unwrap();
    assert_eq!((again[0].tries, again[0].note.as_deref()), (2, Some("not now")));
    store.close("evt_1", EventState::Done, None).await.unwrap();
    store.close("evt_1", EventState::Parked, Some("too late".to_owned())).await.unwrap();
    store.retry("evt_1", time(5), "too late".to_owned()).await.unwrap();
    let closed = store.event("evt_1").await.unwrap().unwrap();
    assert_eq!((closed.state, closed.note), (EventState::Done, None));
    assert_eq!(store.claim(time(100), time(200), 1).await, Ok(vec![]));
}

#[tokio::test]
async fn the_cursor_never_moves_back() {
    let opened = open().await;
    assert_eq!(opened.store.cursor().await, Ok(None));
    for (to, stands) in [(5, 5), (3, 5), (8, 8)] {
        opened.store.advance(time(to)).await.unwrap();
        assert_eq!(opened.store.cursor().await, Ok(Some(time(stands))));
    }
}
