//! Notices go out: which way, how often, and when they are given up; on books in memory, with a clock that stands.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::billing::notice::NoticeKind;
use domain::clock::Span;
use domain::contact::EmailAddress;
use domain::ids::UserId;
use domain::language::Language;
use domain::ports::billing::Till;
use domain::ports::ledger::{HoldOutcome, Ledger};
use domain::ports::notices::{Channel, Courier, CourierError, DeliveryState, Message, Outbox, Recipient};
use domain::services::alerts::{Alerts, Delivered, message_id};
use testkit::acts::must;
use testkit::memory::MemoryStore;
use testkit::requests::billing::{NewsExt, news, open};
use testkit::requests::{
    AlertsExt, At, CloseExt, GrantExt, HoldExt, SettleExt, alerts, close, grant, hold, settle, user,
};
use testkit::time::{DAY, FixedClock};

/// Answers as it is told, and remembers what it got.
#[derive(Default)]
struct Scripted {
    got: Mutex<Vec<Message>>,
    answer: Mutex<Option<CourierError>>,
}

impl Scripted {
    fn answer(&self, error: Option<CourierError>) {
        *self.answer.lock().unwrap() = error;
    }

    fn fail(&self) {
        self.answer(Some(CourierError::Failed { reason: "500".to_owned(), retry_after: None }));
    }

