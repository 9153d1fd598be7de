//! Purchases as their buyers and the admins see them, and notices.

use actix_web::{HttpRequest, HttpResponse, Responder, web};
use domain::billing::notice::Notice;
use domain::billing::purchase::Purchase;
use domain::ids::PurchaseId;
use domain::ports::billing::PageEnd;
use domain::ports::identity::Scope;
use domain::services::assistant::question::FieldRule;
use domain::services::billing::refunds::RefundRequest;
use serde::Serialize;
use utoipa::ToSchema;

use super::admin::reason;
use super::credits::{Parameters, page, time_and_name};
use super::views::Page;
use crate::clock::rfc3339;
use crate::http::auth::Bearer;
use crate::http::body::read_json;
use crate::http::fields::Fields;
use crate::http::headers::required_idempotency_key;
use crate::http::money::decimal;
use crate::http::problem::{Kind, Problem};
use crate::http::query::Asked;
use crate::openapi::words;
use crate::wiring::App;

/// The largest refund in centavos.
const MOST_REFUND_MINOR: i64 = u32::MAX as i64;

/// A purchase, to its buyer.
#[derive(Serialize, ToSchema)]
#[schema(as = Purchase)]
pub struct PurchaseBody {
    #[schema(format = "uuid")]
    id: String,
    session_id: Option<String>,
    #[schema(value_type = words::PurchaseKind)]
    kind: &'static str,
    #[schema(value_type = words::PayMode)]
    mode: &'static str,
    #[schema(value_type = words::PurchaseStatus)]
    status: &'static str,
    plan_id: String,
    /// What it brings.
    credits: i64,
    /// Whether they were granted.
    credits_granted: bool,
    /// What it costs, as a decimal.
    price: String,
    /// The same in centavos.
    price_minor: i64,
    #[schema(value_type = words::Currency)]
    currency: &'static str,
    refunded_minor: i64,
    disputed_minor: i64,
    /// `card`, `boleto`, `pix`.
    payment_method: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When its checkout closes.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    paid_at: Option<String>,
    /// What a subscription's payment is paid up to.
    #[schema(format = DateTime)]
    period_end: Option<String>,
    /// Where to pay, while its checkout is open.
    url: Option<String>,
}

impl From<&Purchase> for PurchaseBody {
    fn from(row: &Purchase) -> Self {
        let open = row.progress == domain::billing::purchase::Progress::Created;
        Self {
            id: row.id.to_string(),
            session_id: row.names.session.clone(),
            kind: row.kind.as_str(),
            mode: row.kind.mode().as_str(),
            status: row.standing().as_str(),
            plan_id: row.offer.plan.as_str().to_owned(),
            credits: row.offer.credits.get(),
            credits_granted: row.paid_at.is_some(),
            price: decimal(row.offer.price.minor()),
            price_minor: row.offer.price.minor(),
            currency: row.offer.price.currency().as_str(),
            refunded_minor: row.returned_minor().saturating_sub(row.disputed_minor()),
            disputed_minor: row.disputed_minor(),
            payment_method: row.method.clone(),
            created_at: rfc3339(row.created_at),
            expires_at: row.expires_at.map(rfc3339),
            paid_at: row.paid_at.map(rfc3339),
            period_end: row.period_end.map(rfc3339),
            url: row.url.clone().filter(|_| open),
        }
    }
}

/// A purchase, to admins.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminPurchase)]
pub struct AdminPurchaseBody {
    #[serde(flatten)]
    purchase: PurchaseBody,
    #[schema(format = "uuid")]
    user_id: String,
    /// Whether real money moves.
    livemode: bool,
    payment_intent_id: Option<String>,
    charge_id: Option<String>,
    invoice_id: Option<String>,
    subscription_id: Option<String>,
    /// Why a payment that came was not accepted.
    fault: Option<String>,
    returns: Vec<ReturnBody>,
}

/// Money that went back beside the provider's refunds.
#[derive(Serialize, ToSchema)]
#[schema(as = Return)]
pub struct ReturnBody {
    #[schema(value_type = words::ReturnKind)]
    kind: &'static str,
    reference: String,
    amount_minor: i64,
    #[schema(value_type = words::ReturnState)]
    state: &'static str,
}

