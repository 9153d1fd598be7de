//! Errors in Stripe's shape.

use serde_json::{Value, json};

/// A refused request.
#[derive(Debug)]
pub(super) struct Problem {
    pub status: u16,
    pub error: Value,
}

impl Problem {
    fn new(status: u16, error: Value) -> Self {
        Self { status, error }
    }

    /// A parameter is wrong.
    pub fn invalid(param: &str, code: &str, message: &str) -> Self {
        let error =
            json!({ "code": code, "message": message, "param": param, "type": "invalid_request_error" });
        Self::new(400, error)
    }

    /// A parameter is not there.
    pub fn missing(param: &str) -> Self {
        Self::invalid(param, "parameter_missing", &format!("Missing required param: {param}."))
    }

    /// A parameter that the request does not know.
    pub fn unknown(param: &str) -> Self {
        Self::invalid(param, "parameter_unknown", &format!("Received unknown parameter: {param}"))
    }

    /// Parameters are each right and not so together.
    pub fn contradiction(message: &str) -> Self {
        Self::new(400, json!({ "message": message, "type": "invalid_request_error" }))
    }

    /// There is no such object: 404 where the path names it, 400 where a parameter does.
    pub fn no_such(status: u16, noun: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {noun}: '{id}'");
        let problem = Self::invalid(param, "resource_missing", &message);
        Self { status, ..problem }
    }

    /// The key is not ours.
    pub fn unauthorized() -> Self {
        let message = "Invalid API Key provided.";
        Self::new(401, json!({ "message": message, "type": "invalid_request_error" }))
    }

    /// There is nothing at this address.
    pub fn unrecognized(method: &str, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(404, json!({ "message": message, "type": "invalid_request_error" }))
    }

    /// An idempotency key came back with another request.
    pub fn key_reused(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used \
             with. Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(400, json!({ "message": message, "type": "idempotency_error" }))
    }

    /// The bank says no.
    pub fn declined(intent: &Value) -> Self {
        let mut error = intent["last_payment_error"].clone();
        error["payment_intent"] = intent.clone();
        Self::new(402, error)
    }

    /// Stripe is unwell, as a test told it to be.
    pub fn simulated(status: u16) -> Self {
        let (kind, message) = match status {
            429 => ("invalid_request_error", "Too many requests hit the API too quickly."),
            400..500 => ("invalid_request_error", "The request was refused."),
            _ => ("api_error", "An unknown error occurred."),
        };
        let mut error = json!({ "message": message, "type": kind });
        if status == 429 {
            error["code"] = json!("rate_limit");
        }
        Self::new(status, error)
    }

    pub fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}
