//! Acts that are written into the audit log: what they changed is seen where they are done.

use super::batch;
use super::books::{Book, Halt};
use super::command::{Command, Receipt};
use crate::api_keys::ApiKey;
use crate::audit::{AuditEntry, AuditNote, AuditState};
use crate::credits::Credits;

/// An act without the notes that are wrapped around it, and the outermost of those.
pub(super) fn unwrapped(command: &Command) -> (&Command, Option<&AuditNote>) {
    let (mut act, mut note) = (command, None);
    while let Command::Audited(it) = act {
        note = note.or(Some(&it.note));
        act = &it.act;
    }
    (act, note)
}

/// Does an act; with a note about it, writes down what it changed, if it changed something.
pub(super) fn act(
    book: &mut Book,
    command: &Command,
    note: Option<&AuditNote>,
    audit: &mut Vec<AuditEntry>,
) -> Result<Receipt, Halt> {
    let Some(note) = note else { return batch::act(book, command) };
    let now = command.now().at;
    // What was due anyway is not the act's doing.
    book.bring_up_to_date(now)?;
    let before = state(book, command)?;
    let receipt = batch::act(book, command)?;
    let after = state(book, command)?;
    if before.is_none() || before != after {
        let user = Some(command.user());
        audit.push(AuditEntry { note: note.clone(), user, at: now, before, after });
    }
    Ok(receipt)
}

/// What an act may change, for the audit log. `None` of an act that this does not know: it is written down
/// whatever it changed.
fn state(book: &Book, command: &Command) -> Result<Option<AuditState>, Halt> {
    let account = || -> Result<AuditState, Halt> {
        let sums = book.account.balances()?;
        Ok(AuditState::new()
            .int("total_credits", sums.total.get())
            .int("used_credits", sums.used.get())
            .int("available_credits", sums.available.get())
            .int("owed_credits", sums.owed.get())
            .text("plan_type", book.account.plan.as_str()))
    };
    Ok(match command {
        Command::Grant(_) | Command::Adjust(_) | Command::ClawBack(_) => Some(account()?),
        Command::Suspend(_) | Command::Resume(_) => {
            let mut sources: Vec<&str> = book.suspensions.iter().map(|row| row.source.as_str()).collect();
            sources.sort_unstable();
            Some(AuditState::new().list("suspensions", sources))
        }
        Command::ObservePayment(it) => {
            let purchase = book.purchases.get(&it.purchase);
            let status = purchase.map_or("unknown", |row| row.standing().as_str());
            let returned = purchase.map_or(0, |row| row.returned_minor());
            Some(account()?.text("status", status).int("returned_minor", returned))
        }
        Command::Close(_) => Some(account()?.flag("closed", book.account.closed_at.is_some())),
        Command::SetTopUp(_) => book.profile.as_ref().and_then(|row| row.top_up.as_ref()).map(|top_up| {
            let settings = &top_up.settings;
            AuditState::new()
                .flag("enabled", settings.enabled)
                .int("threshold", settings.threshold.get())
                .text("plan_id", settings.plan.as_str())
                .int("monthly_cap_minor", settings.monthly_cap_minor)
        }),
        Command::SetAlerts(_) => {
            let threshold = book.account.alert_threshold.map(Credits::get);
            let threshold = AuditState::new().maybe_int("low_balance_threshold", threshold);
            // What was known of the address before is not at hand.
            Some(match &book.out.contact {
                Some(contact) => {
                    threshold.flag("email", contact.email.is_some()).text("language", contact.language.tag())
                }
                None => threshold,
            })
        }
        Command::CreateApiKey(it) => book.api_keys.get(&it.id).map(|key| api_key(key)),
        Command::RevokeApiKey(it) => book.api_keys.get(&it.id).map(|key| api_key(key)),
        _ => None,
    })
}

/// Without its name, which is its user's own words.
fn api_key(key: &ApiKey) -> AuditState {
    AuditState::new()
        .list("scopes", key.scopes.iter().map(|scope| scope.as_str()))
        .maybe_int("spend_cap", key.spend_cap.map(Credits::get))
        .flag("expires", key.expires_at.is_some())
        .flag("revoked", key.revoked_at.is_some())
}
