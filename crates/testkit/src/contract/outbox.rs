//! Notices on their way out, and the endpoint of the webhook.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::billing::notice::{NOBODY, Notice, NoticeDetails, NoticeKind};
use domain::billing::purchase::Progress;
use domain::ids::UserId;
use domain::ports::notices::{Channel, Delivery, DeliveryName, DeliveryState, Outbox};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::Fixture;
use crate::requests::billing::{NewsExt, news};
use crate::requests::{At, user};
use crate::time::time;

/// A notice of this second; the name of its delivery by e-mail.
async fn told(f: &Fixture, user: UserId, secs: i64) -> DeliveryName {
    let id = f.pack_opened(user).await;
    f.observed(news(user, id).unpaid(Progress::Failed).at(secs)).await;
    let (kind, subject) = (NoticeKind::PaymentFailed, id.to_string());
    DeliveryName { user, kind, subject, channel: Channel::Email }
}

/// Claims at this second, due again ten seconds later.
async fn claim(f: &Fixture, channel: Channel, secs: i64, limit: u32) -> Vec<Delivery> {
    f.outbox.claim(channel, time(secs), time(secs + 10), limit).await.expect("the store answers")
}

fn name(delivery: &Delivery) -> DeliveryName {
    DeliveryName::of(&delivery.notice, delivery.channel)
}

async fn close(f: &Fixture, name: &DeliveryName, state: DeliveryState, note: Option<&str>) {
    f.outbox.close(name.clone(), state, time(50), note.map(str::to_owned)).await.expect("the store answers");
}

async fn put_off(f: &Fixture, name: &DeliveryName, secs: i64) {
    f.outbox.put_off(name.clone(), time(secs), "away".to_owned()).await.expect("the store answers");
}

async fn state(f: &Fixture, name: &DeliveryName) -> (DeliveryState, u32, Option<String>) {
    f.outbox.state(name.clone()).await.expect("the store answers").expect("the delivery is there")
}

pub async fn a_notice_goes_out_by_each_channel_and_is_due_at_once(f: &Fixture) {
    let email = told(f, user(1), 5).await;
    for channel in Channel::ALL {
        assert!(claim(f, channel, 4, 10).await.is_empty());
        let claimed = claim(f, channel, 5, 10).await;
        let [delivery] = claimed.as_slice() else { panic!("one: {claimed:?}") };
        assert_eq!((delivery.channel, delivery.tries), (channel, 1));
        let notices = f.purchases.notices(user(1), None, 10).await.expect("the store answers");
        assert_eq!(vec![delivery.notice.clone()], notices, "with everything it says");
        assert_eq!(name(delivery), DeliveryName { channel, ..email.clone() });
        assert_eq!(state(f, &name(delivery)).await, (DeliveryState::Waiting, 1, None));
    }
}

pub async fn a_notice_that_is_told_again_goes_out_once(f: &Fixture) {
    let id = f.pack_opened(user(1)).await;
    for secs in 1..4 {
        f.observed(news(user(1), id).unpaid(Progress::Failed).at(secs)).await;
        assert_eq!(claim(f, Channel::Email, secs, 10).await.len(), usize::from(secs == 1));
    }
}

pub async fn a_claimed_delivery_is_due_again_unless_it_is_closed(f: &Fixture) {
    let (first, second) = (told(f, user(1), 0).await, told(f, user(2), 0).await);
    assert_eq!(claim(f, Channel::Email, 0, 10).await.len(), 2);
    assert!(claim(f, Channel::Email, 9, 10).await.is_empty());
    close(f, &first, DeliveryState::Sent, None).await;
    let again = claim(f, Channel::Email, 10, 10).await;
    let [delivery] = again.as_slice() else { panic!("one: {again:?}") };
    assert_eq!((name(delivery), delivery.tries), (second, 2), "whoever had it may be dead");
    assert_eq!(state(f, &first).await, (DeliveryState::Sent, 1, None));
}

pub async fn a_closed_delivery_stays_as_it_is(f: &Fixture) {
    for (number, end) in (1..).zip([DeliveryState::Sent, DeliveryState::Skipped, DeliveryState::Failed]) {
        let delivery = told(f, user(number), 0).await;
        close(f, &delivery, end, Some("why")).await;
        close(f, &delivery, DeliveryState::Sent, None).await;
        put_off(f, &delivery, 1).await;
        assert_eq!(state(f, &delivery).await, (end, 0, Some("why".to_owned())));
    }
    assert!(claim(f, Channel::Email, 100, 10).await.is_empty());
}

pub async fn a_delivery_that_is_put_off_waits_until_then(f: &Fixture) {
    let delivery = told(f, user(1), 0).await;
    claim(f, Channel::Email, 0, 10).await;
    put_off(f, &delivery, 50).await;
    assert_eq!(state(f, &delivery).await, (DeliveryState::Waiting, 1, Some("away".to_owned())));
    assert!(claim(f, Channel::Email, 49, 10).await.is_empty());
    assert_eq!(claim(f, Channel::Email, 50, 10).await[0].tries, 2);
}

pub async fn one_channel_does_not_wait_for_the_other(f: &Fixture) {
    let email = told(f, user(1), 0).await;
    let webhook = DeliveryName { channel: Channel::Webhook, ..email.clone() };
    assert_eq!(claim(f, Channel::Webhook, 0, 10).await.len(), 1);
    put_off(f, &webhook, 1000).await;
    assert_eq!(claim(f, Channel::Email, 0, 10).await.len(), 1);
    close(f, &email, DeliveryState::Sent, None).await;
    assert_eq!(state(f, &email).await.0, DeliveryState::Sent);
    assert_eq!(state(f, &webhook).await.0, DeliveryState::Waiting);
    assert!(claim(f, Channel::Email, 1000, 10).await.is_empty());
    assert_eq!(claim(f, Channel::Webhook, 1000, 10).await.len(), 1);
}

