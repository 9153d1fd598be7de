//! Holds: credits set aside for one request, then settled, voided or expired.
//!
//! ```text
//!            settle            void
//! settled <--------- open ----------> voided
//!    ^                |
//!    | late settle    | expires_at passed, or its server died
//!    +------------ expired
//! ```

use super::account::Actor;
use super::books::{Book, Halt, Movement, Tracked};
use super::command::{
    ExpireRequest, Held, HoldRequest, Receipt, Refusal, SettleRequest, Settled, StoredAnswer, VoidRequest,
};
use super::journal::EntryKind;
use super::usage::{Outcome, RequestKind, UsageContent, UsageRecord};
use super::{api_keys, closing, limits, lots};
use crate::clock::{Day, Moment, Span, Timestamp};
use crate::credits::Credits;
use crate::ids::{ApiKeyId, HoldId, IdempotencyKey, InstanceId, UserId};
use crate::tokens::Tokens;

/// Below this many available credits no AI request is taken.
pub const LEAST_AVAILABLE: Credits = Credits::whole(10);
/// How long an open hold stands by itself.
pub const HOLD_LIFETIME: Span = Span::from_secs(600);
/// How long an idempotency key is remembered.
pub const KEY_LIFETIME: Span = Span::from_secs(24 * 60 * 60);

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// Credits are set aside.
    Open,
    /// Charged; the rest is returned.
    Settled,
    /// All is returned.
    Voided,
    /// All is returned, because nobody settled in time.
    Expired,
}

impl HoldState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Settled, Self::Voided, Self::Expired];

    /// The word that stores keep.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }

    /// The state that a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One row of `credit_holds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose credits.
    pub user: UserId,
    /// How much is (or was) set aside.
    pub amount: Credits,
    /// Where it stands.
    pub state: HoldState,
    /// What was charged; zero until settled.
    pub charged: Credits,
    /// What the request came to above the charge.
    pub absorbed: Credits,
    /// What for.
    pub kind: RequestKind,
    /// The idempotency key it was made under.
    pub key: Option<IdempotencyKey>,
    /// The API key it was made under.
    pub api_key: Option<ApiKeyId>,
    /// The server that made it.
    pub instance: InstanceId,
    /// Tokens reserved against the limit per minute.
    pub tokens: Tokens,
    /// The part of that minute which they took.
    pub tokens_span: Span,
    /// The reporting day it counts on.
    pub day: Day,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires by itself.
    pub expires_at: Timestamp,
    /// When it stopped being open.
    pub closed_at: Option<Timestamp>,
}

impl Hold {
    /// Whether its credits are still set aside.
    pub fn is_open(&self) -> bool {
        self.state == HoldState::Open
    }
}

/// One row of `idempotency_keys`: which hold a client's key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Whose key.
    pub user: UserId,
    /// The key.
    pub key: IdempotencyKey,
    /// The latest hold made under it; its state is the key's.
    pub hold: HoldId,
    /// Hash of the request it stands for.
    pub fingerprint: [u8; 32],
    /// When that hold was made.
    pub created_at: Timestamp,
    /// The answer, once settled, where answers may be kept.
    pub answer: Option<StoredAnswer>,
}

/// Sets aside as much as is available, and as the API key may still spend, between `at_least` and `at_most`.
pub(super) fn hold(book: &mut Book, request: HoldRequest) -> Result<Receipt, Halt> {
    if let Some(first) = book.holds.get(&request.id) {
        let (hold, amount) = (first.id, first.amount);
        let allowances =
            limits::allowances(request.limits.of(&book.account.plan), book.account.limits, request.now.at);
        return Ok(Receipt::Held(Held { hold, amount, balances: book.account.balances()?, allowances }));
    }
    closing::must_be_open(book)?;
    api_keys::admit(book, request.api_key, request.now.at)?;
    if book.account.suspensions > 0 {
        return Err(Refusal::Suspended.into());
    }
    if let Some(answer) = look_up_key(book, &request)? {
        return Ok(Receipt::Replay(answer));
    }
    let available = book.account.balances()?.available;
    let required = request.at_least.max(LEAST_AVAILABLE);
    if available < required {
        return Err(if book.account.last_grant.is_positive() {
            Refusal::InsufficientCredits { available, required }.into()
        } else {
            Refusal::NoCredits { required }.into()
        });
    }
    let allowance = api_keys::allowance(book, request.api_key)?;
    if allowance < required {
        return Err(Refusal::ApiKeyCapReached { available: allowance, required }.into());
    }
    let amount = available.min(allowance).min(request.at_most.max(required));
    let plan_limits = request.limits.of(&book.account.plan);
    let open = book.holds.values().filter(|hold| hold.is_open()).count();
    let limits = limits::admit(plan_limits, book.account.limits, open, &request, amount)??;

    let held = book.account.held.plus(amount)?;
    let account = book.account.change();
    account.held = held;
    account.limits = limits;
    if let Some(keyed) = &request.key {
        remember_key(book, &request, keyed.key.clone(), keyed.fingerprint);
    }
    let hold = Hold {
        id: request.id,
        user: request.user,
        amount,
        state: HoldState::Open,
        charged: Credits::ZERO,
        absorbed: Credits::ZERO,
        kind: request.kind,
        key: request.key.map(|keyed| keyed.key),
        api_key: request.api_key,
        instance: request.instance,
        tokens: request.tokens,
        tokens_span: limits::reserved_for(request.tokens, plan_limits),
        day: book.account.limits.day,
        created_at: request.now.at,
        expires_at: request.expires_at,
        closed_at: None,
    };
    api_keys::note_use(book, hold.api_key, request.now.at);
    book.holds.insert(hold.id, Tracked::new(hold));
    let allowances = limits::allowances(plan_limits, limits, request.now.at);
    Ok(Receipt::Held(Held { hold: request.id, amount, balances: book.account.balances()?, allowances }))
}

