//! What operations share: schemas, parameters, headers, responses of problems, and how to say who one is.

use std::collections::BTreeMap;

use domain::ports::identity::Scope;
use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::routes::views::Page;

/// What was used so far.
#[derive(Default)]
pub struct Components {
    schemas: BTreeMap<String, Value>,
    responses: BTreeMap<String, Value>,
}

impl Components {
    /// A schema with what it needs; where to find it.
    ///
    /// `answered`: bodies that we write have all their fields, those without a value as `null`.
    pub fn schema<T: ToSchema>(&mut self, answered: bool) -> Value {
        let mut named = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut named);
        for (name, schema) in named {
            let mut schema = serde_json::to_value(schema).unwrap_or_default();
            if answered {
                require_all(&mut schema);
            }
            self.schemas.insert(name, schema);
        }
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }

    /// The schema of a page of such things; where to find it.
    pub fn page<T: ToSchema>(&mut self) -> Value {
        self.schema::<T>(true);
        let mut page = serde_json::to_value(Page::<T>::schema()).unwrap_or_default();
        require_all(&mut page);
        self.schema_of(&format!("{}Page", T::name()), page)
    }

    /// A schema that is not derived; where to find it.
    pub fn schema_of(&mut self, name: &str, schema: Value) -> Value {
        self.schemas.insert(name.to_owned(), schema);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// A response; where to find it.
    pub fn response(&mut self, name: String, response: impl FnOnce(&mut Self) -> Value) -> Value {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        if !self.responses.contains_key(&name) {
            let response = response(self);
            self.responses.insert(name, response);
        }
        reference
    }

    /// The part of the document.
    pub fn finish(self) -> Value {
        json!({
            "securitySchemes": security_schemes(),
            "parameters": parameters(),
            "headers": headers(),
            "responses": self.responses,
            "schemas": self.schemas,
        })
    }
}

/// Every property is there.
fn require_all(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                let names: Vec<String> = properties.keys().cloned().collect();
                object.insert("required".to_owned(), names.into());
            }
            object.values_mut().for_each(require_all);
        }
        Value::Array(list) => list.iter_mut().for_each(require_all),
        _ => {}
    }
}

fn security_schemes() -> Value {
    let scopes = Scope::ALL.map(Scope::as_str).join("`, `");
    let user = Scope::join(&Scope::USER);
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": format!(
                "A token of the product's sign-in, with `sub` and `exp`. What it may do stands in `scope` (words with a space \
                 between: `{scopes}`) or in `role`: `user` is `{user}`, `admin` is everything. Without both, `user`."
            ),
        },
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "sk-saldo-...",
            "description": "A key for programs, as `POST /api/user/api-keys` answers it.",
        },
    })
}

fn parameters() -> Value {
    let key = json!({
        "type": "string",
        "minLength": 1,
        "maxLength": 257,
        "pattern": "^(\"[!#-~][!-~]{0,254}\"|[!#-~][!-~]{0,254})$",
    });
    json!({
        "AcceptLanguage": {
            "name": "Accept-Language",
            "in": "header",
            "description": "What errors speak: Portuguese (`pt-BR`), or English (`en`).",
            "schema": { "type": "string" },
        },
        "RequestId": {
            "name": "X-Request-Id",
            "in": "header",
            "description": "Your name for the request, to find it in the log: 1 to 64 letters, digits, `-`, `_`, `.`. Any other \
                            is replaced.",
            "schema": { "type": "string" },
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Your name for what must not be done twice: 1 to 255 visible ASCII characters, bare or quoted. For 24 \
                            hours the same key with the same request gets the same answer, at no charge, with \
                            `Idempotency-Replayed: true`. What failed may be sent again under its key.",
            "schema": key,
        },
        "RequiredIdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": true,
            "description": "Your name for what must not be done twice: 1 to 255 visible ASCII characters, bare or quoted. The same \
                            key with the same request does nothing more.",
            "schema": key,
            "example": "refund-of-2026-11-25",
        },
        "Limit": {
            "name": "limit",
            "in": "query",
            "description": "How many to answer at most.",
            "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 20 },
        },
    })
}

fn headers() -> Value {
    let text = |about: &str, example: &str| json!({ "description": about, "schema": { "type": "string" }, "example": example });
    let whole = |about: &str, least: i64, example: i64| json!({ "description": about, "schema": { "type": "integer", "minimum": least }, "example": example });
    let mut request_id = text("The request's id: yours, or ours.", "01a204cd-47c1-7263-98cd-3fd04eae7df3");
    request_id["required"] = true.into();
    json!({
        "X-Request-Id": request_id,
        "Content-Language": text("What the error speaks.", "pt-BR"),
        "Content-Disposition": text("The file's name.", "attachment; filename=\"usage.csv\""),
        "Retry-After": whole("Seconds after which to try again.", 1, 2),
        "WWW-Authenticate": text("How to say who you are.", "Bearer realm=\"saldo\""),
        "Idempotency-Replayed": text("That the answer is the one given before, under this key.", "true"),
        "X-Credits-Charged": whole("What this request was charged now.", 0, 10),
        "X-Credits-Remaining": whole("What is available after it.", 0, 4990),
        "X-Max-Output-Tokens": whole("The output limit sent to the model, where it is below the wish because the credits pay no more.", 1, 794),
        "RateLimit-Policy": text("The account's limits per minute, where it has any.", "\"requests\";q=60;w=60"),
        "RateLimit": text("What is left of them.", "\"requests\";r=59;t=1"),
    })
}
