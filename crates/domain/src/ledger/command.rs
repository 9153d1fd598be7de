//! Acts on an account as plain data, what they answer, and the business reasons for a no.

use std::sync::Arc;

use super::account::{Actor, SuspensionSource};
use super::limits::LimitBook;
use super::lots::Source;
use super::usage::{Outcome, RequestKind, UsageFacts};
use crate::audit::{AuditedAct, RecordRequest};
use crate::clock::{Moment, Timestamp};
use crate::credits::Credits;
use crate::ids::{ApiKeyId, GrantId, HoldId, IdempotencyKey, InstanceId, UserId};
use crate::tokens::Tokens;

use super::account::PlanName;

mod answers;
mod api_keys;
mod owner;
mod payments;
pub use answers::{Allowance, Allowances, ClawedBack, Held, Limit, Posted, Receipt, Refusal, Settled};
pub use api_keys::{CreateApiKeyRequest, RevokeApiKeyRequest};
pub use owner::{CloseRequest, Closed, SetAlertsRequest};
pub use payments::{
    ObservePaymentRequest, ObserveSubscriptionRequest, OpenPurchaseRequest, PaymentPolicy, PaymentReceipt,
    PurchaseReceipt, SetTopUpRequest,
};

/// One act on one account. Each is atomic, and doing it twice does it once.
#[derive(Clone, Debug)]
pub enum Command {
    /// Set credits aside for a request.
    Hold(HoldRequest),
    /// Charge a hold and return the rest.
    Settle(SettleRequest),
    /// Return all of a hold.
    Void(VoidRequest),
    /// Add a lot.
    Grant(GrantRequest),
    /// Post a signed correction.
    Adjust(AdjustRequest),
    /// Make the credits taken back for a payment what they should be.
    ClawBack(ClawBackRequest),
    /// Stop spending.
    Suspend(SuspendRequest),
    /// Lift one suspension.
    Resume(ResumeRequest),
    /// Expire what is due.
    Expire(ExpireRequest),
    /// Write a purchase down.
    OpenPurchase(OpenPurchaseRequest),
    /// Take news of a payment in.
    ObservePayment(Box<ObservePaymentRequest>),
    /// Take news of a subscription in.
    ObserveSubscription(ObserveSubscriptionRequest),
    /// Set automatic top-up.
    SetTopUp(SetTopUpRequest),
    /// Set when and where the user is told.
    SetAlerts(SetAlertsRequest),
    /// Close the account for good.
    Close(CloseRequest),
    /// Make an API key.
    CreateApiKey(Box<CreateApiKeyRequest>),
    /// End an API key.
    RevokeApiKey(RevokeApiKeyRequest),
    /// Do another act and write it into the audit log.
    Audited(Box<AuditedAct>),
    /// Write something into the audit log that is no act on an account.
    Record(Box<RecordRequest>),
}

impl Command {
    /// Whose account it acts on.
    pub fn user(&self) -> UserId {
        match self {
            Self::Hold(it) => it.user,
            Self::Settle(it) => it.user,
            Self::Void(it) => it.user,
            Self::Grant(it) => it.user,
            Self::Adjust(it) => it.user,
            Self::ClawBack(it) => it.user,
            Self::Suspend(it) => it.user,
            Self::Resume(it) => it.user,
            Self::Expire(it) => it.user,
            Self::OpenPurchase(it) => it.user,
            Self::ObservePayment(it) => it.user,
            Self::ObserveSubscription(it) => it.user,
            Self::SetTopUp(it) => it.user,
            Self::SetAlerts(it) => it.user,
            Self::Close(it) => it.user,
            Self::CreateApiKey(it) => it.user,
            Self::RevokeApiKey(it) => it.user,
            Self::Audited(it) => it.act.user(),
            Self::Record(it) => it.route(),
        }
    }

    /// When it was asked for.
    pub fn now(&self) -> Moment {
        match self {
            Self::Hold(it) => it.now,
            Self::Settle(it) => it.now,
            Self::Void(it) => it.now,
            Self::Grant(it) => it.now,
            Self::Adjust(it) => it.now,
            Self::ClawBack(it) => it.now,
            Self::Suspend(it) => it.now,
            Self::Resume(it) => it.now,
            Self::Expire(it) => it.now,
            Self::OpenPurchase(it) => it.now,
            Self::ObservePayment(it) => it.now,
            Self::ObserveSubscription(it) => it.now,
            Self::SetTopUp(it) => it.now,
            Self::SetAlerts(it) => it.now,
            Self::Close(it) => it.now,
            Self::CreateApiKey(it) => it.now,
            Self::RevokeApiKey(it) => it.now,
            Self::Audited(it) => it.act.now(),
            Self::Record(it) => it.now,
        }
    }
}

/// Sets aside as much as is available between `at_least` and `at_most`.
#[derive(Clone, Debug)]
pub struct HoldRequest {
    /// The new hold's id; the same id again returns the first.
    pub id: HoldId,
    /// Whose credits.
    pub user: UserId,
    /// Less is a refusal.
    pub at_least: Credits,
    /// More is not needed.
    pub at_most: Credits,
    /// Tokens to reserve against the limit per minute: the request's ceiling.
    pub tokens: Tokens,
    /// What for.
    pub kind: RequestKind,
    /// The client's name for the request, if it gave one.
    pub key: Option<KeyedRequest>,
    /// The API key that the request came with, if it did.
    pub api_key: Option<ApiKeyId>,
    /// When the hold expires by itself.
    pub expires_at: Timestamp,
    /// The server that makes it; its death expires the hold early.
    pub instance: InstanceId,
    /// The limits of each plan.
    pub limits: Arc<LimitBook>,
    /// Now.
    pub now: Moment,
}

