//! The simulated model, asked in OpenAI's wire format.

use adapters_sandbox::{SandboxConfig, SandboxModel};
use domain::ports::language_model::{
    Ask, Completion, CompletionRequest, Finish, Interface, LanguageModel, Message, ModelError, Piece, Role,
    UpstreamState,
};
use domain::tokens::Tokens;
use serde_json::{Value, json};

const CHAT: Interface = Interface::ChatCompletions;
const RESPONSES: Interface = Interface::Responses;
const EMBEDDINGS: Interface = Interface::Embeddings;

fn request(ask: Ask) -> CompletionRequest {
    CompletionRequest {
        model: "gpt-4o-mini".into(),
        provider_model: "gpt-4o-mini".into(),
        reasoning: false,
        ask,
        max_output: Tokens::new(1000),
        user_pseudonym: "someone".into(),
    }
}

fn passed(interface: Interface, body: &Value) -> CompletionRequest {
    request(Ask::Passed { interface, body: body.to_string().into() })
}

async fn completion(request: CompletionRequest) -> Completion {
    SandboxModel::default().complete(request).await.expect("an answer")
}

/// The body of a whole answer.
async fn answer(interface: Interface, body: &Value) -> Value {
    serde_json::from_slice(&completion(passed(interface, body)).await.body).expect("JSON")
}

async fn pieces(request: CompletionRequest) -> Vec<Piece> {
    let mut stream = SandboxModel::default().stream(request).await.expect("a stream");
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next().await.expect("never fails") {
        pieces.push(piece);
    }
    pieces
}

