//! Problems as pages.

use actix_web::http::Method;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use url::form_urlencoded;

use super::Dashboard;
use super::layout::{Frame, add_cookie, bare, here};
use super::session::{SESSION, look, visitor};
use crate::http::envelope::request_id;
use crate::http::problem::{Kind, Problem};
use crate::http::texts;
use crate::pages::html;
use crate::wiring::App;

#[derive(Template)]
#[template(path = "dashboard/problem.html")]
struct ProblemPage {
    frame: Frame,
    message: String,
    request_id: String,
    forbidden: bool,
    /// Whether it was a form that was refused.
    form: bool,
}

/// Whether people look at this address.
pub fn is_page(path: &str) -> bool {
    path == "/admin" || path.starts_with("/admin/")
}

/// The page about a problem; who is not signed in is led to do so.
pub fn problem_page(kind: &Kind, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let app = request.app_data::<web::Data<App>>().ok_or(Kind::Internal)?;
    let dashboard = request.app_data::<web::Data<Dashboard>>().ok_or(Kind::Internal)?;
    if *kind == Kind::Unauthorized {
        return sign_in_first(request, dashboard);
    }
    let look = look(request, app);
    let (title, message) = texts::say(kind, look.language);
    let (form, cookie) = visitor(request, dashboard);
    let page = ProblemPage {
        frame: bare(look, title.to_owned(), form, "/admin".to_owned()),
        message,
        request_id: request_id(request),
        forbidden: *kind == Kind::Forbidden,
        form: request.method() == Method::POST,
    };
    let mut response = html::page(kind.status_and_code().0, &page, look)?;
    if let Some(wait) = kind.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, wait.as_secs_up().max(1).into());
    }
    if let Some(cookie) = cookie {
        add_cookie(&mut response, &cookie)?;
    }
    Ok(response)
}

fn sign_in_first(request: &HttpRequest, dashboard: &Dashboard) -> Result<HttpResponse, Problem> {
    let next = if request.method() == Method::GET { here(request) } else { "/admin".to_owned() };
    let mut query = form_urlencoded::Serializer::new(String::new());
    if next != "/admin" {
        query.append_pair("next", &next);
    }
    let had_session = request.cookie(SESSION).is_some();
    if had_session {
        query.append_pair("over", "1");
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let mut response = html::lead_to(&format!("/admin/login{mark}{query}")).finish();
    if had_session {
        add_cookie(&mut response, &dashboard.no_cookie(SESSION))?;
    }
    Ok(response)
}
