//! What stands around every page.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::Dashboard;
use super::session::{Admin, look};
use crate::http::problem::{Kind, Problem};
use crate::pages::assets::address;
use crate::pages::html;
use crate::pages::look::{Look, Theme};
use crate::wiring::App;

/// The dashboard's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    Users,
    Requests,
    Purchases,
    Notices,
    Audit,
    Health,
}

/// A link of the navigation.
pub struct Link {
    pub address: &'static str,
    pub text: &'static str,
    /// What is drawn beside it: the data of a path in a square of 24.
    pub icon: &'static str,
    pub current: bool,
}

/// What every page has.
pub struct Frame {
    pub look: Look,
    pub title: String,
    pub links: Vec<Link>,
    pub styles: [String; 2],
    pub script: String,
    pub icon: String,
    /// What forms must carry.
    pub form: String,
    /// Where switches lead back to.
    pub here: String,
    /// Who is signed in.
    pub who: Option<String>,
    pub may_write: bool,
    /// What was done just now.
    pub done: Option<String>,
    pub production: bool,
}

const FLASH: &str = "saldo_done";

impl Frame {
    /// The text in the page's language.
    pub fn say(&self, portuguese: &'static str, english: &'static str) -> &'static str {
        self.look.say(portuguese, english)
    }

    /// The other language: its tag, and its name in itself.
    pub fn other_language(&self) -> (&'static str, &'static str) {
        match self.look.language {
            crate::http::texts::Language::Portuguese => ("en", "English"),
            crate::http::texts::Language::English => ("pt-BR", "Português"),
        }
    }

    /// The theme that the switch leads to, and its name.
    pub fn next_theme(&self) -> (&'static str, &'static str) {
        match self.look.theme {
            Theme::System => ("dark", self.say("Tema: sistema", "Theme: system")),
            Theme::Dark => ("light", self.say("Tema: escuro", "Theme: dark")),
            Theme::Light => ("system", self.say("Tema: claro", "Theme: light")),
        }
    }
}

/// A visit by somebody who is signed in: what makes pages.
pub struct Visit {
    pub app: web::Data<App>,
    pub dashboard: web::Data<Dashboard>,
    pub admin: Admin,
    pub look: Look,
    here: String,
    done: Option<String>,
}

impl actix_web::FromRequest for Visit {
    type Error = Problem;
    type Future = futures_util::future::LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let admin = Admin::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let admin = admin.await?;
            let app = request.app_data::<web::Data<App>>().ok_or(Kind::Internal)?.clone();
            let dashboard = request.app_data::<web::Data<Dashboard>>().ok_or(Kind::Internal)?.clone();
            let look = look(&request, &app);
            let done = request.cookie(FLASH).and_then(|cookie| said(cookie.value(), look));
            Ok(Self { app, dashboard, admin, look, here: here(&request), done })
        })
    }
}

/// The address of a page, to come back to it.
pub fn here(request: &HttpRequest) -> String {
    request.uri().path_and_query().map_or_else(|| "/admin".to_owned(), ToString::to_string)
}

impl Visit {
    /// What stands around a page of a section.
    pub fn frame(&self, section: Section, title: impl Into<String>) -> Frame {
        let mut frame = bare(self.look, title.into(), self.admin.form_token.clone(), self.here.clone());
        frame.links = links(self.look, section);
        frame.who = Some(self.admin.caller.user.to_string());
        frame.may_write = self.admin.may_write();
        frame.done.clone_from(&self.done);
        frame.production = !self.dashboard.development;
        frame
    }

    /// A page.
    pub fn page(&self, template: &impl Template) -> Result<HttpResponse, Problem> {
        self.page_with(StatusCode::OK, template)
    }

    /// A page with a status of its own.
    pub fn page_with(&self, status: StatusCode, template: &impl Template) -> Result<HttpResponse, Problem> {
        let mut response = html::page(status, template, self.look)?;
        if self.done.is_some() {
            add_cookie(&mut response, &self.dashboard.no_cookie(FLASH))?;
        }
        Ok(response)
    }

    /// Leads on to a page, which then says what was done.
    pub fn lead_to(&self, address: &str, done: Done) -> Result<HttpResponse, Problem> {
        let mut response = html::lead_to(address).finish();
        add_cookie(&mut response, &self.dashboard.cookie(FLASH, done.word()))?;
        Ok(response)
    }
}

