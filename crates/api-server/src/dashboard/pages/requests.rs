//! The latest requests.

use actix_web::HttpResponse;
use askama::Template;
use domain::ledger::usage::{Outcome, UsageRecord};
use domain::ports::overview::UsageFilter;

use super::export;
use super::paging::{Paged, Parameters, ROWS, after_usage, filter_user, given, usage_cursor};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::words::{self, Pill};
use crate::http::problem::{Kind, Problem};
use crate::pages::figures;
use crate::pages::look::{Look, When};

#[derive(Template)]
#[template(path = "dashboard/requests.html")]
struct RequestsPage {
    frame: Frame,
    outcomes: Vec<(&'static str, String, bool)>,
    models: Vec<(String, bool)>,
    user: String,
    filtered: bool,
    /// The same as CSV.
    csv: String,
    page: Paged<Row>,
}

/// A request.
pub struct Row {
    pub at: When,
    pub user: String,
    pub short: String,
    pub kind: String,
    pub model: String,
    pub outcome: Pill,
    pub tokens: String,
    pub credits: String,
    pub cost: String,
    pub duration: String,
    pub estimated: bool,
    pub request_id: String,
}

/// `GET /admin/requests`.
pub async fn list(visit: Visit, query: Parameters) -> Result<HttpResponse, Problem> {
    let look = visit.look;
    let outcome = match given(&query, "outcome") {
        Some(word) => Some(Outcome::from_word(word).ok_or(Kind::BadRequest)?),
        None => None,
    };
    let model = given(&query, "model").map(str::to_owned);
    let user = given(&query, "user").unwrap_or_default().to_owned();
    let filter =
        UsageFilter { user: filter_user(&user)?, model: model.clone(), outcome, ..UsageFilter::default() };
    let filtered = outcome.is_some() || model.is_some() || filter.user.is_some();
    let rows = visit.app.stores.overview.latest_usage(filter, usage_cursor(&query), ROWS + 1).await?;
    let option =
        |each: Outcome| (each.as_str(), words::outcome(each.as_str(), look).text, Some(each) == outcome);
    let page = RequestsPage {
        frame: visit.frame(Section::Requests, look.say("Requisições", "Requests")),
        outcomes: Outcome::ALL.map(option).into(),
        models: models(&visit, model.as_deref()),
        user,
        filtered,
        csv: export::address("usage.csv", &query, &["outcome", "model", "user"]),
        page: Paged::cut(rows, "/admin/requests", &query, |row| self::row(row, look), after_usage),
    };
    visit.page(&page)
}

/// The catalogue's models, and the one that was asked for.
fn models(visit: &Visit, wanted: Option<&str>) -> Vec<(String, bool)> {
    let catalogue = visit.app.catalogue.current();
    let mut models: Vec<(String, bool)> =
        catalogue.models().map(|model| (model.id.clone(), Some(model.id.as_str()) == wanted)).collect();
    if let Some(wanted) = wanted.filter(|wanted| models.iter().all(|(id, _)| id != wanted)) {
        models.push((wanted.to_owned(), true));
    }
    models
}

/// A request in a list.
pub fn row(row: &UsageRecord, look: Look) -> Row {
    let facts = &row.facts;
    Row {
        at: look.when(row.at),
        user: row.user.to_string(),
        short: words::short(&row.user.to_string()),
        kind: words::request_kind(facts.kind.as_str(), look),
        model: facts.model.clone(),
        outcome: words::outcome(row.outcome.as_str(), look),
        tokens: look.number(facts.tokens.total().get()),
        credits: look.credits(row.credits),
        cost: figures::dollars(facts.cost, look.language),
        duration: figures::milliseconds(facts.duration.as_millis().unsigned_abs(), look.language),
        estimated: facts.estimated,
        request_id: facts.request_id.clone(),
    }
}
