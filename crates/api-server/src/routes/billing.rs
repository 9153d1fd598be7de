//! Buying: plans, checkout, the portal, automatic top-up, and the payment provider's webhook.

use actix_web::{HttpRequest, HttpResponse, Responder, web};
use domain::billing::offer::PayMode;
use domain::billing::profile::{TopUp, TopUpSettings};
use domain::catalog::Plan;
use domain::credits::Credits;
use domain::ids::IdempotencyKey;
use domain::ledger::account::PlanName;
use domain::ports::identity::Scope;
use domain::services::assistant::question::FieldRule;
use domain::services::billing::checkout::{CheckoutError, Order};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::purchases::PurchaseBody;
use crate::http::auth::{Bearer, must_be_open, owner_acting};
use crate::http::body::{read_bytes, read_json};
use crate::http::fields::Fields;
use crate::http::headers::{IDEMPOTENCY_REPLAYED, idempotency_key};
use crate::http::money::decimal;
use crate::http::problem::{Kind, Problem};
use crate::openapi::words;
use crate::wiring::App;

/// The longest webhook body.
const MOST_WEBHOOK_BYTES: usize = 1024 * 1024;

/// What is sold.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanBody<'a> {
    /// The `planId` of a checkout.
    id: &'a str,
    name: &'a str,
    /// What one payment brings.
    credits: i64,
    /// What one payment costs, as a decimal.
    price: String,
    /// The same in centavos.
    price_minor: i64,
    #[schema(value_type = words::Currency)]
    currency: &'static str,
    #[schema(value_type = Vec<words::PayMode>)]
    modes: [&'static str; 2],
    /// Days after which the credits of one payment expire.
    expires_after_days: Option<u32>,
}

/// The plans.
#[derive(Serialize, ToSchema)]
#[schema(as = Plans)]
pub struct PlansBody<'a> {
    data: Vec<PlanBody<'a>>,
    /// Whether nothing is really paid: a simulated checkout sells.
    simulated: bool,
}

impl<'a> From<&'a Plan> for PlanBody<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            id: &plan.id,
            name: &plan.name,
            credits: plan.credits.get(),
            price: decimal(plan.price.minor()),
            price_minor: plan.price.minor(),
            currency: plan.price.currency().as_str(),
            modes: PayMode::ALL.map(PayMode::as_str),
            expires_after_days: plan.expires_after_days,
        }
    }
}

/// `GET /api/billing/plans`.
pub async fn plans(bearer: Bearer, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    must_be_open(bearer.0.user, &app).await?;
    let catalogue = app.catalogue.current();
    let data = catalogue.plans().iter().map(PlanBody::from).collect();
    Ok(HttpResponse::Ok().json(PlansBody { data, simulated: app.sells_by_sandbox() }))
}

