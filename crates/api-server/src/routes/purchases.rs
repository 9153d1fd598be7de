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

use super::admin::{reason, user};
use super::credits::{Parameters, page, time_and_name};
use super::views::Page;
use crate::clock::rfc3339;
use crate::http::auth::Bearer;
use crate::http::body::read_json;
use crate::http::fields::Fields;
use crate::http::headers::required_idempotency_key;
use crate::http::money::decimal;
use crate::http::problem::{Kind, Problem};
use crate::wiring::App;

/// A purchase, to its buyer.
#[derive(Serialize)]
pub struct PurchaseBody {
    id: String,
    session_id: Option<String>,
    kind: &'static str,
    mode: &'static str,
    status: &'static str,
    plan_id: String,
    credits: i64,
    credits_granted: bool,
    price: String,
    price_minor: i64,
    currency: &'static str,
    refunded_minor: i64,
    disputed_minor: i64,
    payment_method: Option<String>,
    created_at: String,
    expires_at: Option<String>,
    paid_at: Option<String>,
    period_end: Option<String>,
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
#[derive(Serialize)]
pub(super) struct AdminPurchaseBody {
    #[serde(flatten)]
    purchase: PurchaseBody,
    user_id: String,
    livemode: bool,
    payment_intent_id: Option<String>,
    charge_id: Option<String>,
    invoice_id: Option<String>,
    subscription_id: Option<String>,
    fault: Option<String>,
    returns: Vec<ReturnBody>,
}

#[derive(Serialize)]
struct ReturnBody {
    kind: &'static str,
    reference: String,
    amount_minor: i64,
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
    let (limit, before) = page(&query, page_end)?;
    let of = query.get("user").map(|id| user(id)).transpose()?;
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
    if minor.is_some_and(|minor| minor < 1) {
        fields.fault("amount_minor", FieldRule::WholeWithin(1, i64::from(u32::MAX)));
    }
    let manual = fields.flag("manual").unwrap_or(false);
    let request = fields.finish(RefundRequest { purchase, minor, manual, by, reason, key })?;
    let row = app.run(async move { billing.refund(request).await }).await??;
    Ok(web::Json(AdminPurchaseBody::from(&row)))
}

/// One line of `GET /api/user/notifications`.
#[derive(Serialize)]
pub(super) struct NoticeBody {
    id: String,
    kind: &'static str,
    subject: String,
    created_at: String,
    plan_id: Option<String>,
    credits: Option<i64>,
    amount_minor: Option<i64>,
    balance: Option<i64>,
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
    let user = bearer.with(Scope::CreditsRead)?.user;
    let (limit, before) = page(&query, page_end)?;
    let rows = app.stores.purchases.notices(user, before, limit + 1).await?;
    let end = |row: &Notice| format!("{}_{}", row.at.as_micros(), notice_name(row));
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| NoticeBody::from(row), end)))
}