/// What an idempotency key says about a new request: an answer to replay, a refusal, or nothing,
/// because the key is new, older than its lifetime, or its hold was returned.
fn look_up_key(book: &Book, request: &HoldRequest) -> Result<Option<StoredAnswer>, Refusal> {
    let Some(keyed) = &request.key else { return Ok(None) };
    let Some(record) = book.keys.get(&keyed.key) else { return Ok(None) };
    let Some(hold) = book.holds.get(&record.hold) else { return Ok(None) };
    let alive = request.now.at.since(record.created_at) < KEY_LIFETIME;
    match hold.state {
        HoldState::Voided | HoldState::Expired => Ok(None),
        HoldState::Settled if !alive => Ok(None),
        HoldState::Open | HoldState::Settled if record.fingerprint != keyed.fingerprint => {
            Err(Refusal::KeyMismatch)
        }
        HoldState::Open => Err(Refusal::KeyInProgress),
        HoldState::Settled => record.answer.clone().map(Some).ok_or(Refusal::AnswerNotKept),
    }
}

fn remember_key(book: &mut Book, request: &HoldRequest, key: IdempotencyKey, fingerprint: [u8; 32]) {
    let record = KeyRecord {
        user: request.user,
        key: key.clone(),
        hold: request.id,
        fingerprint,
        created_at: request.now.at,
        answer: None,
    };
    match book.keys.get_mut(&key) {
        Some(known) => *known.change() = record,
        None => drop(book.keys.insert(key, Tracked::new(record))),
    }
}

/// Charges `min(charge, held)` and returns the rest. Of an expired hold, once and late: no more than
/// is available now and its API key may still spend, and nothing if its idempotency key was held again.
pub(super) fn settle(book: &mut Book, request: SettleRequest) -> Result<Receipt, Halt> {
    let SettleRequest { user, hold: id, charge, facts, key, api_key, mut answer, mut content, now } = request;
    if book.account.closed_at.is_some() {
        (answer, content) = (None, None);
    }
    let named = book.holds.get(&id).filter(|hold| hold.api_key == api_key);
    let Some(hold) = named.map(|hold| (**hold).clone()) else {
        return Err(Refusal::HoldUnknown.into());
    };
    let charge = charge.or_zero();
    let charged = match hold.state {
        HoldState::Open => charge.min(hold.amount),
        HoldState::Expired => late_charge(book, &hold, key.as_ref(), charge)?,
        HoldState::Voided => return Err(Refusal::HoldVoided.into()),
        HoldState::Settled => {
            let balances = book.account.balances()?;
            let Hold { charged, absorbed, .. } = hold;
            return Ok(Receipt::Settled(Settled { charged, absorbed, balances, repeated: true }));
        }
    };
    let absorbed = charge.minus(charged)?;
    if hold.is_open() {
        let used_tokens = facts.tokens.total();
        let limits = limits::release(book.account.limits, &hold, used_tokens, charged, now)?;
        let account = book.account.change();
        account.held = account.held.minus(hold.amount)?;
        account.limits = limits;
    } else if book.account.limits.day == hold.day {
        let day_used = book.account.limits.day_used.plus(charged)?;
        book.account.change().limits.day_used = day_used;
    }
    close(book, id, HoldState::Settled, now.at, |hold| {
        hold.charged = charged;
        hold.absorbed = absorbed;
    });
    api_keys::charge(book, api_key, charged, now.at)?;
    if charged.is_positive() {
        lots::burn(book, charged, hold.created_at)?;
        book.post(Movement {
            kind: EntryKind::Use,
            amount: charged.negated(),
            source: format!("hold:{id}"),
            actor: Actor::user(&user),
            note: None,
            at: now.at,
        })?;
    }
    // What came back to a lot that is due expires now, before anybody is told that it is there.
    lots::expire_due(book, now.at)?;
    let balances = book.account.balances()?;
    if let (Some(key), Some(answer)) = (key, answer)
        && let Some(record) = book.keys.get_mut(&key)
        && record.hold == id
    {
        let remaining = balances.available;
        record.change().answer = Some(StoredAnswer { answer, charged, remaining });
    }
    if let Some(texts) = content {
        let (request, response) = (texts.request, texts.response);
        book.out.content.push(UsageContent { hold: id, user, at: now.at, request, response });
    }
    book.out.usage.push(UsageRecord {
        hold: id,
        user,
        plan: book.account.plan.clone(),
        at: now.at,
        facts,
        outcome: Outcome::Settled,
        credits: charged,
        absorbed,
    });
    Ok(Receipt::Settled(Settled { charged, absorbed, balances, repeated: false }))
}

