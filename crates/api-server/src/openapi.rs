//! The OpenAPI document. It is made of the table that serves ([`crate::routes::table`]): each line names a function
//! of this room, which describes the operation, and what follows from the line itself is added by
//! [`operation::Operation`], so that nobody writes it twice. Schemas of bodies are derived where the bodies are.
//!
//! To describe an endpoint: a function in the file of its group, which begins with [`operation::Operation::named`].

pub mod account;
pub mod ai;
pub mod buying;
mod components;
pub mod everybody;
pub mod exports;
pub mod figures;
pub mod gateway;
pub mod health;
pub mod keys;
pub mod office;
pub mod operation;
mod problems;
pub mod words;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::routes;
use crate::routes::endpoint::Said;
use components::Components;
use operation::Operation;

/// What operations are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Questions and insights.
    Ai,
    /// OpenAI's interfaces.
    OpenAi,
    /// One's own credits.
    Credits,
    /// API keys.
    Keys,
    /// Buying.
    Billing,
    /// What admins see and do.
    Admin,
    /// Whether it runs.
    Health,
}

impl Group {
    const ALL: [Self; 7] =
        [Self::Ai, Self::OpenAi, Self::Credits, Self::Keys, Self::Billing, Self::Admin, Self::Health];

    const fn name_and_about(self) -> (&'static str, &'static str) {
        match self {
            Self::Ai => ("AI", "Questions and insights, paid with credits."),
            Self::OpenAi => (
                "OpenAI",
                "OpenAI's interfaces, metered and charged like the rest: its SDKs work with `{this server}/v1` as base \
                 address. Errors are OpenAI's error object, in English unless `Accept-Language` asks for Portuguese.",
            ),
            Self::Credits => ("Credits", "One's own credits, usage and notices."),
            Self::Keys => {
                ("API keys", "Keys for programs. Made, listed and revoked with a token, never with a key.")
            }
            Self::Billing => ("Billing", "Plans, checkout, the payment provider's portal, automatic top-up."),
            Self::Admin => ("Admin", "What admins see and do."),
            Self::Health => ("Health", "Whether the server runs, and what it can do."),
        }
    }
}

const ABOUT: &str = "\
Sells AI by the credit. A request holds credits before the model is called, and is charged by the tokens it took.

* **Who.** `Authorization: Bearer` with a token of the product's sign-in, or with an API key. Each operation says the scope \
that it needs (one of them, where there are several) in `x-scopes`, and in `x-refused` what it refuses with 422 although its shape is right.
* **Bodies.** JSON, whatever `Content-Type` says: at most 256 KiB and 32 levels deep, within 15 seconds. Fields that nobody \
asks for are ignored; `null` counts as absent.
* **Errors.** Problem documents (RFC 9457), in Portuguese or, with `Accept-Language: en`, in English. `code` is stable; \
`message` can be shown to a person.
* **Amounts.** Credits and tokens are whole numbers; money is in centavos (`..._minor`) or a decimal string.
* **Times.** RFC 3339.";

/// The document.
pub fn document() -> Value {
    let mut components = Components::default();
    let mut paths = Map::new();
    for endpoint in routes::table() {
        let Said::Described(describe) = endpoint.said else { continue };
        let operation = describe(Operation::of(&endpoint)).finish(&mut components);
        let place = paths.entry(endpoint.path).or_insert_with(|| Value::Object(Map::new()));
        place[endpoint.method.as_str().to_ascii_lowercase()] = operation;
    }
    let tags = Group::ALL.map(|group| {
        let (name, about) = group.name_and_about();
        json!({ "name": name, "description": about })
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Saldo",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This server" }],
        "tags": tags,
        "paths": paths,
        "components": components.finish(),
    })
}

/// The document as it is sent.
pub fn rendered() -> &'static str {
    static RENDERED: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));
    &RENDERED
}
