//! An operation of the document, while it is being described.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::Group;
use super::components::Components;
use super::problems;
use crate::http::limiter;
use crate::http::problem::Kind;
use crate::routes::endpoint::{Access, Endpoint};

/// An operation. Who may call it is known from the table, and so is a part of what can go wrong.
#[must_use]
pub struct Operation {
    path: &'static str,
    access: Access,
    head: Map<String, Value>,
    parameters: Vec<Value>,
    body: Option<Body>,
    answers: Vec<Answer>,
    kinds: Vec<Kind>,
    refused: Vec<(&'static str, &'static str)>,
    even_when_closed: bool,
}

/// Makes a schema, and remembers what it needs.
type Schema = Box<dyn FnOnce(&mut Components) -> Value>;

struct Body {
    required: bool,
    schema: Schema,
    examples: Vec<(&'static str, Value)>,
}

struct Answer {
    status: u16,
    about: &'static str,
    headers: Vec<&'static str>,
    content: Vec<(&'static str, Schema, Value)>,
}

impl Operation {
    /// The operation of a line of the table.
    pub fn of(endpoint: &Endpoint) -> Self {
        Self {
            path: endpoint.path,
            access: endpoint.access,
            head: Map::new(),
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            kinds: Vec::new(),
            refused: Vec::new(),
            even_when_closed: false,
        }
    }

    /// Its group, its name for programs, and what it does in a few words.
    pub fn named(mut self, group: Group, id: &str, summary: &str) -> Self {
        self.head.insert("tags".to_owned(), json!([group.name_and_about().0]));
        self.head.insert("operationId".to_owned(), id.into());
        self.head.insert("summary".to_owned(), summary.into());
        self
    }

    /// What else is to be known.
    pub fn about(mut self, text: &str) -> Self {
        self.head.insert("description".to_owned(), text.into());
        self
    }

