//! All purchases.

use actix_web::HttpResponse;
use askama::Template;
use domain::billing::purchase::{Progress, Purchase, ReturnKind};

use super::export;
use super::paging::{Paged, Parameters, ROWS, after_purchase, filter_user, given, page_end};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::words::{self, Pill};
use crate::http::problem::Problem;
use crate::pages::look::{Look, When};

#[derive(Template)]
#[template(path = "dashboard/purchases.html")]
struct PurchasesPage {
    frame: Frame,
    user: String,
    filtered: bool,
    /// The same as CSV.
    csv: String,
    page: Paged<Row>,
}

/// A purchase.
pub struct Row {
    pub id: String,
    pub at: When,
    pub user: String,
    pub short: String,
    pub kind: String,
    pub plan: String,
    pub credits: String,
    pub price: String,
    pub method: String,
    pub standing: Pill,
    pub returned: Option<String>,
    /// Whether some of it may have been paid back by hand.
    pub by_hand: bool,
    pub fault: Option<String>,
    pub test: bool,
    pub refundable: bool,
}

/// `GET /admin/purchases`.
pub async fn list(visit: Visit, query: Parameters) -> Result<HttpResponse, Problem> {
    let look = visit.look;
    let user = given(&query, "user").unwrap_or_default().to_owned();
    let live = visit.app.figures.livemode;
    let of = filter_user(&user)?;
    let rows = visit.app.stores.purchases.purchases(of, page_end(&query), ROWS + 1).await?;
    let page = PurchasesPage {
        frame: visit.frame(Section::Purchases, look.say("Compras", "Purchases")),
        user,
        filtered: of.is_some(),
        csv: export::address("purchases.csv", &query, &["user"]),
        page: Paged::cut(rows, "/admin/purchases", &query, |row| self::row(row, live, look), after_purchase),
    };
    visit.page(&page)
}

/// A purchase in a list; `live` where real money counts, so that others stand out.
pub fn row(row: &Purchase, live: bool, look: Look) -> Row {
    let returned = row.returned_minor();
    Row {
        id: row.id.to_string(),
        at: look.when(row.created_at),
        user: row.user.to_string(),
        short: words::short(&row.user.to_string()),
        kind: words::purchase_kind(row.kind.as_str(), look),
        plan: words::plan(row.offer.plan.as_str(), look),
        credits: look.credits(row.offer.credits),
        price: look.reais(row.offer.price.minor()),
        method: words::method(row.method.as_deref(), look),
        standing: words::standing(row.standing().as_str(), look),
        returned: (returned > 0).then(|| look.reais(returned)),
        by_hand: row.returns.iter().any(|each| each.kind == ReturnKind::Manual),
        fault: row.fault.clone(),
        test: live && !row.livemode,
        refundable: row.progress == Progress::Paid && returned < row.offer.price.minor(),
    }
}
