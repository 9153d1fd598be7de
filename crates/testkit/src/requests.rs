//! Requests with sensible defaults, to be changed where a test cares:
//! `hold(user).at_most(300).at(5)`. Amounts are whole credits, times seconds since the tests' beginning.

#![allow(clippy::return_self_not_must_use)]

pub mod api_keys;
pub mod billing;

use std::sync::Arc;

use domain::audit::{AuditNote, By, user_target};
use domain::clock::Span;
use domain::credits::Credits;
use domain::ids::{ApiKeyId, AuditId, GrantId, HoldId, IdempotencyKey, InstanceId, UserId};
use domain::language::Language;
use domain::ledger::account::{Actor, PlanName, SuspensionSource};
use domain::ledger::command::{
    AdjustRequest, AnswerBody, ClawBackRequest, CloseRequest, Content, CreateApiKeyRequest, ExpireRequest,
    GrantRequest, HoldRequest, KeyedRequest, ObservePaymentRequest, ObserveSubscriptionRequest,
    OpenPurchaseRequest, PlanStanding, ResumeRequest, RevokeApiKeyRequest, SetAlertsRequest, SetTopUpRequest,
    SettleRequest, SuspendRequest, VoidRequest,
};
use domain::ledger::holds::HOLD_LIFETIME;
use domain::ledger::limits::{LimitBook, Limits};
use domain::ledger::lots::{Source, SourceKind};
use domain::ledger::usage::{Outcome, RequestKind, UsageFacts};
use domain::money::NanoUsd;
use domain::tokens::{TokenUsage, Tokens};
use uuid::Uuid;

use crate::time::{moment, time};

/// An amount of credits.
pub fn credits(amount: i64) -> Credits {
    Credits::new(amount).expect("an amount in range")
}

/// The user with this number.
pub fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

/// A hold id that was never used.
pub fn new_hold_id(user: UserId) -> HoldId {
    HoldId::for_user(&user, *Uuid::now_v7().as_bytes())
}

/// A grant id that was never used.
pub fn new_grant_id() -> GrantId {
    GrantId::from_bytes(*Uuid::now_v7().as_bytes())
}

/// The server with this number; requests come from number 1 unless they say otherwise.
pub fn instance(number: u8) -> InstanceId {
    InstanceId::from_bytes([number; 16])
}

/// An idempotency key.
pub fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text).expect("an idempotency key")
}

/// The source of a purchase.
pub fn purchase(reference: &str) -> Source {
    Source::new(SourceKind::Purchase, reference)
}

/// What a request used: 30 tokens for 450 nano-dollars.
pub fn facts() -> UsageFacts {
    UsageFacts {
        kind: RequestKind::Assistant,
        model: "gpt-4o-mini".to_owned(),
        tokens: TokenUsage {
            input: Tokens::new(20),
            cached_input: Tokens::new(5),
            output: Tokens::new(10),
            reasoning: Tokens::new(2),
        },
        cost: NanoUsd::new(450).expect("not negative"),
        price_version: "2026-01-01".to_owned(),
        duration: Span::from_micros(1_250_000),
        estimated: false,
        request_id: "req-1".to_owned(),
    }
}

/// A hold of exactly 10 credits, without key or limits, that lasts its usual time.
pub fn hold(user: UserId) -> HoldRequest {
    HoldRequest {
        id: new_hold_id(user),
        user,
        at_least: credits(10),
        at_most: credits(10),
        tokens: Tokens::ZERO,
        kind: RequestKind::Assistant,
        key: None,
        api_key: None,
        expires_at: time(0).after(HOLD_LIFETIME),
        instance: instance(1),
        limits: Arc::new(LimitBook::unlimited()),
        now: moment(0),
    }
}

/// What a test may want otherwise of a hold.
pub trait HoldExt: Sized {
    /// Under this id.
    fn id(self, id: HoldId) -> Self;
    /// Less is a refusal.
    fn at_least(self, amount: i64) -> Self;
    /// More is not needed.
    fn at_most(self, amount: i64) -> Self;
    /// This much, or nothing.
    fn exactly(self, amount: i64) -> Self;
    /// Reserves tokens.
    fn tokens(self, tokens: u64) -> Self;
    /// Under an idempotency key, for the one request that all tests make.
    fn keyed(self, key: &str) -> Self;
    /// The key stands for another request.
    fn for_request(self, fingerprint: u8) -> Self;
    /// Came with this API key.
    fn under(self, api_key: ApiKeyId) -> Self;
    /// Expires so many seconds after it is made.
    fn lasting(self, secs: u32) -> Self;
    /// Made by another server.
    fn by(self, instance: InstanceId) -> Self;
    /// Under limits, whatever the plan.
    fn limited(self, limits: Limits) -> Self;
}