    fn got(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    fn to(&self) -> Vec<Recipient> {
        self.got.lock().unwrap().iter().map(|message| message.to.clone()).collect()
    }
}

#[async_trait]
impl Courier for Scripted {
    async fn send(&self, message: &Message) -> Result<(), CourierError> {
        self.got.lock().unwrap().push(message.clone());
        self.answer.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

struct Post {
    store: MemoryStore,
    mail: Arc<Scripted>,
    webhook: Arc<Scripted>,
    clock: Arc<FixedClock>,
    alerts: Alerts,
}

impl Post {
    async fn new() -> Self {
        let store = MemoryStore::new();
        store.meet_endpoint([1; 32]).await.unwrap();
        let (mail, webhook) = (Arc::<Scripted>::default(), Arc::<Scripted>::default());
        let clock = Arc::new(FixedClock::at(0));
        let alerts = Alerts {
            outbox: Arc::new(store.clone()),
            personal: Arc::new(store.clone()),
            mail: Some(mail.clone()),
            webhook: Some(webhook.clone()),
            admin: Some(address("admin@example.com")),
            clock: clock.clone(),
        };
        Self { store, mail, webhook, clock, alerts }
    }

    /// Spends until the threshold is crossed.
    async fn low_balance(&self, user: UserId) {
        self.low_balance_at(user, 0).await;
    }

    async fn low_balance_at(&self, user: UserId, secs: i64) {
        must(self.store.grant(grant(user, "p").of(1000).at(secs)).await);
        let HoldOutcome::Held(held) = must(self.store.hold(hold(user).exactly(950).at(secs)).await) else {
            panic!("no key, no replay")
        };
        must(self.store.settle(settle(user, held.hold).charge(950).at(secs)).await);
    }

    async fn deliver(&self, channel: Channel) -> Vec<Delivered> {
        self.alerts.deliver(channel).await.unwrap()
    }

    async fn one(&self, channel: Channel) -> Delivered {
        let mut delivered = self.deliver(channel).await;
        assert_eq!(delivered.len(), 1, "{delivered:?}");
        delivered.remove(0)
    }
}

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn mailbox(text: &str, language: Language) -> Recipient {
    Recipient::Mailbox { address: address(text), language }
}

#[tokio::test]
async fn a_notice_goes_to_the_user_in_their_language_and_to_the_program_once() {
    let post = Post::new().await;
    must(post.store.set_alerts(alerts(user(1)).to("maria@example.com").in_english()).await);
    post.low_balance(user(1)).await;
    for _ in 0..3 {
        post.deliver(Channel::Email).await;
        post.deliver(Channel::Webhook).await;
    }
    assert_eq!(post.mail.to(), [mailbox("maria@example.com", Language::English)]);
    assert_eq!(post.webhook.to(), [Recipient::Endpoint]);
    let sent = post.webhook.got.lock().unwrap()[0].clone();
    assert_eq!((sent.notice.kind, &sent.id), (NoticeKind::LowBalance, &message_id(&sent.notice)));
    assert_eq!(post.mail.got.lock().unwrap()[0].id, sent.id, "one name on every channel");
    assert!(!sent.id.contains(&user(1).to_string()));
}

#[tokio::test]
async fn who_set_no_address_is_skipped_and_the_delivery_says_so() {
    let post = Post::new().await;
    post.low_balance(user(1)).await;
    let delivered = post.one(Channel::Email).await;
    assert_eq!(delivered.state, DeliveryState::Skipped);
    assert_eq!(delivered.note.as_deref(), Some("the user set no address"));
    assert_eq!(post.one(Channel::Webhook).await.state, DeliveryState::Sent);
    assert_eq!(post.mail.got(), 0);
}

#[tokio::test]
async fn without_a_channel_deliveries_do_not_pile_up() {
    let mut post = Post::new().await;
    (post.alerts.mail, post.alerts.webhook) = (None, None);
    must(post.store.set_alerts(alerts(user(1)).to("maria@example.com")).await);
    post.low_balance(user(1)).await;
    for channel in Channel::ALL {
        assert_eq!(post.one(channel).await.state, DeliveryState::Skipped);
        assert!(post.deliver(channel).await.is_empty());
    }
}

#[tokio::test]
async fn admins_are_told_at_their_own_address() {
    let mut post = Post::new().await;
    must(post.store.set_alerts(alerts(user(1)).to("maria@example.com")).await);
    let id = must(post.store.open(open(user(1))).await).purchase.id;
    must(post.store.observe(news(user(1), id).fraud("issfr_1")).await);
    assert_eq!(post.one(Channel::Email).await.kind, NoticeKind::FraudWarning);
    assert_eq!(post.mail.to(), [mailbox("admin@example.com", Language::Portuguese)]);
    post.alerts.admin = None;
    must(post.store.observe(news(user(1), id).fraud("issfr_2")).await);
    let delivered = post.one(Channel::Email).await;
    assert_eq!((delivered.state, post.mail.got()), (DeliveryState::Skipped, 1));
}

#[tokio::test]
async fn a_channel_that_fails_does_not_hold_back_the_other_nor_repeat_it() {
    let post = Post::new().await;
    must(post.store.set_alerts(alerts(user(1)).to("maria@example.com")).await);
    post.low_balance(user(1)).await;
    post.webhook.fail();
    assert_eq!(post.one(Channel::Webhook).await.state, DeliveryState::Waiting);
    assert_eq!(post.one(Channel::Email).await.state, DeliveryState::Sent);
    post.clock.set(5);
    post.webhook.answer(None);
    assert_eq!(post.one(Channel::Webhook).await.state, DeliveryState::Sent);
    post.clock.set(100 * DAY);
    for channel in Channel::ALL {
        assert!(post.deliver(channel).await.is_empty());
    }
    assert_eq!((post.mail.got(), post.webhook.got()), (1, 2));
}

#[tokio::test]
async fn a_letter_that_fails_is_sent_again_on_the_schedule_and_given_up() {
    let post = Post::new().await;
    must(post.store.set_alerts(alerts(user(1)).to("maria@example.com")).await);
    post.low_balance(user(1)).await;
    post.mail.fail();
    let mut now = 0;
    for wait in [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400, 86_400] {
        assert_eq!(post.one(Channel::Email).await.state, DeliveryState::Waiting);
        post.clock.set(now + wait - 1);
        assert!(post.deliver(Channel::Email).await.is_empty(), "{wait} s have not passed");
        now += wait;
        post.clock.set(now);
    }
    let end = post.one(Channel::Email).await;
    assert_eq!((end.state, end.note.as_deref()), (DeliveryState::Failed, Some("500")));
    assert_eq!(post.mail.got(), 12);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it_up_to_a_day() {
    for (asked, waits) in [(60, 60), (1, 5), (10_000_000, 86_400)] {
        let post = Post::new().await;
        post.low_balance(user(1)).await;
        let retry_after = Some(Span::from_secs(asked));
        post.webhook.answer(Some(CourierError::Failed { reason: "429".to_owned(), retry_after }));
        assert_eq!(post.one(Channel::Webhook).await.state, DeliveryState::Waiting);
        post.clock.set(waits - 1);
        assert!(post.deliver(Channel::Webhook).await.is_empty(), "{asked} s");
        post.clock.set(waits);
        assert_eq!(post.deliver(Channel::Webhook).await.len(), 1, "{asked} s");
    }
}

#[tokio::test]
async fn what_is_refused_for_good_or_only_simulated_is_not_sent_again() {
    for (answer, state) in [
        (CourierError::Refused("550".to_owned()), DeliveryState::Failed),
        (CourierError::Simulated("no SMTP".to_owned()), DeliveryState::Skipped),
    ] {
        let post = Post::new().await;
        must(post.store.set_alerts(alerts(user(1)).to("maria@example.com")).await);
        post.low_balance(user(1)).await;
        post.mail.answer(Some(answer));
        assert_eq!(post.one(Channel::Email).await.state, state);
        post.clock.set(100 * DAY);
        assert!(post.deliver(Channel::Email).await.is_empty());
    }
}

#[tokio::test]
async fn an_endpoint_that_wants_no_more_is_given_up_at_once() {
    let post = Post::new().await;
    post.low_balance(user(1)).await;
    post.low_balance(user(2)).await;
    post.webhook.answer(Some(CourierError::Gone("410".to_owned())));
    let delivered = post.deliver(Channel::Webhook).await;
    let ends: Vec<_> = delivered.iter().map(|it| (it.state, it.endpoint_disabled)).collect();
    assert_eq!(ends, [(DeliveryState::Failed, true), (DeliveryState::Skipped, false)]);
    assert_eq!(post.webhook.got(), 1);
    assert!(post.store.endpoint().await.unwrap().unwrap().disabled_at.is_some());
}

#[tokio::test]
async fn an_endpoint_that_only_fails_for_five_days_is_given_up_and_the_admin_is_told_once() {
    let post = Post::new().await;
    post.webhook.fail();
    post.low_balance(user(1)).await;
    let mut disabled_at = None;
    for hour in 0..24 * 7 {
        post.clock.set(hour * 3600);
        if post.deliver(Channel::Webhook).await.iter().any(|it| it.endpoint_disabled) {
            assert_eq!(disabled_at, None, "once");
            disabled_at = Some(hour);
        }
    }
    let hours = disabled_at.expect("given up");
    assert!((5 * 24..6 * 24).contains(&hours), "after {hours} hours");
    // A second server on the same books knows it.
    let tries = post.webhook.got();
    post.low_balance(user(2)).await;
    let other = Alerts { outbox: Arc::new(post.store.replica()), ..post.alerts.clone() };
    let skipped = other.deliver(Channel::Webhook).await.unwrap();
    assert!(!skipped.is_empty() && skipped.iter().all(|it| it.state == DeliveryState::Skipped));
    assert_eq!(post.webhook.got(), tries);

    let told = post.deliver(Channel::Email).await;
    let kinds: Vec<_> = told.iter().map(|it| it.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == NoticeKind::WebhookDisabled).count(), 1, "{kinds:?}");
    assert_eq!(post.mail.to(), [mailbox("admin@example.com", Language::Portuguese)]);

    post.webhook.answer(None);
    post.store.enable_endpoint().await.unwrap();
    post.low_balance(user(3)).await;
    assert_eq!(post.one(Channel::Webhook).await.state, DeliveryState::Sent);
}

#[tokio::test]
async fn an_endpoint_that_works_now_and_then_is_not_given_up() {
    let post = Post::new().await;
    for day in 0..20 {
        post.webhook.answer(None);
        post.low_balance(user(u8::try_from(day).unwrap() + 1)).await;
        if day % 4 != 0 {
            post.webhook.fail();
        }
        post.clock.set(day * DAY);
        assert!(post.deliver(Channel::Webhook).await.iter().all(|it| !it.endpoint_disabled), "day {day}");
    }
    assert_eq!(post.store.endpoint().await.unwrap().unwrap().disabled_at, None);
}

/// The message that failed is gone with its account, and nothing was sent for a month: one more failure proves nothing.
#[tokio::test]
async fn one_failure_after_a_long_silence_gives_nothing_up() {
    let post = Post::new().await;
    post.webhook.fail();
    post.low_balance(user(1)).await;
    assert_eq!(post.one(Channel::Webhook).await.state, DeliveryState::Waiting);
    must(post.store.close_account(close(user(1)).forfeiting().at(1)).await);
    post.clock.set(30 * DAY);
    post.low_balance_at(user(2), 30 * DAY).await;
    let again = post.one(Channel::Webhook).await;
    assert_eq!((again.state, again.endpoint_disabled), (DeliveryState::Waiting, false));
}

#[tokio::test]
async fn what_a_dead_server_had_in_hand_is_sent_by_another() {
    let post = Post::new().await;
    must(post.store.set_alerts(alerts(user(1)).to("maria@example.com")).await);
    post.low_balance(user(1)).await;
    // It claimed, as `deliver` does, and died.
    let now = domain::clock::Clock::now(post.clock.as_ref()).at;
    let claimed = post.store.claim(Channel::Email, now, now.after(Span::from_secs(150)), 4).await.unwrap();
    assert_eq!(claimed.len(), 1);
    post.clock.set(149);
    assert!(post.deliver(Channel::Email).await.is_empty());
    post.clock.set(150);
    assert_eq!(post.one(Channel::Email).await.state, DeliveryState::Sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_at_once_send_each_message_once() {
    let post = Post::new().await;
    for number in 1..=30 {
        must(post.store.set_alerts(alerts(user(number)).to("maria@example.com")).await);
        post.low_balance(user(number)).await;
    }
    let mut servers = tokio::task::JoinSet::new();
    for outbox in [post.store.clone(), post.store.replica()] {
        let alerts = Alerts { outbox: Arc::new(outbox), ..post.alerts.clone() };
        servers.spawn(async move {
            for channel in Channel::ALL {
                while !alerts.deliver(channel).await.unwrap().is_empty() {}
            }
        });
    }
    servers.join_all().await;
    for courier in [&post.mail, &post.webhook] {
        let mut ids: Vec<String> = courier.got.lock().unwrap().iter().map(|it| it.id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), courier.got()), (30, 30));
    }
}

#[tokio::test]
async fn who_has_left_gets_no_letter() {
    let post = Post::new().await;
    must(post.store.set_alerts(alerts(user(1)).to("maria@example.com")).await);
    post.low_balance(user(1)).await;
    must(post.store.close_account(close(user(1)).forfeiting().at(1)).await);
    for channel in Channel::ALL {
        assert!(post.deliver(channel).await.is_empty());
    }
    assert_eq!(post.mail.got(), 0);
}
