//! Everybody's requests and notices, and the audit log.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use domain::audit::{AuditEntry, AuditState};
use domain::billing::notice::Notice;
use domain::ledger::account::Actor;
use domain::ledger::usage::{Outcome, UsageRecord};
use domain::ports::audit::{AuditCursor, AuditFilter};
use domain::ports::identity::Scope;
use domain::ports::overview::UsageFilter;
use domain::ports::statements::JournalLine;
use domain::services::assistant::question::FieldRule;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::http::auth::Bearer;
use crate::http::problem::Problem;
use crate::http::query::Asked;
use crate::openapi::words;
use crate::routes::credits::{Parameters, page, time_and_name, usage_cursor};
use crate::routes::purchases::{NoticeBody, notice_name, page_end};
use crate::routes::views::{EntryBody, Page, UsageBody};
use crate::wiring::App;

/// The longest text that something can be filtered by.
const LONGEST: usize = 300;

static OUTCOMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect());

/// A request, to admins.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminUsage)]
pub struct AdminUsageBody {
    #[serde(flatten)]
    usage: UsageBody,
    #[schema(format = "uuid")]
    user_id: String,
    plan_type: String,
    /// Credits that it cost beyond what was charged.
    absorbed_credits: i64,
    /// What the provider charges: dollars, as a decimal.
    cost: String,
}

impl From<&UsageRecord> for AdminUsageBody {
    fn from(row: &UsageRecord) -> Self {
        Self {
            usage: row.into(),
            user_id: row.user.to_string(),
            plan_type: row.plan.as_str().to_owned(),
            absorbed_credits: row.absorbed.get(),
            cost: row.facts.cost.to_string(),
        }
    }
}

/// The end of a page of requests.
pub(super) fn usage_end(row: &UsageRecord) -> String {
    format!("{}_{}", row.at.as_micros(), row.hold)
}

/// A journal entry, to admins.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminJournalEntry)]
pub struct AdminEntryBody {
    #[serde(flatten)]
    entry: EntryBody,
    #[schema(format = "uuid")]
    user_id: String,
    /// Who did it: `user:...`, `admin:...`, `operator`, `system`.
    actor: String,
    note: Option<String>,
}

impl From<&JournalLine> for AdminEntryBody {
    fn from(line: &JournalLine) -> Self {
        Self {
            entry: (&line.entry).into(),
            user_id: line.entry.user.to_string(),
            actor: line.entry.actor.as_str().to_owned(),
            note: line.note.clone(),
        }
    }
}

impl Asked<'_> {
    /// A text to filter by.
    fn filter(&mut self, name: &str) -> Option<String> {
        if self.text(name).is_some_and(str::is_empty) {
            self.fault(name, FieldRule::NotBlank);
            return None;
        }
        let short = |text: &str| (text.chars().count() <= LONGEST).then(|| text.to_owned());
        self.read(name, FieldRule::AtMostChars(LONGEST), short)
    }

    /// Which requests: by `user`, `model`, `outcome`, `from` and `to`.
    pub(super) fn usage_filter(&mut self, app: &App) -> UsageFilter {
        let (from, to) = self.open_range(app.report_timezone);
        UsageFilter {
            user: self.user("user"),
            model: self.filter("model"),
            outcome: self.word("outcome", &OUTCOMES, Outcome::from_word),
            from,
            to,
        }
    }

    /// Which entries of the audit log: by `actor` (an admin, or `operator`), `user`, `target`, `action`, `from` and
    /// `to`.
    pub(super) fn audit_filter(&mut self, app: &App) -> AuditFilter {
        let (from, to) = self.open_range(app.report_timezone);
        let operator = Actor::operator();
        let actor = match self.text("actor") {
            Some(text) if text == operator.as_str() => Some(text.to_owned()),
            Some(text) if text.starts_with("admin:") => self.filter("actor"),
            _ => self.user("actor").map(|user| Actor::admin(&user).as_str().to_owned()),
        };
        AuditFilter {
            actor,
            target: self.filter("target"),
            action: self.filter("action"),
            user: self.user("user"),
            from,
            to,
        }
    }
}

/// `GET /api/admin/usage`: the latest requests of everybody.
pub async fn usage(bearer: Bearer, app: web::Data<App>, query: Parameters) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let mut asked = Asked::of(&query);
    let filter = asked.usage_filter(&app);
    let (limit, before) = asked.page(usage_cursor);
    asked.finish(())?;
    let rows = app.stores.overview.latest_usage(filter, before, limit + 1).await?;
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| AdminUsageBody::from(row), usage_end)))
}

/// A notice, to admins.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminNotice)]
pub struct AdminNoticeBody {
    #[serde(flatten)]
    notice: NoticeBody,
    #[schema(format = "uuid")]
    user_id: String,
    /// Who is told.
    #[schema(value_type = words::Audience)]
    audience: &'static str,
    detail: Option<String>,
}

impl From<&Notice> for AdminNoticeBody {
    fn from(notice: &Notice) -> Self {
        Self {
            notice: notice.into(),
            user_id: notice.user.to_string(),
            audience: notice.kind.audience().as_str(),
            detail: notice.details.text.clone(),
        }
    }
}

/// `GET /api/admin/notices`: those of all users, and those that only admins see.
pub async fn notices(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let (limit, before) = page(&query, page_end)?;
    let rows = app.stores.overview.all_notices(before, limit + 1).await?;
    let end = |row: &Notice| format!("{}_{}:{}", row.at.as_micros(), row.user, notice_name(row));
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| AdminNoticeBody::from(row), end)))
}

/// Something that an admin did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditBody {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// Who: `admin:...` or `operator`.
    actor: String,
    /// How they came: `token`, `api_key:...`, `session:...`, `cli`.
    via: String,
    action: String,
    /// What was acted on.
    target: String,
    #[schema(format = "uuid")]
    user_id: Option<String>,
    reason: Option<String>,
    /// How it was before, in JSON.
    #[schema(value_type = Value)]
    before: Option<Value>,
    /// How it was afterwards, in JSON.
    #[schema(value_type = Value)]
    after: Option<Value>,
    request_id: Option<String>,
    idempotency_key: Option<String>,
}

impl From<&AuditEntry> for AuditBody {
    fn from(entry: &AuditEntry) -> Self {
        let note = entry.note.clone();
        let json = |state: &Option<AuditState>| {
            let text = state.as_ref().map(AuditState::as_str)?;
            // What is no JSON is shown as it is.
            Some(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())))
        };
        Self {
            id: note.id.to_string(),
            at: rfc3339(entry.at),
            actor: note.by.actor.as_str().to_owned(),
            via: note.by.via,
            action: note.action,
            target: note.target,
            user_id: entry.user.map(|user| user.to_string()),
            reason: note.reason,
            before: json(&entry.before),
            after: json(&entry.after),
            request_id: note.by.request_id,
            idempotency_key: note.key,
        }
    }
}

/// `GET /api/admin/audit`: what admins did, the latest first.
pub async fn audit(bearer: Bearer, app: web::Data<App>, query: Parameters) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let mut asked = Asked::of(&query);
    let filter = asked.audit_filter(&app);
    let cursor = |text: &str| time_and_name(text).map(|(at, id)| AuditCursor { at, id });
    let (limit, before) = asked.page(cursor);
    asked.finish(())?;
    let rows = app.stores.audit.audit(filter, before, limit + 1).await?;
    let end = |row: &AuditEntry| format!("{}_{}", row.at.as_micros(), row.note.id);
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| AuditBody::from(row), end)))
}