/// An idempotency key with the hash of the request it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// The client's key.
    pub key: IdempotencyKey,
    /// SHA-256 of what was asked; the same key with another request is refused.
    pub fingerprint: [u8; 32],
}

/// Charges `min(charge, held)`, returns the rest.
#[derive(Clone, Debug)]
pub struct SettleRequest {
    /// Whose hold.
    pub user: UserId,
    /// Which.
    pub hold: HoldId,
    /// What the request came to; above the hold, the house bears the difference.
    pub charge: Credits,
    /// What it used.
    pub facts: UsageFacts,
    /// The idempotency key it was held under.
    pub key: Option<IdempotencyKey>,
    /// The API key it was held under: its row is loaded only when it is named.
    pub api_key: Option<ApiKeyId>,
    /// The answer to keep for replays under that key; `None` where nothing may be kept.
    pub answer: Option<AnswerBody>,
    /// The texts to keep for the retention; `None` where nothing may be kept.
    pub content: Option<Content>,
    /// Now.
    pub now: Moment,
}

/// The texts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What was asked.
    pub request: String,
    /// What was answered.
    pub response: String,
}

/// The part of an answer that the settling caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerBody {
    /// The answer's text.
    pub body: Vec<u8>,
    /// The model that gave it.
    pub model: String,
    /// Tokens it took, all kinds.
    pub tokens: Tokens,
    /// The id that the first answer carried.
    pub request_id: String,
}

/// An answer kept for replays, with what its settling write made of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// What the caller stored.
    pub answer: AnswerBody,
    /// What was charged.
    pub charged: Credits,
    /// What was available right after.
    pub remaining: Credits,
}

/// Returns all of a hold and writes a usage row of zero credits.
#[derive(Clone, Debug)]
pub struct VoidRequest {
    /// Whose hold.
    pub user: UserId,
    /// Which.
    pub hold: HoldId,
    /// Why.
    pub outcome: Outcome,
    /// What is known of the request.
    pub facts: UsageFacts,
    /// Now.
    pub now: Moment,
}

/// Adds a dated lot; what is owed comes off it first.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// The new lot's id.
    pub id: GrantId,
    /// Whose.
    pub user: UserId,
    /// What for; the same source again returns the first.
    pub source: Source,
    /// How much; more than nothing.
    pub amount: Credits,
    /// When it falls due.
    pub expires_at: Option<Timestamp>,
    /// The plan that comes with it.
    pub plan: Option<PlanStanding>,
    /// Who grants it.
    pub actor: Actor,
    /// Why, in free text.
    pub note: Option<String>,
    /// Now.
    pub now: Moment,
}

/// A plan and the end of its period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStanding {
    /// The plan's name.
    pub plan: PlanName,
    /// When it renews or ends; `None` for a pack. Without a further period it lapses
    /// [`crate::billing::subscription::GRACE`] later.
    pub renewal: Option<Timestamp>,
}

/// Takes credits away (or adds them) by an admin's hand.
#[derive(Clone, Debug)]
pub struct AdjustRequest {
    /// Id of the lot that a positive adjustment adds.
    pub id: GrantId,
    /// Whose.
    pub user: UserId,
    /// What for; the same source again returns the first.
    pub source: Source,
    /// Signed, not zero. A negative amount comes off the lots in burn order.
    pub amount: Credits,
    /// Who.
    pub actor: Actor,
    /// Why, in free text.
    pub note: Option<String>,
    /// Now.
    pub now: Moment,
}

/// Says how much of a payment is gone; the act makes the claw-back follow, up or down.
#[derive(Clone, Debug)]
pub struct ClawBackRequest {
    /// Id of the lot that restoring adds.
    pub id: GrantId,
    /// Whose.
    pub user: UserId,
    /// The payment that was granted for.
    pub source: Source,
    /// What was paid, in minor units; more than nothing.
    pub paid_minor: i64,
    /// What is refunded or disputed now, in minor units: an absolute figure, not a difference.
    pub returned_minor: i64,
    /// Who.
    pub actor: Actor,
    /// Now.
    pub now: Moment,
}

/// Suspends spending for one source.
#[derive(Clone, Debug)]
pub struct SuspendRequest {
    /// Whose account.
    pub user: UserId,
    /// What suspends it.
    pub source: SuspensionSource,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// Now.
    pub now: Moment,
}

/// Lifts the suspension of one source.
#[derive(Clone, Debug)]
pub struct ResumeRequest {
    /// Whose account.
    pub user: UserId,
    /// Which suspension.
    pub source: SuspensionSource,
    /// Who.
    pub actor: Actor,
    /// Now.
    pub now: Moment,
}

/// Brings an account up to date: due holds and lots expire.
#[derive(Clone, Debug)]
pub struct ExpireRequest {
    /// Whose account.
    pub user: UserId,
    /// Open holds whose server is dead; they expire before their time.
    pub lost: Vec<HoldId>,
    /// Now.
    pub now: Moment,
}
