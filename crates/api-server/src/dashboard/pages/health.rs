//! How the server and its surroundings are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;
use domain::clock::{Span, Timestamp};
use domain::ports::language_model::{UpstreamHealth, UpstreamState};
use domain::services::verification::{Verification, verify};

use super::super::Dashboard;
use crate::dashboard::layout::{Frame, Section, Visit};
use crate::dashboard::posted::Posted;
use crate::dashboard::words::Pill;
use crate::http::problem::Problem;
use crate::pages::figures;
use crate::pages::html;
use crate::pages::look::{Look, When};
use crate::routes::health::not_ready;

/// How long a proof may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How many broken rules are shown.
const MOST_BREACHES: usize = 50;

/// The latest proof of the books that this server made.
#[derive(Clone, Debug, Default)]
pub struct Proof(Arc<Mutex<Option<Attempt>>>);

#[derive(Clone, Debug)]
struct Attempt {
    begun: Timestamp,
    ended: Option<(Timestamp, Ending)>,
}

#[derive(Clone, Debug)]
enum Ending {
    Found(Verification),
    Failed,
    TookTooLong,
}

impl Proof {
    /// Notes that a proof begins; not while another one runs.
    fn begin(&self, now: Timestamp) -> bool {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_ref().is_some_and(|attempt| attempt.ended.is_none()) {
            return false;
        }
        *latest = Some(Attempt { begun: now, ended: None });
        true
    }

    fn end(&self, now: Timestamp, ending: Ending) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = latest.as_mut() {
            attempt.ended = Some((now, ending));
        }
    }

    fn latest(&self) -> Option<Attempt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Template)]
#[template(path = "dashboard/health.html")]
struct HealthPage {
    frame: Frame,
    reasons: Vec<&'static str>,
    upstreams: Vec<Upstream>,
    queues: Vec<(&'static str, String, &'static str)>,
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

/// A proof, in words.
struct Proven {
    begun: When,
    running: bool,
    took: String,
    class: &'static str,
    text: String,
    breaches: Vec<String>,
}

/// `GET /admin/health`.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    let (app, look) = (&visit.app, visit.look);
    let now = app.clock.now().at;
    let page = HealthPage {
        frame: visit.frame(Section::Health, look.say("Saúde", "Health")),
        reasons: not_ready(app).await,
        upstreams: app.gateway.meter.model.health().iter().map(|each| upstream(each, look)).collect(),
        queues: queues(&visit, now).await?,
        sells: sells(&visit),
        proof: visit.dashboard.proof.latest().map(|attempt| proven(&attempt, look)),
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

/// What waits to be worked on: name, figure, and what it means.
async fn queues(visit: &Visit, now: Timestamp) -> Result<Vec<(&'static str, String, &'static str)>, Problem> {
    let (look, stores) = (visit.look, &visit.app.stores);
    let ago =
        |at: Timestamp| format!("{} {}", look.span(now.since(at).as_micros()), look.say("atrás", "ago"));
    let oldest = stores.purchases.oldest_open().await?;
    let cursor = stores.inbox.cursor().await?;
    Ok(vec![
        (
            look.say("Compra em aberto mais antiga", "Oldest open purchase"),
            oldest.map_or_else(|| look.say("nenhuma", "none").to_owned(), ago),
            look.say("espera notícias do pagamento", "waits for news of its payment"),
        ),
        (
            look.say("Reconciliador", "Reconciler"),
            cursor.map_or_else(|| look.say("ainda não leu", "has not read yet").to_owned(), ago),
            look.say(
                "até onde a lista de eventos do provedor foi lida",
                "how far the provider's list of events was read",
            ),
        ),
    ])
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

fn proven(attempt: &Attempt, look: Look) -> Proven {
    let begun = look.when(attempt.begun);
    let Some((ended, ending)) = &attempt.ended else {
        let text = look.say("A verificação está em andamento.", "The books are being verified.").to_owned();
        return Proven { begun, running: true, took: String::new(), class: "", text, breaches: Vec::new() };
    };
    let took = ended.since(attempt.begun).as_millis().unsigned_abs();
    let (class, text, breaches) = match ending {
        Ending::Found(found) => {
            let (accounts, entries) = (look.number(found.accounts), look.number(found.entries));
            let counted = match look.say("pt", "en") {
                "pt" => format!("{accounts} contas e {entries} lançamentos verificados: "),
                _ => format!("{accounts} accounts and {entries} journal entries verified: "),
            };
            let (class, verdict) = if found.is_sound() {
                ("good", look.say("tudo confere.", "everything adds up."))
            } else {
                ("bad", look.say("há regras quebradas.", "rules are broken."))
            };
            let mut breaches: Vec<String> =
                found.breaches.iter().take(MOST_BREACHES).map(ToString::to_string).collect();
            if found.stale_texts > 0 {
                breaches.push(format!("I10: {}", look.number(found.stale_texts)));
            }
            (class, format!("{counted}{verdict}"), breaches)
        }
        Ending::Failed => (
            "bad",
            look.say("O banco de dados não respondeu.", "The database did not answer.").to_owned(),
            Vec::new(),
        ),
        Ending::TookTooLong => (
            "warn",
            look.say(
                "Demorou demais e foi interrompida. Use `api-server credits verify` na linha de comando.",
                "It took too long and was stopped. Use `api-server credits verify` on the command line.",
            )
            .to_owned(),
            Vec::new(),
        ),
    };
    Proven { begun, running: false, took: figures::milliseconds(took, look.language), class, text, breaches }
}

/// `POST /admin/health/proof`: verifies all books, in the background.
pub async fn prove(
    visit: Visit,
    dashboard: web::Data<Dashboard>,
    _posted: Posted,
) -> Result<HttpResponse, Problem> {
    let (app, proof) = (visit.app.clone(), dashboard.proof.clone());
    let now = app.clock.now().at;
    if proof.begin(now) {
        let (books, clock) = (Arc::clone(&app.stores.books), Arc::clone(&app.clock));
        let texts_before = now.before(dashboard.texts_kept);
        app.spawn(async move {
            let found = tokio::time::timeout(PATIENCE, verify(books.as_ref(), now, texts_before)).await;
            let ending = match found {
                Ok(Ok(found)) => Ending::Found(found),
                Ok(Err(cause)) => {
                    tracing::warn!(%cause, "the books could not be verified");
                    Ending::Failed
                }
                Err(_) => Ending::TookTooLong,
            };
            proof.end(clock.now().at, ending);
        });
    }
    Ok(html::lead_to("/admin/health#proof").finish())
}
