//! What is made of clients' own requests.

mod content;

use adapters_openai::inbound::read;
use domain::ports::language_model::Interface;
use domain::services::assistant::question::{FieldFault, FieldRule};
use domain::services::gateway::passed::{Brought, PassedRequest, Weight};
use domain::tokens::Tokens;
use serde_json::{Value, json};

/// What stands in every request of these tests.
fn base(interface: Interface) -> Value {
    match interface {
        Interface::ChatCompletions => json!({"model": "m", "messages": [{"role": "user", "content": "oi"}]}),
        Interface::Responses | Interface::Embeddings => json!({"model": "m", "input": "oi"}),
    }
}

/// The usual request with other fields.
fn with(interface: Interface, fields: Value) -> Value {
    let mut body = base(interface);
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

fn request(interface: Interface, fields: Value) -> PassedRequest {
    let body = with(interface, fields);
    read(interface, &body).unwrap_or_else(|faults| panic!("{faults:?} in {body}"))
}

fn weight(interface: Interface, fields: Value) -> Weight {
    request(interface, fields).weight
}

fn faults(interface: Interface, fields: Value) -> Vec<(String, FieldRule)> {
    let body = with(interface, fields);
    let faults = read(interface, &body).expect_err(&body.to_string());
    faults.into_iter().map(|FieldFault { pointer, rule }| (pointer, rule)).collect()
}

/// One field with one fault.
fn fault(interface: Interface, fields: Value, pointer: &str, rule: FieldRule) {
    assert_eq!(faults(interface, fields), [(pointer.to_owned(), rule)]);
}

const CHAT: Interface = Interface::ChatCompletions;
const RESPONSES: Interface = Interface::Responses;
const EMBEDDINGS: Interface = Interface::Embeddings;
const ALL: [Interface; 3] = [CHAT, RESPONSES, EMBEDDINGS];

#[test]
fn a_plain_request_weighs_its_texts() {
    let plain = Weight { texts: vec!["oi".into()], parts: 1, choices: 1, ..Weight::default() };
    for interface in ALL {
        let read = request(interface, json!({}));
        assert_eq!((read.interface, read.model.as_str(), read.stream), (interface, "m", false));
        assert_eq!(read.weight, plain);
        assert_eq!(serde_json::from_str::<Value>(&read.body).expect("JSON"), base(interface));
    }
}

#[test]
fn what_is_required_is_missed() {
    for interface in ALL {
        let name = if interface == CHAT { "/messages" } else { "/input" };
        let missing = read(interface, &json!({"x": null})).expect_err("nothing in it");
        let expected =
            [FieldFault::new("/model", FieldRule::Required), FieldFault::new(name, FieldRule::Required)];
        assert_eq!(missing, expected);
        assert_eq!(read(interface, &json!([])), Err(vec![FieldFault::new("", FieldRule::Type("an object"))]));
        fault(interface, json!({"model": " "}), "/model", FieldRule::NotBlank);
        fault(interface, json!({"model": 7}), "/model", FieldRule::Type("a string"));
    }
    let prompted = read(RESPONSES, &json!({"model": "m", "prompt": {"id": "pmpt_1"}}));
    assert_eq!(prompted.expect("a prompt may bring the input").weight.brings, [Brought::Kept]);
}

#[test]
fn null_is_absent() {
    for interface in ALL {
        let nulls = json!({"stream": null, "n": null, "tools": null, "audio": null, "service_tier": null, "x": null,
            "temperature": null, "max_tokens": null, "max_output_tokens": null, "background": null});
        assert_eq!(weight(interface, nulls), weight(interface, json!({})));
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults(
        CHAT,
        json!({
            "messages": [1, {"content": {}}, {"role": 1, "content": [2, {"type": 3}, {}]}], "n": 129, "stream": "yes",
            "max_tokens": 0, "temperature": "hot", "tools": {}, "modalities": "audio", "service_tier": "priority",
            "metadata": [], "logprobs": 1, "seed": 1.5, "prediction": "x",
        }),
    );
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/messages/0",
            "/messages/1/role",
            "/messages/1/content",
            "/messages/2/role",
            "/messages/2/content/0",
            "/messages/2/content/1/type",
            "/messages/2/content/2/type",
            "/n",
            "/stream",
            "/max_tokens",
            "/temperature",
            "/tools",
            "/modalities",
            "/service_tier",
            "/metadata",
            "/logprobs",
            "/seed",
            "/prediction",
        ]
    );
}

