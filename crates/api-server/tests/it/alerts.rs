//! Notices reach people and programs: a fake mail server and a fake receiver at the other end.

use reqwest::Response;
use serde_json::{Value, json};
use testkit::post::{Hook, Mail, MailServer, Receiver};

use adapters_jwt::{Hs256Config, issue};
use api_server::clock::to_timestamp;
use domain::billing::notice::NoticeKind;
use domain::ports::notices::{Channel, DeliveryName, DeliveryState};

use crate::billing::shop::{Shop, selling};
use crate::harness::{SECRET as JWT_SECRET, Server, Setup, User, eventually, on_both_stores, read, token};

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A server that sends notices, and those who get them.
struct Post {
    server: Server,
    mail: MailServer,
    receiver: Receiver,
}

/// The settings of a server that sends notices there.
fn posting(setup: Setup, mail: &MailServer, receiver: &Receiver) -> Setup {
    setup
        .with("SMTP_URL", &mail.url())
        .with("MAIL_FROM", "Saldo <no-reply@saldo.test>")
        .with("ADMIN_EMAIL", "admin@saldo.test")
        .with("ALERT_WEBHOOK_URL", &receiver.url())
        .with("ALERT_WEBHOOK_SECRET", SECRET)
        .with("FRONTEND_URL", "https://app.test")
}

impl Post {
    async fn open(setup: Setup) -> Self {
        let (mail, receiver) = (MailServer::start().await, Receiver::start().await);
        let server = posting(setup, &mail, &receiver).start().await;
        Self { server, mail, receiver }
    }

    /// A user with 100 credits who is told, in English, when 60 are left.
    async fn reader(&self) -> User {
        let user = self.server.user(100).await;
        let wanted = json!({ "low_balance_threshold": 60, "email": "mary@example.com", "language": "en" });
        let (status, answer) = read(set(&self.server, &user.token, &wanted).await).await;
        assert_eq!(status, 200, "{answer}");
        user
    }

    async fn spend(&self, user: &User, times: usize) {
        for _ in 0..times {
            assert_eq!(self.server.ask(user, "Oi").send().await.unwrap().status(), 200);
        }
    }

    async fn until_letters(&self, count: usize) -> Vec<Mail> {
        eventually("letters", async || Some(self.mail.letters()).filter(|all| all.len() >= count)).await
    }

    async fn until_hooks(&self, count: usize) -> Vec<Hook> {
        eventually("events", async || Some(self.receiver.hooks()).filter(|all| all.len() >= count)).await
    }

    /// Waits until both deliveries of the user's low-balance notice are closed.
    async fn until_closed(&self, user: &User) -> [DeliveryState; 2] {
        let mut states = Vec::new();
        for channel in Channel::ALL {
            let name = low_balance(&self.server, user, channel).await;
            let state = eventually("an end of the delivery", async || {
                let (state, ..) = self.server.stores.outbox.state(name.clone()).await.unwrap()?;
                (state != DeliveryState::Waiting).then_some(state)
            });
            states.push(state.await);
        }
        states.try_into().unwrap()
    }
}

/// The name of the one low-balance notice on a channel.
async fn low_balance(server: &Server, user: &User, channel: Channel) -> DeliveryName {
    let id = adapters_jwt::user_id(&user.sub);
    let subject = eventually("the notice", async || {
        let notices = server.stores.purchases.notices(id, None, 10).await.unwrap();
        notices.into_iter().find(|notice| notice.kind == NoticeKind::LowBalance).map(|notice| notice.subject)
    });
    DeliveryName { user: id, kind: NoticeKind::LowBalance, subject: subject.await, channel }
}

async fn set(server: &Server, token: &str, wanted: &Value) -> Response {
    let url = format!("{}/api/user/alerts", server.url);
    server.client.put(url).bearer_auth(token).json(wanted).send().await.unwrap()
}

