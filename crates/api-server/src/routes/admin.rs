//! What admins do. Every act is written into the audit log, in its own commit.
//!
//! | To find | Look in |
//! |---|---|
//! | totals, breakdowns, series | [`figures`] |
//! | accounts, one by one | [`users`] |
//! | everybody's requests and notices, the audit log | [`lists`] |
//! | the same as CSV | [`exports`] |

pub mod exports;
pub mod figures;
pub mod lists;
pub mod users;

use actix_web::{HttpRequest, HttpResponse, Responder, web};
use domain::credits::Credits;
use domain::ids::{IdempotencyKey, UserId};
use domain::ledger::account::SuspensionSource;
use domain::ports::identity::Scope;
use domain::services::accounts::{MOST_BY_HAND, ManualCredits};
use domain::services::assistant::question::FieldRule;
use serde_json::Value;
use utoipa::ToSchema;

use super::views::AdminCreditsBody;
use crate::http::auth::Bearer;
use crate::http::body::{MOST_BYTES, read_bytes, read_json};
use crate::http::fields::Fields;
use crate::http::headers::{IDEMPOTENCY_REPLAYED, required_idempotency_key};
use crate::http::problem::{Kind, Problem};
use crate::wiring::App;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};

/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 500;

/// `POST /api/admin/users/{id}/credits`: gives or takes credits.
pub async fn move_credits(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let by = bearer.acting(Scope::AdminWrite, &request)?;
    let user = user(&id)?;
    let key = required_idempotency_key(&request)?;
    let asked = manual_credits(&app, user, key, &read_json(payload).await?)?;
    let accounts = app.accounts.clone();
    let (view, repeated) = app.run(async move { accounts.move_by_hand(by, asked).await }).await??;
    let mut response = HttpResponse::Created();
    if repeated {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    Ok(response.json(AdminCreditsBody::of(user, &view)))
}

/// Credits to give or take.
#[derive(ToSchema)]
#[schema(as = ManualCreditsRequest)]
#[expect(dead_code, reason = "describes what `manual_credits` reads")]
pub struct ManualCreditsWish {
    /// Given, or taken when negative. Not zero.
    #[schema(schema_with = amount_schema)]
    amount: i64,
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\x00]*\S[^\x00]*$")]
    reason: String,
    /// When what is given expires; in the future, and only when credits are given.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

fn amount_schema() -> Schema {
    let whole = |least: i64, most: i64| {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most))
    };
    let most = MOST_BY_HAND.get();
    let about = "Given, or taken when negative. Not zero.";
    AnyOfBuilder::new().item(whole(-most, -1)).item(whole(1, most)).description(Some(about)).build().into()
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
    if credits.is_none() && fields.whole("amount").is_some() {
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
    let reason = fields.text("reason");
    if let Some(reason) = reason {
        fields.check_text("reason", reason, LONGEST_REASON);
    }
    reason.unwrap_or_default().trim().to_owned()
}

/// Why an account is suspended.
#[derive(ToSchema)]
#[schema(as = SuspensionRequest)]
#[expect(dead_code, reason = "describes what `suspend` reads")]
pub struct SuspensionWish {
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\x00]*\S[^\x00]*$")]
    reason: String,
}

/// `POST /api/admin/users/{id}/suspend`: stops spending.
pub async fn suspend(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    let by = bearer.acting(Scope::AdminWrite, &request)?;
    let user = user(&id)?;
    let body = read_json(payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let reason = reason(&mut fields);
    let reason = fields.finish(reason)?;
    let accounts = app.accounts.clone();
    let view = app.run(async move { accounts.suspend(by, user, reason).await }).await??;
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
    request: HttpRequest,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    let by = bearer.acting(Scope::AdminWrite, &request)?;
    let user = user(&id)?;
    let (source, reason) = resumption(&read_bytes(payload, MOST_BYTES).await?)?;
    let accounts = app.accounts.clone();
    let view = app.run(async move { accounts.resume_because(by, user, source, reason).await }).await??;
    Ok(web::Json(AdminCreditsBody::of(user, &view)))
}

/// Which suspension to lift.
#[derive(ToSchema)]
#[schema(as = ResumptionRequest)]
#[expect(dead_code, reason = "describes what `resumption` reads")]
pub struct ResumptionWish {
    /// The suspension's name, `dispute:...` or `fraud_warning:...`; without it, the admin's own and fraud warnings.
    #[schema(min_length = 1, max_length = 300, pattern = r"^[^\x00]*\S[^\x00]*$")]
    source: Option<String>,
    /// Why; for the audit log.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\x00]*\S[^\x00]*$")]
    reason: Option<String>,
}

/// Which suspension is lifted, and why.
fn resumption(body: &[u8]) -> Result<(Option<SuspensionSource>, Option<String>), Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok((None, None));
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| Kind::MalformedJson)?;
    let mut fields = Fields::of_body(&body)?;
    let source = fields.text("source");
    if let Some(source) = source {
        fields.check_text("source", source, LONGEST_SOURCE);
    }
    let reason = fields.text("reason");
    if let Some(reason) = reason {
        fields.check_text("reason", reason, LONGEST_REASON);
    }
    let source = source.map(|source| SuspensionSource::stored(source.trim().to_owned()));
    fields.finish((source, reason.map(|reason| reason.trim().to_owned())))
}

/// The user that a path names: a UUID, or what stands as `sub` in their token.
pub fn user(id: &str) -> Result<UserId, Problem> {
    let fit = (1..=255).contains(&id.chars().count()) && !id.trim().is_empty();
    if fit { Ok(adapters_jwt::user_id(id)) } else { Err(Kind::NotFound.into()) }
}
