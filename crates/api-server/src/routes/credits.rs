//! What users see of their own credits.

use actix_web::web::{self, Query};
use actix_web::{HttpResponse, Responder};
use domain::clock::Timestamp;
use domain::ports::identity::Scope;
use domain::ports::statements::{JournalLine, UsageCursor};
use std::collections::HashMap;
use std::str::FromStr;

use super::views::{CreditsBody, EntryBody, Page, UsageBody};
use crate::http::auth::Bearer;
use crate::http::problem::Problem;
use crate::http::query::Asked;
use crate::wiring::App;

/// `GET /api/user/ai-credits`.
pub async fn balance(bearer: Bearer, app: web::Data<App>) -> Result<impl Responder, Problem> {
    let user = bearer.with(Scope::CreditsRead)?.user;
    Ok(web::Json(CreditsBody::from(&app.accounts.view(user).await?)))
}

/// `GET /api/user/ai-credits/history`: the own journal.
pub async fn history(
    bearer: Bearer,
    app: web::Data<App>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    let user = bearer.with(Scope::CreditsRead)?.user;
    let (limit, before) = page(&query, |text| text.parse::<u64>().ok().filter(|seq| *seq > 0))?;
    let lines = app.stores.statements.journal(user, before, limit + 1).await?;
    let seq = |line: &JournalLine| line.entry.seq.to_string();
    Ok(HttpResponse::Ok().json(Page::cut(lines, limit, |line| EntryBody::from(&line.entry), seq)))
}

/// `GET /api/user/ai-usage`: the own requests.
pub async fn usage(bearer: Bearer, app: web::Data<App>, query: Parameters) -> Result<HttpResponse, Problem> {
    let user = bearer.with(Scope::CreditsRead)?.user;
    let (limit, before) = page(&query, usage_cursor)?;
    let rows = app.stores.statements.usage(user, before, limit + 1).await?;
    Ok(HttpResponse::Ok().json(Page::cut(
        rows,
        limit,
        |row| UsageBody::from(row),
        |row| format!("{}_{}", row.at.as_micros(), row.hold),
    )))
}

/// Query parameters by name.
pub type Parameters = Query<HashMap<String, String>>;

pub(super) fn usage_cursor(text: &str) -> Option<UsageCursor> {
    time_and_name(text).map(|(at, hold)| UsageCursor { at, hold })
}

/// The end of a page of things in the order of time: `microseconds_name`.
pub(super) fn time_and_name<T: FromStr>(text: &str) -> Option<(Timestamp, T)> {
    let (at, name) = text.split_once('_')?;
    Some((Timestamp::from_micros(at.parse().ok()?), name.parse().ok()?))
}

/// `limit` and `cursor`.
pub(super) fn page<C>(
    query: &Parameters,
    cursor: impl Fn(&str) -> Option<C>,
) -> Result<(u32, Option<C>), Problem> {
    let mut asked = Asked::of(query);
    let page = asked.page(cursor);
    asked.finish(page)
}
