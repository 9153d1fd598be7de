//! The pages of the simulated payment provider: what stands where Stripe's checkout and portal would. They
//! are registered in development only, where no key of Stripe is configured.
//!
//! Each button is a form. What it does becomes events, which go through the same door as Stripe's: signed, as
//! raw bytes, by [`Sandbox::deliver`].

mod pages;
mod parts;
mod texts;
mod visit;

use std::sync::Arc;

use actix_web::http::header::LOCATION;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, rt};
use adapters_sandbox::{Act, ActError, SandboxCheckout, SandboxEvent};
use chrono_tz::Tz;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::endpoint::{self, Endpoint, form, page};
use crate::http::problem::{Kind, Problem};
use crate::http::texts::{Language, language_of};
use visit::Visit;

/// Hands an event to the webhook, signature header and raw body just as they would arrive; or says why that
/// failed.
pub type Deliver = Arc<dyn Fn(SandboxEvent) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What the pages need.
#[derive(Clone)]
pub struct Sandbox {
    /// The simulated provider.
    pub checkout: SandboxCheckout,
    /// The webhook.
    pub deliver: Deliver,
    /// Dates are shown in this time zone.
    pub zone: Tz,
}

/// The pages. They find their [`Sandbox`] in `web::Data`.
pub fn table() -> Vec<Endpoint> {
    vec![
        page("/sandbox/checkout/{session}", checkout),
        form("/sandbox/checkout/{session}/{act}", act),
        page("/sandbox/portal/{customer}", portal),
        form("/sandbox/portal/{customer}/{subscription}/{act}", act_in_portal),
    ]
}

/// Registers the pages.
pub fn register(config: &mut ServiceConfig) {
    endpoint::register(config, table());
}

/// What the address says besides its path.
#[derive(Default, Deserialize)]
struct Wish {
    lang: Option<String>,
    undelivered: Option<String>,
}

impl Wish {
    fn visit(self, request: &HttpRequest, sandbox: &Sandbox) -> Visit {
        let chosen = match self.lang.as_deref() {
            Some("en") => Some(Language::English),
            Some("pt" | "pt-BR") => Some(Language::Portuguese),
            _ => None,
        };
        Visit {
            language: chosen.unwrap_or_else(|| language_of(request.headers())),
            chosen: chosen.is_some(),
            undelivered: self.undelivered.is_some(),
            zone: sandbox.zone,
        }
    }
}

async fn checkout(
    request: HttpRequest,
    sandbox: web::Data<Sandbox>,
    session: web::Path<String>,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, Problem> {
    let visit = wish.into_inner().visit(&request, &sandbox);
    match sandbox.checkout.checkout(&session) {
        Some(view) => pages::checkout(&view, &visit),
        None => pages::forgotten(&visit),
    }
}

async fn portal(
    request: HttpRequest,
    sandbox: web::Data<Sandbox>,
    customer: web::Path<String>,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, Problem> {
    let visit = wish.into_inner().visit(&request, &sandbox);
    match sandbox.checkout.portal(&customer) {
        Some(view) => pages::portal(&view, &visit),
        None => pages::forgotten(&visit),
    }
}

async fn act(
    request: HttpRequest,
    sandbox: web::Data<Sandbox>,
    path: web::Path<(String, String)>,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, Problem> {
    let (session, word) = path.into_inner();
    let act = clicked(&request, &word)?;
    let visit = wish.into_inner().visit(&request, &sandbox);
    let done = sandbox.checkout.act(&session, act);
    answer(&sandbox, visit, done, &format!("/sandbox/checkout/{session}")).await
}

async fn act_in_portal(
    request: HttpRequest,
    sandbox: web::Data<Sandbox>,
    path: web::Path<(String, String, String)>,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, Problem> {
    let (customer, subscription, word) = path.into_inner();
    let act = clicked(&request, &word)?;
    let visit = wish.into_inner().visit(&request, &sandbox);
    let done = sandbox.checkout.act_on_subscription(&customer, &subscription, act);
    answer(&sandbox, visit, done, &format!("/sandbox/portal/{customer}")).await
}

/// The act of a form; only forms of our own pages count.
fn clicked(request: &HttpRequest, word: &str) -> Result<Act, Problem> {
    let site = request.headers().get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Problem::because(Kind::Forbidden, "a form of another site"));
    }
    Ok(Act::from_word(word).ok_or(Kind::NotFound)?)
}

/// Delivers what an act caused, and leads back to the page.
async fn answer(
    sandbox: &Sandbox,
    visit: Visit,
    done: Result<Vec<SandboxEvent>, ActError>,
    page: &str,
) -> Result<HttpResponse, Problem> {
    let events = match done {
        Ok(events) => events,
        // A second click on the same button, say: the page shows what became of the first.
        Err(ActError::NotNow) => Vec::new(),
        Err(ActError::Unknown) => return pages::forgotten(&visit),
    };
    let deliver = Arc::clone(&sandbox.deliver);
    // On its own, so that all are delivered even when the browser does not wait.
    let delivered = rt::spawn(async move {
        let mut all = true;
        for event in events {
            if let Err(cause) = deliver(event).await {
                tracing::warn!(%cause, "an event of the sandbox was not taken by the webhook");
                all = false;
            }
        }
        all
    });
    let undelivered = !delivered.await.map_err(|error| Problem::because(Kind::Internal, error))?;
    let location = format!("{page}{}", Visit { undelivered, ..visit }.query());
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, location)).finish())
}
