//! What is asked of every side: the same accounts, the same amounts, the same facts.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::clock::{Day, Moment, Span, Timestamp};
use domain::credits::Credits;
use domain::ids::{GrantId, HoldId, InstanceId, UserId};
use domain::ledger::account::Actor;
use domain::ledger::command::{GrantRequest, HoldRequest, SettleRequest};
use domain::ledger::holds::HOLD_LIFETIME;
use domain::ledger::limits::LimitBook;
use domain::ledger::lots::{Source, SourceKind};
use domain::ledger::usage::{RequestKind, UsageFacts};
use domain::money::NanoUsd;
use domain::tokens::{TokenUsage, Tokens};
use uuid::Uuid;

/// What each hold sets aside.
pub const HELD: Credits = Credits::whole(30);
/// What each settlement charges.
pub const CHARGED: Credits = Credits::whole(10);
/// What every account is granted first: enough for all rounds.
const GRANTED: Credits = Credits::whole(1_000_000_000);
/// The server that all holds are made by.
pub const INSTANCE: InstanceId = InstanceId::from_bytes([1; 16]);

const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// So many users, the same in every run.
pub fn users(count: usize) -> Vec<UserId> {
    (0..count)
        .map(|index| {
            let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, index.to_string().as_bytes());
            UserId::from_bytes(id.into_bytes())
        })
        .collect()
}

/// The present, with a day in UTC.
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    let days = micros / MICROS_PER_DAY;
    Moment {
        at: Timestamp::from_micros(micros),
        day: Day::from_days(i32::try_from(days).unwrap_or(i32::MAX)),
        day_ends: Timestamp::from_micros((days + 1).saturating_mul(MICROS_PER_DAY)),
    }
}

/// An id that sorts by time.
pub fn unique() -> [u8; 16] {
    Uuid::now_v7().into_bytes()
}

/// The first lot of an account.
pub fn grant(user: UserId) -> GrantRequest {
    GrantRequest {
        id: GrantId::from_bytes(unique()),
        user,
        source: Source::new(SourceKind::Bonus, "benchmark"),
        amount: GRANTED,
        expires_at: None,
        plan: None,
        actor: Actor::system(),
        note: None,
        now: now(),
    }
}

/// A hold without limits and without an idempotency key.
pub fn hold(user: UserId, limits: &Arc<LimitBook>) -> HoldRequest {
    let now = now();
    HoldRequest {
        id: HoldId::for_user(&user, unique()),
        user,
        at_least: HELD,
        at_most: HELD,
        tokens: Tokens::ZERO,
        kind: RequestKind::Assistant,
        key: None,
        api_key: None,
        expires_at: now.at.after(HOLD_LIFETIME),
        instance: INSTANCE,
        limits: Arc::clone(limits),
        now,
    }
}

/// The settlement of such a hold.
pub fn settle(user: UserId, hold: HoldId) -> SettleRequest {
    SettleRequest {
        user,
        hold,
        charge: CHARGED,
        facts: facts(),
        key: None,
        api_key: None,
        answer: None,
        content: None,
        now: now(),
    }
}

/// What each request used.
pub fn facts() -> UsageFacts {
    UsageFacts {
        kind: RequestKind::Assistant,
        model: "gpt-4o-mini".to_owned(),
        tokens: TokenUsage {
            input: Tokens::new(600),
            cached_input: Tokens::ZERO,
            output: Tokens::new(200),
            reasoning: Tokens::ZERO,
        },
        cost: NanoUsd::new(210_000).unwrap_or(NanoUsd::ZERO),
        price_version: "2026-01-01".to_owned(),
        duration: Span::from_micros(850_000),
        estimated: false,
        request_id: "0199a7b2-7c1e-7a53-9d42-3f6f0f8f4c11".to_owned(),
    }
}