/// What a hold that expired is charged late; nothing any more once the account is closed. A key is only loaded when the command names it, so a hold
/// under a key that is not named is free: it might have been held again.
fn late_charge(
    book: &Book,
    hold: &Hold,
    named: Option<&IdempotencyKey>,
    charge: Credits,
) -> Result<Credits, Halt> {
    if book.account.closed_at.is_some() {
        return Ok(Credits::ZERO);
    }
    let stands_for = named.and_then(|key| book.keys.get(key)).map(|record| record.hold);
    if hold.key.is_some() && (hold.key.as_ref() != named || stands_for != Some(hold.id)) {
        return Ok(Credits::ZERO);
    }
    let allowance = api_keys::allowance(book, hold.api_key)?;
    Ok(charge.min(hold.amount).min(book.account.balances()?.available).min(allowance))
}

/// Returns all of an open hold and writes a usage row of zero credits. What was returned already,
/// by a void or by expiry, is not returned again.
pub(super) fn void(book: &mut Book, request: VoidRequest) -> Result<Receipt, Halt> {
    let Some(hold) = book.holds.get(&request.hold) else {
        return Err(Refusal::HoldUnknown.into());
    };
    match hold.state {
        HoldState::Open => {}
        HoldState::Voided | HoldState::Expired => return Ok(Receipt::Voided(false)),
        HoldState::Settled => return Err(Refusal::HoldSettled.into()),
    }
    give_back(book, request.hold, HoldState::Voided, request.now)?;
    book.out.usage.push(UsageRecord {
        hold: request.hold,
        user: request.user,
        plan: book.account.plan.clone(),
        at: request.now.at,
        facts: request.facts,
        outcome: request.outcome,
        credits: Credits::ZERO,
        absorbed: Credits::ZERO,
    });
    // What came back to a lot that is due expires now.
    lots::expire_due(book, request.now.at)?;
    Ok(Receipt::Voided(true))
}

/// A hold voids at expiry: every open hold past its `expires_at` becomes `expired`, and all of it is
/// returned. Run before every act and every read of the account.
pub(super) fn expire_due(book: &mut Book, now: Timestamp) -> Result<(), Halt> {
    let due: Vec<HoldId> = book
        .holds
        .values()
        .filter(|hold| hold.is_open() && hold.expires_at <= now)
        .map(|hold| hold.id)
        .collect();
    for id in due {
        give_back(book, id, HoldState::Expired, still(book, now))?;
    }
    Ok(())
}

/// Expires holds whose server is dead, before their time.
pub(super) fn expire_lost(book: &mut Book, request: &ExpireRequest) -> Result<Receipt, Halt> {
    let mut expired: u32 = 0;
    for id in &request.lost {
        if book.holds.get(id).is_some_and(|hold| hold.is_open()) {
            give_back(book, *id, HoldState::Expired, request.now)?;
            expired = expired.saturating_add(1);
        }
    }
    lots::expire_due(book, request.now.at)?;
    Ok(Receipt::Expired(expired))
}

/// A moment that leaves the day of the limits as it is: reads know the time, not the day.
fn still(book: &Book, at: Timestamp) -> Moment {
    Moment { at, day: book.account.limits.day, day_ends: at }
}

fn give_back(book: &mut Book, id: HoldId, state: HoldState, now: Moment) -> Result<(), Halt> {
    let Some(hold) = book.holds.get(&id).map(|hold| (**hold).clone()) else { return Ok(()) };
    let limits = limits::release(book.account.limits, &hold, Tokens::ZERO, Credits::ZERO, now)?;
    let account = book.account.change();
    account.held = account.held.minus(hold.amount)?;
    account.limits = limits;
    close(book, id, state, now.at, |_| {});
    Ok(())
}

fn close(book: &mut Book, id: HoldId, state: HoldState, at: Timestamp, also: impl FnOnce(&mut Hold)) {
    if let Some(hold) = book.holds.get_mut(&id) {
        let hold = hold.change();
        hold.state = state;
        hold.closed_at = Some(at);
        also(hold);
    }
}
