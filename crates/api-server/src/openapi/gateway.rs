//! OpenAI's interfaces: the fields that are read. Whatever else is sent is passed on.

use adapters_openai::inbound::MOST_INPUTS;
use adapters_openai::inbound::fields::{FREE, Kind as FieldKind, MOST_CHOICES, TIERS, UNBOUNDED};
use domain::tokens::Tokens;
use serde_json::{Map, Value, json};

use super::Group;
use super::components::Components;
use super::operation::Operation;
use super::problems::rejected;
use crate::http::problem::Kind;
use crate::routes::v1::models::{ListBody, ModelBody};

const ABOUT: &str = "Read, held, charged, and passed on to the provider as it is. Refused is what no bound on tokens holds the cost of \
(tools that run at the provider, dearer tiers of service, audio, work in the background). Names of fields are as written: another \
case is refused. With `stream: true` the answer comes in OpenAI's framing; what it cost stands in a last comment, \
`: credits_charged=10 credits_remaining=4990`.";

/// `POST /v1/chat/completions`.
pub fn chat_completions(operation: Operation) -> Operation {
    let question = json!({ "role": "user", "content": "Como posso economizar este mês?" });
    passed(
        operation.named(Group::OpenAi, "createChatCompletion", "Complete a chat"),
        "ChatCompletionRequest",
        chat_schema,
        vec![
            ("question", json!({ "model": "gpt-4o-mini", "messages": [question] })),
            (
                "stream",
                json!({ "model": "gpt-4o-mini", "messages": [question], "stream": true, "max_tokens": 200 }),
            ),
        ],
        json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_764_150_462,
            "model": "gpt-4o-mini",
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": "Comece pelas maiores despesas." },
                "finish_reason": "stop",
            }],
            "usage": { "prompt_tokens": 17, "completion_tokens": 9, "total_tokens": 26 },
        }),
    )
    .or_events(event, "data: {\"object\":\"chat.completion.chunk\"}\n\ndata: [DONE]\n\n")
    .spends()
}

/// `POST /v1/responses`.
pub fn responses(operation: Operation) -> Operation {
    passed(
        operation.named(Group::OpenAi, "createResponse", "Make a response"),
        "ResponseRequest",
        response_schema,
        vec![
            ("question", json!({ "model": "gpt-4o-mini", "input": "Como posso economizar este mês?" })),
            ("stream", json!({ "model": "gpt-4o-mini", "input": "Resuma o meu mês.", "stream": true })),
        ],
        json!({
            "id": "resp_1",
            "object": "response",
            "status": "completed",
            "model": "gpt-4o-mini",
            "output": [{
                "type": "message",
                "role": "assistant",
                "content": [{ "type": "output_text", "text": "Comece pelas maiores despesas.", "annotations": [] }],
            }],
            "usage": { "input_tokens": 17, "output_tokens": 9, "total_tokens": 26 },
        }),
    )
    .or_events(event, "event: response.completed\ndata: {}\n\n")
    .spends()
}

/// `POST /v1/embeddings`.
pub fn embeddings(operation: Operation) -> Operation {
    passed(
        operation.named(Group::OpenAi, "createEmbeddings", "Embed texts"),
        "EmbeddingRequest",
        embedding_schema,
        vec![("texts", json!({ "model": "text-embedding-3-small", "input": ["aluguel", "academia"] }))],
        json!({
            "object": "list",
            "data": [{ "object": "embedding", "index": 0, "embedding": [0.0023, -0.0093] }],
            "model": "text-embedding-3-small",
            "usage": { "prompt_tokens": 6, "total_tokens": 6 },
        }),
    )
    .spends()
}

/// `GET /v1/models`.
pub fn models(operation: Operation) -> Operation {
    operation.named(Group::OpenAi, "listModels", "List the models").answers::<ListBody<'static>>(
        200,
        "All models with a price in force, by all their names.",
        json!({ "object": "list", "data": [model()] }),
    )
}

/// `GET /v1/models/{name}`.
pub fn one_model(operation: Operation) -> Operation {
    operation
        .named(Group::OpenAi, "getModel", "See a model")
        .part("name", "The model's name.", json!({ "type": "string", "minLength": 1 }), "gpt-4o-mini")
        .answers::<ModelBody<'static>>(200, "The model.", model())
        .fails([Kind::ModelNotAvailable])
}

fn model() -> Value {
    json!({ "id": "gpt-4o-mini", "object": "model", "created": 1_721_260_800, "owned_by": "saldo" })
}

