//! A server that sells, beside the Stripe that it sells through.

use reqwest::Response;
use serde_json::{Value, json};
use testkit::stripe::{Event, FakeStripe};

use crate::harness::{Server, Setup, User, next_key, read, token};
pub use crate::harness::{eventually, on_both_stores};

pub struct Shop {
    pub stripe: FakeStripe,
    pub server: Server,
}

impl Shop {
    /// A shop whose reconciler stays out of the way.
    pub async fn open(setup: Setup) -> Self {
        let stripe = FakeStripe::start().await;
        let server = selling(setup, &stripe).with("STRIPE_RECONCILE_SECONDS", "3600").start().await;
        Self { stripe, server }
    }

    pub async fn checkout(&self, user: &User, body: Value) -> (u16, Value) {
        let request = self.server.post("/api/billing/create-checkout-session").bearer_auth(&user.token);
        read(request.json(&body).send().await.unwrap()).await
    }

    /// The id of a new checkout session.
    pub async fn session(&self, user: &User, plan: &str, mode: &str) -> String {
        let (status, body) = self.checkout(user, json!({ "planId": plan, "mode": mode })).await;
        assert_eq!(status, 200, "{body}");
        body["sessionId"].as_str().unwrap().to_owned()
    }

    pub async fn deliver_raw(&self, signature: &str, body: Vec<u8>) -> Response {
        let request = self.server.post("/api/billing/webhook").header("Stripe-Signature", signature);
        request.body(body).send().await.unwrap()
    }

    /// Delivers events as Stripe would; each is answered 200.
    pub async fn deliver(&self, events: &[Event]) {
        for event in events {
            let (signature, body) = self.stripe.signed(event);
            let (status, answer) = read(self.deliver_raw(&signature, body).await).await;
            assert_eq!((status, answer), (200, json!({ "received": true })), "{}", event.kind());
        }
    }

    pub async fn purchase(&self, user: &User, session: &str) -> Value {
        let path = format!("/api/billing/checkout-sessions/{session}");
        let (status, body) =
            read(self.server.get(&path).bearer_auth(&user.token).send().await.unwrap()).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Waits until the purchase has that status.
    pub async fn until_status(&self, user: &User, session: &str, status: &str) -> Value {
        eventually(status, async || {
            let purchase = self.purchase(user, session).await;
            (purchase["status"] == status).then_some(purchase)
        })
        .await
    }

    /// Waits until so many credits are available.
    pub async fn until_available(&self, user: &User, credits: i64) -> Value {
        let what = format!("{credits} credits");
        eventually(&what, async || {
            let account = self.server.credits(user).await;
            (account["available_credits"] == credits).then_some(account)
        })
        .await
    }

    /// Waits until all events that were delivered are done with: pending ones could still change something.
    pub async fn until_worked_off(&self, events: &[Event]) {
        for event in events {
            eventually("an end of every event", async || {
                let kept = self.server.stores.inbox.event(event.id()).await.unwrap().unwrap();
                (kept.state != domain::ports::billing::EventState::Pending).then_some(())
            })
            .await;
        }
    }

    pub async fn event_state(&self, event: &Event) -> &'static str {
        self.server.stores.inbox.event(event.id()).await.unwrap().unwrap().state.as_str()
    }

    pub async fn admin_purchases(&self, user: &User) -> Vec<Value> {
        let path = format!("/api/admin/purchases?user={}", user.sub);
        let request = self.server.get(&path).bearer_auth(token("the-admin", "admin"));
        let (status, body) = read(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{body}");
        body["data"].as_array().unwrap().clone()
    }

    /// The kinds of the user's notices, oldest first.
    pub async fn notices(&self, user: &User) -> Vec<String> {
        let request = self.server.get("/api/user/notifications").bearer_auth(&user.token);
        let (status, body) = read(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{body}");
        let kinds = body["data"].as_array().unwrap().iter().rev();
        kinds.map(|notice| notice["kind"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn refund(&self, purchase: &Value, body: Value) -> (u16, Value) {
        let path = format!("/api/admin/purchases/{}/refund", purchase["id"].as_str().unwrap());
        let request = self.server.post(&path).bearer_auth(token("the-admin", "admin"));
        read(request.header("Idempotency-Key", next_key()).json(&body).send().await.unwrap()).await
    }

    /// A user who paid for a plan by card.
    pub async fn customer(&self, plan: &str, credits: i64) -> (User, String) {
        let user = self.server.stranger();
        let session = self.session(&user, plan, "payment").await;
        self.deliver(&self.stripe.pay_by_card(&session).await).await;
        self.until_available(&user, credits).await;
        (user, session)
    }

    /// The charge that paid a session.
    pub async fn charge(&self, session: &str) -> String {
        let intent = self.stripe.object(session).await["payment_intent"].as_str().unwrap().to_owned();
        self.stripe.charge_of(&intent).await.unwrap()
    }

    pub async fn close(self) {
        self.server.finish().await;
    }
}

/// The environment of a server that sells through this Stripe.
pub fn selling(setup: Setup, stripe: &FakeStripe) -> Setup {
    setup
        .with("STRIPE_SECRET_KEY", stripe.secret_key())
        .with("STRIPE_WEBHOOK_SECRET", stripe.webhook_secret())
        .with("STRIPE_API_BASE", &stripe.url())
        .with("FRONTEND_URL", "https://app.test")
}
