//! Bearer tokens become callers.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use domain::ids::UserId;
use domain::ports::identity::{Caller, Scope};

use super::problem::{Kind, Problem};
use crate::wiring::App;

/// A caller with a good token. Handlers take it as their first argument, so that nothing of a stranger's
/// request is read.
pub struct Bearer(pub Caller);

impl Bearer {
    /// The caller, if it may do this.
    pub fn with(self, scope: Scope) -> Result<Caller, Problem> {
        if self.0.may(scope) {
            return Ok(self.0);
        }
        let cause = format!("the token lacks {}", scope.as_str());
        Err(Problem::because(Kind::Forbidden, cause))
    }

    /// The caller, if it may do this and its account is not closed. What only holds credits need not ask: the ledger
    /// refuses a closed account by itself.
    pub async fn owner(self, scope: Scope, app: &App) -> Result<Caller, Problem> {
        let caller = self.with(scope)?;
        must_be_open(caller.user, app).await?;
        Ok(caller)
    }
}

/// Refuses the user of a closed account.
pub async fn must_be_open(user: UserId, app: &App) -> Result<(), Problem> {
    if app.stores.personal.is_closed(user).await? { Err(Kind::AccountClosed.into()) } else { Ok(()) }
}

impl FromRequest for Bearer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request))
    }
}

fn authenticate(request: &HttpRequest) -> Result<Bearer, Problem> {
    let app = request.app_data::<web::Data<App>>().ok_or(Kind::Internal)?;
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().ok_or(Kind::Unauthorized)?;
    if headers.next().is_some() {
        return Err(Problem::because(Kind::Unauthorized, "more than one Authorization header"));
    }
    let text = header.to_str().map_err(|_| Kind::Unauthorized)?;
    let (scheme, token) = text.split_once(' ').ok_or(Kind::Unauthorized)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Kind::Unauthorized.into());
    }
    if !app.tokens.is_ready() {
        // Not the client's fault: a token that nobody can check yet is neither good nor bad.
        let cause = "the keys of the tokens' issuer have not come yet";
        return Err(Problem::because(Kind::TemporarilyUnavailable, cause));
    }
    let now = app.clock.now().at;
    app.tokens
        .verify(token.trim(), now)
        .map(Bearer)
        .map_err(|reason| Problem::because(Kind::Unauthorized, reason))
}
