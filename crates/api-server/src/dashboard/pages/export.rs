//! Lists as CSV: the same tables as of the API, for whoever is signed in here.

use actix_web::{HttpRequest, HttpResponse, web};
use url::form_urlencoded;

use super::paging::{Parameters, given};
use crate::dashboard::layout::Visit;
use crate::http::auth::Bearer;
use crate::http::problem::{Kind, Problem};
use crate::routes::exports;

/// `GET /admin/export/{file}`; by the filters of the list.
pub async fn serve(
    visit: Visit,
    file: web::Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (app, bearer) = (visit.app.clone(), Bearer(visit.admin.caller));
    match file.as_str() {
        "usage.csv" => exports::usage(bearer, app, query, request).await,
        "purchases.csv" => exports::purchases(bearer, app, query, request).await,
        "journal.csv" => exports::journal(bearer, app, query, request).await,
        "audit.csv" => exports::audit(bearer, app, query, request).await,
        _ => Err(Kind::NotFound.into()),
    }
}

/// The address of a table with these filters of the list that is shown.
pub fn address(file: &str, query: &Parameters, filters: &[&str]) -> String {
    let set = filters.iter().filter_map(|name| Some((*name, given(query, name)?)));
    let set = form_urlencoded::Serializer::new(String::new()).extend_pairs(set).finish();
    if set.is_empty() { format!("/admin/export/{file}") } else { format!("/admin/export/{file}?{set}") }
}
