//! Everything that can go wrong for a client, with its status and code.

use std::fmt;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use domain::clock::Span;
use domain::credits::Credits;
use domain::ledger::command::{Limit, Refusal};
use domain::ports::Unavailable;
use domain::ports::language_model::{ModelError, Rejection};
use domain::ports::ledger::LedgerError;
use domain::ports::payments::PaymentError;
use domain::services::accounts::ManualCreditsError;
use domain::services::assistant::question::{FieldFault, FieldRule};
use domain::services::billing::checkout::CheckoutError;
use domain::services::billing::inbox::ReceiveError;
use domain::services::billing::refunds::RefundError;
use domain::services::metering::AskError;

/// When to come back to a provider that limits us and does not say until when.
const USUAL_REST: Span = Span::from_secs(10);

/// An error on its way to a client.
#[derive(Debug)]
pub struct Problem {
    /// What the client is told.
    pub kind: Kind,
    /// What the log is told, once; never sent.
    pub cause: Option<String>,
}

/// What a client can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not JSON, or nested too deeply.
    MalformedJson,
    /// Fields that make no sense.
    Invalid(Vec<FieldFault>),
    /// Longer than 256 KiB.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// No token, or a bad one.
    Unauthorized,
    /// The token lacks a scope.
    Forbidden,
    /// The account is suspended.
    Suspended,
    /// The user has closed the account.
    AccountClosed,
    /// Requests of the account are running.
    RequestsRunning,
    /// A subscription of the account renews.
    SubscriptionRenews,
    /// A period of a subscription is paid and not over.
    SubscriptionPaid,
    /// Credits are left.
    CreditsRemain {
        /// How many.
        available: Credits,
    },
    /// Too few credits.
    InsufficientCredits {
        /// What there is.
        available: Credits,
        /// What it takes.
        required: Credits,
    },
    /// The API key may not spend that much more.
    ApiKeyCapReached {
        /// What it may still spend.
        available: Credits,
        /// What it takes.
        required: Credits,
    },
    /// The user has as many live API keys as there may be.
    TooManyApiKeys,
    /// Never had credits.
    NoCredits {
        /// What it takes.
        required: Credits,
    },
    /// A request with this idempotency key is running.
    KeyInProgress,
    /// The idempotency key was used for another request.
    KeyMismatch,
    /// The answer under this key was not kept.
    AnswerNotKept,
    /// An adjustment would take more than is available.
    NotEnough {
        /// What there is.
        available: Credits,
    },
    /// A limit is reached.
    RateLimited {
        /// Which, where it is one of the account's.
        limit: Option<Limit>,
        /// When to come back.
        retry_after: Span,
    },
    /// No such model, or none with a price.
    ModelNotAvailable,
    /// The model's provider failed.
    AiUnavailable,
    /// The model's providers are limiting us, or have failed too often lately.
    AiBusy {
        /// When to come back.
        retry_after: Span,
    },
    /// The model's provider says that the client's own request is wrong.
    Rejected(Box<Rejection>),
    /// The model's provider did not answer in time.
    AiTimeout,
    /// Nothing is sold here.
    BillingNotConfigured,
    /// The payment provider failed.
    PaymentUnavailable,
    /// The payment provider said no.
    PaymentRefused,
    /// The user never bought anything.
    NoCustomer,
    /// The purchase was not paid.
    NotPaid,
    /// What was paid this way is paid back by hand only.
    RefundByHand,
    /// All of the payment went back already.
    AlreadyRefunded,
    /// A webhook without a good signature.
    BadSignature,
    /// The store is away.
    TemporarilyUnavailable,
    /// The server cannot work now, for these reasons.
    NotReady(Vec<&'static str>),
    /// Nothing is at this address.
    NotFound,
    /// Not with this method.
    MethodNotAllowed,
    /// Another refusal of the request by the HTTP layer.
    BadRequest,
    /// Our fault.
    Internal,
}