    /// A part of the path.
    pub fn part(mut self, name: &str, about: &str, schema: Value, example: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": about, "schema": schema, "example": example,
        }));
        self
    }

    /// The user that the path names.
    pub fn user(self) -> Self {
        let about = "The user: a UUID, or what stands as `sub` in their token.";
        self.part("id", about, user_name(), "demo-user").fails([Kind::NotFound])
    }

    /// A parameter of the query, which may be absent.
    pub fn asks(mut self, name: &str, about: &str, schema: Value) -> Self {
        self.parameters.push(json!({ "name": name, "in": "query", "description": about, "schema": schema }));
        self.refuses_fields()
    }

    /// `from` and `to`, half-open; either may be absent.
    pub fn asks_for_range(self) -> Self {
        self.asks("from", "From this day or moment on.", day_or_time())
            .asks("to", "Up to, and not including, this day or moment.", day_or_time())
            .refuses("from", "not before `to`")
    }

    /// That it is there for closed accounts, too.
    pub fn even_when_closed(mut self) -> Self {
        self.even_when_closed = true;
        self
    }

    /// A user to filter by.
    pub fn asks_for_user(self, name: &str) -> Self {
        self.asks(name, "A user: a UUID, or what stands as `sub` in their token.", user_name())
    }

    /// `limit` and `cursor`, of this form.
    pub fn pages(mut self, cursor: &str) -> Self {
        self.parameters.push(shared("parameters", "Limit"));
        let schema = json!({ "type": "string", "pattern": cursor });
        self.asks("cursor", "Where to go on: `next_cursor` of the page before.", schema)
    }

    /// `Idempotency-Key`, which may be absent.
    pub fn may_have_key(self) -> Self {
        self.keyed("IdempotencyKey")
    }

    /// `Idempotency-Key`.
    pub fn has_key(self) -> Self {
        self.keyed("RequiredIdempotencyKey")
    }

    fn keyed(mut self, parameter: &str) -> Self {
        self.parameters.push(shared("parameters", parameter));
        self.refuses_fields()
    }

    /// A body, with examples that can be pasted.
    pub fn takes<T: ToSchema>(self, examples: Vec<(&'static str, Value)>) -> Self {
        self.takes_schema(true, |components| components.schema::<T>(false), examples)
    }

    /// A body that may be absent.
    pub fn may_take<T: ToSchema>(self, examples: Vec<(&'static str, Value)>) -> Self {
        self.takes_schema(false, |components| components.schema::<T>(false), examples)
    }

    /// A body whose schema is not derived.
    pub fn takes_schema(
        mut self,
        required: bool,
        schema: impl FnOnce(&mut Components) -> Value + 'static,
        examples: Vec<(&'static str, Value)>,
    ) -> Self {
        self.body = Some(Body { required, schema: Box::new(schema), examples });
        self.refuses_fields().fails([
            Kind::MalformedJson,
            Kind::BadRequest,
            Kind::BodyTimeout,
            Kind::BodyTooLarge,
        ])
    }

    /// A body that is taken byte by byte, because a header signs it.
    pub fn takes_raw(mut self, header: &str, about: &str, example: &str) -> Self {
        self.parameters.push(json!({
            "name": header, "in": "header", "required": true, "description": about,
            "schema": { "type": "string" }, "example": example,
        }));
        let schema = Box::new(|_: &mut Components| json!({ "type": "object" }));
        self.body = Some(Body { required: true, schema, examples: Vec::new() });
        self.fails([Kind::BadRequest, Kind::BodyTimeout, Kind::BodyTooLarge])
    }

    /// JSON in the end, with an example.
    pub fn answers<T: ToSchema>(self, status: u16, about: &'static str, example: Value) -> Self {
        self.answers_schema(status, about, |components| components.schema::<T>(true), example)
    }

    /// A page of a list, with an example of its things.
    pub fn answers_page<T: ToSchema + 'static>(self, example: Value) -> Self {
        let example = json!({ "data": [example], "has_more": false, "next_cursor": null });
        self.answers_schema(200, "A page, newest first.", Components::page::<T>, example)
    }

    /// JSON whose schema is not derived.
    pub fn answers_schema(
        mut self,
        status: u16,
        about: &'static str,
        schema: impl FnOnce(&mut Components) -> Value + 'static,
        example: Value,
    ) -> Self {
        let content = vec![("application/json", Box::new(schema) as Schema, example)];
        self.answers.push(Answer { status, about, headers: Vec::new(), content });
        self
    }

    /// Nothing but its status.
    pub fn answers_nothing(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push(Answer { status, about, headers: Vec::new(), content: Vec::new() });
        self
    }

    /// The last answer, as a stream of events too. The schema is of one event.
    pub fn or_events(
        mut self,
        event: impl FnOnce(&mut Components) -> Value + 'static,
        example: &'static str,
    ) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push(("text/event-stream", Box::new(event), example.into()));
        }
        self
    }

    /// A table as CSV, with these columns.
    pub fn answers_csv(mut self, columns: &'static [&'static str]) -> Self {
        let schema = |_: &mut Components| json!({ "type": "string" });
        let example = Value::String(format!("{}\r\n", columns.join(",")));
        self.answers.push(Answer {
            status: 200,
            about: "The table (RFC 4180, UTF-8, with a header), row by row. What breaks off breaks the connection.",
            headers: vec!["Content-Disposition"],
            content: vec![("text/csv", Box::new(schema), example)],
        });
        self
    }

    /// Headers of the last answer.
    pub fn with_headers(mut self, names: &[&'static str]) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.extend(names);
        }
        self
    }

    /// What can go wrong.
    pub fn fails(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// What is refused with 422 although its shape is right: where, and why.
    pub fn refuses(mut self, pointer: &'static str, why: &'static str) -> Self {
        self.refused.push((pointer, why));
        self.refuses_fields()
    }

    /// Fields or parameters that make no sense.
    fn refuses_fields(self) -> Self {
        self.fails([problems::invalid()])
    }

    /// A request that is paid with credits: its headers, and what can go wrong with the model and the credits.
    pub fn spends(self) -> Self {
        self.may_have_key()
            .fails([Kind::KeyMismatch])
            .with_headers(&[
                "X-Credits-Charged",
                "X-Credits-Remaining",
                "Idempotency-Replayed",
                "X-Max-Output-Tokens",
                "RateLimit-Policy",
                "RateLimit",
            ])
            .fails(problems::of_spending())
    }

    /// The operation as the document has it.
    pub fn finish(mut self, components: &mut Components) -> Value {
        self.kinds.extend(problems::of_access(self.access));
        if problems::is_of_users(self.access) && !self.even_when_closed {
            self.kinds.push(Kind::AccountClosed);
        }
        if !limiter::is_free(self.path) {
            self.kinds.push(problems::limited());
        }
        self.kinds.push(Kind::Internal);
        let mut operation = self.head;
        let (security, scopes) = security(self.access);
        operation.insert("x-scopes".to_owned(), scopes);
        operation.insert("security".to_owned(), security);
        if !self.refused.is_empty() {
            let refused = self.refused.iter().map(|(pointer, why)| json!({ "pointer": pointer, "why": why }));
            operation.insert("x-refused".to_owned(), refused.collect());
        }
        let mut parameters = self.parameters;
        parameters.extend(["AcceptLanguage", "RequestId"].map(|name| shared("parameters", name)));
        operation.insert("parameters".to_owned(), parameters.into());
        if let Some(body) = self.body {
            let schema = (body.schema)(components);
            let content = json!({ "schema": schema, "examples": examples(body.examples) });
            operation.insert(
                "requestBody".to_owned(),
                json!({ "required": body.required, "content": { "application/json": content } }),
            );
        }
        let mut responses = Map::new();
        for answer in self.answers {
            responses.insert(answer.status.to_string(), answer.finish(components));
        }
        for (status, response) in problems::responses(self.path, self.kinds, components) {
            responses.insert(status.to_string(), response);
        }
        operation.insert("responses".to_owned(), responses.into());
        operation.into()
    }
}