impl HoldExt for HoldRequest {
    fn id(self, id: HoldId) -> Self {
        Self { id, ..self }
    }
    fn at_least(self, amount: i64) -> Self {
        Self { at_least: credits(amount), ..self }
    }
    fn at_most(self, amount: i64) -> Self {
        Self { at_most: credits(amount), ..self }
    }
    fn exactly(self, amount: i64) -> Self {
        self.at_least(amount).at_most(amount)
    }
    fn tokens(self, tokens: u64) -> Self {
        Self { tokens: Tokens::new(tokens), ..self }
    }
    fn keyed(self, text: &str) -> Self {
        Self { key: Some(KeyedRequest { key: key(text), fingerprint: [1; 32] }), ..self }
    }
    fn for_request(mut self, fingerprint: u8) -> Self {
        self.key.as_mut().expect("a keyed hold").fingerprint = [fingerprint; 32];
        self
    }
    fn under(self, api_key: ApiKeyId) -> Self {
        Self { api_key: Some(api_key), ..self }
    }
    fn lasting(self, secs: u32) -> Self {
        Self { expires_at: self.now.at.after(Span::from_secs(secs)), ..self }
    }
    fn by(self, instance: InstanceId) -> Self {
        Self { instance, ..self }
    }
    fn limited(self, limits: Limits) -> Self {
        Self { limits: Arc::new(LimitBook { default: limits, ..LimitBook::default() }), ..self }
    }
}

/// Settles a hold for 10 credits, keeping neither answer nor texts.
pub fn settle(user: UserId, hold: HoldId) -> SettleRequest {
    SettleRequest {
        user,
        hold,
        charge: credits(10),
        facts: facts(),
        key: None,
        api_key: None,
        answer: None,
        content: None,
        now: moment(0),
    }
}

/// What a test may want otherwise of a settlement.
pub trait SettleExt: Sized {
    /// What the request came to.
    fn charge(self, amount: i64) -> Self;
    /// Of a hold that came with this API key.
    fn under(self, api_key: ApiKeyId) -> Self;
    /// Under the key that it was held under, keeping this answer.
    fn answered(self, key: &str, body: &str) -> Self;
    /// Under the key that it was held under, keeping no answer.
    fn unanswered(self, key: &str) -> Self;
    /// Keeps the texts.
    fn keeping(self, request: &str, response: &str) -> Self;
    /// Input tokens used; no others.
    fn used_tokens(self, tokens: u64) -> Self;
    /// What the provider charges, in nano-dollars.
    fn costing(self, nano_usd: i64) -> Self;
}

impl SettleExt for SettleRequest {
    fn charge(self, amount: i64) -> Self {
        Self { charge: credits(amount), ..self }
    }
    fn under(self, api_key: ApiKeyId) -> Self {
        Self { api_key: Some(api_key), ..self }
    }
    fn answered(self, text: &str, body: &str) -> Self {
        Self { key: Some(key(text)), answer: Some(answer(body)), ..self }
    }
    fn unanswered(self, text: &str) -> Self {
        Self { key: Some(key(text)), answer: None, ..self }
    }
    fn keeping(self, request: &str, response: &str) -> Self {
        let content = Content { request: request.to_owned(), response: response.to_owned() };
        Self { content: Some(content), ..self }
    }
    fn used_tokens(mut self, tokens: u64) -> Self {
        self.facts.tokens = TokenUsage { input: Tokens::new(tokens), ..TokenUsage::default() };
        self
    }
    fn costing(mut self, nano_usd: i64) -> Self {
        self.facts.cost = NanoUsd::new(nano_usd).expect("not negative");
        self
    }
}

/// The answer with this text that settlements keep.
pub fn answer(body: &str) -> AnswerBody {
    AnswerBody {
        body: body.as_bytes().to_vec(),
        model: "gpt-4o-mini".to_owned(),
        tokens: Tokens::new(30),
        request_id: "req-1".to_owned(),
    }
}

/// Voids a hold as abandoned.
pub fn void(user: UserId, hold: HoldId) -> VoidRequest {
    VoidRequest { user, hold, outcome: Outcome::Abandoned, facts: facts(), now: moment(0) }
}

/// Grants 100 credits for a purchase, for ever, with no plan.
pub fn grant(user: UserId, reference: &str) -> GrantRequest {
    GrantRequest {
        id: new_grant_id(),
        user,
        source: purchase(reference),
        amount: credits(100),
        expires_at: None,
        plan: None,
        actor: Actor::system(),
        note: None,
        now: moment(0),
    }
}

/// What a test may want otherwise of a grant.
pub trait GrantExt: Sized {
    /// How much.
    fn of(self, amount: i64) -> Self;
    /// Falls due at this second.
    fn due(self, secs: i64) -> Self;
    /// Comes with a plan that renews at this second, if it does.
    fn plan(self, name: &str, renewal: Option<i64>) -> Self;
    /// With a free text.
    fn because(self, note: &str) -> Self;
}

