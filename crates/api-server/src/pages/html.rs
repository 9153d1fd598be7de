//! Pages as answers.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERRER_POLICY, VARY,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

use super::look::Look;
use crate::http::problem::{Kind, Problem};

/// What a page of ours may load, run and send: only what comes from here, and nothing written inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The same for a page whose script talks to our API.
const TALKING_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                              connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page, never kept by anybody.
pub fn page(status: StatusCode, template: &impl Template, look: Look) -> Result<HttpResponse, Problem> {
    let html = template.render().map_err(|error| Problem::because(Kind::Internal, error))?;
    Ok(with_headers(&mut HttpResponse::build(status), look, POLICY).body(html))
}

/// A page whose script talks to our API.
pub fn talking_page(template: &impl Template, look: Look) -> Result<HttpResponse, Problem> {
    let html = template.render().map_err(|error| Problem::because(Kind::Internal, error))?;
    Ok(with_headers(&mut HttpResponse::Ok(), look, TALKING_POLICY).body(html))
}

fn with_headers<'a>(
    response: &'a mut HttpResponseBuilder,
    look: Look,
    policy: &'static str,
) -> &'a mut HttpResponseBuilder {
    response
        .insert_header(ContentType::html())
        .insert_header((CONTENT_LANGUAGE, look.language.tag()))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        // Without this, browsers say `Origin: null` with our own forms.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Cookie, Accept-Language"))
}

/// Leads on after a form.
pub fn lead_to(address: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, address)).insert_header((CACHE_CONTROL, "no-store"));
    response
}