pub async fn those_that_are_due_longest_come_first_and_no_more_than_asked_for(f: &Fixture) {
    let mut names = BTreeMap::new();
    for secs in [3, 1, 2, 5, 4] {
        names.insert(secs, told(f, user(1), secs).await);
    }
    assert!(claim(f, Channel::Email, 9, 0).await.is_empty());
    let mut seen = Vec::new();
    for size in [2, 2, 1, 0] {
        let claimed = claim(f, Channel::Email, 9, 2).await;
        assert_eq!(claimed.len(), size);
        seen.extend(claimed.iter().map(name));
    }
    assert_eq!(seen, names.into_values().collect::<Vec<_>>());
}

pub async fn a_delivery_is_given_to_one_server_at_a_time(f: &Fixture) {
    const NOTICES: u8 = 20;
    const CALLERS: usize = 8;
    for number in 1..=NOTICES {
        told(f, user(number), 0).await;
    }
    let start = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    let servers = f.outboxes();
    for number in 0..CALLERS {
        let (outbox, start): (Arc<dyn Outbox>, _) =
            (Arc::clone(&servers[number % servers.len()]), Arc::clone(&start));
        callers.spawn(async move {
            start.wait().await;
            let mut seen = Vec::new();
            // What another holds just now is left out: so it is asked again.
            for _ in 0..50 {
                let claimed = outbox.claim(Channel::Webhook, time(0), time(10), 3).await;
                seen.extend(claimed.expect("the store answers").iter().map(name));
            }
            seen
        });
    }
    let mut seen: Vec<DeliveryName> = callers.join_all().await.into_iter().flatten().collect();
    seen.sort();
    let once = seen.len();
    seen.dedup();
    assert_eq!((seen.len(), once), (usize::from(NOTICES), usize::from(NOTICES)));
}

pub async fn what_is_not_there_is_neither_closed_nor_put_off(f: &Fixture) {
    let subject = "nothing".to_owned();
    let name = DeliveryName { user: user(1), kind: NoticeKind::LowBalance, subject, channel: Channel::Email };
    close(f, &name, DeliveryState::Sent, None).await;
    put_off(f, &name, 1).await;
    assert_eq!(f.outbox.state(name).await, Ok(None));
}

fn given_up(secs: i64) -> Notice {
    let details = NoticeDetails { text: Some("410".to_owned()), ..NoticeDetails::default() };
    let subject = format!("at:{secs}");
    Notice { user: NOBODY, kind: NoticeKind::WebhookDisabled, subject, at: time(secs), details }
}

async fn endpoint(f: &Fixture) -> (u8, Option<i64>, Option<i64>) {
    let endpoint = f.outbox.endpoint().await.expect("the store answers").expect("an endpoint");
    let secs = |at: domain::clock::Timestamp| at.since(time(0)).as_micros() / 1_000_000;
    (endpoint.address[0], endpoint.failing_since.map(secs), endpoint.disabled_at.map(secs))
}

pub async fn an_endpoint_fails_since_its_first_failure_until_it_works(f: &Fixture) {
    assert_eq!(f.outbox.endpoint().await, Ok(None));
    f.outbox.meet_endpoint([1; 32]).await.expect("the store answers");
    assert_eq!(endpoint(f).await, (1, None, None));
    for secs in [5, 9] {
        assert_eq!(f.outbox.endpoint_failed(time(secs)).await, Ok(time(5)));
    }
    assert_eq!(endpoint(f).await, (1, Some(5), None));
    for _ in 0..2 {
        f.outbox.endpoint_worked().await.expect("the store answers");
        assert_eq!(endpoint(f).await, (1, None, None));
    }
    assert_eq!(f.outbox.endpoint_failed(time(12)).await, Ok(time(12)));
}

pub async fn an_endpoint_is_given_up_once_with_a_notice(f: &Fixture) {
    f.outbox.meet_endpoint([1; 32]).await.expect("the store answers");
    assert_eq!(f.outbox.disable_endpoint(given_up(5)).await, Ok(true));
    assert_eq!(f.outbox.disable_endpoint(given_up(6)).await, Ok(false));
    assert_eq!(endpoint(f).await, (1, None, Some(5)));
    f.outbox.endpoint_worked().await.expect("the store answers");
    assert_eq!(endpoint(f).await, (1, None, Some(5)), "a success of somebody late changes nothing");
    let told = claim(f, Channel::Email, 10, 10).await;
    assert_eq!(told.iter().map(|it| it.notice.clone()).collect::<Vec<_>>(), [given_up(5)]);
}

pub async fn an_endpoint_begins_anew_with_another_address_or_when_it_is_enabled(f: &Fixture) {
    f.outbox.enable_endpoint().await.expect("the store answers");
    assert_eq!(f.outbox.endpoint().await, Ok(None));
    f.outbox.meet_endpoint([1; 32]).await.expect("the store answers");
    f.outbox.endpoint_failed(time(1)).await.expect("the store answers");
    f.outbox.disable_endpoint(given_up(5)).await.expect("the store answers");
    f.outbox.meet_endpoint([1; 32]).await.expect("the store answers");
    assert_eq!(endpoint(f).await, (1, Some(1), Some(5)), "the same address stays as it is");
    f.outbox.meet_endpoint([2; 32]).await.expect("the store answers");
    assert_eq!(endpoint(f).await, (2, None, None));
    f.outbox.disable_endpoint(given_up(7)).await.expect("the store answers");
    f.outbox.enable_endpoint().await.expect("the store answers");
    assert_eq!(endpoint(f).await, (2, None, None));
}
