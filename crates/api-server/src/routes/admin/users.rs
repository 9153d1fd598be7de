//! Accounts, one by one.

use actix_web::{HttpResponse, web};
use domain::ids::UserId;
use domain::ledger::account::Suspension;
use domain::ledger::lots::Lot;
use domain::ports::identity::Scope;
use domain::ports::overview::{AccountCursor, AccountLine, AccountOrder, AccountSheet};
use domain::ports::statements::JournalLine;
use serde::Serialize;

use super::lists::{AdminEntryBody, AdminUsageBody, usage_end};
use super::user;
use crate::clock::rfc3339;
use crate::http::auth::Bearer;
use crate::http::problem::{Kind, Problem};
use crate::http::query::Asked;
use crate::routes::credits::{Parameters, page, usage_cursor};
use crate::routes::purchases::{AdminPurchaseBody, page_end, purchase_end};
use crate::routes::views::{AdminCreditsBody, Page};
use crate::wiring::App;

const ORDERS: &[&str] =
    &[AccountOrder::Newest.as_str(), AccountOrder::MostUsed.as_str(), AccountOrder::HighestBalance.as_str()];

/// One line of `GET /api/admin/users`.
#[derive(Serialize)]
struct AccountBody {
    #[serde(flatten)]
    credits: AdminCreditsBody,
    created_at: String,
}

impl From<&AccountLine> for AccountBody {
    fn from(line: &AccountLine) -> Self {
        let credits = AdminCreditsBody::of(line.user, &line.view);
        Self { credits, created_at: rfc3339(line.created_at) }
    }
}

fn cursor(text: &str) -> Option<AccountCursor> {
    let (key, user) = text.split_once('_')?;
    Some(AccountCursor { key: key.parse().ok()?, user: user.parse().ok()? })
}

/// `GET /api/admin/users`: all, or the one that `search` names.
pub async fn list(bearer: Bearer, app: web::Data<App>, query: Parameters) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let now = app.clock.now().at;
    let mut asked = Asked::of(&query);
    let order = asked.word("sort", ORDERS, AccountOrder::from_word).unwrap_or(AccountOrder::Newest);
    let search = asked.user("search");
    let (limit, before) = asked.page(cursor);
    asked.finish(())?;
    let rows = match search {
        None => app.stores.overview.accounts(order, before, now, limit + 1).await?,
        Some(user) => {
            let found = app.stores.overview.sheet(user, now).await?;
            let line =
                |it: AccountSheet| AccountLine { user, view: it.view, created_at: it.created_at, key: 0 };
            found.map(line).into_iter().collect()
        }
    };
    let end = |line: &AccountLine| format!("{}_{}", line.key, line.user);
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |line| AccountBody::from(line), end)))
}

/// `GET /api/admin/users/{id}`.
#[derive(Serialize)]
struct SheetBody {
    #[serde(flatten)]
    credits: AdminCreditsBody,
    created_at: String,
    suspensions: Vec<SuspensionBody>,
    lots: Vec<LotBody>,
    open_holds: u32,
    last_usage: Option<AdminUsageBody>,
}

#[derive(Serialize)]
struct SuspensionBody {
    source: String,
    actor: String,
    reason: String,
    since: String,
}

impl From<&Suspension> for SuspensionBody {
    fn from(row: &Suspension) -> Self {
        Self {
            source: row.source.as_str().to_owned(),
            actor: row.actor.as_str().to_owned(),
            reason: row.reason.clone(),
            since: rfc3339(row.since),
        }
    }
}

#[derive(Serialize)]
struct LotBody {
    id: String,
    source: String,
    amount: i64,
    remaining: i64,
    expired: i64,
    clawed_back: i64,
    created_at: String,
    expires_at: Option<String>,
}

impl From<&Lot> for LotBody {
    fn from(lot: &Lot) -> Self {
        Self {
            id: lot.id.to_string(),
            source: lot.source.to_string(),
            amount: lot.amount.get(),
            remaining: lot.remaining.get(),
            expired: lot.expired.get(),
            clawed_back: lot.clawed.get(),
            created_at: rfc3339(lot.created_at),
            expires_at: lot.expires_at.map(rfc3339),
        }
    }
}

/// An account in full; 404 for a user who was never seen.
pub async fn one(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    bearer.with(Scope::AdminRead)?;
    let user = user(&id)?;
    let sheet = app.stores.overview.sheet(user, app.clock.now().at).await?.ok_or(Kind::NotFound)?;
    let last = app.stores.statements.usage(user, None, 1).await?;
    Ok(HttpResponse::Ok().json(SheetBody {
        credits: AdminCreditsBody::of(user, &sheet.view),
        created_at: rfc3339(sheet.created_at),
        suspensions: sheet.suspensions.iter().map(SuspensionBody::from).collect(),
        lots: sheet.lots.iter().map(LotBody::from).collect(),
        open_holds: sheet.open_holds,
        last_usage: last.first().map(AdminUsageBody::from),
    }))
}

/// Who reads whose list.
fn of(bearer: Bearer, id: &str) -> Result<UserId, Problem> {
    bearer.with(Scope::AdminRead)?;
    user(id)
}

/// `GET /api/admin/users/{id}/journal`.
pub async fn journal(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    let user = of(bearer, &id)?;
    let (limit, before) = page(&query, |text| text.parse::<u64>().ok().filter(|seq| *seq > 0))?;
    let lines = app.stores.statements.journal(user, before, limit + 1).await?;
    let seq = |line: &JournalLine| line.entry.seq.to_string();
    Ok(HttpResponse::Ok().json(Page::cut(lines, limit, |line| AdminEntryBody::from(line), seq)))
}

/// `GET /api/admin/users/{id}/usage`.
pub async fn usage(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    let user = of(bearer, &id)?;
    let (limit, before) = page(&query, usage_cursor)?;
    let rows = app.stores.statements.usage(user, before, limit + 1).await?;
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| AdminUsageBody::from(row), usage_end)))
}

/// `GET /api/admin/users/{id}/purchases`.
pub async fn purchases(
    bearer: Bearer,
    app: web::Data<App>,
    id: web::Path<String>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    let user = of(bearer, &id)?;
    let (limit, before) = page(&query, page_end)?;
    let rows = app.stores.purchases.purchases(Some(user), before, limit + 1).await?;
    Ok(HttpResponse::Ok().json(Page::cut(rows, limit, |row| AdminPurchaseBody::from(row), purchase_end)))
}
