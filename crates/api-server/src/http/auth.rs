//! Bearer tokens and API keys become callers.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use domain::api_keys::Credential;
use domain::audit::By;
use domain::ids::UserId;
use domain::ledger::account::Actor;
use domain::ports::identity::{Caller, Scope};
use domain::services::api_keys::ApiKeyError;
use futures_util::future::{Either, LocalBoxFuture};

use super::envelope::request_id;
use super::problem::{Kind, Problem};
use crate::wiring::App;

/// A caller with a good token or API key. Handlers take it as their first argument, so that nothing of a stranger's
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

    /// The caller, if it may do this and came with a token: not even a key that was given the scope may.
    pub fn with_token(self, scope: Scope) -> Result<Caller, Problem> {
        if self.0.api_key.is_some() {
            return Err(Problem::because(Kind::Forbidden, "an API key may not do this"));
        }
        self.with(scope)
    }

    /// [`Bearer::owner`] and [`Bearer::with_token`] at once.
    pub async fn owner_with_token(self, scope: Scope, app: &App) -> Result<Caller, Problem> {
        let caller = self.with_token(scope)?;
        must_be_open(caller.user, app).await?;
        Ok(caller)
    }
}

/// Refuses the user of a closed account.
pub async fn must_be_open(user: UserId, app: &App) -> Result<(), Problem> {
    if app.stores.personal.is_closed(user).await? { Err(Kind::AccountClosed.into()) } else { Ok(()) }
}

impl Bearer {
    /// Who acts as an admin and how they said who they are, for the audit log, if they may do this.
    pub fn acting(self, scope: Scope, request: &HttpRequest) -> Result<By, Problem> {
        let caller = self.with(scope)?;
        Ok(by(Actor::admin(&caller.user), &caller, request))
    }
}

/// Who acts on their own account, for the audit log.
pub fn owner_acting(caller: &Caller, request: &HttpRequest) -> By {
    by(Actor::user(&caller.user), caller, request)
}

fn by(actor: Actor, caller: &Caller, request: &HttpRequest) -> By {
    let via = caller.api_key.map_or_else(|| "token".to_owned(), |key| format!("api_key:{key}"));
    By { actor, via, request_id: Some(request_id(request)) }
}

impl FromRequest for Bearer {
    type Error = Problem;
    /// A token is checked at once; an API key may have to be looked up.
    type Future = Either<Ready<Result<Self, Problem>>, LocalBoxFuture<'static, Result<Self, Problem>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match presented(request) {
            Ok((app, text)) if Credential::is_meant_by(text) => {
                let (app, text) = (app.clone(), text.to_owned());
                Either::Right(Box::pin(async move { by_key(&app, &text).await }))
            }
            Ok((app, text)) => Either::Left(ready(by_token(app, text))),
            Err(problem) => Either::Left(ready(Err(problem))),
        }
    }
}

/// What the client presents as a token.
fn presented(request: &HttpRequest) -> Result<(&web::Data<App>, &str), Problem> {
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
    Ok((app, token.trim()))
}

/// The caller that a token or an API key names, wherever it was presented.
pub async fn caller(app: &App, text: &str) -> Result<Caller, Problem> {
    let bearer = if Credential::is_meant_by(text) { by_key(app, text).await } else { by_token(app, text) };
    bearer.map(|bearer| bearer.0)
}

fn by_token(app: &App, token: &str) -> Result<Bearer, Problem> {
    if !app.tokens.is_ready() {
        // Not the client's fault: a token that nobody can check yet is neither good nor bad.
        let cause = "the keys of the tokens' issuer have not come yet";
        return Err(Problem::because(Kind::TemporarilyUnavailable, cause));
    }
    let now = app.clock.now().at;
    app.tokens.verify(token, now).map(Bearer).map_err(|reason| Problem::because(Kind::Unauthorized, reason))
}

async fn by_key(app: &App, text: &str) -> Result<Bearer, Problem> {
    app.api_keys.authenticate(text).await.map(Bearer).map_err(|error| match error {
        ApiKeyError::Bad(reason) => Problem::because(Kind::Unauthorized, reason),
        ApiKeyError::Unavailable(cause) => cause.into(),
    })
}