impl Kind {
    /// HTTP status and stable code.
    pub fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::MalformedJson => (StatusCode::BAD_REQUEST, "malformed_json"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "body_timeout"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Suspended => (StatusCode::FORBIDDEN, "account_suspended"),
            Self::AccountClosed => (StatusCode::FORBIDDEN, "account_closed"),
            Self::RequestsRunning => (StatusCode::CONFLICT, "requests_running"),
            Self::SubscriptionRenews => (StatusCode::CONFLICT, "subscription_renews"),
            Self::SubscriptionPaid => (StatusCode::CONFLICT, "subscription_active"),
            Self::CreditsRemain { .. } => (StatusCode::CONFLICT, "credits_remaining"),
            Self::InsufficientCredits { .. } => (StatusCode::PAYMENT_REQUIRED, "insufficient_credits"),
            Self::ApiKeyCapReached { .. } => (StatusCode::PAYMENT_REQUIRED, "api_key_cap_reached"),
            Self::TooManyApiKeys => (StatusCode::CONFLICT, "too_many_api_keys"),
            Self::NoCredits { .. } => (StatusCode::PAYMENT_REQUIRED, "no_credits"),
            Self::KeyInProgress => (StatusCode::CONFLICT, "idempotency_in_progress"),
            Self::KeyMismatch => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch"),
            Self::AnswerNotKept => (StatusCode::CONFLICT, "idempotency_answer_not_kept"),
            Self::NotEnough { .. } => (StatusCode::CONFLICT, "not_enough_credits"),
            Self::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::ModelNotAvailable => (StatusCode::UNPROCESSABLE_ENTITY, "model_not_available"),
            Self::AiUnavailable => (StatusCode::BAD_GATEWAY, "ai_unavailable"),
            Self::AiBusy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "ai_unavailable"),
            Self::Rejected(rejection) => {
                (StatusCode::from_u16(rejection.status).unwrap_or(StatusCode::BAD_REQUEST), "rejected")
            }
            Self::AiTimeout => (StatusCode::GATEWAY_TIMEOUT, "ai_timeout"),
            Self::BillingNotConfigured => (StatusCode::SERVICE_UNAVAILABLE, "billing_not_configured"),
            Self::PaymentUnavailable => (StatusCode::BAD_GATEWAY, "payment_unavailable"),
            Self::PaymentRefused => (StatusCode::BAD_GATEWAY, "payment_refused"),
            Self::NoCustomer => (StatusCode::CONFLICT, "no_customer"),
            Self::NotPaid => (StatusCode::CONFLICT, "not_paid"),
            Self::RefundByHand => (StatusCode::CONFLICT, "refund_by_hand"),
            Self::AlreadyRefunded => (StatusCode::CONFLICT, "already_refunded"),
            Self::BadSignature => (StatusCode::BAD_REQUEST, "bad_signature"),
            Self::TemporarilyUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
            Self::NotReady(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }

    /// When the client may try again, where that is known.
    pub fn retry_after(&self) -> Option<Span> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::AiBusy { retry_after } => Some(*retry_after),
            Self::TemporarilyUnavailable | Self::NotReady(_) => Some(Span::from_secs(2)),
            Self::KeyInProgress | Self::RequestsRunning => Some(Span::from_secs(1)),
            Self::MalformedJson
            | Self::BadRequest
            | Self::Invalid(_)
            | Self::BodyTooLarge
            | Self::BodyTimeout
            | Self::Unauthorized
            | Self::Forbidden
            | Self::Suspended
            | Self::AccountClosed
            | Self::SubscriptionRenews
            | Self::SubscriptionPaid
            | Self::CreditsRemain { .. }
            | Self::InsufficientCredits { .. }
            | Self::ApiKeyCapReached { .. }
            | Self::TooManyApiKeys
            | Self::NoCredits { .. }
            | Self::KeyMismatch
            | Self::AnswerNotKept
            | Self::NotEnough { .. }
            | Self::ModelNotAvailable
            | Self::AiUnavailable
            | Self::AiTimeout
            | Self::Rejected(_)
            | Self::BillingNotConfigured
            | Self::PaymentUnavailable
            | Self::PaymentRefused
            | Self::NoCustomer
            | Self::NotPaid
            | Self::RefundByHand
            | Self::AlreadyRefunded
            | Self::BadSignature
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Internal => None,
        }
    }
}

impl Problem {
    /// One wrong field.
    pub fn field(pointer: impl Into<String>, rule: FieldRule) -> Self {
        Kind::Invalid(vec![FieldFault::new(pointer, rule)]).into()
    }

    /// A kind, with what the log is to be told.
    pub fn because(kind: Kind, cause: impl fmt::Display) -> Self {
        Self { kind, cause: Some(cause.to_string()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.status_and_code().1)
    }
}

/// The body is written by [`super::problems`], which knows the request's language and id.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status_and_code().0
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self { kind, cause: None }
    }
}

impl From<Vec<FieldFault>> for Problem {
    fn from(faults: Vec<FieldFault>) -> Self {
        Kind::Invalid(faults).into()
    }
}