#[test]
fn a_stream_is_wished_for_by_true() {
    for interface in [CHAT, RESPONSES] {
        assert!(request(interface, json!({"stream": true})).stream);
        assert!(!request(interface, json!({"stream": false})).stream);
    }
    fault(EMBEDDINGS, json!({"stream": true}), "/stream", FieldRule::Unsupported);
    assert!(!request(EMBEDDINGS, json!({"stream": false})).stream);
}

#[test]
fn the_smallest_limit_counts() {
    let limit = |interface, fields| weight(interface, fields).max_output;
    assert_eq!(limit(CHAT, json!({"max_tokens": 7})), Some(Tokens::new(7)));
    assert_eq!(limit(CHAT, json!({"max_completion_tokens": 7})), Some(Tokens::new(7)));
    assert_eq!(limit(CHAT, json!({"max_tokens": 9, "max_completion_tokens": 7})), Some(Tokens::new(7)));
    assert_eq!(limit(CHAT, json!({"max_completion_tokens": 9, "max_tokens": 7})), Some(Tokens::new(7)));
    assert_eq!(limit(RESPONSES, json!({"max_output_tokens": 7})), Some(Tokens::new(7)));
    for odd in [json!(0), json!(-1), json!(1.5), json!("7"), json!(1_000_000_001)] {
        let rule = FieldRule::WholeWithin(1, 1_000_000_000);
        fault(CHAT, json!({"max_completion_tokens": odd}), "/max_completion_tokens", rule.clone());
        fault(RESPONSES, json!({"max_output_tokens": odd}), "/max_output_tokens", rule);
    }
}

#[test]
fn choices_multiply_and_are_bounded() {
    assert_eq!(weight(CHAT, json!({"n": 128})).choices, 128);
    for odd in [json!(0), json!(129), json!(-1), json!("2"), json!(1.5)] {
        fault(CHAT, json!({"n": odd}), "/n", FieldRule::WholeWithin(1, 128));
    }
}