async fn get(server: &Server, token: &str) -> (u16, Value) {
    read(server.get("/api/user/alerts").bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn spending_to_the_threshold_sends_one_letter_and_one_signed_event() {
    on_both_stores(async |setup| {
        let post = Post::open(setup).await;
        let user = post.reader().await;
        post.spend(&user, 3).await;
        assert!(post.mail.letters().is_empty(), "70 left, the threshold is 60");
        post.spend(&user, 1).await;
        let (letters, hooks) = (post.until_letters(1).await, post.until_hooks(1).await);
        post.spend(&user, 3).await;
        assert_eq!(post.until_closed(&user).await, [DeliveryState::Sent; 2]);

        let letter = &letters[0];
        assert_eq!(letter.to, ["mary@example.com"]);
        assert_eq!(letter.header("Subject").as_deref(), Some("Your AI credits are running low"));
        for kind in ["text/plain", "text/html"] {
            let part = letter.part(kind).unwrap();
            assert!(part.contains("Credits left") && part.contains("60"), "{part}");
            assert!(part.contains("https://app.test/upgrade"), "{part}");
        }
        let hook = &hooks[0];
        assert!(hook.is_signed_with(SECRET));
        let event = hook.json();
        assert_eq!(event["type"], "low_balance");
        assert_eq!(event["data"]["user_id"], adapters_jwt::user_id(&user.sub).to_string());
        assert_eq!((&event["data"]["balance"], &event["data"]["threshold"]), (&json!(60), &json!(60)));
        assert!(!event.to_string().contains("mary"));

        let (status, body) = get(&post.server, &user.token).await;
        let expected = json!({
            "low_balance_threshold": 60, "effective_threshold": 60, "email": "mary@example.com", "language": "en",
        });
        assert_eq!((status, body), (200, expected));
        assert_eq!((post.mail.letters().len(), post.receiver.hooks().len()), (1, 1));
        post.server.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_and_one_that_is_away_get_the_event_later_and_the_letter_is_sent_once() {
    let mut post = Post::open(Setup::sqlite()).await;
    let (first, second) = (post.reader().await, post.reader().await);
    post.receiver.answer(500);
    post.spend(&first, 4).await;
    let name = low_balance(&post.server, &first, Channel::Webhook).await;
    eventually("the failure", async || {
        let (state, tries, note) = post.server.stores.outbox.state(name.clone()).await.unwrap()?;
        (state == DeliveryState::Waiting && tries == 1 && note? == "answered with status 500").then_some(())
    })
    .await;
    assert_eq!(post.until_closed(&first).await, [DeliveryState::Sent; 2]);

    post.receiver.stop().await;
    post.spend(&second, 4).await;
    let name = low_balance(&post.server, &second, Channel::Webhook).await;
    eventually("the failure", async || {
        let (_, tries, note) = post.server.stores.outbox.state(name.clone()).await.unwrap()?;
        (tries >= 1 && note.is_some()).then_some(())
    })
    .await;
    post.receiver.start_again().await;
    assert_eq!(post.until_closed(&second).await, [DeliveryState::Sent; 2]);

    let hooks = post.receiver.hooks();
    assert_eq!(hooks.len(), 3, "failed, sent, sent");
    assert_eq!(hooks[0].header("webhook-id"), hooks[1].header("webhook-id"), "the same name each time");
    assert_ne!(hooks[1].header("webhook-id"), hooks[2].header("webhook-id"));
    assert_eq!(hooks[0].body, hooks[1].body);
    assert!(hooks.iter().all(|hook| hook.is_signed_with(SECRET)));
    assert_eq!(post.mail.letters().len(), 2);
    post.server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_send_each_notice_once() {
    on_both_stores(async |setup| {
        const USERS: usize = 12;
        let post = Post::open(setup).await;
        let mut twin = Setup::sqlite();
        twin.variables = post.server.variables().clone();
        let twin = twin.start().await;
        let mut users = Vec::new();
        for _ in 0..USERS {
            let user = post.reader().await;
            post.spend(&user, 4).await;
            users.push(user);
        }
        for user in &users {
            assert_eq!(post.until_closed(user).await, [DeliveryState::Sent; 2]);
        }
        let mut ids: Vec<String> =
            post.receiver.hooks().iter().map(|hook| hook.header("webhook-id").to_owned()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), post.receiver.hooks().len()), (USERS, USERS));
        assert_eq!(post.mail.letters().len(), USERS);
        twin.finish().await;
        post.server.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_of_payments_travel_the_same_way_each_to_whom_it_concerns() {
    let (mail, receiver) = (MailServer::start().await, Receiver::start().await);
    let stripe = testkit::stripe::FakeStripe::start().await;
    let setup = posting(selling(Setup::sqlite(), &stripe), &mail, &receiver);
    let server = setup.with("STRIPE_RECONCILE_SECONDS", "3600").start().await;
    let shop = Shop { stripe, server };
    let user = shop.server.stranger();
    let wanted = json!({ "email": "maria@example.com" });
    assert_eq!(set(&shop.server, &user.token, &wanted).await.status(), 200);
    let session = shop.session(&user, "starter", "payment").await;
    shop.deliver(&shop.stripe.pay_by_card(&session).await).await;
    let charge = eventually("the charge", async || {
        shop.until_available(&user, 5000).await;
        Some(shop.charge(&session).await)
    });
    let charge = charge.await;
    shop.deliver(&shop.stripe.early_fraud_warning(&charge).await).await;
    let letters =
        eventually("letters", async || Some(mail.letters()).filter(|letters| letters.len() >= 2)).await;
    let mut told: Vec<(String, String)> =
        letters.iter().map(|letter| (letter.to[0].clone(), letter.header("Subject").unwrap())).collect();
    told.sort();
    assert_eq!(
        told,
        [
            ("admin@saldo.test".to_owned(), "[Saldo] Aviso de fraude".to_owned()),
            ("maria@example.com".to_owned(), "Pagamento confirmado".to_owned()),
        ]
    );
    let paid = letters.iter().find(|letter| letter.to == ["maria@example.com"]).unwrap();
    let text = paid.part("text/plain").unwrap();
    assert!(text.contains("R$ 29,00") && text.contains("5.000"), "{text}");
    let mut kinds: Vec<String> =
        eventually("events", async || Some(receiver.hooks()).filter(|hooks| hooks.len() >= 2))
            .await
            .iter()
            .map(|hook| hook.json()["type"].as_str().unwrap().to_owned())
            .collect();
    kinds.sort();
    assert_eq!(kinds, ["fraud_warning", "purchase_paid"]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_letters_are_simulated_and_the_delivery_says_so() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    let wanted = json!({ "low_balance_threshold": 95, "email": "maria@example.com" });
    assert_eq!(set(&server, &user.token, &wanted).await.status(), 200);
    assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status(), 200);
    for (channel, expected) in [(Channel::Email, "SIMULATED"), (Channel::Webhook, "no webhook is configured")]
    {
        let name = low_balance(&server, &user, channel).await;
        let note = eventually("an end", async || {
            let (state, _, note) = server.stores.outbox.state(name.clone()).await.unwrap()?;
            (state == DeliveryState::Skipped).then_some(note?)
        });
        let note = note.await;
        assert!(note.contains(expected), "{note}");
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_replaced_as_a_whole_and_every_wrong_field_is_told() {
    on_both_stores(async |setup| {
        let server = setup.start().await;
        let user = server.stranger();
        let newcomer =
            json!({ "low_balance_threshold": null, "effective_threshold": 0, "email": null, "language": "pt-BR" });
        assert_eq!(get(&server, &user.token).await, (200, newcomer));
        let all = json!({ "low_balance_threshold": 7, "email": "a@example.com", "language": "en", "more": 1 });
        let (_, answer) = read(set(&server, &user.token, &all).await).await;
        assert_eq!((&answer["effective_threshold"], &answer["email"]), (&json!(7), &json!("a@example.com")));
        let (_, answer) = read(set(&server, &user.token, &json!({})).await).await;
        let reset =
            json!({ "low_balance_threshold": null, "effective_threshold": 10, "email": null, "language": "pt-BR" });
        assert_eq!(answer, reset);
        assert_eq!(get(&server, &user.token).await, (200, reset));

        let wrong = json!({ "low_balance_threshold": -1, "email": "a@example.com\r\nBcc: b@c.de", "language": "fr" });
        let (status, answer) = read(set(&server, &user.token, &wrong).await).await;
        let pointers: Vec<_> =
            answer["errors"].as_array().unwrap().iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!((status, pointers), (422, vec!["/low_balance_threshold", "/email", "/language"]));
        for wrong in [
            json!({ "low_balance_threshold": 1.5 }),
            json!({ "low_balance_threshold": "10" }),
            json!({ "low_balance_threshold": 1_000_000_001 }),
            json!({ "email": "nobody" }),
            json!({ "email": 5 }),
            json!([]),
        ] {
            assert_eq!(set(&server, &user.token, &wrong).await.status(), 422, "{wrong}");
        }
        server.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_alerts_takes_either_scope_and_setting_them_the_one_for_it() {
    let server = Setup::sqlite().start().await;
    let scoped = |scope| {
        let now = to_timestamp(chrono::Utc::now());
        issue(&Hs256Config::new(JWT_SECRET), "scoped", None, Some(scope), now, 3600).unwrap()
    };
    for (scope, reads, sets) in
        [("credits:read", 200, 403), ("account:write", 200, 200), ("ai:use billing:write", 403, 403)]
    {
        let token = scoped(scope);
        assert_eq!(get(&server, &token).await.0, reads, "{scope}");
        assert_eq!(set(&server, &token, &json!({})).await.status(), sets, "{scope}");
    }
    assert_eq!(get(&server, "nonsense").await.0, 401);
    assert_eq!(get(&server, &token("boss", "admin")).await.0, 200);
    server.finish().await;
}