fn passed(
    operation: Operation,
    name: &'static str,
    schema: fn() -> Value,
    examples: Vec<(&'static str, Value)>,
    answer: Value,
) -> Operation {
    operation
        .about(ABOUT)
        .takes_schema(true, move |components| components.schema_of(name, schema()), examples)
        .answers_schema(
            200,
            "What the provider answers.",
            |_: &mut Components| json!({ "type": "object", "additionalProperties": true }),
            answer,
        )
        .fails([rejected(400), rejected(413), rejected(422)])
}

/// One event, in the provider's words; chunks of a chat have no name, and `[DONE]` comes last.
fn event(_: &mut Components) -> Value {
    json!({
        "type": "object",
        "required": ["data"],
        "properties": { "event": { "type": "string" }, "data": { "type": "string" } },
    })
}

/// A request: these fields besides those that all interfaces have.
fn request(required: &[&str], fields: Vec<(&str, Value)>) -> Value {
    let mut properties = Map::new();
    properties.insert("model".to_owned(), json!({ "type": "string", "minLength": 1, "pattern": "\\S" }));
    let common = FREE.iter().map(|(name, kind)| (*name, nullable(of_kind(*kind))));
    let unbounded = UNBOUNDED.iter().map(|name| (*name, json!({ "enum": [null, false, []] })));
    let measured = [
        ("stream", nullable(json!({ "type": "boolean" }))),
        ("n", nullable(within(MOST_CHOICES))),
        ("service_tier", json!({ "enum": [null, TIERS[0], TIERS[1], TIERS[2]] })),
        ("modalities", nullable(json!({ "type": "array", "items": { "const": "text" } }))),
        ("reasoning", json!({ "properties": { "mode": { "enum": [null, "standard"] } } })),
    ];
    for (name, schema) in fields.into_iter().chain(measured).chain(common).chain(unbounded) {
        if !properties.contains_key(name) {
            properties.insert(name.to_owned(), schema);
        }
    }
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": true })
}

fn chat_schema() -> Value {
    let limit = nullable(within(Tokens::MAX.get()));
    let predicted = json!({
        "type": "object",
        "required": ["content"],
        "properties": { "content": { "type": ["string", "array"] } },
    });
    request(
        &["model", "messages"],
        vec![
            ("messages", json!({ "type": "array", "minItems": 1, "items": message() })),
            ("max_completion_tokens", limit.clone()),
            ("max_tokens", limit),
            ("tools", tools()),
            ("functions", nullable(json!({ "type": "array" }))),
            ("prediction", nullable(predicted)),
        ],
    )
}

fn response_schema() -> Value {
    let kinds = |kinds: Value| json!({ "type": "string", "not": { "enum": kinds } });
    let typed = json!({
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": kinds(json!(["message", "compaction_trigger"])),
            "output": content(),
        },
    });
    let items = json!({ "type": "array", "items": { "anyOf": [message(), typed] } });
    let mut schema = request(
        &["model"],
        vec![
            ("input", json!({ "anyOf": [{ "type": ["string", "null"] }, items] })),
            ("instructions", json!({})),
            ("max_output_tokens", nullable(within(Tokens::MAX.get()))),
            ("tools", tools()),
            ("previous_response_id", json!({})),
            ("conversation", json!({})),
            ("prompt", json!({})),
            ("background", json!({ "enum": [null, false] })),
        ],
    );
    let has =
        |name: &str| json!({ "required": [name], "properties": { name: { "not": { "type": "null" } } } });
    schema["anyOf"] = json!([has("input"), has("prompt")]);
    schema
}

fn embedding_schema() -> Value {
    let token = json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    let tokens = json!({ "type": "array", "minItems": 1, "items": token });
    let several =
        |items: &Value| json!({ "type": "array", "minItems": 1, "maxItems": MOST_INPUTS, "items": items });
    let text = json!({ "type": "string" });
    request(
        &["model", "input"],
        vec![
            ("input", json!({ "anyOf": [text, several(&text), tokens, several(&tokens)] })),
            ("stream", json!({ "enum": [null, false] })),
            ("encoding_format", json!({ "enum": [null, "float", "base64"] })),
            ("dimensions", nullable(within(65_536))),
        ],
    )
}

fn message() -> Value {
    json!({
        "type": "object",
        "required": ["role"],
        "properties": {
            "type": { "enum": [null, "message"] },
            "role": { "type": "string" },
            "content": content(),
            "audio": { "type": "null" },
        },
    })
}

fn content() -> Value {
    let typed = |kind: Value, mut more: Map<String, Value>, required: &[&str]| {
        more.insert("type".to_owned(), kind);
        json!({ "type": "object", "required": required, "properties": more })
    };
    let detail = json!({ "type": ["string", "null"] });
    let image = json!({
        "anyOf": [
            { "type": "string" },
            { "type": "object", "required": ["url"], "properties": { "url": { "type": "string" }, "detail": detail } },
        ],
    });
    let fields = |pairs: Vec<(&str, Value)>| {
        pairs.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
    };
    let other = json!({ "type": "string", "not": { "enum": ["image_url", "input_image", "input_audio"] } });
    let text = json!({ "type": "string" });
    let parts = json!([
        typed(other, Map::new(), &["type"]),
        typed(
            json!({ "const": "image_url" }),
            fields(vec![("image_url", image), ("detail", detail.clone())]),
            &["type", "image_url"]
        ),
        typed(
            json!({ "const": "input_image" }),
            fields(vec![("image_url", text.clone()), ("detail", detail)]),
            &["type", "image_url"]
        ),
        typed(json!({ "const": "input_image" }), fields(vec![("file_id", text)]), &["type", "file_id"]),
    ]);
    json!({ "anyOf": [{ "type": ["string", "null"] }, { "type": "array", "items": { "anyOf": parts } }] })
}

fn tools() -> Value {
    nullable(json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["type"],
            "properties": { "type": { "enum": ["function", "custom"] } },
        },
    }))
}

fn of_kind(kind: FieldKind) -> Value {
    let word = match kind {
        FieldKind::Flag => "boolean",
        FieldKind::Number => "number",
        FieldKind::Whole => return json!({ "type": "integer", "minimum": i64::MIN, "maximum": u64::MAX }),
        FieldKind::Text => "string",
        FieldKind::Object => "object",
        FieldKind::List => "array",
        FieldKind::Anything => return json!({}),
    };
    json!({ "type": word })
}

fn within(most: u64) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": most })
}

/// The same, or nothing.
fn nullable(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    schema
}
