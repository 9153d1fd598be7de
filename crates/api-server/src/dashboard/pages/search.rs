//! Finding somebody, or a purchase, by any of their names.

use actix_web::HttpResponse;
use askama::Template;
use domain::ports::billing::PurchaseName;

use super::paging::{Parameters, given};
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::http::problem::Problem;
use crate::pages::html;
use crate::routes::named_user;

/// The longest name of anything.
const LONGEST: usize = 255;

#[derive(Template)]
#[template(path = "dashboard/search.html")]
struct SearchPage {
    frame: Frame,
    wanted: String,
    /// The account that the text would name as a token's `sub`.
    user: Option<String>,
}

/// `GET /admin/search`: leads to what the text names.
pub async fn find(visit: Visit, query: Parameters) -> Result<HttpResponse, Problem> {
    let wanted = given(&query, "q").filter(|text| text.chars().count() <= LONGEST).unwrap_or_default();
    if let Some(address) = address_of(&visit, wanted).await? {
        return Ok(html::lead_to(&address).finish());
    }
    let page = SearchPage {
        frame: visit.frame(Section::Users, visit.look.say("Busca", "Search")),
        wanted: wanted.to_owned(),
        user: named_user(wanted).ok().map(|user| user.to_string()),
    };
    visit.page(&page)
}

async fn address_of(visit: &Visit, wanted: &str) -> Result<Option<String>, Problem> {
    let Ok(user) = named_user(wanted) else { return Ok(None) };
    let stores = &visit.app.stores;
    let of_user = |user| format!("/admin/users/{user}");
    if stores.overview.sheet(user, visit.app.clock.now().at).await?.is_some() {
        return Ok(Some(of_user(user)));
    }
    let text = || wanted.to_owned();
    let mut names = vec![
        PurchaseName::Session(text()),
        PurchaseName::Intent(text()),
        PurchaseName::Charge(text()),
        PurchaseName::Invoice(text()),
    ];
    names.extend(wanted.parse().ok().map(PurchaseName::Id));
    for name in names {
        if let Some(purchase) = stores.purchases.purchase(name).await? {
            return Ok(Some(format!("/admin/users/{}?tab=purchases#{}", purchase.user, purchase.id)));
        }
    }
    Ok(stores.purchases.user_of_customer(wanted).await?.map(of_user))
}