fn said(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// The events that a client sees, as JSON.
fn events(pieces: &[Piece]) -> Vec<Value> {
    let text: String =
        pieces.iter().map(|piece| String::from_utf8(piece.frame.clone()).expect("text")).collect();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

fn chat(fields: &Value) -> Value {
    with(
        json!({"model": "m", "messages": [{"role": "system", "content": "Seja breve."}, {"role": "user", "content": "Devo poupar?"}]}),
        fields,
    )
}

fn response(fields: &Value) -> Value {
    with(json!({"model": "m", "input": "Devo poupar?", "instructions": "Seja breve."}), fields)
}

fn with(mut body: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn a_conversation_is_streamed_a_few_words_at_a_time() {
    let ask = || request(Ask::Conversation(vec![Message { role: Role::User, text: "Devo poupar?".into() }]));
    let whole = completion(ask()).await;
    let pieces = pieces(ask()).await;
    assert!(pieces.len() > 5, "{pieces:?}");
    assert_eq!(said(&pieces), whole.text);
    assert!(pieces.iter().all(|piece| piece.frame.is_empty()));
    let end = pieces.last().expect("a piece");
    assert_eq!((end.usage, end.is_end), (whole.usage, true));
    assert_eq!(pieces.iter().filter(|piece| piece.is_end).count(), 1);
    assert_eq!(pieces.iter().find_map(|piece| piece.finish), Some(Finish::Stop));
}

#[tokio::test]
async fn a_chat_completion_has_openais_shape() {
    let completion = completion(passed(CHAT, &chat(&json!({})))).await;
    let body: Value = serde_json::from_slice(&completion.body).expect("JSON");
    assert!(body["id"].as_str().expect("an id").starts_with("chatcmpl-sandbox-"));
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("gpt-4o-mini")));
    let choice = &body["choices"][0];
    assert_eq!((&choice["message"]["role"], &choice["finish_reason"]), (&json!("assistant"), &json!("stop")));
    let text = choice["message"]["content"].as_str().expect("text");
    assert!(text.starts_with("[simulado]") && text.contains("sugiro"), "{text}");
    assert_eq!((completion.text.as_str(), completion.finish), (text, Finish::Stop));
    let usage = completion.usage.expect("usage");
    assert_eq!(body["usage"]["prompt_tokens"], usage.input.get());
    assert_eq!(body["usage"]["completion_tokens"], usage.output.get());
}

#[tokio::test]
async fn a_streamed_chat_completion_says_the_same() {
    let whole = completion(passed(CHAT, &chat(&json!({})))).await;
    let quiet = pieces(passed(CHAT, &chat(&json!({"stream": true})))).await;
    assert_eq!(said(&quiet), whole.text);
    assert_eq!(quiet.last().and_then(|piece| piece.usage), whole.usage);
    let events_seen = events(&quiet);
    assert!(
        events_seen
            .iter()
            .all(|event| event["object"] == "chat.completion.chunk" && event.get("usage").is_none())
    );
    assert_eq!(events_seen.last().expect("an event")["choices"][0]["finish_reason"], "stop");
    let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
    let talkative = events(&pieces(passed(CHAT, &chat(&asked))).await);
    let end = talkative.last().expect("an event");
    assert_eq!(
        (&end["choices"], end["usage"]["total_tokens"].as_u64()),
        (&json!([]), whole.usage.map(|usage| usage.total().get()))
    );
    assert_eq!(talkative[0]["usage"], Value::Null);
}

#[tokio::test]
async fn as_many_choices_as_wanted_are_billed() {
    let one = completion(passed(CHAT, &chat(&json!({})))).await;
    let three = completion(passed(CHAT, &chat(&json!({"n": 3})))).await;
    let body: Value = serde_json::from_slice(&three.body).expect("JSON");
    assert_eq!(body["choices"].as_array().expect("choices").len(), 3);
    assert_eq!(three.usage.expect("usage").output, one.usage.expect("usage").output.times(3));
    let pieces = pieces(passed(CHAT, &chat(&json!({"n": 3})))).await;
    assert_eq!(said(&pieces), three.text);
}

#[tokio::test]
async fn answers_keep_to_the_output_limit() {
    for (interface, body) in [(CHAT, chat(&json!({}))), (RESPONSES, response(&json!({})))] {
        let request = CompletionRequest { max_output: Tokens::new(3), ..passed(interface, &body) };
        let cut = completion(request.clone()).await;
        assert_eq!((cut.finish, cut.usage.expect("usage").output), (Finish::Length, Tokens::new(3)));
        assert_eq!(pieces(request).await.iter().find_map(|piece| piece.finish), Some(Finish::Length));
        let body: Value = serde_json::from_slice(&cut.body).expect("JSON");
        let reason = match interface {
            Interface::Responses => &body["incomplete_details"]["reason"],
            _ => &body["choices"][0]["finish_reason"],
        };
        assert!(reason == "length" || reason == "max_output_tokens", "{body}");
    }
}

#[tokio::test]
async fn a_response_has_openais_shape_and_streams_to_the_same() {
    let body = response(&json!({}));
    let whole = answer(RESPONSES, &body).await;
    assert!(whole["id"].as_str().expect("an id").starts_with("resp-sandbox-"));
    assert_eq!((&whole["object"], &whole["status"]), (&json!("response"), &json!("completed")));
    let text = whole["output"][0]["content"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("[simulado]") && text.contains("sugiro"), "{text}");

    let pieces = pieces(passed(RESPONSES, &body)).await;
    assert_eq!(said(&pieces), text);
    let events = events(&pieces);
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(
        kinds[..4],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added"
        ]
    );
    assert_eq!(
        kinds[kinds.len() - 4..],
        [
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed"
        ]
    );
    assert!(events.iter().enumerate().all(|(number, event)| event["sequence_number"] == number));
    let completed = &events.last().expect("an event")["response"];
    assert_eq!(
        (&completed["output"], &completed["usage"], &completed["id"]),
        (&whole["output"], &whole["usage"], &whole["id"])
    );
    let end = pieces.last().expect("a piece");
    assert!(end.is_end && end.usage.is_some() && end.finish == Some(Finish::Stop));
}

