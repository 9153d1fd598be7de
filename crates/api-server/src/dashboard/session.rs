//! Signing in. The cookie holds the admin's token or API key and nothing else, so every request is checked anew,
//! expiry and scopes included.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use domain::audit::By;
use domain::ledger::account::Actor;
use domain::ports::identity::{Caller, Scope};
use futures_util::future::LocalBoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Dashboard;
use crate::http::auth::caller;
use crate::http::envelope::request_id;
use crate::http::problem::{Kind, Problem};
use crate::pages::look::Look;
use crate::wiring::App;

/// The admin's token.
pub const SESSION: &str = "saldo_admin";
/// A random text that stands for a browser before it has signed in.
const VISIT: &str = "saldo_visit";
/// Browsers keep no larger cookie.
pub const LONGEST_TOKEN: usize = 3800;
/// What the tokens in forms are about.
const FORM: &[u8] = b"saldo admin form";

/// Somebody who may look at the dashboard.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Who.
    pub caller: Caller,
    /// What their forms must carry.
    pub form_token: String,
    /// The request that they come with.
    pub request_id: String,
}

impl Admin {
    /// Whether they may change anything.
    pub fn may_write(&self) -> bool {
        self.caller.may(Scope::AdminWrite)
    }

    /// Who does something, if they may.
    pub fn acting(&self) -> Result<By, Problem> {
        if !self.may_write() {
            return Err(Problem::because(Kind::Forbidden, "the token lacks admin:write"));
        }
        let actor = Actor::admin(&self.caller.user);
        let via = self
            .caller
            .api_key
            .map_or_else(|| "dashboard".to_owned(), |key| format!("dashboard:api_key:{key}"));
        Ok(By { actor, via, request_id: Some(self.request_id.clone()) })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = request.app_data::<web::Data<App>>().ok_or(Kind::Internal)?;
            let token = cookie(&request, SESSION).ok_or(Kind::Unauthorized)?;
            let caller = checked(app, &token).await?;
            Ok(Self { caller, form_token: form_token(&token), request_id: request_id(&request) })
        })
    }
}

/// The admin that a token names; anybody else is forbidden.
pub async fn checked(app: &App, token: &str) -> Result<Caller, Problem> {
    let caller = caller(app, token).await?;
    if caller.may(Scope::AdminRead) {
        Ok(caller)
    } else {
        Err(Problem::because(Kind::Forbidden, "the token lacks admin:read"))
    }
}

fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    let value = request.cookie(name)?.value().to_owned();
    (!value.is_empty()).then_some(value)
}

fn mac(secret: &str) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok().map(|mac| mac.chain_update(FORM))
}

/// What forms of this session carry. Whoever does not know the session's token cannot make it, and it opens nothing
/// else.
fn form_token(secret: &str) -> String {
    let bytes = mac(secret).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect()
}

/// Whether a form belongs to the session, or, before there is one, to the browser.
pub fn belongs(request: &HttpRequest, presented: &str) -> bool {
    let Some(secret) = cookie(request, SESSION).or_else(|| cookie(request, VISIT)) else { return false };
    let bytes: Option<Vec<u8>> = (0..presented.len())
        .step_by(2)
        .map(|at| presented.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    match (bytes, mac(&secret)) {
        (Some(bytes), Some(mac)) => mac.verify_slice(&bytes).is_ok(),
        _ => false,
    }
}

/// What the forms of a visitor carry: of the session, else of the browser, which may need a cookie for that.
pub fn visitor(request: &HttpRequest, dashboard: &Dashboard) -> (String, Option<Cookie<'static>>) {
    if let Some(secret) = cookie(request, SESSION).or_else(|| cookie(request, VISIT)) {
        return (form_token(&secret), None);
    }
    let secret = uuid::Uuid::new_v4().simple().to_string();
    (form_token(&secret), Some(dashboard.cookie(VISIT, secret)))
}

impl Dashboard {
    /// A cookie of the dashboard: out of reach for scripts and for other sites.
    pub fn cookie(&self, name: &'static str, value: String) -> Cookie<'static> {
        let cookie = Cookie::build(name, value).path("/admin").http_only(true).same_site(SameSite::Strict);
        cookie.secure(self.secure).finish()
    }

    /// The same, taken back.
    pub fn no_cookie(&self, name: &'static str) -> Cookie<'static> {
        let mut cookie = self.cookie(name, String::new());
        cookie.make_removal();
        cookie
    }
}

/// An address within the dashboard to go to after signing in; anything else is the front page.
pub fn safe_next(next: Option<&str>) -> &str {
    let ours = |next: &&str| {
        let rest = next.strip_prefix("/admin").unwrap_or("x");
        let within = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
        within && next.len() <= 1000 && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(ours).unwrap_or("/admin")
}

/// How a visitor looks at pages.
pub fn look(request: &HttpRequest, app: &App) -> Look {
    Look::of(request, app.report_timezone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_within_the_dashboard_only() {
        for next in ["/admin", "/admin/users?order=used", "/admin/users/a%20b", "/admin?range=7d"] {
            assert_eq!(safe_next(Some(next)), next);
        }
        for next in [
            "//evil.test/admin",
            "https://evil.test/",
            "/administrator",
            "/admin.evil.test",
            "/admin\\@evil.test",
            "/admin/\r\nSet-Cookie: a=b",
            "/",
            "",
        ] {
            assert_eq!(safe_next(Some(next)), "/admin", "{next}");
        }
        assert_eq!(safe_next(None), "/admin");
    }
}
