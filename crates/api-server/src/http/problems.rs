//! Errors become problem documents (RFC 9457), ours and the HTTP layer's own alike.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::envelope::request_id;
use super::openai_errors;
use super::problem::{Kind, Problem};
use super::texts::{self, Language, language_of};
use crate::dashboard::{is_page, problem_page};

/// Where the kinds of problems are described.
const TYPES: &str = "https://saldo.dev/problems/";

/// The layer: renders every error response that was not rendered yet.
pub async fn render_problems(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return Ok(response);
    }
    // A page for people says itself what is wrong.
    if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return Ok(response);
    }
    let (kind, cause) = match response.response().error() {
        Some(error) => match error.as_error::<Problem>() {
            Some(problem) => (problem.kind.clone(), problem.cause.clone()),
            None => (of_status(response.status()), Some(error.to_string())),
        },
        None => (of_status(response.status()), None),
    };
    log(&kind, cause.as_deref(), &request_id(response.request()));
    let mut document = if is_page(response.request().path()) {
        match problem_page(&kind, response.request()) {
            Ok(page) => page,
            Err(problem) => document(&problem.kind, response.request()),
        }
    } else {
        document(&kind, response.request())
    };
    // What the layers inside said of the method and the like stays.
    for (name, value) in response.headers() {
        if name == actix_web::http::header::ALLOW {
            document.headers_mut().insert(name.clone(), value.clone());
        }
    }
    Ok(response.into_response(document))
}

fn of_status(status: StatusCode) -> Kind {
    match status {
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::BodyTooLarge,
        StatusCode::REQUEST_TIMEOUT => Kind::BodyTimeout,
        status if status.is_client_error() => Kind::BadRequest,
        _ => Kind::Internal,
    }
}

/// The one place where a cause is logged.
pub fn log(kind: &Kind, cause: Option<&str>, request_id: &str) {
    let (status, code) = kind.status_and_code();
    let Some(cause) = cause else { return };
    if status.is_server_error() {
        tracing::error!(%request_id, code, cause, "request failed");
    } else {
        tracing::info!(%request_id, code, cause, "request refused");
    }
}

/// The response for a problem: OpenAI's error object where that is spoken, else a problem document.
pub fn document(kind: &Kind, request: &HttpRequest) -> HttpResponse {
    let (status, language, kind_of_body, body) = if openai_errors::speaks_openai(request) {
        let language = openai_errors::language(request);
        let (status, body) = openai_errors::body(kind, language);
        (status, language, "application/json", body)
    } else {
        let language = language_of(request.headers());
        (
            kind.status_and_code().0,
            language,
            "application/problem+json",
            problem(kind, &Asked::of(request)).into(),
        )
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, kind_of_body));
    response.insert_header((CONTENT_LANGUAGE, language.tag()));
    response.insert_header((CACHE_CONTROL, "no-store"));
    if let Some(wait) = kind.retry_after() {
        response.insert_header((RETRY_AFTER, HeaderValue::from(wait.as_secs_up().max(1))));
    }
    if *kind == Kind::Unauthorized {
        response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"saldo\""));
    }
    if matches!(kind, Kind::BodyTooLarge | Kind::BodyTimeout) {
        // The rest of the body is not read, so the connection cannot be used again.
        response.force_close();
    }
    response.body(body.to_string())
}

/// What of a request its problem documents tell.
#[derive(Clone, Debug)]
pub struct Asked {
    language: Language,
    path: String,
    request_id: String,
}

impl Asked {
    /// Of the request in the document's examples.
    pub fn example() -> Self {
        let path = "/api/ai-assistant".to_owned();
        Self {
            language: Language::Portuguese,
            path,
            request_id: "01a204cd-47c1-7263-98cd-3fd04eae7df3".to_owned(),
        }
    }

    /// Of a request.
    pub fn of(request: &HttpRequest) -> Self {
        let language = language_of(request.headers());
        Self { language, path: request.path().to_owned(), request_id: request_id(request) }
    }
}