#[tokio::test]
async fn a_tool_is_called_when_it_must_be() {
    let parameters = json!({"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}}});
    let tools = json!([{"type": "function", "function": {"name": "g"}}, {"type": "function", "function": {"name": "weather", "parameters": parameters}}]);
    let talks = answer(CHAT, &chat(&json!({"tools": tools}))).await;
    assert!(talks["choices"][0]["message"]["content"].is_string(), "it talks rather than act");
    let named = json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "weather"}}});
    let called = answer(CHAT, &chat(&named)).await;
    let choice = &called["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weather")));
    assert_eq!(call["function"]["arguments"], "{\"city\":\"[simulado]\"}");
    let any = answer(CHAT, &chat(&json!({"tools": tools, "tool_choice": "required"}))).await;
    assert_eq!(
        any["choices"][0]["message"]["tool_calls"][0]["function"],
        json!({"name": "g", "arguments": "{}"})
    );
    assert_eq!(said(&pieces(passed(CHAT, &chat(&named))).await), "weather{\"city\":\"[simulado]\"}");

    let tools = json!([{"type": "function", "name": "weather", "parameters": parameters}, {"type": "custom", "name": "shout"}]);
    let named = json!({"tools": tools, "tool_choice": {"type": "function", "name": "weather"}});
    let item = &answer(RESPONSES, &response(&named)).await["output"][0];
    assert_eq!(
        (&item["type"], &item["name"], &item["arguments"]),
        (&json!("function_call"), &json!("weather"), &json!("{\"city\":\"[simulado]\"}"))
    );
    let pieces = pieces(passed(RESPONSES, &response(&named))).await;
    assert_eq!(said(&pieces), "weather{\"city\":\"[simulado]\"}");
    let custom = json!({"tools": tools, "tool_choice": {"type": "custom", "name": "shout"}});
    let item = &answer(RESPONSES, &response(&custom)).await["output"][0];
    assert_eq!(item["type"], "custom_tool_call");
    assert!(item["input"].as_str().expect("text").starts_with("[simulado]"));
}

#[tokio::test]
async fn json_is_answered_when_it_is_wanted() {
    let schema = json!({"type": "object", "required": ["total", "tags", "when", "kind", "owner", "maybe"], "properties": {
        "total": {"type": "integer", "minimum": 3}, "tags": {"type": "array", "minItems": 2, "items": {"type": "string"}},
        "when": {"type": "string", "format": "date"}, "kind": {"const": "x"}, "owner": {"$ref": "#/$defs/person"},
        "maybe": {"type": ["null", "string"]}, "unwanted": {"type": "string"}},
        "$defs": {"person": {"type": "object", "properties": {"name": {"type": "string"}, "ok": {"type": "boolean"},
            "self": {"$ref": "#/$defs/person"}}, "required": ["name", "ok"]}}});
    let expected = json!({"total": 3, "tags": ["[simulado]", "[simulado]"], "when": "2026-01-01", "kind": "x",
        "owner": {"name": "[simulado]", "ok": false}, "maybe": null});
    let format =
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
    let body = answer(CHAT, &chat(&format)).await;
    let text = body["choices"][0]["message"]["content"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), expected);
    let format = json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": schema}}});
    let body = answer(RESPONSES, &response(&format)).await;
    let text = body["output"][0]["content"][0]["text"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), expected);
    let body = answer(CHAT, &chat(&json!({"response_format": {"type": "json_object"}}))).await;
    let text = body["choices"][0]["message"]["content"].as_str().expect("text");
    assert!(serde_json::from_str::<Value>(text).expect("JSON").is_object() && text.contains("[simulado]"));
}

#[tokio::test]
async fn the_last_question_is_found_wherever_it_is() {
    let parts = json!({"messages": [{"role": "user", "content": "Oi"}, {"role": "assistant", "content": "Olá"},
        {"role": "user", "content": [{"type": "text", "text": "Faça uma"}, {"type": "text", "text": "análise"}]}]});
    let text = completion(passed(CHAT, &chat(&parts))).await.text;
    assert!(text.contains("Faça uma análise"), "{text}");
    let items = json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "Quanto gastei?"}]}, {"type": "reasoning"}]});
    let text = completion(passed(RESPONSES, &response(&items))).await.text;
    assert!(text.contains("Quanto gastei?"), "{text}");
}

