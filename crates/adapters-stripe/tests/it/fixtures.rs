//! A client, orders, and a server to take them to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters_stripe::{Retries, Stripe, StripeConfig, StripeEvents};
use domain::billing::offer::{Offer, PayMode};
use domain::billing::purchase::Names;
use domain::clock::{Clock, Day, Moment, Timestamp};
use domain::credits::Credits;
use domain::ids::{PurchaseId, UserId};
use domain::ledger::account::PlanName;
use domain::money::{Currency, Money};
use domain::ports::payments::{
    CardCharge, CheckoutOrder, EventReader, Fact, ObjectName, PaymentError, PaymentProvider, ProviderEvent,
    RefundOrder, Sighting,
};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub const KEY: &str = "sk_test_51ABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub const SECRET: &str = "whsec_test_secret_0123456789";
pub const PURCHASE: &str = "0198f1a2-0000-7000-8000-00000000002a";
pub const USER: &str = "5f7c8ec7-3a0b-4b62-9d0e-4b1c1f9d2a11";
/// 2026-11-22 12:00:00 UTC.
pub const NOW_SECONDS: i64 = 1_795_348_800;

pub fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A clock that does not go.
pub struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Moment {
        let at = seconds(NOW_SECONDS);
        Moment { at, day: Day::from_days(20_779), day_ends: at }
    }
}

pub fn purchase() -> PurchaseId {
    PURCHASE.parse().expect("an id")
}

pub fn user() -> UserId {
    USER.parse().expect("an id")
}

pub fn offer() -> Offer {
    Offer {
        plan: PlanName::new("starter"),
        credits: Credits::new(5000).expect("credits"),
        price: Money::new(2900, Currency::Brl).expect("money"),
        expires_after_days: None,
    }
}

pub fn order() -> CheckoutOrder {
    CheckoutOrder {
        purchase: purchase(),
        user: user(),
        offer: offer(),
        title: "Starter".into(),
        price: None,
        mode: PayMode::Payment,
        customer: None,
        keep_card: false,
        without_customer: false,
        expires_at: seconds(NOW_SECONDS + 3600),
        success_url: "https://app.example/upgrade?success=true&session_id={CHECKOUT_SESSION_ID}".into(),
        cancel_url: "https://app.example/upgrade?canceled=true".into(),
    }
}

pub fn refund() -> RefundOrder {
    let names = Names { intent: Some("pi_1".into()), charge: Some("ch_1".into()), ..Names::default() };
    RefundOrder { purchase: purchase(), names, minor: None, key: "refund-1".into() }
}

pub fn card_charge() -> CardCharge {
    CardCharge { purchase: purchase(), user: user(), offer: offer(), customer: "cus_1".into() }
}

pub fn config(base_url: &str) -> StripeConfig {
    let mut config = StripeConfig::new(base_url.parse().expect("an address"), KEY.into());
    config.retries = Retries { attempts: 3, pause: Duration::from_millis(1) };
    config
}

pub fn client(config: &StripeConfig) -> Stripe {
    Stripe::new(config, Arc::new(Stopped)).expect("a client")
}

/// A server, and a client of it.
pub struct Fake {
    pub server: MockServer,
    pub stripe: Stripe,
}

impl Fake {
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let stripe = client(&config(&server.uri()));
        Self { server, stripe }
    }

    /// Answers requests for this path with that, as long as nothing else that was given before does.
    pub async fn answers(self, verb: &str, at: &str, template: ResponseTemplate) -> Self {
        Mock::given(method(verb)).and(path(at)).respond_with(template).mount(&self.server).await;
        self
    }

    /// The same, once.
    pub async fn answers_once(self, verb: &str, at: &str, template: ResponseTemplate) -> Self {
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(template).up_to_n_times(1);
        mock.mount(&self.server).await;
        self
    }

    pub async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.expect("recorded")
    }

    /// What was sent, as verb and path with query.
    pub async fn asked(&self) -> Vec<String> {
        let requests = self.requests().await;
        let one = |request: &Request| {
            let query = request.url.query_pairs().map(|(name, value)| format!("{name}={value}"));
            let query = query.collect::<Vec<_>>().join("&");
            format!("{} {}?{query}", request.method, request.url.path()).trim_end_matches('?').to_owned()
        };
        requests.iter().map(one).collect()
    }

    pub async fn look_up(&self, name: ObjectName) -> Result<Option<Sighting>, PaymentError> {
        self.stripe.look_up(name).await
    }
}

/// A success with this body.
pub fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// One of Stripe's errors.
pub fn error(status: u16, kind: &str, code: &str, message: &str) -> ResponseTemplate {
    let error = json!({"error": {"type": kind, "code": code, "message": message}});
    ResponseTemplate::new(status).set_body_json(error)
}

/// The fields of a form.
pub fn form(request: &Request) -> BTreeMap<String, String> {
    let body = String::from_utf8(request.body.clone()).expect("text");
    let url = format!("http://localhost/?{body}").parse::<reqwest::Url>().expect("a form");
    url.query_pairs().into_owned().collect()
}

pub fn events() -> StripeEvents {
    StripeEvents::new(SECRET.into(), None).expect("a secret")
}

/// An event with this object in it.
pub fn event(kind: &str, object: &Value) -> Value {
    json!({
        "id": "evt_1", "object": "event", "api_version": "2024-06-20", "created": NOW_SECONDS,
        "livemode": false, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
        "type": kind, "data": {"object": object},
    })
}

pub fn read(kind: &str, object: &Value) -> Sighting {
    read_event(&event(kind, object)).sighting
}

pub fn read_event(event: &Value) -> ProviderEvent {
    events().read(event.to_string().as_bytes()).expect("an event")
}

pub fn fact(kind: &str, object: &Value) -> Fact {
    read(kind, object).fact
}

/// An object with other values for some of its fields; null takes one out.
pub fn with(mut object: Value, changes: Value) -> Value {
    let (Some(fields), Some(changes)) = (object.as_object_mut(), changes.as_object()) else {
        panic!("two objects")
    };
    for (name, value) in changes {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    object
}

pub fn names(pairs: &[(&str, &str)]) -> Names {
    let mut names = Names::default();
    for (part, name) in pairs {
        let name = Some((*name).to_owned());
        match *part {
            "session" => names.session = name,
            "customer" => names.customer = name,
            "intent" => names.intent = name,
            "charge" => names.charge = name,
            "invoice" => names.invoice = name,
            "subscription" => names.subscription = name,
            _ => panic!("no such part: {part}"),
        }
    }
    names
}
