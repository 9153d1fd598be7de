//! What is sent to a provider.

use domain::ports::language_model::{Ask, CompletionRequest, Interface, Message, ModelError, Role};
use serde_json::{Map, Value, json};

use crate::config::Endpoint;

/// Which interface a request is for.
pub(crate) fn interface(ask: &Ask) -> Interface {
    match ask {
        Ask::Conversation(_) => Interface::ChatCompletions,
        Ask::Passed { interface, .. } => *interface,
    }
}

/// Whether the client itself wants to see usage in a stream of chat completions.
pub(crate) fn wants_usage(ask: &Ask) -> bool {
    let Ask::Passed { interface: Interface::ChatCompletions, body } = ask else { return false };
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    body.pointer("/stream_options/include_usage").and_then(Value::as_bool).unwrap_or_default()
}

/// The body of a request. A client's own goes on with every field that is not ours to set.
pub(crate) fn body(
    request: &CompletionRequest,
    stream: bool,
    endpoint: &Endpoint,
) -> Result<Vec<u8>, ModelError> {
    let mut fields = match &request.ask {
        Ask::Conversation(messages) => conversation(messages),
        Ask::Passed { body, .. } => match serde_json::from_str(body) {
            Ok(Value::Object(fields)) => fields,
            _ => return Err(ModelError::Unusable("the request is no JSON object".to_owned())),
        },
    };
    fields.insert("model".to_owned(), json!(request.provider_model));
    match interface(&request.ask) {
        Interface::ChatCompletions => chat(&mut fields, request, stream, endpoint),
        Interface::Responses => responses(&mut fields, request, stream, endpoint),
        Interface::Embeddings => identify(&mut fields, "user", request),
    }
    Ok(Value::Object(fields).to_string().into_bytes())
}

fn conversation(messages: &[Message]) -> Map<String, Value> {
    let turns: Vec<Value> = messages
        .iter()
        .map(|message| {
            let role = match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            json!({"role": role, "content": message.text})
        })
        .collect();
    Map::from_iter([("messages".to_owned(), json!(turns))])
}

fn chat(fields: &mut Map<String, Value>, request: &CompletionRequest, stream: bool, endpoint: &Endpoint) {
    // Reasoning models refuse the older name, and older servers do not know the newer one.
    let (limit, other) = if request.reasoning {
        ("max_completion_tokens", "max_tokens")
    } else {
        ("max_tokens", "max_completion_tokens")
    };
    fields.remove(other);
    fields.insert(limit.to_owned(), json!(request.max_output.get()));
    // The provider shall not keep conversations for its own ends. Azure's older versions keep none, and do not know
    // the field.
    fields.remove("store");
    if !endpoint.is_by_deployment() {
        fields.insert("store".to_owned(), json!(false));
    }
    identify(fields, "user", request);
    if stream {
        fields.insert("stream".to_owned(), json!(true));
        let options = fields.entry("stream_options").or_insert(Value::Null);
        if !options.is_object() {
            *options = json!({});
        }
        options["include_usage"] = json!(true);
    } else {
        fields.remove("stream");
        fields.remove("stream_options");
    }
}

fn responses(
    fields: &mut Map<String, Value>,
    request: &CompletionRequest,
    stream: bool,
    endpoint: &Endpoint,
) {
    fields.insert("max_output_tokens".to_owned(), json!(request.max_output.get()));
    // OpenAI keeps responses unless told otherwise; here they are kept only for clients that want it.
    if fields.get("store").is_none_or(Value::is_null) {
        fields.insert("store".to_owned(), json!(false));
    }
    // `safety_identifier` took over from `user`, which Azure still wants.
    identify(fields, if endpoint.is_azure() { "user" } else { "safety_identifier" }, request);
    if stream {
        fields.insert("stream".to_owned(), json!(true));
    } else {
        fields.remove("stream");
        fields.remove("stream_options");
    }
}

/// Puts the user's pseudonym in, instead of whatever the client says of its users.
fn identify(fields: &mut Map<String, Value>, name: &str, request: &CompletionRequest) {
    fields.remove("user");
    fields.remove("safety_identifier");
    fields.insert(name.to_owned(), json!(request.user_pseudonym));
}
