//! The payment provider's events, kept before they are understood.

use domain::ports::billing::{EventState, InboxEvent};

use crate::Fixture;
use crate::requests::At;
use crate::requests::billing::event;
use crate::time::time;

async fn put(f: &Fixture, event: InboxEvent) -> bool {
    f.inbox.put(event).await.expect("the store answers")
}

/// Claims at this second, due again ten seconds later; the events' ids.
async fn claim(f: &Fixture, secs: i64, limit: u32) -> Vec<String> {
    let events = f.inbox.claim(time(secs), time(secs + 10), limit).await.expect("the store answers");
    events.into_iter().map(|event| event.id).collect()
}

async fn kept(f: &Fixture, id: &str) -> InboxEvent {
    f.inbox.event(id).await.expect("the store answers").expect("the event is there")
}

async fn close(f: &Fixture, id: &str, state: EventState, note: Option<&str>) {
    f.inbox.close(id, state, note.map(str::to_owned)).await.expect("the store answers");
}

pub async fn an_event_is_kept_once_just_as_it_came(f: &Fixture) {
    let mut first = InboxEvent { livemode: true, body: vec![0, 255, b'{', 10, 195, 40], ..event("evt_1") };
    first.created_at = time(-5);
    first.received_at = time(3);
    "nova·ação".clone_into(&mut first.kind);
    assert!(put(f, first.clone()).await);
    assert!(!put(f, InboxEvent { body: b"other".to_vec(), ..event("evt_1").at(9) }).await);
    assert_eq!(kept(f, "evt_1").await, first);
    assert!(put(f, event("evt_2")).await);
    assert!(f.inbox.event("evt_3").await.expect("the store answers").is_none());
}

pub async fn a_pending_event_is_due_at_once(f: &Fixture) {
    put(f, event("evt_1").at(5)).await;
    let claimed = f.inbox.claim(time(5), time(15), 10).await.expect("the store answers");
    assert_eq!(claimed, [InboxEvent { tries: 1, ..event("evt_1").at(5) }]);
    assert_eq!(kept(f, "evt_1").await.tries, 1);
    assert!(!put(f, event("evt_1").at(6)).await, "known already");
    assert!(claim(f, 6, 10).await.is_empty(), "another copy does not make it due");
}

pub async fn an_event_that_is_not_pending_is_never_claimed(f: &Fixture) {
    for (id, state) in [("a", EventState::Done), ("b", EventState::Ignored), ("c", EventState::Parked)] {
        let note = Some("why".to_owned());
        put(f, InboxEvent { state, note: note.clone(), ..event(id) }).await;
        let kept = kept(f, id).await;
        assert_eq!((kept.state, kept.note), (state, note));
    }
    assert!(claim(f, 100, 10).await.is_empty());
}

pub async fn a_claimed_event_is_due_again_unless_it_is_closed(f: &Fixture) {
    put(f, event("evt_1")).await;
    put(f, event("evt_2")).await;
    assert_eq!(claim(f, 0, 10).await.len(), 2);
    assert!(claim(f, 9, 10).await.is_empty());
    close(f, "evt_1", EventState::Done, None).await;
    assert_eq!(claim(f, 10, 10).await, ["evt_2"], "whoever had it may be dead");
    assert_eq!(kept(f, "evt_2").await.tries, 2);
}

pub async fn a_closed_event_stays_as_it_is(f: &Fixture) {
    put(f, event("evt_1")).await;
    close(f, "evt_1", EventState::Parked, Some("too often")).await;
    close(f, "evt_1", EventState::Done, None).await;
    f.inbox.retry("evt_1", time(0), "again".to_owned()).await.expect("the store answers");
    let kept = kept(f, "evt_1").await;
    assert_eq!((kept.state, kept.note.as_deref()), (EventState::Parked, Some("too often")));
    assert!(claim(f, 100, 10).await.is_empty());
}

pub async fn an_event_is_retried_when_its_time_has_come(f: &Fixture) {
    put(f, event("evt_1")).await;
    claim(f, 0, 10).await;
    f.inbox.retry("evt_1", time(50), "away".to_owned()).await.expect("the store answers");
    let waiting = kept(f, "evt_1").await;
    assert_eq!((waiting.state, waiting.tries), (EventState::Pending, 1));
    assert_eq!(waiting.note.as_deref(), Some("away"));
    assert!(claim(f, 49, 10).await.is_empty());
    assert_eq!(claim(f, 50, 10).await, ["evt_1"]);
}

pub async fn no_more_events_are_claimed_than_asked_for(f: &Fixture) {
    for number in 1..=5 {
        put(f, event(&format!("evt_{number}"))).await;
    }
    assert!(claim(f, 1, 0).await.is_empty());
    let mut seen = Vec::new();
    for size in [2, 2, 1, 0] {
        let ids = claim(f, 1, 2).await;
        assert_eq!(ids.len(), size);
        seen.extend(ids);
    }
    seen.sort();
    assert_eq!(seen, ["evt_1", "evt_2", "evt_3", "evt_4", "evt_5"]);
}

pub async fn the_oldest_event_comes_first(f: &Fixture) {
    for (id, secs) in [("b", 2), ("c", 3), ("a", 1)] {
        put(f, event(id).at(secs)).await;
    }
    assert_eq!(claim(f, 5, 2).await, ["a", "b"]);
    assert_eq!(claim(f, 6, 2).await, ["c"]);
}

/// What customers told the provider goes; what may have to be read again stays.
pub async fn bodies_of_events_that_are_done_with_are_emptied(f: &Fixture) {
    let states = [EventState::Done, EventState::Ignored, EventState::Parked, EventState::Pending];
    for (state, secs) in states.into_iter().flat_map(|state| [(state, 5), (state, 20)]) {
        let id = format!("{}_{secs}", state.as_str());
        put(f, InboxEvent { state, body: b"private".to_vec(), ..event(&id).at(secs) }).await;
    }
    for _ in 0..2 {
        f.inbox.empty_bodies(time(20)).await.expect("the store answers");
        for id in ["done_5", "ignored_5"] {
            assert!(kept(f, id).await.body.is_empty(), "{id}");
            assert!(!put(f, event(id)).await, "{id} stays known");
        }
        for id in ["parked_5", "pending_5", "done_20", "ignored_20", "parked_20", "pending_20"] {
            assert_eq!(kept(f, id).await.body, b"private", "{id}");
        }
    }
}

pub async fn closing_what_is_not_there_does_nothing(f: &Fixture) {
    close(f, "evt_1", EventState::Done, None).await;
    f.inbox.retry("evt_1", time(0), "again".to_owned()).await.expect("the store answers");
    assert!(f.inbox.event("evt_1").await.expect("the store answers").is_none());
}

pub async fn the_cursor_never_moves_back(f: &Fixture) {
    assert_eq!(f.inbox.cursor().await, Ok(None));
    for (to, stands) in [(50, 50), (40, 50), (60, 60), (60, 60)] {
        f.inbox.advance(time(to)).await.expect("the store answers");
        assert_eq!(f.inbox.cursor().await, Ok(Some(time(stands))));
    }
}
