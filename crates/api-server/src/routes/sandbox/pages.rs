//! From what the sandbox knows to what a page shows.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, ContentType};
use adapters_sandbox::{Act, CheckoutView, PortalView, Stage, SubscriptionView};
use askama::Template;
use domain::billing::offer::PayMode;

use super::parts::{self, Button, Forms, Group, Notice, Row};
use super::texts;
use super::visit::Visit;
use crate::http::problem::{Kind, Problem};
use crate::http::texts::Language;

/// What every page has.
struct Frame {
    language: &'static str,
    /// Lets the page's own style in, and nothing else.
    nonce: String,
    title: &'static str,
    band: &'static str,
    about: &'static str,
    other_language: (&'static str, &'static str, &'static str),
    undelivered: Option<&'static str>,
}

impl Frame {
    fn new(visit: &Visit, title: &'static str) -> Self {
        let other_language = match visit.language {
            Language::Portuguese => ("en", "?lang=en", "English"),
            Language::English => ("pt-BR", "?lang=pt-BR", "Português"),
        };
        Self {
            language: visit.language.tag(),
            nonce: uuid::Uuid::new_v4().simple().to_string(),
            title,
            band: visit
                .say("Simulação: nenhum dinheiro é movimentado", "Simulation: no money is moved"),
            about: visit.say(
                "Esta página faz as vezes da Stripe enquanto nenhuma chave dela está configurada. Cada botão envia ao servidor os mesmos eventos assinados que a Stripe enviaria.",
                "This page stands in for Stripe while no key of Stripe's is configured. Each button sends the server the same signed events that Stripe would.",
            ),
            other_language,
            undelivered: visit.undelivered.then(|| {
                visit.say(
                    "O servidor não aceitou todos os eventos agora; o motivo está no log. Ele os busca de novo na lista de eventos.",
                    "The server did not take all events just now; the log says why. It will find them in the list of events.",
                )
            }),
        }
    }
}

#[derive(Template)]
#[template(path = "sandbox/checkout.html")]
struct CheckoutPage<'a> {
    frame: Frame,
    view: &'a CheckoutView,
    credits: String,
    price: String,
    notice: Option<Notice>,
    rows: Vec<Row>,
    /// What there is to do first.
    choices: Vec<Button>,
    /// Where it leads from here, when something is done.
    done: Option<(&'a str, &'static str)>,
    more_heading: &'static str,
    more_about: &'static str,
    more: Vec<Group>,
    portal: Option<(String, &'static str)>,
    leave: Option<(&'a str, &'static str)>,
}

#[derive(Template)]
#[template(path = "sandbox/portal.html")]
struct PortalPage<'a> {
    frame: Frame,
    view: &'a PortalView,
    heading: &'static str,
    empty: &'static str,
    cards: Vec<Card<'a>>,
    leave: Option<(&'a str, &'static str)>,
}

struct Card<'a> {
    view: &'a SubscriptionView,
    credits: String,
    price: String,
    rows: Vec<Row>,
    groups: Vec<Group>,
}

impl<'a> Card<'a> {
    fn new(view: &'a SubscriptionView, customer: &str, visit: &Visit) -> Self {
        let path = format!("/sandbox/portal/{customer}/{}", view.id);
        let forms = Forms { visit, path: &path, mode: PayMode::Subscription };
        Self {
            view,
            credits: parts::credits(view.credits, visit),
            price: parts::price(view.minor, PayMode::Subscription, visit),
            rows: parts::subscription_rows(view, visit),
            groups: forms.groups(&view.acts),
        }
    }
}

#[derive(Template)]
#[template(path = "sandbox/forgotten.html")]
struct ForgottenPage {
    frame: Frame,
    heading: &'static str,
    text: &'static str,
}