fn vector(body: &Value, index: usize) -> Vec<f64> {
    let numbers = body["data"][index]["embedding"].as_array().expect("numbers");
    numbers.iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn embeddings_are_unit_vectors_that_know_their_words() {
    let input =
        json!({"model": "m", "input": ["contas do mês", "contas do ano", "futebol", "contas do mês"]});
    let body = answer(EMBEDDINGS, &input).await;
    let vectors: Vec<Vec<f64>> = (0..4).map(|index| vector(&body, index)).collect();
    for vector in &vectors {
        assert_eq!(vector.len(), 1536);
        assert!((product(vector, vector) - 1.0).abs() < 1e-4);
    }
    assert_eq!(vectors[0], vectors[3]);
    assert!(product(&vectors[0], &vectors[1]) > product(&vectors[0], &vectors[2]) + 0.3);
    assert_eq!(body["data"][2]["index"], 2);
    let usage = completion(passed(EMBEDDINGS, &input)).await.usage.expect("usage");
    assert_eq!(
        (body["usage"]["prompt_tokens"].as_u64(), usage.output),
        (Some(usage.input.get()), Tokens::ZERO)
    );
}

#[tokio::test]
async fn embeddings_come_in_the_size_and_form_that_is_wanted() {
    let plain = json!({"model": "m", "input": "oi", "dimensions": 8});
    let numbers = vector(&answer(EMBEDDINGS, &plain).await, 0);
    assert_eq!(numbers.len(), 8);
    let encoded = answer(EMBEDDINGS, &with(plain.clone(), &json!({"encoding_format": "base64"}))).await;
    // 8 numbers of 4 bytes, in groups of 3 bytes to 4 letters.
    assert_eq!(encoded["data"][0]["embedding"].as_str().expect("text").len(), 44);
    let tokens = answer(EMBEDDINGS, &json!({"model": "m", "input": [[1, 2, 3], [4]], "dimensions": 8})).await;
    assert_eq!(
        (tokens["data"].as_array().map(Vec::len), &tokens["usage"]["prompt_tokens"]),
        (Some(2), &json!(4))
    );
    let one = answer(EMBEDDINGS, &json!({"model": "m", "input": [1, 2, 3], "dimensions": 8})).await;
    assert_eq!(one["data"].as_array().map(Vec::len), Some(1));
    let too_many = passed(EMBEDDINGS, &json!({"model": "m", "input": "oi", "dimensions": 1537}));
    let refused = SandboxModel::default().complete(too_many).await;
    assert!(matches!(refused, Err(ModelError::Rejected(_))), "{refused:?}");
    let large = CompletionRequest {
        model: "text-embedding-3-large".into(),
        ..passed(EMBEDDINGS, &json!({"input": ""}))
    };
    let body: Value = serde_json::from_slice(&completion(large).await.body).expect("JSON");
    assert_eq!(vector(&body, 0).len(), 3072);
}

#[tokio::test]
async fn the_same_request_has_the_same_answer() {
    for (interface, body) in
        [(CHAT, chat(&json!({}))), (RESPONSES, response(&json!({}))), (EMBEDDINGS, json!({"input": "a"}))]
    {
        let (mut first, mut second) = (answer(interface, &body).await, answer(interface, &body).await);
        for answer in [&mut first, &mut second] {
            answer["created"].take();
            answer["created_at"].take();
        }
        assert_eq!(first, second);
    }
}

#[tokio::test]
async fn it_says_that_it_is_simulated_and_how_often_it_was_asked() {
    let model = SandboxModel::new(SandboxConfig::default());
    model.complete(passed(CHAT, &chat(&json!({})))).await.expect("an answer");
    drop(model.stream(passed(CHAT, &chat(&json!({})))).await.expect("a stream"));
    let health = model.health();
    assert_eq!(
        (health.len(), health[0].state, health[0].requests, health[0].failures),
        (1, UpstreamState::Simulated, 2, 0)
    );
    assert!(matches!(
        model.stream(passed(EMBEDDINGS, &json!({"input": "a"}))).await,
        Err(ModelError::Unusable(_))
    ));
}