/// What stands around a page of somebody who is not signed in.
pub fn bare(look: Look, title: String, form: String, here: String) -> Frame {
    Frame {
        look,
        title,
        links: Vec::new(),
        styles: [address("base.css"), address("dashboard.css")],
        script: address("dashboard.js"),
        icon: address("icon.svg"),
        form,
        here,
        who: None,
        may_write: false,
        done: None,
        production: true,
    }
}

/// Adds a cookie to an answer.
pub fn add_cookie(response: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<(), Problem> {
    response.add_cookie(cookie).map_err(|error| Problem::because(Kind::Internal, error))
}

fn links(look: Look, section: Section) -> Vec<Link> {
    let all = [
        (
            Section::Overview,
            "/admin",
            look.say("Visão geral", "Overview"),
            "M3 13h7V3H3zm11 8h7V11h-7zM3 21h7v-4H3zM14 3v4h7V3z",
        ),
        (
            Section::Users,
            "/admin/users",
            look.say("Usuários", "Users"),
            "M16 20v-1.5a3.5 3.5 0 0 0-3.5-3.5h-6A3.5 3.5 0 0 0 3 18.5V20M9.5 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M21 20v-1.5a3.5 3.5 0 0 0-2.7-3.4M15.5 4.7a3.5 3.5 0 0 1 0 6.6",
        ),
        (Section::Requests, "/admin/requests", look.say("Requisições", "Requests"), "M4 5h16v11H9l-5 4z"),
        (
            Section::Purchases,
            "/admin/purchases",
            look.say("Compras", "Purchases"),
            "M3 6h18v12H3zM3 10h18M7 15h3",
        ),
        (
            Section::Notices,
            "/admin/notices",
            look.say("Avisos", "Notices"),
            "M6 9a6 6 0 0 1 12 0c0 6 2.5 7 2.5 7h-17S6 15 6 9M10 20a2.2 2.2 0 0 0 4 0",
        ),
        (
            Section::Audit,
            "/admin/audit",
            look.say("Auditoria", "Audit log"),
            "M7 3h10v18l-5-3-5 3zM10 8h4M10 12h4",
        ),
        (Section::Health, "/admin/health", look.say("Saúde", "Health"), "M3 12h4l2.5-7 5 14 2.5-7h4"),
    ];
    let link = |(of, address, text, icon)| Link { address, text, icon, current: of == section };
    all.into_iter().map(link).collect()
}

/// What was done: kept in a cookie from the form to the page behind it, as a word and a figure, so that nobody can
/// make a page say something by an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Credits were given.
    Given(i64),
    /// Credits were taken.
    Taken(i64),
    /// Was done before, under the same key.
    Before,
    /// Spending was stopped.
    Suspended,
    /// A suspension was lifted.
    Resumed,
    /// A payment went back.
    Refunded(i64),
}

impl Done {
    fn word(self) -> String {
        match self {
            Self::Given(credits) => format!("given.{credits}"),
            Self::Taken(credits) => format!("taken.{credits}"),
            Self::Before => "before.0".to_owned(),
            Self::Suspended => "suspended.0".to_owned(),
            Self::Resumed => "resumed.0".to_owned(),
            Self::Refunded(minor) => format!("refunded.{minor}"),
        }
    }
}

fn said(word: &str, look: Look) -> Option<String> {
    let (word, figure) = word.split_once('.')?;
    let figure: i64 = figure.parse().ok()?;
    let number = look.number(figure);
    let text = |portuguese: String, english: String| match look.language {
        crate::http::texts::Language::Portuguese => portuguese,
        crate::http::texts::Language::English => english,
    };
    match word {
        "given" => Some(text(format!("{number} créditos concedidos."), format!("{number} credits granted."))),
        "taken" => Some(text(format!("{number} créditos retirados."), format!("{number} credits taken."))),
        "refunded" => {
            let amount = look.reais(figure);
            Some(text(format!("{amount} devolvidos."), format!("{amount} refunded.")))
        }
        "before" => Some(
            look.say(
                "Isto já tinha sido feito com este formulário; nada foi feito de novo.",
                "This form was sent before; nothing was done again.",
            )
            .to_owned(),
        ),
        "suspended" => Some(look.say("Conta suspensa.", "Account suspended.").to_owned()),
        "resumed" => Some(look.say("Suspensão retirada.", "Suspension lifted.").to_owned()),
        _ => None,
    }
}
