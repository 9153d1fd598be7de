//! Everything that is kept of a user, for them to have; and leaving.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::ports::identity::Scope;
use domain::services::assistant::question::FieldRule;
use futures_util::StreamExt;

use super::credits::Parameters;
use super::export;
use crate::http::auth::{Bearer, owner_acting};
use crate::http::envelope::request_id;
use crate::http::problem::Problem;
use crate::wiring::App;

/// `GET /api/user/export`: one JSON document, written as it is read. Where the store goes away halfway, the answer
/// breaks off, and is no JSON.
pub async fn export(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let user = bearer.owner_with_token(Scope::AccountWrite, &app).await?.user;
    let head = export::head(&app, user).await?;
    let id = request_id(&request);
    let body = export::document(app.into_inner(), user, head).inspect(move |piece| {
        if let Err(cause) = piece {
            tracing::error!(request_id = %id, %cause, "an export broke off");
        }
    });
    let name = format!("attachment; filename=\"saldo-{user}.json\"");
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(body))
}

/// `DELETE /api/user`: closes the account for good and erases what is personal. Done again, it is done.
pub async fn close(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    let owner = bearer.with_token(Scope::AccountWrite)?;
    let (by, user) = (owner_acting(&owner, &request), owner.user);
    let forfeit = match query.get("forfeit").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field("forfeit", FieldRule::OneOf(&["true", "false"]))),
    };
    let privacy = app.privacy.clone();
    let keys = app.api_keys.clone();
    let closing = async move {
        let closed = privacy.close(by, user, forfeit).await;
        keys.forget_user(user);
        closed
    };
    app.run(closing).await??;
    Ok(HttpResponse::NoContent().finish())
}
