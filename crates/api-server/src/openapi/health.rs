//! Whether the server runs, and this document.

use serde_json::json;

use super::Group;
use super::operation::Operation;
use crate::http::problem::Kind;
use crate::routes::health::{AliveBody, ReadyBody};

/// `GET /livez`.
pub fn livez(operation: Operation) -> Operation {
    operation.named(Group::Health, "isAlive", "Whether the process answers").answers::<AliveBody>(
        200,
        "It does.",
        json!({ "status": "alive" }),
    )
}

/// `GET /readyz`.
pub fn readyz(operation: Operation) -> Operation {
    operation
        .named(Group::Health, "isReady", "Whether the server can work")
        .answers::<ReadyBody>(200, "It can.", json!({ "status": "ready", "degraded": [] }))
        .fails([Kind::NotReady(vec!["the store does not answer"])])
}

/// `GET /openapi.json`.
pub fn document(operation: Operation) -> Operation {
    operation.named(Group::Health, "getDocument", "This document").answers_schema(
        200,
        "An OpenAPI 3.1 document.",
        |_| json!({ "type": "object", "required": ["openapi", "info", "paths", "components"] }),
        json!({ "openapi": "3.1.0", "info": { "title": "Saldo", "version": "0.1.0" }, "paths": {}, "components": {} }),
    )
}
