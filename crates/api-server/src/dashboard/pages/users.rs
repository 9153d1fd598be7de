//! All accounts.

use actix_web::HttpResponse;
use askama::Template;
use domain::ports::overview::{AccountCursor, AccountLine, AccountOrder};

use super::paging::{Paged, Parameters, ROWS, given};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::words;
use crate::http::problem::Problem;
use crate::pages::look::{Look, When};

#[derive(Template)]
#[template(path = "dashboard/users.html")]
struct UsersPage {
    frame: Frame,
    orders: Vec<(&'static str, &'static str, bool)>,
    page: Paged<Row>,
}

struct Row {
    id: String,
    short: String,
    plan: String,
    available: String,
    used: String,
    held: String,
    owed: Option<String>,
    suspended: bool,
    closed: bool,
    since: When,
}

/// `GET /admin/users`.
pub async fn list(visit: Visit, query: Parameters) -> Result<HttpResponse, Problem> {
    let look = visit.look;
    let order = given(&query, "order").and_then(AccountOrder::from_word).unwrap_or(AccountOrder::Newest);
    let before = given(&query, "cursor").and_then(|text| {
        let (key, user) = text.split_once('_')?;
        Some(AccountCursor { key: key.parse().ok()?, user: user.parse().ok()? })
    });
    let now = visit.app.clock.now().at;
    let lines = visit.app.stores.overview.accounts(order, before, now, ROWS + 1).await?;
    let after = |line: &AccountLine| format!("{}_{}", line.key, line.user);
    let page = UsersPage {
        frame: visit.frame(Section::Users, look.say("Usuários", "Users")),
        orders: AccountOrder::ALL.map(|each| (each.as_str(), name(each, look), each == order)).into(),
        page: Paged::cut(lines, "/admin/users", &query, |line| row(line, look), after),
    };
    visit.page(&page)
}

fn name(order: AccountOrder, look: Look) -> &'static str {
    match order {
        AccountOrder::Newest => look.say("Mais novos", "Newest"),
        AccountOrder::MostUsed => look.say("Quem mais usou", "Most used"),
        AccountOrder::HighestBalance => look.say("Maior saldo", "Highest balance"),
    }
}

fn row(line: &AccountLine, look: Look) -> Row {
    let sums = &line.view.balances;
    Row {
        id: line.user.to_string(),
        short: words::short(&line.user.to_string()),
        plan: words::plan(line.view.plan.as_str(), look),
        available: look.credits(sums.available),
        used: look.credits(sums.used),
        held: look.credits(sums.held),
        owed: sums.owed.is_positive().then(|| look.credits(sums.owed)),
        suspended: line.view.suspended,
        closed: line.view.closed_at.is_some(),
        since: look.when(line.created_at),
    }
}
