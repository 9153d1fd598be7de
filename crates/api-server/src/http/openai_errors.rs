//! Problems as clients of OpenAI's interfaces know them: its error object, with its types and codes.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT_LANGUAGE;
use domain::ledger::command::Limit;
use domain::services::assistant::question::{FieldFault, FieldRule};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::problem::Kind;
use super::texts::{self, Language};

/// Whether a request is for one of OpenAI's interfaces.
pub fn speaks_openai(request: &HttpRequest) -> bool {
    is_openais(request.path())
}

/// Whether a path is one of OpenAI's interfaces.
pub fn is_openais(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// The language of messages: English, unless the client wishes for Portuguese by name (OpenAI's own clients say `*`).
pub fn language(request: &HttpRequest) -> Language {
    let wish = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    match wish {
        Some(wish) if wish.to_ascii_lowercase().contains("pt") => texts::language_of(request.headers()),
        _ => Language::English,
    }
}

/// OpenAI's error object in its envelope.
#[derive(ToSchema)]
#[schema(as = OpenAiError)]
#[expect(dead_code, reason = "describes what `body` writes")]
pub struct ErrorBody {
    error: ErrorObject,
}

/// What went wrong.
#[derive(ToSchema)]
#[schema(as = OpenAiErrorObject)]
#[expect(dead_code, reason = "describes what `error` writes")]
pub struct ErrorObject {
    /// For people.
    message: String,
    /// A word for the sort of error.
    r#type: String,
    /// Where in the request.
    #[schema(required)]
    param: Option<String>,
    /// A word for the error.
    #[schema(required)]
    code: Option<String>,
    /// With 402: what there is.
    #[schema(nullable = false)]
    available_credits: Option<i64>,
    /// With 402: what it takes.
    #[schema(nullable = false)]
    required_credits: Option<i64>,
}

/// HTTP status and body of a problem.
pub fn body(kind: &Kind, language: Language) -> (StatusCode, Value) {
    let error = error(kind, language);
    (status(kind), json!({ "error": error }))
}

/// The status of a problem: as everywhere, but where OpenAI's clients expect another.
pub fn status(kind: &Kind) -> StatusCode {
    match kind {
        Kind::ModelNotAvailable => StatusCode::NOT_FOUND,
        other => other.status_and_code().0,
    }
}

/// The error object of a problem.
pub fn error(kind: &Kind, language: Language) -> Map<String, Value> {
    let (_, mut message) = texts::say(kind, language);
    let (_, own_code) = kind.status_and_code();
    let (mut r#type, mut code, mut param) = ("invalid_request_error".to_owned(), own_code.to_owned(), None);
    let mut more = Map::new();
    match kind {
        Kind::Unauthorized => "invalid_api_key".clone_into(&mut code),
        Kind::Forbidden | Kind::Suspended | Kind::AccountClosed => "permission_error".clone_into(&mut r#type),
        Kind::InsufficientCredits { available, required } => {
            "insufficient_quota".clone_into(&mut r#type);
            "insufficient_quota".clone_into(&mut code);
            more.insert("available_credits".to_owned(), available.get().into());
            more.insert("required_credits".to_owned(), required.get().into());
        }
        Kind::ApiKeyCapReached { available, required } => {
            "insufficient_quota".clone_into(&mut r#type);
            more.insert("available_credits".to_owned(), available.get().into());
            more.insert("required_credits".to_owned(), required.get().into());
        }
        Kind::NoCredits { required } => {
            "insufficient_quota".clone_into(&mut r#type);
            "insufficient_quota".clone_into(&mut code);
            more.insert("available_credits".to_owned(), 0.into());
            more.insert("required_credits".to_owned(), required.get().into());
        }
        Kind::RateLimited { limit, .. } => {
            let name = match limit {
                Some(Limit::Tokens) => "tokens",
                Some(Limit::Requests | Limit::Concurrent | Limit::DailyCredits) | None => "requests",
            };
            name.clone_into(&mut r#type);
            "rate_limit_exceeded".clone_into(&mut code);
        }
        Kind::ModelNotAvailable => {
            "model_not_found".clone_into(&mut code);
            param = Some("model".to_owned());
        }
        Kind::Rejected(rejection) => {
            message.clone_from(&rejection.message);
            r#type = rejection.kind.clone().unwrap_or(r#type);
            param.clone_from(&rejection.param);
            let code = rejection.code.clone().map_or(Value::Null, Value::from);
            return object(message, &r#type, param, code, more);
        }
        Kind::Invalid(faults) => {
            if let Some(first) = faults.first() {
                field_code(&first.rule).clone_into(&mut code);
                param = Some(path(&first.pointer));
            }
            message = faults.iter().map(|fault| sentence(fault, language)).collect::<Vec<_>>().join("; ");
        }
        Kind::NotFound => "unknown_url".clone_into(&mut code),
        Kind::AiUnavailable
        | Kind::AiBusy { .. }
        | Kind::AiTimeout
        | Kind::TemporarilyUnavailable
        | Kind::NotReady(_)
        | Kind::Internal
        | Kind::PaymentUnavailable
        | Kind::PaymentRefused
        | Kind::BillingNotConfigured => "server_error".clone_into(&mut r#type),
        Kind::MalformedJson
        | Kind::BadRequest
        | Kind::BodyTooLarge
        | Kind::BodyTimeout
        | Kind::KeyInProgress
        | Kind::KeyMismatch
        | Kind::AnswerNotKept
        | Kind::TooManyApiKeys
        | Kind::RequestsRunning
        | Kind::SubscriptionRenews
        | Kind::SubscriptionPaid
        | Kind::CreditsRemain { .. }
        | Kind::NotEnough { .. }
        | Kind::NoCustomer
        | Kind::NotPaid
        | Kind::RefundByHand
        | Kind::AlreadyRefunded
        | Kind::BadSignature
        | Kind::MethodNotAllowed => {}
    }
    object(message, &r#type, param, code.into(), more)
}

fn object(
    message: String,
    r#type: &str,
    param: Option<String>,
    code: Value,
    more: Map<String, Value>,
) -> Map<String, Value> {
    let mut error = Map::new();
    error.insert("message".to_owned(), message.into());
    error.insert("type".to_owned(), r#type.into());
    error.insert("param".to_owned(), param.map_or(Value::Null, Value::from));
    error.insert("code".to_owned(), code);
    error.extend(more);
    error
}

fn sentence(fault: &FieldFault, language: Language) -> String {
    let rule = texts::rule(&fault.rule, language);
    match path(&fault.pointer).as_str() {
        "" => rule,
        path => format!("`{path}` {rule}"),
    }
}

/// A JSON pointer as OpenAI writes places: `messages[0].role`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", part, "]"]);
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
    }
    path
}

fn field_code(rule: &FieldRule) -> &'static str {
    match rule {
        FieldRule::Required => "missing_required_parameter",
        FieldRule::Type(_) => "invalid_type",
        FieldRule::Unsupported | FieldRule::NoImages | FieldRule::CostUnbounded => "unsupported_parameter",
        FieldRule::RoomToAnswer => "context_length_exceeded",
        FieldRule::NotBlank
        | FieldRule::AtLeastItems(_)
        | FieldRule::AtMostItems(_)
        | FieldRule::AtMostBuckets(_)
        | FieldRule::AtMostChars(_)
        | FieldRule::KnownPlan
        | FieldRule::OneOf(_)
        | FieldRule::AmountWithin(_)
        | FieldRule::FutureTime
        | FieldRule::DateOrTime
        | FieldRule::BeforeTo
        | FieldRule::NotBeside(_)
        | FieldRule::WholeWithin(..)
        | FieldRule::Cursor
        | FieldRule::IdempotencyKey
        | FieldRule::EmailAddress
        | FieldRule::WithinLimit
        | FieldRule::OnlyWithGrants
        | FieldRule::Printable
        | FieldRule::Scopes(_) => "invalid_value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_openai_writes_them() {
        for (pointer, written) in [("/messages/0/role", "messages[0].role"), ("/model", "model"), ("", "")] {
            assert_eq!(path(pointer), written);
        }
    }
}
