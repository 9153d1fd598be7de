//! API keys.

use serde_json::{Value, json};

use super::Group;
use super::account::TIME_AND_ID;
use super::operation::Operation;
use crate::http::problem::Kind;
use crate::routes::api_keys::{ApiKeyBody, KeyWish, NewApiKeyBody};

const ID: &str = "01a211f5-f936-7172-b8a3-54493adce857";

fn example() -> Value {
    json!({
        "id": ID,
        "name": "robô do caixa",
        "prefix": "sk-saldo-08gxR2zIOqw",
        "scopes": ["ai:use", "credits:read"],
        "spend_cap": 500,
        "spent": 0,
        "created_at": "2026-11-25T09:07:42.518558Z",
        "expires_at": null,
        "last_used_at": null,
        "revoked_at": null,
    })
}

/// `POST /api/user/api-keys`.
pub fn create(operation: Operation) -> Operation {
    let mut made = example();
    made["key"] = "sk-saldo-08gxR2zIOqwFqp4YoQRbm...".into();
    operation
        .named(Group::Keys, "createApiKey", "Make an API key")
        .about("Its text is answered this once; the server keeps a hash. A user has 100 live keys at most.")
        .takes::<KeyWish>(vec![
            ("usual", json!({ "name": "robô do caixa" })),
            (
                "careful",
                json!({
                    "name": "robô do caixa",
                    "scopes": ["ai:use"],
                    "spend_cap": 500,
                    "expires_at": "2999-12-31T23:59:59Z",
                }),
            ),
        ])
        .answers::<NewApiKeyBody>(201, "The key.", made)
        .refuses("/scopes", "more than the token has that makes the key")
        .refuses("/expires_at", "in the past")
        .fails([Kind::TooManyApiKeys])
}

/// `GET /api/user/api-keys`.
pub fn list(operation: Operation) -> Operation {
    operation
        .named(Group::Keys, "listApiKeys", "List one's API keys")
        .about("All there ever were, newest first, without their text.")
        .pages(TIME_AND_ID)
        .answers_page::<ApiKeyBody>(example())
}

/// `DELETE /api/user/api-keys/{id}`.
pub fn revoke(operation: Operation) -> Operation {
    operation
        .named(Group::Keys, "revokeApiKey", "Revoke an API key")
        .about("At once and for good. Revoking it again does nothing more.")
        .part("id", "The key's id.", json!({ "type": "string", "format": "uuid" }), ID)
        .answers_nothing(204, "It is revoked.")
        .fails([Kind::NotFound])
}
