//! The document, read as a client would.

use api_server::openapi;
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value};

use crate::harness::{Server, next_key};

/// An operation of the document.
pub struct Operation {
    pub method: Method,
    pub path: String,
    /// Whether a token opens it, and whether an API key does.
    pub by_token: bool,
    pub by_key: bool,
    pub scopes: Vec<String>,
    /// Where it refuses what has the right shape.
    pub refused: Vec<String>,
    pub said: Value,
}

/// The whole document.
pub fn document() -> Value {
    openapi::document()
}

/// What a reference stands for; anything else is itself.
pub fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let found = document.pointer(reference.strip_prefix('#').unwrap());
            resolved(document, found.unwrap_or_else(|| panic!("{reference} is nowhere")))
        }
        None => value,
    }
}

/// All operations, in the document's order.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, place) in document["paths"].as_object().unwrap() {
        for (method, said) in place.as_object().unwrap() {
            let requirements = said["security"].as_array().unwrap();
            let with = |scheme: &str| requirements.iter().any(|it| it.get(scheme).is_some());
            let words = |list: &Value, read: fn(&Value) -> &Value| -> Vec<String> {
                let list = list.as_array().into_iter().flatten();
                list.map(|word| read(word).as_str().unwrap().to_owned()).collect()
            };
            let scopes = words(&said["x-scopes"], |word| word);
            // Where any one of several scopes will do, each is a requirement by itself.
            for (scheme, needed) in requirements.iter().filter_map(Value::as_object).flatten() {
                let needed = words(needed, |word| word);
                let known = needed.iter().all(|scope| scopes.contains(scope));
                assert!(known && needed.is_empty() == scopes.is_empty(), "{method} {path} by {scheme}");
            }
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                by_token: with("token"),
                by_key: with("apiKey"),
                scopes,
                refused: words(&said["x-refused"], |entry| &entry["pointer"]),
                said: said.clone(),
            });
        }
    }
    operations
}

impl Operation {
    /// `GET /livez`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its parameters, references resolved.
    pub fn parameters<'a>(&'a self, document: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.said["parameters"].as_array().unwrap().iter().map(|parameter| resolved(document, parameter))
    }

    /// Its path, the parts in braces filled with examples.
    pub fn filled_path(&self, document: &Value) -> String {
        let parts = self.parameters(document).filter(|parameter| parameter["in"] == "path");
        parts.fold(self.path.clone(), |path, part| {
            let braces = format!("{{{}}}", part["name"].as_str().unwrap());
            path.replace(&braces, part["example"].as_str().unwrap())
        })
    }

    /// The examples of its body, by name.
    pub fn bodies(&self) -> Map<String, Value> {
        let examples = &self.said["requestBody"]["content"]["application/json"]["examples"];
        let examples = examples.as_object().cloned().unwrap_or_default();
        examples.into_iter().map(|(name, example)| (name, example["value"].clone())).collect()
    }

    /// The schema of its body.
    pub fn body_schema<'a>(&'a self, document: &'a Value) -> Option<&'a Value> {
        let schema = self.said.pointer("/requestBody/content/application~1json/schema")?;
        Some(resolved(document, schema))
    }

    /// A request like the first example, to this path.
    pub fn request_to(&self, document: &Value, server: &Server, path: &str) -> RequestBuilder {
        let request = server.client.request(self.method.clone(), format!("{}{path}", server.url));
        let needed = self.parameters(document).filter(|it| it["in"] == "header" && it["required"] == true);
        let request = needed.fold(request, |request, header| {
            let name = header["name"].as_str().unwrap();
            let value = if name == "Idempotency-Key" { next_key() } else { header["example"].to_string() };
            request.header(name, value)
        });
        match self.bodies().into_values().next() {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    /// A request as the examples have it.
    pub fn request(&self, document: &Value, server: &Server) -> RequestBuilder {
        self.request_to(document, server, &self.filled_path(document))
    }

    /// The codes that it may answer with a status; `None` where it is not documented.
    pub fn codes(&self, document: &Value, status: u16) -> Option<Vec<String>> {
        let response = resolved(document, self.said["responses"].get(status.to_string())?);
        let schema =
            response.pointer("/content/application~1problem+json/schema/allOf/1/properties/code/enum");
        let of_problem = schema.and_then(Value::as_array).into_iter().flatten();
        let mut codes: Vec<String> = of_problem.map(|code| code.as_str().unwrap().to_owned()).collect();
        let examples = response.pointer("/content/application~1json/examples").and_then(Value::as_object);
        codes.extend(examples.into_iter().flatten().map(|(code, _)| code.clone()));
        Some(codes)
    }
}
