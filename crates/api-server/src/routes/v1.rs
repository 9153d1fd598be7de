//! OpenAI's interfaces, so that its clients work with another base address: `/v1/chat/completions`, `/v1/responses`,
//! `/v1/embeddings`, `/v1/models`.

pub mod models;
mod stream;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use adapters_openai::inbound;
use domain::ports::identity::Scope;
use domain::ports::language_model::Interface;
use domain::services::metering::Metered;

use super::assistant::asking;
use super::streams;
use crate::http::auth::Bearer;
use crate::http::billing_headers;
use crate::http::body::read_json;
use crate::http::problem::Problem;
use crate::wiring::App;

pub use models::{list, one};

/// `POST /v1/chat/completions`.
pub async fn chat_completions(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    pass_on(Interface::ChatCompletions, bearer, &app, &request, payload).await
}

/// `POST /v1/responses`.
pub async fn responses(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    pass_on(Interface::Responses, bearer, &app, &request, payload).await
}

/// `POST /v1/embeddings`.
pub async fn embeddings(
    bearer: Bearer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    pass_on(Interface::Embeddings, bearer, &app, &request, payload).await
}

async fn pass_on(
    interface: Interface,
    bearer: Bearer,
    app: &web::Data<App>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let asking = asking(&bearer.with(Scope::AiUse)?, request)?;
    let passed = inbound::read(interface, &read_json(payload).await?)?;
    let gateway = app.gateway.clone();
    if passed.stream {
        let dialect = stream::Dialect::new(interface, request);
        return streams::respond(app, async move { gateway.open(asking, passed).await }, dialect).await;
    }
    let metered = app.run(async move { gateway.complete(asking, passed).await }).await??;
    Ok(answered(metered))
}

fn answered(metered: Metered) -> HttpResponse {
    let mut response = billing_headers::of_answer(&metered.bill, metered.terms.as_ref());
    response.insert_header((CONTENT_TYPE, "application/json"));
    response.body(metered.body)
}
