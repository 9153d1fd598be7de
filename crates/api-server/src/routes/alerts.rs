//! When and where users are told. No API key gets to see a person's address.

use actix_web::{HttpRequest, Responder, web};
use domain::contact::{Contact, EmailAddress};
use domain::credits::Credits;
use domain::ids::UserId;
use domain::language::Language;
use domain::ledger::account::AccountView;
use domain::ledger::command::SetAlertsRequest;
use domain::ports::identity::Scope;
use domain::services::accounts::MOST_BY_HAND;
use domain::services::assistant::question::FieldRule;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::auth::{Bearer, owner_acting};
use crate::http::body::read_json;
use crate::http::fields::Fields;
use crate::http::problem::{Kind, Problem};
use crate::openapi::words;
use crate::wiring::App;

/// When and where a user is told.
#[derive(Serialize, ToSchema)]
#[schema(as = Alerts)]
pub struct AlertsBody {
    /// Below so many credits there is a notice; what the user said.
    low_balance_threshold: Option<i64>,
    /// The threshold in force.
    effective_threshold: i64,
    /// Where letters go.
    email: Option<String>,
    #[schema(value_type = words::Language)]
    language: &'static str,
}

impl AlertsBody {
    pub(super) fn of(threshold: Option<Credits>, effective: Credits, contact: &Contact) -> Self {
        Self {
            low_balance_threshold: threshold.map(Credits::get),
            effective_threshold: effective.get(),
            email: contact.email.as_ref().map(|email| email.as_str().to_owned()),
            language: contact.language.tag(),
        }
    }

    pub(super) fn as_viewed(view: &AccountView, contact: &Contact) -> Self {
        Self::of(view.alert_threshold, view.low_balance_threshold, contact)
    }
}

/// `GET /api/user/alerts`: also for who may only change them.
pub async fn alerts(bearer: Bearer, app: web::Data<App>) -> Result<impl Responder, Problem> {
    let scope = if bearer.0.may(Scope::AccountWrite) { Scope::AccountWrite } else { Scope::CreditsRead };
    let user = bearer.with_token(scope)?.user;
    let view = app.accounts.view(user).await?;
    if view.closed_at.is_some() {
        return Err(Kind::AccountClosed.into());
    }
    let contact = app.stores.personal.contact(user).await?;
    Ok(web::Json(AlertsBody::as_viewed(&view, &contact)))
}

/// `PUT /api/user/alerts`: replaces all of them; what is left out is as it was for a newcomer.
pub async fn set_alerts(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    let owner = bearer.with_token(Scope::AccountWrite)?;
    let (by, user) = (owner_acting(&owner, &request), owner.user);
    let asked = wanted(&app, user, &read_json(payload).await?)?;
    let (threshold, email, language) = (asked.threshold, asked.email.clone(), asked.language);
    let accounts = app.accounts.clone();
    let effective = app.run(async move { accounts.set_alerts(by, asked).await }).await??;
    Ok(web::Json(AlertsBody::of(threshold, effective, &Contact { user, email, language })))
}

/// When and where a user wants to be told.
#[derive(ToSchema)]
#[schema(as = AlertsRequest)]
#[expect(dead_code, reason = "describes what `wanted` reads")]
pub struct AlertsWish {
    /// Below so many credits there is a notice; without it, below a tenth of the last grant.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    low_balance_threshold: Option<i64>,
    /// Where letters go; without it, there are none.
    #[schema(
        max_length = 254,
        pattern = r"^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
    )]
    email: Option<String>,
    /// What letters speak; without it, `pt-BR`.
    #[schema(value_type = Option<words::Language>)]
    language: Option<String>,
}

fn wanted(app: &App, user: UserId, body: &Value) -> Result<SetAlertsRequest, Problem> {
    let mut fields = Fields::of_body(body)?;
    let most = MOST_BY_HAND.get();
    let threshold = fields.whole("low_balance_threshold").and_then(|amount| {
        let fits = (0..=most).contains(&amount).then(|| Credits::new(amount).ok()).flatten();
        if fits.is_none() {
            fields.fault("low_balance_threshold", FieldRule::WholeWithin(0, most));
        }
        fits
    });
    let email = fields.text("email").and_then(|text| {
        let email = text.parse::<EmailAddress>().ok();
        if email.is_none() {
            fields.fault("email", FieldRule::EmailAddress);
        }
        email
    });
    let language = fields.text("language").and_then(|tag| {
        let language = Language::from_tag(tag);
        if language.is_none() {
            fields.fault("language", FieldRule::OneOf(&["pt-BR", "en"]));
        }
        language
    });
    let (language, now) = (language.unwrap_or_default(), app.clock.now());
    fields.finish(SetAlertsRequest { user, threshold, email, language, now })
}