/// The page of a checkout.
pub fn checkout(view: &CheckoutView, visit: &Visit) -> Result<HttpResponse, Problem> {
    let path = format!("/sandbox/checkout/{}", view.session);
    let forms = Forms { visit, path: &path, mode: view.mode };
    let (first, rest): (Vec<Act>, Vec<Act>) = view.acts.iter().partition(|act| is_first(**act));
    let mut rows = Vec::new();
    if let Some(subscription) = &view.subscription {
        rows.extend(parts::subscription_rows(subscription, visit));
    } else if let Some(payment) = &view.payment {
        rows.extend(parts::payment_rows(payment, visit));
    }
    let done = !view.stage.is_open() && !view.stage.is_expired();
    let more_about = match view.stage {
        Stage::BoletoPaid => visit
            .say("Boletos não têm reembolso nem contestação.", "Boletos know neither refunds nor disputes."),
        _ if view.subscription.is_some() => visit.say(
            "O relógio não anda: renovar antecipa o período seguinte.",
            "The clock stands still: to renew is to bring the next period forward.",
        ),
        _ => "",
    };
    let page = CheckoutPage {
        credits: parts::credits(view.credits, visit),
        price: parts::price(view.minor, view.mode, visit),
        notice: texts::stage(view.stage, visit.language)
            .map(|text| Notice { class: stage_class(view.stage), text }),
        rows,
        choices: forms.buttons(&first),
        done: done.then(|| (view.success_url.as_str(), visit.say("Voltar à loja", "Back to the shop"))),
        more_heading: visit.say("O que mais pode acontecer", "What else can happen"),
        more_about,
        more: forms.groups(&rest),
        portal: view.subscription.is_some().then(|| {
            let address = format!("/sandbox/portal/{}{}", view.customer, visit.language_only());
            (address, visit.say("Portal do cliente", "Customer portal"))
        }),
        leave: (!done)
            .then(|| (view.cancel_url.as_str(), visit.say("Voltar sem pagar", "Leave without paying"))),
        frame: Frame::new(visit, visit.say("Checkout simulado", "Simulated checkout")),
        view,
    };
    answer(&page, &page.frame)
}

/// The portal of a customer.
pub fn portal(view: &PortalView, visit: &Visit) -> Result<HttpResponse, Problem> {
    let page = PortalPage {
        heading: visit.say("Suas assinaturas", "Your subscriptions"),
        empty: visit.say("Nenhuma assinatura por aqui.", "No subscriptions here."),
        cards: view.subscriptions.iter().map(|each| Card::new(each, &view.customer, visit)).collect(),
        leave: view.return_url.as_deref().map(|url| (url, visit.say("Voltar", "Back"))),
        frame: Frame::new(visit, visit.say("Portal simulado", "Simulated portal")),
        view,
    };
    answer(&page, &page.frame)
}

/// The page of what is not in memory. No error status: those are for programs, and come as documents.
pub fn forgotten(visit: &Visit) -> Result<HttpResponse, Problem> {
    let page = ForgottenPage {
        heading: visit.say("A simulação não conhece esta página", "The simulation does not know this page"),
        text: visit.say(
            "Ela guarda tudo em memória: se o servidor foi reiniciado, este checkout foi esquecido. Comece a compra de novo na loja.",
            "It keeps everything in memory: if the server was restarted, this checkout is forgotten. Start again in the shop.",
        ),
        frame: Frame::new(visit, visit.say("Página esquecida", "Forgotten page")),
    };
    let mut response = answer(&page, &page.frame)?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

fn answer(page: &impl Template, frame: &Frame) -> Result<HttpResponse, Problem> {
    let html = page.render().map_err(|error| Problem::because(Kind::Internal, error))?;
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        frame.nonce
    );
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::html())
        .insert_header((CONTENT_LANGUAGE, frame.language))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .body(html))
}

/// Whether an act is one of the few that a checkout is about.
const fn is_first(act: Act) -> bool {
    matches!(act, Act::PayByCard | Act::TakeBoleto | Act::PayBoleto | Act::MissBoleto | Act::Fail)
}

const fn stage_class(stage: Stage) -> &'static str {
    match stage {
        Stage::PaidByCard | Stage::BoletoPaid => "good",
        Stage::Open | Stage::BoletoTaken => "waiting",
        Stage::Declined | Stage::Failed | Stage::Expired | Stage::BoletoMissed => "bad",
    }
}
