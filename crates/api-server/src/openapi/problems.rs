//! What can go wrong, as the document says it. The bodies are those that the server sends.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use domain::clock::Span;
use domain::credits::Credits;
use domain::ports::identity::Scope;
use domain::ports::language_model::Rejection;
use domain::services::assistant::question::{FieldFault, FieldRule};
use serde_json::{Map, Value, json};

use super::components::Components;
use super::operation::with_request_id;
use crate::http::openai_errors;
use crate::http::problem::Kind;
use crate::http::problems::{self, Asked, ProblemBody};
use crate::http::texts::{self, Language};
use crate::routes::endpoint::Access;

/// Fields that make no sense.
pub fn invalid() -> Kind {
    Kind::Invalid(vec![FieldFault::new("/message", FieldRule::Required)])
}

/// Too many requests.
pub fn limited() -> Kind {
    Kind::RateLimited { limit: None, retry_after: Span::from_secs(12) }
}

/// An adjustment that takes more than there is.
pub fn not_enough() -> Kind {
    Kind::NotEnough { available: Credits::whole(3) }
}

/// What the provider rejects, with its own words.
pub fn rejected(status: u16) -> Kind {
    let message = "Unsupported value.".to_owned();
    let kind = Some("invalid_request_error".to_owned());
    Kind::Rejected(Box::new(Rejection { status, message, kind, code: None, param: None }))
}

/// An account that is not empty.
pub fn remaining() -> Kind {
    Kind::CreditsRemain { available: Credits::whole(3) }
}

/// What comes of who calls.
pub fn of_access(access: Access) -> Vec<Kind> {
    match access {
        Access::Anyone => vec![],
        Access::Caller => vec![Kind::Unauthorized, Kind::TemporarilyUnavailable],
        Access::With(_) | Access::TokenWith(_) | Access::TokenWithAnyOf(_) => {
            vec![Kind::Unauthorized, Kind::Forbidden, Kind::TemporarilyUnavailable]
        }
    }
}

/// Whether users do it with what is their own, and so need an account that is open.
pub fn is_of_users(access: Access) -> bool {
    match access {
        Access::Anyone | Access::Caller => false,
        Access::With(scope) | Access::TokenWith(scope) => Scope::USER.contains(&scope),
        Access::TokenWithAnyOf(scopes) => scopes.iter().all(|scope| Scope::USER.contains(scope)),
    }
}

/// What comes of credits, and of the model and its provider.
pub fn of_spending() -> Vec<Kind> {
    let required = Credits::whole(10);
    let available = Credits::whole(3);
    vec![
        Kind::NoCredits { required },
        Kind::InsufficientCredits { available, required },
        Kind::ApiKeyCapReached { available, required },
        Kind::Suspended,
        Kind::KeyInProgress,
        Kind::AnswerNotKept,
        Kind::ModelNotAvailable,
        Kind::AiUnavailable,
        Kind::AiBusy { retry_after: Span::from_secs(10) },
        Kind::AiTimeout,
    ]
}

/// What comes of the payment provider.
pub fn of_payments() -> Vec<Kind> {
    vec![Kind::BillingNotConfigured, Kind::PaymentUnavailable, Kind::PaymentRefused]
}

/// The responses to what can go wrong at a path: each status with all its codes.
pub fn responses(path: &'static str, kinds: Vec<Kind>, components: &mut Components) -> Vec<(u16, Value)> {
    let speech = if openai_errors::is_openais(path) { Speech::OpenAi } else { Speech::Problem };
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        let same = by_status.entry(speech.status(&kind).as_u16()).or_default();
        if !same.iter().any(|other| speech.code(other) == speech.code(&kind)) {
            same.push(kind);
        }
    }
    let response = |(status, kinds): (u16, Vec<Kind>)| {
        let codes: BTreeSet<String> = kinds.iter().map(|kind| speech.code(kind)).collect();
        let name = [speech.prefix().to_owned(), status.to_string()].into_iter().chain(codes);
        let name = name.collect::<Vec<_>>().join(".");
        (status, components.response(name, |components| speech.response(status, &kinds, components)))
    };
    by_status.into_iter().map(response).collect()
}

/// How errors are said.
#[derive(Clone, Copy)]
enum Speech {
    Problem,
    OpenAi,
}

impl Speech {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::OpenAi => "openai",
        }
    }

    fn status(self, kind: &Kind) -> StatusCode {
        match self {
            Self::Problem => kind.status_and_code().0,
            Self::OpenAi => openai_errors::status(kind),
        }
    }

    fn code(self, kind: &Kind) -> String {
        match self {
            Self::Problem => kind.status_and_code().1.to_owned(),
            Self::OpenAi => match &openai_errors::error(kind, Language::English)["code"] {
                Value::String(code) => code.clone(),
                // The provider's own words.
                _ => "rejected".to_owned(),
            },
        }
    }

    fn body(self, kind: &Kind) -> Value {
        match self {
            Self::Problem => problems::problem(kind, &Asked::example()).into(),
            Self::OpenAi => openai_errors::body(kind, Language::English).1,
        }
    }

    fn response(self, status: u16, kinds: &[Kind], components: &mut Components) -> Value {
        let about = kinds
            .iter()
            .map(|kind| format!("`{}`: {}", self.code(kind), texts::say(kind, Language::English).0));
        let about = about.collect::<Vec<_>>().join("; ");
        let examples: Map<String, Value> =
            kinds.iter().map(|kind| (self.code(kind), json!({ "value": self.body(kind) }))).collect();
        let (media_type, schema) = match self {
            Self::Problem => {
                let codes: BTreeSet<String> = kinds.iter().map(|kind| self.code(kind)).collect();
                let problem = components.schema::<ProblemBody>(false);
                let narrowed = json!({
                    "type": "object",
                    "properties": { "status": { "const": status }, "code": { "enum": codes } },
                });
                ("application/problem+json", json!({ "allOf": [problem, narrowed] }))
            }
            Self::OpenAi => ("application/json", components.schema::<openai_errors::ErrorBody>(false)),
        };
        let mut headers = vec!["Content-Language"];
        if kinds.iter().any(|kind| kind.retry_after().is_some()) {
            headers.push("Retry-After");
        }
        if kinds.contains(&Kind::Unauthorized) {
            headers.push("WWW-Authenticate");
        }
        json!({
            "description": about,
            "headers": with_request_id(headers),
            "content": { media_type: { "schema": schema, "examples": examples } },
        })
    }
}
