//! What admins see and do.

use actix_web::{HttpRequest, HttpResponse, Responder, web};
use chrono::{Days, NaiveDate};
use domain::clock::Timestamp;
use domain::credits::Credits;
use domain::ids::{IdempotencyKey, UserId};
use domain::ledger::account::{Actor, SuspensionSource};
use domain::ports::identity::Scope;
use domain::services::accounts::{MOST_BY_HAND, ManualCredits};
use domain::services::assistant::question::FieldRule;
use serde::Serialize;
use serde_json::Value;

use super::credits::Parameters;
use super::views::AdminCreditsBody;
use crate::clock::{day_start, from_rfc3339, rfc3339, to_timestamp, today};
use crate::http::auth::Bearer;
use crate::http::body::{MOST_BYTES, read_bytes, read_json};
use crate::http::fields::Fields;
use crate::http::headers::{IDEMPOTENCY_REPLAYED, required_idempotency_key};
use crate::http::problem::{Kind, Problem};
use crate::wiring::App;

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// `GET /api/admin/ai-analytics`.
#[derive(Serialize)]
struct AnalyticsBody {
    total_requests: u64,
    total_credits_used: i64,
    total_cost: String,
    unique_users: u64,
    failed_requests: u64,
    from: String,
    to: String,
    timezone: String,
}

/// Totals of today, of a day, or of a range.
pub async fn analytics(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
) -> Result<impl Responder, Problem> {
    bearer.with(Scope::AdminRead)?;
    let (from, to) = range(&app, &query)?;
    let totals = app.stores.reports.usage_totals(from, to).await?;
    Ok(web::Json(AnalyticsBody {
        total_requests: totals.requests,
        total_credits_used: totals.credits.get(),
        total_cost: totals.cost.to_string(),
        unique_users: totals.users,
        failed_requests: totals.failed,
        from: rfc3339(from),
        to: rfc3339(to),
        timezone: app.report_timezone.name().to_owned(),
    }))
}

/// `date`, or `from` and `to` (half-open; each a day or a moment), or today.
fn range(app: &App, query: &Parameters) -> Result<(Timestamp, Timestamp), Problem> {
    let zone = app.report_timezone;
    let day_range = |day: NaiveDate| {
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        (to_timestamp(day_start(zone, day)), to_timestamp(day_start(zone, next)))
    };
    let wrong = |name: &str| Problem::field(name, FieldRule::DateOrTime);
    if let Some(text) = query.get("date") {
        return Ok(day_range(plausible_day(text).ok_or_else(|| wrong("date"))?));
    }
    let moment = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(text) => match plausible_day(text) {
            Some(day) => Ok(Some(day_range(day).0)),
            None => from_rfc3339(text).map(Some).ok_or_else(|| wrong(name)),
        },
    };
    match (moment("from")?, moment("to")?) {
        (None, None) => Ok(day_range(today(zone, app.clock.now().at))),
        (Some(from), Some(to)) if from < to => Ok((from, to)),
        (Some(from), None) if from < app.clock.now().at => Ok((from, app.clock.now().at)),
        (Some(_), _) => Err(Problem::field("from", FieldRule::BeforeTo)),
        (None, Some(_)) => Err(Problem::field("from", FieldRule::Required)),
    }
}

/// A day in a year of four digits.
fn plausible_day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (text.len() == 10).then_some(day)
}

/// `POST /api/admin/users/{id}/credits`: gives or takes credits.
pub async fn move_credits(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let admin = bearer.with(Scope::AdminWrite)?.user;
    let user = user(&id)?;
    let key = required_idempotency_key(&request)?;
    let asked = manual_credits(&app, user, key, &read_json(payload).await?)?;
    let accounts = app.accounts.clone();
    let (view, repeated) =
        app.run(async move { accounts.move_by_hand(Actor::admin(&admin), asked).await }).await??;
    let mut response = HttpResponse::Created();
    if repeated {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    Ok(response.json(AdminCreditsBody::of(user, &view)))
}

fn manual_credits(
    app: &App,
    user: UserId,
    key: IdempotencyKey,
    body: &Value,
) -> Result<ManualCredits, Problem> {
    let mut fields = Fields::of_body(body)?;
    fields.require("amount");
    let amount = fields.whole("amount").unwrap_or_default();
    let credits =
        Credits::new(amount).ok().filter(|it| it.get() != 0 && it.get().abs() <= MOST_BY_HAND.get());
    if credits.is_none() && body.get("amount").is_some_and(Value::is_i64) {
        fields.fault("amount", FieldRule::AmountWithin(MOST_BY_HAND.get()));
    }
    let reason = reason(&mut fields);
    let expires_at = fields.future_time("expires_at", app.clock.now().at);
    if expires_at.is_some() && amount < 0 {
        fields.fault("expires_at", FieldRule::OnlyWithGrants);
    }
    let amount = credits.unwrap_or(Credits::ZERO);
    fields.finish(ManualCredits { user, amount, reason, expires_at, key })
}

/// Why an admin does it.
pub(super) fn reason(fields: &mut Fields<'_>) -> String {
    fields.require("reason");
    let reason = fields.text("reason").unwrap_or_default().trim().to_owned();
    if reason.chars().count() > LONGEST_REASON {
        fields.fault("reason", FieldRule::AtMostChars(LONGEST_REASON));
    } else if reason.is_empty() {
        fields.fault("reason", FieldRule::NotBlank);
    }
    reason
}

/// `POST /api/admin/users/{id}/suspend`: stops spending.
pub async fn suspend(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    let admin = bearer.with(Scope::AdminWrite)?.user;
    let user = user(&id)?;
    let body = read_json(payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let reason = reason(&mut fields);
    let reason = fields.finish(reason)?;
    let accounts = app.accounts.clone();
    let view = app.run(async move { accounts.suspend(Actor::admin(&admin), user, reason).await }).await??;
    Ok(web::Json(AdminCreditsBody::of(user, &view)))
}

/// The longest name of a suspension.
const LONGEST_SOURCE: usize = 300;

/// `POST /api/admin/users/{id}/resume`: lifts the admin's suspension, or, with `source` in a body, the one of that
/// name (`dispute:...`).
pub async fn resume(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    let admin = bearer.with(Scope::AdminWrite)?.user;
    let user = user(&id)?;
    let source = suspension_source(&read_bytes(payload, MOST_BYTES).await?)?;
    let accounts = app.accounts.clone();
    let view = app.run(async move { accounts.resume(Actor::admin(&admin), user, source).await }).await??;
    Ok(web::Json(AdminCreditsBody::of(user, &view)))
}

fn suspension_source(body: &[u8]) -> Result<Option<SuspensionSource>, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| Kind::MalformedJson)?;
    let mut fields = Fields::of_body(&body)?;
    let source = fields.text("source").map(str::trim);
    if source.is_some_and(|source| source.chars().count() > LONGEST_SOURCE) {
        fields.fault("source", FieldRule::AtMostChars(LONGEST_SOURCE));
    } else if source.is_some_and(str::is_empty) {
        fields.fault("source", FieldRule::NotBlank);
    }
    fields.finish(source.map(|source| SuspensionSource::stored(source.to_owned())))
}

/// The user that a path names: a UUID, or what stands as `sub` in their token.
pub(super) fn user(id: &str) -> Result<UserId, Problem> {
    let fit = (1..=255).contains(&id.chars().count()) && !id.trim().is_empty();
    if fit { Ok(adapters_jwt::user_id(id)) } else { Err(Kind::NotFound.into()) }
}
