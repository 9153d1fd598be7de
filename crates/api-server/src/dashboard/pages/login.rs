//! Signing in and out, and how pages look.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::paging::{Parameters, given};
use crate::dashboard::Dashboard;
use crate::dashboard::layout::{Frame, add_cookie, bare};
use crate::dashboard::posted::Posted;
use crate::dashboard::session::{LONGEST_TOKEN, SESSION, checked, look, safe_next, visitor};
use crate::http::envelope::request_id;
use crate::http::problem::{Kind, Problem};
use crate::http::problems;
use crate::pages::{html, look};
use crate::wiring::App;

#[derive(Template)]
#[template(path = "dashboard/login.html")]
struct LoginPage {
    frame: Frame,
    next: String,
    /// Why the last try failed.
    fault: Option<&'static str>,
    over: bool,
    development: bool,
}

/// `GET /admin/login`.
pub async fn show(
    request: HttpRequest,
    app: web::Data<App>,
    dashboard: web::Data<Dashboard>,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    let next = safe_next(given(&query, "next"));
    page(&request, &app, &dashboard, next, None, given(&query, "over").is_some())
}

fn page(
    request: &HttpRequest,
    app: &App,
    dashboard: &Dashboard,
    next: &str,
    fault: Option<(StatusCode, &'static str)>,
    over: bool,
) -> Result<HttpResponse, Problem> {
    let look = look(request, app);
    let (form, cookie) = visitor(request, dashboard);
    let title = look.say("Entrar", "Sign in").to_owned();
    let page = LoginPage {
        frame: bare(look, title, form, "/admin/login".to_owned()),
        next: next.to_owned(),
        fault: fault.map(|(_, text)| text),
        over,
        development: dashboard.development,
    };
    let mut response = html::page(fault.map_or(StatusCode::OK, |(status, _)| status), &page, look)?;
    if let Some(cookie) = cookie {
        add_cookie(&mut response, &cookie)?;
    }
    Ok(response)
}

/// `POST /admin/login`.
pub async fn sign_in(
    request: HttpRequest,
    app: web::Data<App>,
    dashboard: web::Data<Dashboard>,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    // As it stands in a header, too: that is how people copy it.
    let token = posted.get("token").trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
    let next = safe_next(Some(posted.get("next")));
    let look = look(&request, &app);
    let problem = match token {
        "" => Problem::from(Kind::Unauthorized),
        token if token.len() > LONGEST_TOKEN => Problem::because(Kind::Unauthorized, "too long for a cookie"),
        token => match checked(&app, token).await {
            Ok(_) => {
                let mut response = html::lead_to(next).finish();
                add_cookie(&mut response, &dashboard.cookie(SESSION, token.to_owned()))?;
                return Ok(response);
            }
            Err(problem) => problem,
        },
    };
    let fault = match problem.kind {
        Kind::Unauthorized => look.say(
            "Este token não vale: está errado, incompleto ou expirado.",
            "This token is not valid: it is wrong, incomplete or expired.",
        ),
        Kind::Forbidden => look.say(
            "Este token é válido, mas não é de administrador (falta o escopo admin:read).",
            "This token is valid, but not an admin's (it lacks the scope admin:read).",
        ),
        _ => return Err(problem),
    };
    problems::log(&problem.kind, problem.cause.as_deref(), &request_id(&request));
    let status = problem.kind.status_and_code().0;
    page(&request, &app, &dashboard, next, Some((status, fault)), false)
}

/// `POST /admin/logout`.
pub async fn sign_out(dashboard: web::Data<Dashboard>, _posted: Posted) -> Result<HttpResponse, Problem> {
    let mut response = html::lead_to("/admin/login").finish();
    add_cookie(&mut response, &dashboard.no_cookie(SESSION))?;
    Ok(response)
}

/// `POST /admin/look`: language and theme.
pub async fn choose_look(posted: Posted) -> Result<HttpResponse, Problem> {
    let mut response = html::lead_to(safe_next(Some(posted.get("here")))).finish();
    for name in ["language", "theme"] {
        if let Some(cookie) = look::chosen(name, posted.get(name)) {
            add_cookie(&mut response, &cookie)?;
        }
    }
    Ok(response)
}
