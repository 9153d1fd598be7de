//! API keys: made and ended here, and **how much one may spend**.
//!
//! What a key has spent is on its row. What it holds is not written anywhere: it is the sum of its open holds, and
//! all open holds of an account are at hand whenever something is decided on it. A hold is admitted when
//! `spent + open holds under the key + amount <= spend_cap`, in the commit that makes it.

use super::books::{Book, Halt, Tracked};
use super::closing;
use super::command::{CreateApiKeyRequest, Receipt, Refusal, RevokeApiKeyRequest};
use crate::api_keys::ApiKey;
use crate::clock::{Span, Timestamp};
use crate::credits::{Credits, Overflow};
use crate::ids::ApiKeyId;

/// How many live keys a user may have.
pub const MOST_LIVE: usize = 100;
/// How old `last_used_at` may get while a key is in use: not every hold writes the key's row.
pub const USE_NOTED_EVERY: Span = Span::from_secs(60);

/// Makes a key, once for its id.
pub(super) fn create(book: &mut Book, request: CreateApiKeyRequest) -> Result<Receipt, Halt> {
    if let Some(first) = book.api_keys.get(&request.id) {
        return Ok(answer(first));
    }
    closing::must_be_open(book)?;
    if request.spend_cap.is_some_and(|cap| !cap.is_positive()) {
        return Err(Refusal::AmountOutOfRange.into());
    }
    let at = request.now.at;
    if book.api_keys.values().filter(|key| key.is_live(at)).count() >= MOST_LIVE {
        return Err(Refusal::TooManyApiKeys.into());
    }
    let CreateApiKeyRequest { id, user, name, prefix, secret, scopes, spend_cap, expires_at, .. } = request;
    let key = ApiKey {
        id,
        user,
        name,
        prefix,
        secret,
        scopes,
        spend_cap,
        spent: Credits::ZERO,
        created_at: at,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let receipt = answer(&key);
    book.api_keys.insert(id, Tracked::new(key));
    Ok(receipt)
}

/// Ends a key, once. Its open holds stand, and can still be settled.
pub(super) fn revoke(book: &mut Book, request: RevokeApiKeyRequest) -> Result<Receipt, Halt> {
    let Some(key) = book.api_keys.get_mut(&request.id) else { return Err(Refusal::ApiKeyUnknown.into()) };
    if key.revoked_at.is_none() {
        key.change().revoked_at = Some(request.now.at);
    }
    Ok(answer(key))
}

/// Ends all live keys of an account that is closed, and forgets what its user called those at hand.
pub(super) fn revoke_all(book: &mut Book, now: Timestamp) {
    for key in book.api_keys.values_mut() {
        let live = key.is_live(now);
        let key = key.change();
        key.name.clear();
        if live {
            key.revoked_at = Some(now);
        }
    }
}

fn answer(key: &ApiKey) -> Receipt {
    Receipt::ApiKey(Box::new(key.clone()))
}

/// Refuses a request under a key that has ended since the request was let in, or that is not there.
pub(super) fn admit(book: &Book, under: Option<ApiKeyId>, now: Timestamp) -> Result<(), Refusal> {
    let Some(id) = under else { return Ok(()) };
    let live = book.api_keys.get(&id).is_some_and(|key| key.is_live(now));
    if live { Ok(()) } else { Err(Refusal::ApiKeyEnded) }
}

/// What may still be held under a key; [`Credits::MAX`] where nothing caps it.
pub(super) fn allowance(book: &Book, under: Option<ApiKeyId>) -> Result<Credits, Overflow> {
    let key = under.and_then(|id| book.api_keys.get(&id));
    let Some((key, cap)) = key.and_then(|key| Some((key, key.spend_cap?))) else { return Ok(Credits::MAX) };
    let held = book.holds.values().filter(|hold| hold.is_open() && hold.api_key == under);
    let held = Credits::sum(held.map(|hold| hold.amount))?;
    Ok(cap.minus(key.spent)?.minus(held)?.or_zero())
}

/// Adds what was charged to what the key has spent, and notes that it was used.
pub(super) fn charge(
    book: &mut Book,
    under: Option<ApiKeyId>,
    charged: Credits,
    now: Timestamp,
) -> Result<(), Overflow> {
    note_use(book, under, now);
    if let Some(key) = under.and_then(|id| book.api_keys.get_mut(&id))
        && charged.is_positive()
    {
        let spent = key.spent.plus(charged)?;
        let key = key.change();
        // The row is written anyway.
        key.last_used_at = key.last_used_at.max(Some(now));
        key.spent = spent;
    }
    Ok(())
}

/// Notes that a key was used, unless that was noted within the last minute.
pub(super) fn note_use(book: &mut Book, under: Option<ApiKeyId>, now: Timestamp) {
    if let Some(key) = under.and_then(|id| book.api_keys.get_mut(&id))
        && key.last_used_at.is_none_or(|noted| noted.after(USE_NOTED_EVERY) <= now)
    {
        key.change().last_used_at = Some(now);
    }
}
