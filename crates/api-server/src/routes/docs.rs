//! The OpenAPI document, and a page to read and try it. Everything that the page needs is built into the program.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::Config;

use crate::http::problem::{Kind, Problem};
use crate::openapi;

/// Only what comes from this server runs, and only this server is asked. Pictures in style sheets are `data:`.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A new version of the server may have others.
const FOR_AN_HOUR: &str = "public, max-age=3600";

/// `GET /openapi.json`.
pub async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "public, max-age=60"))
        .body(openapi::rendered())
}

/// `GET /docs`.
pub async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(include_str!("../../assets/docs/index.html"))
}

/// `GET /docs/`: the page's links are relative to `/docs`.
pub async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "../docs")).finish()
}

/// `GET /docs/{file}`.
pub async fn file(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (kind, body) = found(&name).ok_or(Kind::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, FOR_AN_HOUR))
        .body(body.into_owned()))
}

/// The files that the page names, and no others.
fn found(name: &str) -> Option<(&'static str, Cow<'static, [u8]>)> {
    let own = |text: &'static str| Some(Cow::Borrowed(text.as_bytes()));
    let kept = || Some(utoipa_swagger_ui::serve(name, Arc::new(Config::from(""))).ok()??.bytes);
    let (kind, body) = match name {
        "docs.js" => ("text/javascript; charset=utf-8", own(include_str!("../../assets/docs/docs.js"))),
        "docs.css" => ("text/css; charset=utf-8", own(include_str!("../../assets/docs/docs.css"))),
        "swagger-ui-bundle.js" => ("text/javascript; charset=utf-8", kept()),
        "swagger-ui.css" => ("text/css; charset=utf-8", kept()),
        "favicon-32x32.png" => ("image/png", kept()),
        _ => return None,
    };
    Some((kind, body?))
}