/// A problem document (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what `problem` writes")]
pub struct ProblemBody {
    /// Names the kind of problem.
    #[schema(format = "uri")]
    r#type: String,
    /// A few words for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// A sentence for people.
    detail: String,
    /// The path of the request.
    instance: String,
    /// Names the kind of problem, for programs. Stable.
    code: String,
    /// Finds the line in the log.
    request_id: String,
    /// The same as `title`.
    error: String,
    /// The same as `detail`: can be shown to a person.
    message: String,
    /// With 422: which fields, and what they must be.
    #[schema(nullable = false)]
    errors: Option<Vec<FaultBody>>,
    /// With 402 and `not_enough_credits`: what there is.
    #[schema(nullable = false)]
    available_credits: Option<i64>,
    /// With 402: what it takes.
    #[schema(nullable = false)]
    required_credits: Option<i64>,
    /// With `not_ready`: why.
    #[schema(nullable = false)]
    reasons: Option<Vec<String>>,
    /// With `rate_limited`: seconds after which to try again.
    #[schema(nullable = false)]
    retry_after: Option<u64>,
}

/// A field that makes no sense.
#[derive(ToSchema)]
#[schema(as = Fault)]
#[expect(dead_code, reason = "describes what `problem` writes")]
pub struct FaultBody {
    /// JSON pointer to the field; the name of a parameter or header.
    pointer: String,
    /// What it must be.
    detail: String,
}

/// The problem document.
pub fn problem(kind: &Kind, asked: &Asked) -> Map<String, Value> {
    let language = asked.language;
    let (status, code) = kind.status_and_code();
    let (title, message) = texts::say(kind, language);
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("type", format!("{TYPES}{}", code.replace('_', "-")).into());
    put("title", title.into());
    put("status", status.as_u16().into());
    put("detail", message.clone().into());
    put("instance", asked.path.clone().into());
    put("code", code.into());
    put("request_id", asked.request_id.clone().into());
    // The seed's names, which its client shows to people.
    put("error", title.into());
    put("message", message.into());
    match kind {
        Kind::Invalid(faults) => {
            let errors: Vec<Value> = faults
                .iter()
                .map(
                    |fault| json!({ "pointer": fault.pointer, "detail": texts::rule(&fault.rule, language) }),
                )
                .collect();
            put("errors", errors.into());
        }
        Kind::InsufficientCredits { available, required }
        | Kind::ApiKeyCapReached { available, required } => {
            put("available_credits", available.get().into());
            put("required_credits", required.get().into());
        }
        Kind::NoCredits { required } => {
            put("available_credits", 0.into());
            put("required_credits", required.get().into());
        }
        Kind::NotEnough { available } | Kind::CreditsRemain { available } => {
            put("available_credits", available.get().into());
        }
        Kind::NotReady(reasons) => put("reasons", reasons.clone().into()),
        Kind::RateLimited { retry_after, .. } => put("retry_after", retry_after.as_secs_up().into()),
        Kind::MalformedJson
        | Kind::BadRequest
        | Kind::BodyTooLarge
        | Kind::BodyTimeout
        | Kind::Unauthorized
        | Kind::Forbidden
        | Kind::Suspended
        | Kind::AccountClosed
        | Kind::RequestsRunning
        | Kind::SubscriptionRenews
        | Kind::SubscriptionPaid
        | Kind::TooManyApiKeys
        | Kind::KeyInProgress
        | Kind::KeyMismatch
        | Kind::AnswerNotKept
        | Kind::ModelNotAvailable
        | Kind::AiUnavailable
        | Kind::AiBusy { .. }
        | Kind::Rejected(_)
        | Kind::AiTimeout
        | Kind::BillingNotConfigured
        | Kind::PaymentUnavailable
        | Kind::PaymentRefused
        | Kind::NoCustomer
        | Kind::NotPaid
        | Kind::RefundByHand
        | Kind::AlreadyRefunded
        | Kind::BadSignature
        | Kind::TemporarilyUnavailable
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::Internal => {}
    }
    body
}
