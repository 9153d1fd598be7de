//! What acts answer, and the business reasons for a no.

use super::{Closed, PaymentReceipt, StoredAnswer};
use crate::api_keys::ApiKey;
use crate::clock::{Span, Timestamp};
use crate::credits::Credits;
use crate::ids::HoldId;
use crate::ledger::account::Balances;

/// What an act did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Credits are set aside.
    Held(Held),
    /// The request was answered before under the same key; nothing was held.
    Replay(StoredAnswer),
    /// A hold is settled.
    Settled(Settled),
    /// A hold is void; `false` when there was nothing left to return.
    Voided(bool),
    /// A grant or an adjustment stands.
    Posted(Posted),
    /// The claw-back is what it should be.
    ClawedBack(ClawedBack),
    /// The suspension stands or is gone; the number of those in force.
    Standing(u32),
    /// How many holds expired.
    Expired(u32),
    /// What an act of buying came to.
    Payment(PaymentReceipt),
    /// The alerts are set; the threshold in force.
    AlertsSet(Credits),
    /// The account is closed.
    Closed(Closed),
    /// An API key as it stands.
    ApiKey(Box<ApiKey>),
    /// It stands in the audit log.
    Recorded,
}

/// Credits set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The hold.
    pub hold: HoldId,
    /// How much.
    pub amount: Credits,
    /// The account after it.
    pub balances: Balances,
    /// What its limits leave after it.
    pub allowances: Allowances,
}

/// What is left of an account's limits per minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Of requests; `None` when they are unlimited.
    pub requests: Option<Allowance>,
    /// Of tokens; `None` when they are unlimited.
    pub tokens: Option<Allowance>,
}

/// What is left of one limit per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many a minute may have, and how many may come at once.
    pub limit: u32,
    /// How many may come at once now.
    pub remaining: u32,
    /// When all of them may, from now.
    pub reset: Span,
}

/// A settled hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What was charged; never above the hold.
    pub charged: Credits,
    /// What the request came to above the charge; borne by the house.
    pub absorbed: Credits,
    /// The account after it.
    pub balances: Balances,
    /// Whether it had been settled before: then nothing was done now.
    pub repeated: bool,
}

/// A grant or an adjustment, now or when it was first asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Signed amount as first posted.
    pub amount: Credits,
    /// Expiry of the lot, if it made one that expires.
    pub expires_at: Option<Timestamp>,
    /// Hash of the free text that came with it.
    pub note_hash: Option<[u8; 32]>,
    /// The account after it.
    pub balances: Balances,
    /// Whether it stood before: then nothing was done now.
    pub repeated: bool,
}

/// The state of a claw-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClawedBack {
    /// Taken back for that payment in all, less restored.
    pub clawed: Credits,
    /// The account after it.
    pub balances: Balances,
}

/// Which limit a request ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
    /// Requests at the same time.
    Concurrent,
    /// Credits per day.
    DailyCredits,
}

/// A correct business no. Nothing was changed, but for what was due anyway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The user has closed the account.
    #[error("the account is closed")]
    Closed,
    /// The account is suspended.
    #[error("the account is suspended")]
    Suspended,
    /// A request with this idempotency key is running.
    #[error("a request with this idempotency key is running")]
    KeyInProgress,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyMismatch,
    /// The request was answered under this key before, but the answer was not kept.
    #[error("the answer under this idempotency key was not kept")]
    AnswerNotKept,
    /// The account never had credits.
    #[error("the account never had credits")]
    NoCredits {
        /// What it takes.
        required: Credits,
    },
    /// Too few credits.
    #[error("{available} credits available, {required} required")]
    InsufficientCredits {
        /// What there is.
        available: Credits,
        /// What it takes.
        required: Credits,
    },
    /// The API key is revoked, expired, or not there.
    #[error("the API key has ended")]
    ApiKeyEnded,
    /// The API key may not spend that much more.
    #[error("{available} credits are left to the API key, {required} required")]
    ApiKeyCapReached {
        /// What may still be held under it.
        available: Credits,
        /// What it takes.
        required: Credits,
    },
    /// A limit is reached for now.
    #[error("limit {limit:?} reached")]
    RateLimited {
        /// Which.
        limit: Limit,
        /// When to try again.
        retry_after: Span,
    },
    /// The request is larger than a limit: it can never pass.
    #[error("larger than the limit {limit:?}")]
    ExceedsLimit {
        /// Which.
        limit: Limit,
    },
    /// No such hold.
    #[error("no such hold")]
    HoldUnknown,
    /// The hold was voided: it cannot be settled.
    #[error("the hold was voided")]
    HoldVoided,
    /// The hold was settled: it cannot be voided.
    #[error("the hold was settled")]
    HoldSettled,
    /// An adjustment would take more than is available.
    #[error("only {available} credits are available")]
    NotEnough {
        /// What there is.
        available: Credits,
    },
    /// Nothing was granted for that payment.
    #[error("nothing was granted for this source")]
    SourceUnknown,
    /// The amount is zero, or the account would pass its largest amount.
    #[error("the amount is out of range")]
    AmountOutOfRange,
    /// No such purchase, or not as it was when the act was prepared: to be prepared anew.
    #[error("no such purchase, or it has changed")]
    PurchaseUnknown,
    /// No automatic top-up is called for now.
    #[error("no automatic top-up is called for")]
    TopUpNotDue,
    /// The account has open holds, so it cannot be closed now.
    #[error("requests of the account are running")]
    RequestsRunning,
    /// A subscription goes on by itself, so the account cannot be closed before that is cancelled.
    #[error("a subscription of the account renews")]
    SubscriptionRenews,
    /// A paid period is not over, and nobody said that it is given up.
    #[error("a subscription of the account is paid")]
    SubscriptionPaid,
    /// Credits are left, and nobody said that they are given up.
    #[error("{available} credits are left")]
    CreditsRemain {
        /// How many.
        available: Credits,
    },
    /// The user has no such API key.
    #[error("no such API key")]
    ApiKeyUnknown,
    /// The user has as many live API keys as there may be.
    #[error("too many live API keys")]
    TooManyApiKeys,
}
