//! What Postgres cannot hold, found before it is sent. The server would answer it with an error that looks
//! like any other, and the command at fault would take its whole batch down again and again.

use std::borrow::Cow;

use domain::audit::AuditNote;
use domain::clock::Timestamp;
use domain::ledger::command::Command;

use crate::api_keys;
use crate::billing::storable as billing;
use crate::error::StoreError;

/// The longest text that may stand in an index: a third of a B-tree page, with room for the rest of the key.
const INDEXED_BYTES: usize = 2000;
/// The year 9999: far inside what a `timestamptz` holds, so that no sum of two times leaves it.
const LAST_MICROS: i64 = 253_402_300_800_000_000;

/// Refuses commands with texts or times that no column can hold.
pub(crate) fn check(command: &Command) -> Result<(), StoreError> {
    time("now", command.now().at)?;
    match command {
        Command::Hold(it) => time("expires_at", it.expires_at),
        // An e-mail address is ASCII without blanks.
        Command::Settle(_)
        | Command::Void(_)
        | Command::Expire(_)
        | Command::RevokeApiKey(_)
        | Command::SetAlerts(_) => Ok(()),
        Command::Close(it) => text("actor", it.actor.as_str()),
        Command::Grant(it) => {
            indexed("source", &it.source.reference)?;
            if let Some(standing) = &it.plan {
                text("plan", standing.plan.as_str())?;
                standing.renewal.map_or(Ok(()), |at| time("renewal", at))?;
            }
            text("actor", it.actor.as_str())?;
            it.note.as_deref().map_or(Ok(()), |note| text("note", note))?;
            it.expires_at.map_or(Ok(()), |at| time("expires_at", at))
        }
        Command::Adjust(it) => {
            indexed("source", &it.source.reference)?;
            text("actor", it.actor.as_str())?;
            it.note.as_deref().map_or(Ok(()), |note| text("note", note))
        }
        Command::ClawBack(it) => {
            indexed("source", &it.source.reference)?;
            text("actor", it.actor.as_str())
        }
        Command::Suspend(it) => {
            indexed("source", it.source.as_str())?;
            text("actor", it.actor.as_str())?;
            text("reason", &it.reason)
        }
        Command::Resume(it) => indexed("source", it.source.as_str()),
        Command::OpenPurchase(it) => billing::open_purchase(it),
        Command::ObservePayment(it) => billing::observe_payment(it),
        Command::ObserveSubscription(it) => billing::observe_subscription(it),
        Command::SetTopUp(it) => billing::set_top_up(it),
        Command::CreateApiKey(it) => api_keys::check(it),
        Command::Audited(it) => {
            note(&it.note)?;
            check(&it.act)
        }
        Command::Record(it) => note(&it.note),
    }
}

fn note(note: &AuditNote) -> Result<(), StoreError> {
    indexed("actor", note.by.actor.as_str())?;
    indexed("target", &note.target)?;
    let others = [Some(&note.by.via), Some(&note.action), note.key.as_ref()];
    others.into_iter().flatten().try_for_each(|part| text("a note for the audit log", part))
}

/// A text that others wrote (a prompt, a model's name, an answer): a NUL, which Postgres cannot hold, becomes
/// a replacement character. Losing an answer's charge over it would be worse.
pub(crate) fn cleaned(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

pub(crate) fn text(what: &'static str, text: &str) -> Result<(), StoreError> {
    if text.contains('\0') {
        return Err(StoreError::Unstorable { what, why: "it contains a NUL" });
    }
    Ok(())
}

pub(crate) fn indexed(what: &'static str, key: &str) -> Result<(), StoreError> {
    if key.len() > INDEXED_BYTES {
        return Err(StoreError::Unstorable { what, why: "it is too long" });
    }
    text(what, key)
}

/// The nearest time that a column can hold, for comparisons.
pub(crate) fn nearest(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros().clamp(0, LAST_MICROS))
}

pub(crate) fn time(what: &'static str, at: Timestamp) -> Result<(), StoreError> {
    if (0..LAST_MICROS).contains(&at.as_micros()) {
        return Ok(());
    }
    Err(StoreError::Unstorable { what, why: "it lies outside the years 1970 to 9999" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_lose_their_nuls_and_nothing_else() {
        assert_eq!(cleaned("a\0b"), "a\u{fffd}b");
        assert!(matches!(cleaned("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn a_time_beyond_the_year_9999_is_refused() {
        assert!(time("now", Timestamp::from_micros(i64::MAX)).is_err());
        assert!(time("now", Timestamp::from_micros(-1)).is_err());
        assert!(time("now", Timestamp::from_micros(0)).is_ok());
    }
}