/// `POST /api/billing/create-checkout-session`.
pub async fn create_checkout_session(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let user = bearer.owner(Scope::BillingWrite, &app).await?.user;
    let key = idempotency_key(&request)?;
    let body = read_json(payload).await?;
    let order = order(user, key, &body)?;
    let billing = app.billing()?.clone();
    let opened = app.run(async move { billing.open_checkout(order).await }).await??;
    let mut response = HttpResponse::Ok();
    if opened.replayed {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    Ok(response.json(CheckoutBody { session_id: opened.page.session, url: opened.page.url }))
}

/// An open checkout.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Checkout)]
pub struct CheckoutBody {
    session_id: String,
    /// Where to pay.
    #[schema(format = "uri")]
    url: String,
}

/// What to buy.
#[derive(ToSchema)]
#[schema(as = CheckoutRequest, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `order` reads")]
pub struct OrderWish {
    /// A plan of the catalogue.
    plan_id: String,
    /// Once (`payment`, the usual), or every month.
    #[schema(value_type = Option<words::PayMode>)]
    mode: Option<String>,
    /// Whether the card may be charged later by automatic top-up.
    keep_card: Option<bool>,
}

fn order(user: domain::ids::UserId, key: Option<IdempotencyKey>, body: &Value) -> Result<Order, Problem> {
    let mut fields = Fields::of_body(body)?;
    fields.require("planId");
    let plan = fields.text("planId").unwrap_or_default().to_owned();
    let mode = match fields.text("mode") {
        None => PayMode::Payment,
        Some(word) => PayMode::from_word(word).unwrap_or_else(|| {
            fields.fault("mode", FieldRule::OneOf(&["payment", "subscription"]));
            PayMode::Payment
        }),
    };
    let keep_card = fields.flag("keepCard").unwrap_or(false);
    fields.finish(Order { user, plan, mode, keep_card, key })
}

/// `GET /api/billing/checkout-sessions/{id}`: how it went; the own ones only.
pub async fn checkout_session(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
) -> Result<impl Responder, Problem> {
    let user = bearer.owner(Scope::BillingWrite, &app).await?.user;
    let purchase = app.billing()?.of_session(user, &id).await?.ok_or(Kind::NotFound)?;
    Ok(web::Json(PurchaseBody::from(&purchase)))
}

/// `POST /api/billing/portal-session`.
pub async fn portal_session(bearer: Bearer, app: web::Data<App>) -> Result<impl Responder, Problem> {
    let user = bearer.owner(Scope::BillingWrite, &app).await?.user;
    let billing = app.billing()?.clone();
    let url = app.run(async move { billing.open_portal(user).await }).await??;
    Ok(web::Json(PortalBody { url }))
}

/// The payment provider's page for cards and subscriptions.
#[derive(Serialize, ToSchema)]
#[schema(as = Portal)]
pub struct PortalBody {
    #[schema(format = "uri")]
    url: String,
}

/// Automatic top-up: its settings, and how it goes.
#[derive(Serialize, ToSchema)]
#[schema(as = TopUp)]
pub struct TopUpBody {
    enabled: bool,
    /// Below so many available credits, the plan is bought.
    threshold: i64,
    plan_id: Option<String>,
    /// The most to spend in a month, as a decimal.
    monthly_cap: String,
    /// The same in centavos.
    monthly_cap_minor: i64,
    spent_this_month_minor: i64,
    /// Whether a payment is under way.
    in_progress: bool,
    /// How often the card was declined since the last success.
    declines: u32,
}

impl TopUpBody {
    fn of(top_up: Option<TopUp>, month: i64) -> Self {
        let spent = top_up.as_ref().map_or(0, |it| it.spent_in(month));
        let (open, declines) = top_up.as_ref().map_or((false, 0), |it| (it.open.is_some(), it.declines));
        let settings = top_up.map(|it| it.settings);
        let cap = settings.as_ref().map_or(0, |it| it.monthly_cap_minor);
        Self {
            enabled: settings.as_ref().is_some_and(|it| it.enabled),
            threshold: settings.as_ref().map_or(0, |it| it.threshold.get()),
            plan_id: settings.map(|it| it.plan.as_str().to_owned()),
            monthly_cap: decimal(cap),
            monthly_cap_minor: cap,
            spent_this_month_minor: spent,
            in_progress: open,
            declines,
        }
    }
}

/// `GET /api/billing/auto-top-up`.
pub async fn top_up(bearer: Bearer, app: web::Data<App>) -> Result<impl Responder, Problem> {
    let user = bearer.owner(Scope::BillingWrite, &app).await?.user;
    let profile = app.billing()?.book.profile(user).await?;
    Ok(web::Json(TopUpBody::of(profile.top_up, app.clock.now().day.month())))
}

/// `PUT /api/billing/auto-top-up`.
pub async fn set_top_up(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    let owner = bearer.owner(Scope::BillingWrite, &app).await?;
    let (by, user) = (owner_acting(&owner, &request), owner.user);
    let billing = app.billing()?.clone();
    let settings = settings(&read_json(payload).await?)?;
    let set = app.run(async move { billing.set_top_up(by, user, settings).await }).await?;
    let profile = set.map_err(|error| match error {
        CheckoutError::UnknownPlan => Problem::field("/plan_id", FieldRule::KnownPlan),
        other => other.into(),
    })?;
    Ok(web::Json(TopUpBody::of(profile.top_up, app.clock.now().day.month())))
}

/// The largest threshold, and the largest cap in centavos.
const MOST_THRESHOLD: i64 = 1_000_000_000;
const MOST_CAP_MINOR: i64 = 100_000_000;

/// Settings of automatic top-up.
#[derive(ToSchema)]
#[schema(as = TopUpRequest)]
#[expect(dead_code, reason = "describes what `settings` reads")]
pub struct TopUpWish {
    enabled: bool,
    /// Below so many available credits, the plan is bought.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    threshold: i64,
    /// A plan of the catalogue.
    plan_id: String,
    /// The most to spend in a month, in centavos.
    #[schema(minimum = 1, maximum = 100_000_000)]
    monthly_cap_minor: i64,
}

fn settings(body: &Value) -> Result<TopUpSettings, Problem> {
    let mut fields = Fields::of_body(body)?;
    for name in ["enabled", "threshold", "plan_id", "monthly_cap_minor"] {
        fields.require(name);
    }
    let enabled = fields.flag("enabled").unwrap_or_default();
    let mut within = |name: &str, most: i64| {
        let value = fields.whole(name).unwrap_or(1);
        if !(1..=most).contains(&value) {
            fields.fault(name, FieldRule::WholeWithin(1, most));
        }
        value
    };
    let threshold = within("threshold", MOST_THRESHOLD);
    let monthly_cap_minor = within("monthly_cap_minor", MOST_CAP_MINOR);
    let plan = PlanName::new(fields.text("plan_id").unwrap_or_default());
    let threshold = Credits::new(threshold).unwrap_or(Credits::ZERO);
    fields.finish(TopUpSettings { enabled, threshold, plan, monthly_cap_minor })
}

/// `POST /api/billing/webhook`: kept first, understood after the provider has its answer.
pub async fn webhook(
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    app.billing()?;
    let body = read_bytes(payload, MOST_WEBHOOK_BYTES).await?;
    let signature = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok());
    receive(&app, signature.unwrap_or_default(), &body).await?;
    Ok(web::Json(ReceivedBody { received: true }))
}

/// That an event is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Received)]
pub struct ReceivedBody {
    received: bool,
}

/// Takes a signed event, from wherever it was delivered.
pub async fn receive(app: &App, signature: &str, body: &[u8]) -> Result<(), Problem> {
    if app.billing()?.receive(signature, body).await? {
        app.events_came.notify_one();
    }
    Ok(())
}