impl From<&Purchase> for AdminPurchaseBody {
    fn from(row: &Purchase) -> Self {
        let returns = row.returns.iter().map(|each| ReturnBody {
            kind: each.kind.as_str(),
            reference: each.reference.clone(),
            amount_minor: each.minor,
            state: each.state.as_str(),
        });
        Self {
            purchase: row.into(),
            user_id: row.user.to_string(),
            livemode: row.livemode,
            payment_intent_id: row.names.intent.clone(),
            charge_id: row.names.charge.clone(),
            invoice_id: row.names.invoice.clone(),
            subscription_id: row.names.subscription.clone(),
            fault: row.fault.clone(),
            returns: returns.collect(),
        }
    }
}

/// `GET /api/admin/purchases`: of everybody, or of `user`.
pub async fn list(bearer: Bearer, app: web::Data<App>, query: Parameters) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let mut asked = Asked::of(&query);
    let of = asked.user("user");
    let (limit, before) = asked.page(page_end);
    asked.finish(())?;
    let rows = app.stores.purchases.purchases(of, before, limit + 1).await?;
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| AdminPurchaseBody::from(row), purchase_end)))
}

/// The end of a page of purchases.
pub(super) fn purchase_end(row: &Purchase) -> String {
    format!("{}_{}", row.created_at.as_micros(), row.id)
}

pub(super) fn page_end(text: &str) -> Option<PageEnd> {
    time_and_name(text).map(|(at, name)| PageEnd { at, name })
}

/// A refund.
#[derive(ToSchema)]
#[schema(as = RefundRequest)]
#[expect(dead_code, reason = "describes what `refund` reads")]
pub struct RefundWish {
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\x00]*\S[^\x00]*$")]
    reason: String,
    /// A part, in centavos; without it, everything that was not paid back yet.
    #[schema(minimum = 1, maximum = 4_294_967_295_i64)]
    amount_minor: Option<i64>,
    /// Whether it was paid back by hand already, and is only recorded.
    manual: Option<bool>,
}

/// `POST /api/admin/purchases/{id}/refund`.
pub async fn refund(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<impl Responder, Problem> {
    let by = bearer.acting(Scope::AdminWrite, &request)?;
    let purchase: PurchaseId = id.parse().map_err(|_| Kind::NotFound)?;
    let key = required_idempotency_key(&request)?;
    let billing = app.billing()?.clone();
    let body = read_json(payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let reason = reason(&mut fields);
    let minor = fields.whole("amount_minor");
    if minor.is_some_and(|minor| !(1..=MOST_REFUND_MINOR).contains(&minor)) {
        fields.fault("amount_minor", FieldRule::WholeWithin(1, MOST_REFUND_MINOR));
    }
    let manual = fields.flag("manual").unwrap_or(false);
    let request = fields.finish(RefundRequest { purchase, minor, manual, by, reason, key })?;
    let row = app.run(async move { billing.refund(request).await }).await??;
    Ok(web::Json(AdminPurchaseBody::from(&row)))
}

/// A notice.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
pub struct NoticeBody {
    /// `kind:subject`.
    id: String,
    #[schema(value_type = words::NoticeKind)]
    kind: &'static str,
    /// What it is about: a purchase, say.
    subject: String,
    #[schema(format = DateTime)]
    created_at: String,
    plan_id: Option<String>,
    credits: Option<i64>,
    amount_minor: Option<i64>,
    /// With `low_balance`: what is left.
    balance: Option<i64>,
    /// With `low_balance`: what it fell below.
    threshold: Option<i64>,
}

pub(super) fn notice_name(notice: &Notice) -> String {
    format!("{}:{}", notice.kind.as_str(), notice.subject)
}

impl From<&Notice> for NoticeBody {
    fn from(notice: &Notice) -> Self {
        let details = &notice.details;
        Self {
            id: notice_name(notice),
            kind: notice.kind.as_str(),
            subject: notice.subject.clone(),
            created_at: rfc3339(notice.at),
            plan_id: details.plan.as_ref().map(|plan| plan.as_str().to_owned()),
            credits: details.credits.map(domain::credits::Credits::get),
            amount_minor: details.minor,
            balance: details.balance.map(domain::credits::Credits::get),
            threshold: details.threshold.map(domain::credits::Credits::get),
        }
    }
}

/// `GET /api/user/notifications`: the own notices.
pub async fn notices(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    let user = bearer.owner(Scope::CreditsRead, &app).await?.user;
    let (limit, before) = page(&query, page_end)?;
    let rows = app.stores.purchases.notices(user, before, limit + 1).await?;
    let end = |row: &Notice| format!("{}_{}", row.at.as_micros(), notice_name(row));
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| NoticeBody::from(row), end)))
}
