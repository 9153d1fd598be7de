//! A page to try everything on, at `/`, on a developer's machine only: a newcomer's first minutes. Its script is a
//! client of the API like any other; all that it is given is the demo user's token.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;
use serde_json::json;
use url::form_urlencoded;

use crate::config::{AppEnv, Config};
use crate::demo::Demo;
use crate::http::body::read_bytes;
use crate::http::problem::{Kind, Problem};
use crate::pages::assets::address;
use crate::pages::look::{self, Look};
use crate::pages::{html, origin};
use crate::routes::endpoint::{self, Endpoint, form, page};
use crate::wiring::App;

/// The longest form.
const MOST_BYTES: usize = 1024;

/// What the playground needs.
pub struct Playground {
    demo: Demo,
    zone: Tz,
    simulated_model: bool,
}

impl Playground {
    /// As configured; nothing outside development.
    pub fn new(config: &Config) -> Option<Self> {
        (config.app_env == AppEnv::Development).then(|| Self {
            demo: Demo::new(config),
            zone: config.report_timezone,
            simulated_model: config.openai.is_none(),
        })
    }
}

/// The page. It finds its [`Playground`] in `web::Data`.
pub fn table() -> Vec<Endpoint> {
    vec![page("/", show), form("/playground/token", token), form("/playground/look", choose_look)]
}

/// Registers the page.
pub fn register(config: &mut ServiceConfig) {
    endpoint::register(config, table());
}

#[derive(Template)]
#[template(path = "playground/page.html")]
struct Page {
    look: Look,
    styles: [String; 2],
    script: String,
    icon: String,
    /// Whether the demo user's token can be made here.
    signs: bool,
    simulated_model: bool,
    shop: Shop,
}

/// Who sells credits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shop {
    Nobody,
    Simulation,
    Provider,
}

impl Page {
    fn say(&self, portuguese: &'static str, english: &'static str) -> &'static str {
        self.look.say(portuguese, english)
    }
}

async fn show(
    request: HttpRequest,
    app: web::Data<App>,
    playground: web::Data<Playground>,
) -> Result<HttpResponse, Problem> {
    let look = Look::of(&request, playground.zone);
    let page = Page {
        look,
        styles: [address("base.css"), address("playground.css")],
        script: address("playground.js"),
        icon: address("icon.svg"),
        signs: playground.demo.signs(),
        simulated_model: playground.simulated_model,
        shop: match &app.selling {
            None => Shop::Nobody,
            Some(_) if app.sells_by_sandbox() => Shop::Simulation,
            Some(_) => Shop::Provider,
        },
    };
    html::talking_page(&page, look)
}

/// `POST /playground/token`: a token of the demo user.
async fn token(
    request: HttpRequest,
    app: web::Data<App>,
    playground: web::Data<Playground>,
) -> Result<HttpResponse, Problem> {
    origin::own_page(&request)?;
    let token = playground.demo.user_token(app.clock.now().at).ok_or(Kind::NotFound)?;
    Ok(HttpResponse::Ok().json(json!({ "token": token, "user_id": Demo::user().to_string() })))
}

/// `POST /playground/look`: language and theme.
async fn choose_look(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    origin::own_page(&request)?;
    let bytes = read_bytes(payload, MOST_BYTES).await?;
    let mut response = html::lead_to("/").finish();
    for (name, value) in form_urlencoded::parse(&bytes) {
        if let Some(cookie) = look::chosen(&name, &value) {
            response.add_cookie(&cookie).map_err(|error| Problem::because(Kind::Internal, error))?;
        }
    }
    Ok(response)
}
