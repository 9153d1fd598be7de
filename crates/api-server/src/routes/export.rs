//! The document of an export: written piece by piece, so that it may be as long as it wants.
//!
//! What is new about a user and kept anywhere gets a section here.

use std::sync::Arc;

use actix_web::web::Bytes;
use domain::audit::AuditEntry;
use domain::billing::subscription::Subscription;
use domain::ids::{GrantId, HoldId, IdempotencyKey, UserId};
use domain::ledger::account::Suspension;
use domain::ledger::holds::KeyRecord;
use domain::ledger::lots::Lot;
use domain::ledger::usage::UsageContent;
use domain::ports::Unavailable;
use domain::ports::api_keys::ApiKeyCursor;
use domain::ports::audit::{AuditCursor, AuditFilter};
use domain::ports::billing::PageEnd;
use domain::ports::statements::{JournalLine, UsageCursor};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde_json::{Value, json};

use super::alerts::AlertsBody;
use super::api_keys::ApiKeyBody;
use super::purchases::{NoticeBody, PurchaseBody, notice_name};
use super::views::{CreditsBody, EntryBody, UsageBody};
use crate::clock::rfc3339;
use crate::wiring::App;

/// How many rows are read at once.
const PAGE: u32 = 100;

/// Why a document breaks off. Its text is for the log alone.
#[derive(Debug)]
pub struct Broken(String);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

impl From<Unavailable> for Broken {
    fn from(cause: Unavailable) -> Self {
        Self(cause.to_string())
    }
}

/// What is short.
pub async fn head(app: &App, user: UserId) -> Result<Value, Unavailable> {
    let stores = &app.stores;
    let view = app.accounts.view(user).await?;
    let contact = stores.personal.contact(user).await?;
    let profile = stores.purchases.profile(user).await?;
    let subscriptions = stores.purchases.subscriptions(user).await?;
    let suspensions = stores.personal.suspensions(user).await?;
    let top_up = profile.top_up.map(|it| {
        json!({
            "enabled": it.settings.enabled, "threshold": it.settings.threshold.get(),
            "plan_id": it.settings.plan.as_str(), "monthly_cap_minor": it.settings.monthly_cap_minor,
        })
    });
    Ok(json!({
        "format": "saldo-export",
        "version": 1,
        "exported_at": rfc3339(app.clock.now().at),
        "user_id": user.to_string(),
        "account": CreditsBody::from(&view),
        "alerts": AlertsBody::as_viewed(&view, &contact),
        "billing": { "customer_id": profile.customer, "auto_top_up": top_up },
        "subscriptions": subscriptions.iter().map(subscription).collect::<Vec<_>>(),
        "suspensions": suspensions.iter().map(suspension).collect::<Vec<_>>(),
    }))
}

/// Where writing has come to.
#[derive(Clone)]
enum Place {
    Head(Box<Value>),
    Lots(Option<GrantId>),
    Journal(Option<u64>),
    Usage(Option<UsageCursor>),
    Texts(Option<HoldId>),
    Answers(Option<IdempotencyKey>),
    Purchases(Option<PageEnd>),
    ApiKeys(Option<ApiKeyCursor>),
    Acts(Option<AuditCursor>),
    Notices(Option<PageEnd>),
    End,
}

/// The document, beginning with its head.
pub fn document(app: Arc<App>, user: UserId, head: Value) -> impl Stream<Item = Result<Bytes, Broken>> {
    try_unfold(Place::Head(Box::new(head)), move |place| {
        let app = Arc::clone(&app);
        async move {
            if matches!(place, Place::End) {
                return Ok(None);
            }
            let (piece, next) = write(&app, user, place).await?;
            Ok(Some((Bytes::from(piece), next)))
        }
    })
}