impl GrantExt for GrantRequest {
    fn of(self, amount: i64) -> Self {
        Self { amount: credits(amount), ..self }
    }
    fn due(self, secs: i64) -> Self {
        Self { expires_at: Some(time(secs)), ..self }
    }
    fn plan(self, name: &str, renewal: Option<i64>) -> Self {
        let standing = PlanStanding { plan: PlanName::new(name), renewal: renewal.map(time) };
        Self { plan: Some(standing), ..self }
    }
    fn because(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }
}

/// An admin's correction, with a reason.
pub fn adjust(user: UserId, reference: &str, amount: i64) -> AdjustRequest {
    AdjustRequest {
        id: new_grant_id(),
        user,
        source: Source::new(SourceKind::Manual, reference),
        amount: credits(amount),
        actor: admin(),
        note: Some("a correction".to_owned()),
        now: moment(0),
    }
}

/// The admin of all tests.
pub fn admin() -> Actor {
    Actor::admin(&user(255))
}

/// A note about an act of the admin of all tests.
pub fn note(action: &str, about: UserId) -> AuditNote {
    AuditNote {
        id: AuditId::from_bytes(*Uuid::now_v7().as_bytes()),
        by: By { actor: admin(), via: "token".to_owned(), request_id: Some("req-9".to_owned()) },
        action: action.to_owned(),
        target: user_target(about),
        reason: Some("por cortesia".to_owned()),
        key: Some("k-1".to_owned()),
    }
}

/// Says that `returned` of `paid` is gone for the purchase that [`grant`] granted for.
pub fn claw_back(user: UserId, reference: &str, returned: i64, paid: i64) -> ClawBackRequest {
    ClawBackRequest {
        id: new_grant_id(),
        user,
        source: purchase(reference),
        paid_minor: paid,
        returned_minor: returned,
        actor: Actor::system(),
        now: moment(0),
    }
}

/// Suspends for a source.
pub fn suspend(user: UserId, source: SuspensionSource) -> SuspendRequest {
    SuspendRequest { user, source, actor: admin(), reason: "a reason".to_owned(), now: moment(0) }
}

/// Lifts what [`suspend`] did.
pub fn resume(user: UserId, source: SuspensionSource) -> ResumeRequest {
    ResumeRequest { user, source, actor: admin(), now: moment(0) }
}

/// Expires what is due, and holds of a dead server.
pub fn expire(user: UserId, lost: &[HoldId]) -> ExpireRequest {
    ExpireRequest { user, lost: lost.to_vec(), now: moment(0) }
}

/// Says that the default threshold is wanted, and no letters, in Portuguese.
pub fn alerts(user: UserId) -> SetAlertsRequest {
    SetAlertsRequest { user, threshold: None, email: None, language: Language::Portuguese, now: moment(0) }
}

/// What a test may want otherwise of alerts.
pub trait AlertsExt: Sized {
    /// With a threshold of one's own.
    fn below(self, threshold: i64) -> Self;
    /// With letters.
    fn to(self, address: &str) -> Self;
    /// In English.
    fn in_english(self) -> Self;
}

impl AlertsExt for SetAlertsRequest {
    fn below(self, threshold: i64) -> Self {
        Self { threshold: Some(credits(threshold)), ..self }
    }
    fn to(self, address: &str) -> Self {
        Self { email: Some(address.parse().expect("an address")), ..self }
    }
    fn in_english(self) -> Self {
        Self { language: Language::English, ..self }
    }
}

/// Closes an account, giving up nothing.
pub fn close(user: UserId) -> CloseRequest {
    CloseRequest { user, forfeit: false, actor: Actor::user(&user), now: moment(0) }
}

/// What a test may want otherwise of closing.
pub trait CloseExt: Sized {
    /// Giving up what is left.
    fn forfeiting(self) -> Self;
}

impl CloseExt for CloseRequest {
    fn forfeiting(self) -> Self {
        Self { forfeit: true, ..self }
    }
}

/// Any request, at another time.
pub trait At: Sized {
    /// Asked for at this second. A hold keeps how long it lasts.
    fn at(self, secs: i64) -> Self;
}

impl At for HoldRequest {
    fn at(self, secs: i64) -> Self {
        let lasts = self.expires_at.since(self.now.at);
        let now = moment(secs);
        Self { now, expires_at: now.at.after(lasts), ..self }
    }
}

macro_rules! at {
    ($($request:ty),*) => { $(
        impl At for $request {
            fn at(self, secs: i64) -> Self {
                Self { now: moment(secs), ..self }
            }
        }
    )* };
}
at!(
    SettleRequest,
    VoidRequest,
    GrantRequest,
    AdjustRequest,
    ClawBackRequest,
    SuspendRequest,
    ResumeRequest,
    ExpireRequest,
    OpenPurchaseRequest,
    ObservePaymentRequest,
    ObserveSubscriptionRequest,
    SetTopUpRequest,
    SetAlertsRequest,
    CloseRequest,
    CreateApiKeyRequest,
    RevokeApiKeyRequest
);