#[test]
fn messages_weigh_texts_names_and_calls() {
    let messages = json!([
        {"role": "system", "content": "a", "name": "b"},
        {"role": "user", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d", "prompt_cache_breakpoint": {}}]},
        {"role": "assistant", "content": null, "refusal": "e", "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
        {"role": "tool", "content": "g", "tool_call_id": "1"},
        {"role": "assistant", "reasoning_content": "h", "function_call": {"name": "i"}},
    ]);
    let weight = weight(CHAT, json!({"messages": messages}));
    let expected = [
        "a",
        "b",
        "c",
        "d",
        "e",
        "[{\"id\":\"1\",\"function\":{\"name\":\"f\"}}]",
        "g",
        "1",
        "h",
        "{\"name\":\"i\"}",
    ];
    assert_eq!((weight.texts, weight.parts), (expected.map(str::to_owned).to_vec(), 5));
    fault(CHAT, json!({"messages": []}), "/messages", FieldRule::AtLeastItems(1));
    fault(CHAT, json!({"messages": "oi"}), "/messages", FieldRule::Type("a list"));
}

#[test]
fn what_is_not_known_to_be_free_counts_as_text() {
    let free = json!({"temperature": 1, "top_p": 0.5, "seed": 1, "stop": ["x"], "logit_bias": {"1": 2}, "metadata": {"a": "b"},
        "user": "u", "store": true, "reasoning_effort": "low", "verbosity": "low", "prompt_cache_key": "k",
        "stream_options": {"include_usage": true}, "parallel_tool_calls": false, "logprobs": true, "top_logprobs": 2,
        "presence_penalty": 0, "frequency_penalty": 0, "service_tier": "flex", "modalities": ["text"]});
    assert_eq!(weight(CHAT, free), weight(CHAT, json!({})));
    let read = request(
        CHAT,
        json!({"response_format": {"type": "json_object"}, "tool_choice": "none", "never_heard_of": [1]}),
    );
    assert_eq!(read.weight.texts, ["oi", "{\"type\":\"json_object\"}", "none", "[1]"]);
    assert!(read.body.contains("\"never_heard_of\":[1]"));
    let response = weight(
        RESPONSES,
        json!({"text": {"format": {"type": "text"}}, "instructions": "a", "include": [], "truncation": "auto"}),
    );
    assert_eq!(
        (response.texts, response.parts),
        (vec!["oi".to_owned(), "{\"format\":{\"type\":\"text\"}}".into(), "a".into()], 2)
    );
}

#[test]
fn tools_of_the_client_weigh_their_definitions() {
    let tools = json!([
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
        {"type": "custom", "custom": {"name": "g"}},
    ]);
    let chat = weight(CHAT, json!({"tools": tools, "functions": [{"name": "h"}]}));
    let function = "{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}";
    assert_eq!(
        (chat.texts, chat.parts),
        (["oi", function, "{\"name\":\"g\"}", "{\"name\":\"h\"}"].map(str::to_owned).to_vec(), 4)
    );
    let tools =
        json!([{"type": "function", "name": "f", "description": "d", "parameters": {}, "strict": true}]);
    let response = weight(RESPONSES, json!({"tools": tools}));
    assert_eq!((response.texts, response.parts), (["oi", "f", "d", "{}"].map(str::to_owned).to_vec(), 2));
    fault(CHAT, json!({"tools": [1]}), "/tools/0", FieldRule::Type("an object"));
    fault(CHAT, json!({"tools": [{}]}), "/tools/0/type", FieldRule::Required);
}

#[test]
fn tools_of_the_provider_are_refused() {
    for kind in [
        "web_search",
        "web_search_preview",
        "file_search",
        "code_interpreter",
        "mcp",
        "image_generation",
        "shell",
        "local_shell",
        "computer",
        "computer_use_preview",
        "apply_patch",
        "namespace",
        "tool_search",
        "something_new",
    ] {
        for interface in [CHAT, RESPONSES] {
            let tools = json!({"tools": [{"type": "function", "name": "f"}, {"type": kind}]});
            fault(interface, tools, "/tools/1/type", FieldRule::CostUnbounded);
        }
    }
}

#[test]
fn what_no_bound_on_tokens_holds_is_refused() {
    let asked = |name: &str, value: Value| Value::Object([(name.to_owned(), value)].into_iter().collect());
    for (name, value) in [
        ("web_search_options", json!({})),
        ("audio", json!({"voice": "x", "format": "mp3"})),
        ("prompt_cache_options", json!({"ttl": "24h"})),
        ("context_management", json!([{"type": "compaction"}])),
        ("multi_agent", json!({})),
        ("models", json!(["dearer"])),
        ("plugins", json!([{"id": "web"}])),
        ("provider", json!({})),
        ("data_sources", json!([{}])),
        ("search_parameters", json!({})),
        ("enable_search", json!(true)),
    ] {
        for interface in ALL {
            fault(interface, asked(name, value.clone()), &format!("/{name}"), FieldRule::CostUnbounded);
        }
    }
    fault(CHAT, json!({"modalities": ["text", "audio"]}), "/modalities", FieldRule::CostUnbounded);
    fault(RESPONSES, json!({"background": true, "stream": true}), "/background", FieldRule::CostUnbounded);
    fault(RESPONSES, json!({"reasoning": {"mode": "pro"}}), "/reasoning/mode", FieldRule::CostUnbounded);
    for tier in ["priority", "scale", "fast", "something_new"] {
        let rule = FieldRule::OneOf(&["auto", "default", "flex"]);
        fault(RESPONSES, json!({"service_tier": tier}), "/service_tier", rule);
    }
    let nothing = json!({"context_management": [], "enable_search": false, "plugins": [], "background": false,
        "service_tier": "default"});
    assert_eq!(weight(RESPONSES, nothing), weight(RESPONSES, json!({})));
    assert_eq!(
        weight(RESPONSES, json!({"reasoning": {"effort": "high", "mode": "standard"}})).texts.len(),
        2
    );
}

#[test]
fn another_spelling_of_a_field_does_not_get_by() {
    for name in ["N", "Max_Tokens", "MESSAGES", "Tool\u{17f}", "\u{212a}"] {
        let body = Value::Object([(name.to_owned(), json!(1))].into_iter().collect());
        if name == "\u{212a}" {
            assert_eq!(weight(CHAT, body).texts.len(), 2, "k alone means nothing");
        } else {
            fault(CHAT, body, &format!("/{name}"), FieldRule::Unsupported);
        }
    }
    assert_eq!(weight(CHAT, json!({"chatTemplate": "x"})).texts, ["oi", "x"]);
    fault(CHAT, json!({"Web_Search_Options": {}}), "/Web_Search_Options", FieldRule::Unsupported);
}

#[test]
fn a_field_given_twice_is_passed_on_once() {
    let body: Value = serde_json::from_str(
        "{\"model\":\"m\",\"n\":100,\"n\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"content\":\"b\"}]}",
    )
    .expect("JSON");
    let read = read(CHAT, &body).expect("a request");
    assert_eq!((read.weight.choices, read.weight.texts), (1, vec!["b".to_owned()]));
    assert_eq!((read.body.matches("\"n\"").count(), read.body.matches("content").count()), (1, 1));
}
