//! Figures over all books.

use domain::billing::purchase::Progress;
use domain::ports::billing::EventState;
use domain::ports::vitals::{Backlog, Figures};

use crate::Fixture;
use crate::requests::billing::{NewsExt, OpenExt, event, news, open};
use crate::requests::{At, GrantExt, HoldExt, SettleExt, claw_back, credits, grant, hold, settle, user};
use crate::time::time;

async fn figures(f: &Fixture, secs: i64) -> Figures {
    f.vitals.figures(time(secs)).await.expect("the store answers")
}

pub async fn figures_of_empty_books_are_zero(f: &Fixture) {
    assert_eq!(figures(f, 0).await, Figures::default());
}

pub async fn what_users_have_and_owe_and_hold_is_summed(f: &Fixture) {
    for number in 1..=3 {
        f.granted(grant(user(number), "p").of(1000)).await;
    }
    // Spends 30, has 20 more held.
    let spent = f.held(hold(user(1)).exactly(30)).await;
    f.settled(settle(user(1), spent.hold).charge(30)).await;
    f.held(hold(user(1)).exactly(20)).await;
    // Spends 40, and all of it is taken back.
    let spent = f.held(hold(user(2)).exactly(40)).await;
    f.settled(settle(user(2), spent.hold).charge(40)).await;
    f.clawed_back(claw_back(user(2), "p", 100, 100)).await;
    let seen = figures(f, 1).await;
    assert_eq!((seen.accounts, seen.outstanding, seen.owed), (3, credits(970 + 1000), credits(40)));
    assert_eq!((seen.open_holds, seen.held), (1, credits(20)));
}

pub async fn pending_events_are_counted_and_the_oldest_is_known(f: &Fixture) {
    for (id, secs) in [("evt_2", 20), ("evt_1", 10), ("evt_3", 5)] {
        f.inbox.put(event(id).at(secs)).await.expect("the store answers");
    }
    f.inbox.close("evt_3", EventState::Parked, None).await.expect("the store answers");
    // One that is worked on, or waits for its next try, is still pending.
    f.inbox.claim(time(30), time(90), 1).await.expect("the store answers");
    assert_eq!(figures(f, 40).await.events, Backlog { waiting: 2, oldest: Some(time(10)) });
}

pub async fn lookups_that_are_due_are_counted_and_the_oldest_is_known(f: &Fixture) {
    f.opened(open(user(1)).looked_up(120)).await;
    f.opened(open(user(2)).looked_up(110)).await;
    f.opened(open(user(3)).looked_up(500)).await;
    let closed = f.opened(open(user(4)).looked_up(50)).await.purchase.id;
    f.observed(news(user(4), closed).unpaid(Progress::Failed)).await;
    assert_eq!(figures(f, 109).await.lookups, Backlog::default());
    assert_eq!(figures(f, 120).await.lookups, Backlog { waiting: 2, oldest: Some(time(110)) });
}

pub async fn notices_that_were_not_sent_are_counted_and_the_oldest_is_known(f: &Fixture) {
    assert_eq!(figures(f, 0).await.notices, Backlog::default());
    for (number, secs) in [(1, 7), (2, 3)] {
        let id = f.pack_opened(user(number)).await;
        f.observed(news(user(number), id).paid().at(secs)).await;
    }
    let notices = figures(f, 10).await.notices;
    assert_eq!((notices.waiting >= 2, notices.oldest), (true, Some(time(3))));
}
