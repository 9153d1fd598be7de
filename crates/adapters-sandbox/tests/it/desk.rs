//! A sandbox at a fixed time, and what the tests ask of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use adapters_sandbox::{Act, SandboxCheckout, SandboxEvent, SandboxOptions};
use domain::billing::offer::{Offer, PayMode};
use domain::clock::{Clock, Day, Moment, Timestamp};
use domain::credits::Credits;
use domain::ids::{IdSource, PurchaseId, UserId};
use domain::ledger::account::PlanName;
use domain::money::{Currency, Money};
use domain::ports::payments::{CheckoutOrder, ObjectName, PaymentProvider, RefundOrder, Sighting};
use serde_json::Value;

/// The secret that events are signed with.
pub const SECRET: &str = "whsec_sandbox_for_tests";
/// 2026-01-31 12:00:00 UTC, in seconds.
pub const START: i64 = 1_769_860_800;
/// What the plan costs, in centavos.
pub const PRICE: i64 = 2900;

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct Stopped(AtomicI64);

impl Stopped {
    pub fn forward(&self, secs: i64) {
        self.0.fetch_add(secs * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for Stopped {
    fn now(&self) -> Moment {
        let at = Timestamp::from_micros(self.0.load(Ordering::Relaxed));
        Moment { at, day: Day::from_days(0), day_ends: at }
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl IdSource for Counted {
    fn unique(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

/// A sandbox with one user.
pub struct Bench {
    pub sandbox: SandboxCheckout,
    pub clock: Arc<Stopped>,
    pub user: UserId,
}

pub fn bench() -> Bench {
    let clock = Arc::new(Stopped::default());
    clock.forward(START);
    let sandbox = SandboxCheckout::new(SandboxOptions {
        page_base: "http://127.0.0.1:3001/".to_owned(),
        webhook_secret: SECRET.to_owned(),
        clock: clock.clone(),
        ids: Arc::new(Counted::default()),
    });
    Bench { sandbox, clock, user: UserId::from_bytes([7; 16]) }
}

pub fn offer() -> Offer {
    Offer {
        plan: PlanName::new("starter"),
        credits: Credits::whole(5000),
        price: Money::new(PRICE, Currency::Brl).unwrap(),
        expires_after_days: None,
    }
}

impl Bench {
    pub fn purchase(&self, number: u8) -> PurchaseId {
        PurchaseId::for_user(&self.user, [number; 16])
    }

    pub fn order(&self, number: u8, mode: PayMode) -> CheckoutOrder {
        CheckoutOrder {
            purchase: self.purchase(number),
            user: self.user,
            offer: offer(),
            title: "Starter".to_owned(),
            price: None,
            mode,
            customer: None,
            keep_card: false,
            without_customer: false,
            expires_at: Timestamp::from_micros((START + 23 * 3600) * 1_000_000),
            success_url: "http://localhost:5173/upgrade?success=true&session_id={CHECKOUT_SESSION_ID}".into(),
            cancel_url: "http://localhost:5173/upgrade?canceled=true".into(),
        }
    }

    /// An open checkout of purchase 1.
    pub async fn open(&self, mode: PayMode) -> String {
        self.sandbox.open_checkout(self.order(1, mode)).await.unwrap().session
    }

    /// Does an act; answers its events.
    pub fn act(&self, session: &str, act: Act) -> Events {
        Events::of(&self.sandbox.act(session, act).unwrap())
    }

    pub async fn look_up(&self, name: ObjectName) -> Option<Sighting> {
        self.sandbox.look_up(name).await.unwrap()
    }

    pub fn refund_order(&self, sighting: &Sighting, minor: Option<i64>, key: &str) -> RefundOrder {
        RefundOrder { purchase: self.purchase(1), names: sighting.names.clone(), minor, key: key.to_owned() }
    }

    pub fn acts(&self, session: &str) -> Vec<Act> {
        self.sandbox.checkout(session).unwrap().acts
    }
}

/// Events, parsed.
pub struct Events(pub Vec<Value>);

impl Events {
    pub fn of(events: &[SandboxEvent]) -> Self {
        Self(events.iter().map(|event| serde_json::from_slice(&event.body).unwrap()).collect())
    }

    pub fn kinds(&self) -> Vec<&str> {
        self.0.iter().map(|event| event["type"].as_str().unwrap()).collect()
    }

    /// The object of the one event of a kind.
    pub fn object(&self, kind: &str) -> &Value {
        let found: Vec<_> = self.0.iter().filter(|event| event["type"] == kind).collect();
        assert_eq!(found.len(), 1, "{kind} among {:?}", self.kinds());
        &found[0]["data"]["object"]
    }
}

/// The text of a field.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
