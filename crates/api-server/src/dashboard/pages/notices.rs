//! All notices, to users and to admins.

use actix_web::HttpResponse;
use askama::Template;
use domain::billing::notice::{Audience, Notice};

use super::paging::{Paged, Parameters, ROWS, after_notice, page_end};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::words::{self, Pill};
use crate::http::problem::Problem;
use crate::pages::look::{Look, When};

#[derive(Template)]
#[template(path = "dashboard/notices.html")]
struct NoticesPage {
    frame: Frame,
    page: Paged<Row>,
}

/// A notice.
pub struct Row {
    pub at: When,
    pub user: String,
    pub short: String,
    pub kind: Pill,
    pub for_admins: bool,
    pub details: Vec<String>,
    pub subject: String,
}

/// `GET /admin/notices`.
pub async fn list(visit: Visit, query: Parameters) -> Result<HttpResponse, Problem> {
    let look = visit.look;
    let rows = visit.app.stores.overview.all_notices(page_end(&query), ROWS + 1).await?;
    let page = NoticesPage {
        frame: visit.frame(Section::Notices, look.say("Avisos", "Notices")),
        page: Paged::cut(rows, "/admin/notices", &query, |row| self::row(row, look), after_notice),
    };
    visit.page(&page)
}

/// A notice in a list.
pub fn row(notice: &Notice, look: Look) -> Row {
    let of = &notice.details;
    let labelled = |portuguese, english, value: String| format!("{}: {value}", look.say(portuguese, english));
    let details = [
        of.plan.as_ref().map(|plan| labelled("plano", "plan", words::plan(plan.as_str(), look))),
        of.credits.map(|credits| labelled("créditos", "credits", look.credits(credits))),
        of.minor.map(|minor| labelled("valor", "amount", look.reais(minor))),
        of.balance.map(|balance| labelled("saldo", "balance", look.credits(balance))),
        of.threshold.map(|threshold| labelled("limite", "threshold", look.credits(threshold))),
        of.text.clone(),
    ];
    Row {
        at: look.when(notice.at),
        user: notice.user.to_string(),
        short: words::short(&notice.user.to_string()),
        kind: words::notice(notice.kind.as_str(), look),
        for_admins: notice.kind.audience() == Audience::Admin,
        details: details.into_iter().flatten().collect(),
        subject: notice.subject.clone(),
    }
}