impl Answer {
    fn finish(self, components: &mut Components) -> Value {
        let headers = with_request_id(self.headers);
        let mut content = Map::new();
        for (media_type, schema, example) in self.content {
            content
                .insert(media_type.to_owned(), json!({ "schema": schema(components), "example": example }));
        }
        let mut response = json!({ "description": self.about, "headers": headers });
        if !content.is_empty() {
            response["content"] = content.into();
        }
        response
    }
}

/// How a user is named.
fn user_name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "\\S" })
}

/// A day, or a moment.
pub fn day_or_time() -> Value {
    json!({ "anyOf": [{ "type": "string", "format": "date" }, { "type": "string", "format": "date-time" }] })
}

/// Headers by name, with the one that every response has.
pub fn with_request_id(names: Vec<&'static str>) -> Value {
    let names = names.into_iter().chain(["X-Request-Id"]);
    names.map(|name| (name.to_owned(), shared("headers", name))).collect::<Map<_, _>>().into()
}

fn shared(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn examples(examples: Vec<(&'static str, Value)>) -> Value {
    examples
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!({ "value": value })))
        .collect::<Map<_, _>>()
        .into()
}

/// What the document says of who may: the security requirement, and the scopes by themselves.
fn security(access: Access) -> (Value, Value) {
    match access {
        Access::Anyone => (json!([]), json!([])),
        Access::Caller => (json!([{ "token": [] }, { "apiKey": [] }]), json!([])),
        Access::With(scope) => {
            let scopes = json!([scope.as_str()]);
            (json!([{ "token": scopes }, { "apiKey": scopes }]), scopes)
        }
        Access::TokenWith(scope) => {
            let scopes = json!([scope.as_str()]);
            (json!([{ "token": scopes }]), scopes)
        }
        Access::TokenWithAnyOf(scopes) => {
            let each = scopes.iter().map(|scope| json!({ "token": [scope.as_str()] }));
            (each.collect(), scopes.iter().map(|scope| scope.as_str()).collect())
        }
    }
}
