//! How the server and its surroundings are.

mod proof;
mod queues;

use actix_web::HttpResponse;
use askama::Template;
use domain::clock::Span;
use domain::ports::language_model::{UpstreamHealth, UpstreamState};

use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::posted::Posted;
use crate::dashboard::words::Pill;
use crate::http::problem::Problem;
use crate::pages::look::{Look, When};
use crate::pages::{figures, html};
use crate::routes::health::not_ready;
pub use proof::Proof;
use proof::Proven;
use queues::Queue;
pub use queues::Queues;

#[derive(Template)]
#[template(path = "dashboard/health.html")]
struct HealthPage {
    frame: Frame,
    reasons: Vec<&'static str>,
    upstreams: Vec<Upstream>,
    queues: Vec<Queue>,
    sells: &'static str,
    proof: Option<Proven>,
    instance: String,
    version: &'static str,
    checked_at: When,
}

struct Upstream {
    name: String,
    state: Pill,
    requests: String,
    failures: String,
    latency: String,
    retry: Option<String>,
    last_failure: Option<String>,
}

/// `GET /admin/health`.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    let (app, look) = (&visit.app, visit.look);
    let now = app.clock.now().at;
    let page = HealthPage {
        frame: visit.frame(Section::Health, look.say("Saúde", "Health")),
        reasons: not_ready(app).await,
        upstreams: app.gateway.meter.model.health().iter().map(|each| upstream(each, look)).collect(),
        queues: visit.dashboard.queues.told(app, look).await?,
        sells: sells(&visit),
        proof: visit.dashboard.proof.told(look),
        instance: app.instance.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        checked_at: look.when(now),
    };
    visit.page(&page)
}

fn sells(visit: &Visit) -> &'static str {
    match &visit.app.selling {
        None => visit.look.say("nada é vendido aqui", "nothing is sold here"),
        Some(selling) if selling.sandbox.is_some() => {
            visit.look.say("checkout simulado", "simulated checkout")
        }
        Some(selling) if selling.billing.livemode => "Stripe",
        Some(_) => visit.look.say("Stripe, modo de teste", "Stripe, test mode"),
    }
}

fn upstream(health: &UpstreamHealth, look: Look) -> Upstream {
    let (text, class) = match health.state {
        UpstreamState::Healthy => (look.say("saudável", "healthy"), "good"),
        UpstreamState::Trying => (look.say("testando", "trying"), "warn"),
        UpstreamState::Broken => (look.say("interrompido", "broken"), "bad"),
        UpstreamState::Resting => (look.say("em pausa", "resting"), "warn"),
        UpstreamState::Simulated => (look.say("simulado", "simulated"), ""),
    };
    let ms = |span: Span| figures::milliseconds(span.as_millis().unsigned_abs(), look.language);
    Upstream {
        name: health.name.clone(),
        state: Pill { text: text.to_owned(), class },
        requests: look.number(health.requests),
        failures: look.number(health.failures),
        latency: health.latency.map_or_else(|| "—".to_owned(), ms),
        retry: health.retry_after.map(|span| look.span(span.as_micros())),
        last_failure: health.last_failure.clone(),
    }
}

/// `POST /admin/health/proof`: verifies all books, in the background.
pub async fn prove(visit: Visit, _posted: Posted) -> Result<HttpResponse, Problem> {
    visit.dashboard.proof.start(&visit.app, visit.dashboard.texts_kept);
    Ok(html::lead_to("/admin/health#proof").finish())
}