impl From<Unavailable> for Problem {
    fn from(cause: Unavailable) -> Self {
        Self::because(Kind::TemporarilyUnavailable, cause)
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(refusal) => refusal.into(),
            LedgerError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Kind::AccountClosed.into(),
            Refusal::RequestsRunning => Kind::RequestsRunning.into(),
            Refusal::SubscriptionRenews => Kind::SubscriptionRenews.into(),
            Refusal::SubscriptionPaid => Kind::SubscriptionPaid.into(),
            Refusal::CreditsRemain { available } => Kind::CreditsRemain { available }.into(),
            Refusal::Suspended => Kind::Suspended.into(),
            Refusal::KeyInProgress => Kind::KeyInProgress.into(),
            Refusal::KeyMismatch => Kind::KeyMismatch.into(),
            Refusal::AnswerNotKept => Kind::AnswerNotKept.into(),
            Refusal::NoCredits { required } => Kind::NoCredits { required }.into(),
            Refusal::InsufficientCredits { available, required } => {
                Kind::InsufficientCredits { available, required }.into()
            }
            Refusal::ApiKeyCapReached { available, required } => {
                Kind::ApiKeyCapReached { available, required }.into()
            }
            // As it would have been a moment later.
            Refusal::ApiKeyEnded => Self::because(Kind::Unauthorized, refusal),
            Refusal::ApiKeyUnknown => Kind::NotFound.into(),
            Refusal::TooManyApiKeys => Kind::TooManyApiKeys.into(),
            Refusal::RateLimited { limit, retry_after } => {
                Kind::RateLimited { limit: Some(limit), retry_after }.into()
            }
            Refusal::ExceedsLimit { limit } => Self::field(exceeding_field(limit), FieldRule::WithinLimit),
            Refusal::NotEnough { available } => Kind::NotEnough { available }.into(),
            Refusal::AmountOutOfRange => Self::field("/amount", FieldRule::AmountWithin(Credits::MAX.get())),
            Refusal::HoldUnknown
            | Refusal::HoldVoided
            | Refusal::HoldSettled
            | Refusal::SourceUnknown
            | Refusal::PurchaseUnknown
            | Refusal::TopUpNotDue => Self::because(Kind::Internal, refusal),
        }
    }
}

/// The field that makes a request larger than a limit: how much is asked at once.
fn exceeding_field(limit: Limit) -> &'static str {
    match limit {
        Limit::Requests | Limit::Tokens | Limit::Concurrent | Limit::DailyCredits => "/message",
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::ModelNotAvailable(_) => Kind::ModelNotAvailable.into(),
            AskError::NoImages => Self::field("", FieldRule::NoImages),
            AskError::TooLong => Self::field("/conversationHistory", FieldRule::RoomToAnswer),
            AskError::Refused(refusal) => refusal.into(),
            AskError::Model(error) => error.into(),
            AskError::NoOutput => Self::because(Kind::AiUnavailable, "the model gave no output"),
            AskError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        let kind = match error {
            ModelError::Unreachable(_)
            | ModelError::KeyRefused(_)
            | ModelError::Failed { .. }
            | ModelError::Unusable(_)
            | ModelError::Interrupted(_) => Kind::AiUnavailable,
            ModelError::Limited { retry_after, .. } => {
                Kind::AiBusy { retry_after: retry_after.unwrap_or(USUAL_REST) }
            }
            ModelError::Resting { retry_after } => Kind::AiBusy { retry_after },
            ModelError::Rejected(ref rejection) => Kind::Rejected(rejection.clone()),
            ModelError::TimedOut => Kind::AiTimeout,
        };
        Self::because(kind, error)
    }
}

impl From<ManualCreditsError> for Problem {
    fn from(error: ManualCreditsError) -> Self {
        match error {
            ManualCreditsError::KeyMismatch => Kind::KeyMismatch.into(),
            ManualCreditsError::Refused(refusal) => refusal.into(),
            ManualCreditsError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        let kind = match error {
            PaymentError::Refused(_) => Kind::PaymentRefused,
            PaymentError::Unavailable(_) => Kind::PaymentUnavailable,
        };
        Self::because(kind, error)
    }
}

impl From<CheckoutError> for Problem {
    fn from(error: CheckoutError) -> Self {
        match error {
            CheckoutError::UnknownPlan => Self::field("/planId", FieldRule::KnownPlan),
            CheckoutError::KeyMismatch => Kind::KeyMismatch.into(),
            CheckoutError::NoCustomer => Kind::NoCustomer.into(),
            CheckoutError::Refused(refusal) => refusal.into(),
            CheckoutError::Provider(error) => error.into(),
            CheckoutError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        match error {
            RefundError::Unknown => Kind::NotFound.into(),
            RefundError::NotPaid => Kind::NotPaid.into(),
            RefundError::OutOfRange { left } => {
                Self::field("/amount_minor", FieldRule::WholeWithin(1, left.max(1)))
            }
            RefundError::OnlyByHand(_) => Kind::RefundByHand.into(),
            RefundError::NothingLeft => Kind::AlreadyRefunded.into(),
            RefundError::Provider(error) => error.into(),
            RefundError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Forged(reason) => Self::because(Kind::BadSignature, reason),
            ReceiveError::Unavailable(cause) => cause.into(),
        }
    }
}