/// One piece: a page of a section, with what stands before and behind it.
async fn write(app: &App, user: UserId, place: Place) -> Result<(String, Place), Broken> {
    let (statements, personal, purchases) =
        (&app.stores.statements, &app.stores.personal, &app.stores.purchases);
    match place {
        Place::Head(head) => {
            // Left open: sections follow.
            let text = head.to_string();
            Ok((text.strip_suffix('}').unwrap_or(&text).to_owned(), Place::Lots(None)))
        }
        Place::Lots(after) => {
            let rows = personal.lots(user, after, PAGE).await?;
            let next = rows.last().map(|row| Place::Lots(Some(row.id)));
            Ok(section("lots", after.is_none(), &rows, lot, next, Place::Journal(None)))
        }
        Place::Journal(before) => {
            let rows = statements.journal(user, before, PAGE).await?;
            let next = rows.last().map(|row| Place::Journal(Some(row.entry.seq)));
            Ok(section("journal", before.is_none(), &rows, entry, next, Place::Usage(None)))
        }
        Place::Usage(before) => {
            let rows = statements.usage(user, before, PAGE).await?;
            let next = rows.last().map(|row| Place::Usage(Some(UsageCursor { at: row.at, hold: row.hold })));
            Ok(section(
                "usage",
                before.is_none(),
                &rows,
                |row| json!(UsageBody::from(row)),
                next,
                Place::Texts(None),
            ))
        }
        Place::Texts(after) => {
            let rows = personal.texts(user, after, PAGE).await?;
            let next = rows.last().map(|row| Place::Texts(Some(row.hold)));
            Ok(section("texts", after.is_none(), &rows, text, next, Place::Answers(None)))
        }
        Place::Answers(after) => {
            let rows = personal.keys(user, after.clone(), PAGE).await?;
            let next = rows.last().map(|row| Place::Answers(Some(row.key.clone())));
            Ok(section("idempotency_keys", after.is_none(), &rows, answer, next, Place::Purchases(None)))
        }
        Place::Purchases(before) => {
            let rows = purchases.purchases(Some(user), before.clone(), PAGE).await?;
            let end = |at, name| Place::Purchases(Some(PageEnd { at, name }));
            let next = rows.last().map(|row| end(row.created_at, row.id.to_string()));
            let body = |row: &_| json!(PurchaseBody::from(row));
            Ok(section("purchases", before.is_none(), &rows, body, next, Place::ApiKeys(None)))
        }
        Place::ApiKeys(before) => {
            let rows = app.api_keys.list(user, before, PAGE).await?;
            let next =
                rows.last().map(|row| Place::ApiKeys(Some(ApiKeyCursor { at: row.created_at, id: row.id })));
            let body = |row: &_| json!(ApiKeyBody::from(row));
            Ok(section("api_keys", before.is_none(), &rows, body, next, Place::Acts(None)))
        }
        Place::Acts(before) => {
            let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
            let rows = app.stores.audit.audit(filter, before, PAGE).await?;
            let next = rows.last().map(|row| Place::Acts(Some(AuditCursor { at: row.at, id: row.note.id })));
            Ok(section("audit_log", before.is_none(), &rows, act, next, Place::Notices(None)))
        }
        Place::Notices(before) => {
            let rows = purchases.notices(user, before.clone(), PAGE).await?;
            let end = |at, name| Place::Notices(Some(PageEnd { at, name }));
            let next = rows.last().map(|row| end(row.at, notice_name(row)));
            let body = |row: &_| json!(NoticeBody::from(row));
            let (piece, next) = section("notifications", before.is_none(), &rows, body, next, Place::End);
            let end = if matches!(next, Place::End) { "}" } else { "" };
            Ok((piece + end, next))
        }
        Place::End => Ok((String::new(), Place::End)),
    }
}

/// Rows of a section, and where writing goes on: with the next page, or, when this was the last, behind the section.
fn section<T>(
    name: &str,
    is_first: bool,
    rows: &[T],
    body: impl Fn(&T) -> Value,
    next: Option<Place>,
    behind: Place,
) -> (String, Place) {
    let bodies: Vec<String> = rows.iter().map(|row| body(row).to_string()).collect();
    let before = match (is_first, rows.is_empty()) {
        (true, _) => format!(",\"{name}\":["),
        (false, true) => String::new(),
        (false, false) => ",".to_owned(),
    };
    let piece = before + &bodies.join(",");
    let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= PAGE);
    match next.filter(|_| is_full) {
        Some(next) => (piece, next),
        None => (piece + "]", behind),
    }
}

fn subscription(row: &Subscription) -> Value {
    json!({
        "id": row.id, "plan_id": row.offer.plan.as_str(), "status": row.status, "ended": row.ended,
        "cancel_at_period_end": row.cancel_at_period_end, "paid_until": row.paid_until.map(rfc3339),
        "created_at": rfc3339(row.created_at),
    })
}

fn suspension(row: &Suspension) -> Value {
    json!({ "source": row.source.as_str(), "reason": row.reason, "since": rfc3339(row.since) })
}

fn lot(row: &Lot) -> Value {
    json!({
        "id": row.id.to_string(), "source": row.source.to_string(), "amount": row.amount.get(),
        "remaining": row.remaining.get(), "expired": row.expired.get(), "clawed_back": row.clawed.get(),
        "created_at": rfc3339(row.created_at), "expires_at": row.expires_at.map(rfc3339),
    })
}

/// With its note, and without saying which admin it was.
fn entry(line: &JournalLine) -> Value {
    let actor = line.entry.actor.as_str();
    let mut body = json!(EntryBody::from(&line.entry));
    body["actor"] = actor.split(':').next().unwrap_or(actor).into();
    body["note"] = line.note.clone().into();
    body
}

/// What an admin did, and why, without saying which admin it was.
fn act(row: &AuditEntry) -> Value {
    json!({ "at": rfc3339(row.at), "action": row.note.action, "reason": row.note.reason })
}

fn text(row: &UsageContent) -> Value {
    json!({
        "usage_id": row.hold.to_string(), "created_at": rfc3339(row.at), "request": row.request,
        "response": row.response,
    })
}

fn answer(row: &KeyRecord) -> Value {
    let kept = row.answer.as_ref().map(|kept| String::from_utf8_lossy(&kept.answer.body).into_owned());
    json!({ "key": row.key.as_str(), "created_at": rfc3339(row.created_at), "answer": kept })
}
