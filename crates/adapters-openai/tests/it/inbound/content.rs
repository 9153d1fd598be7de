//! The content of requests: messages' parts, items, embeddings' inputs.

use domain::ports::language_model::Interface;
use domain::services::assistant::question::FieldRule;
use domain::services::gateway::passed::Brought;
use domain::tokens::Tokens;
use serde_json::{Value, json};

use super::{CHAT, EMBEDDINGS, RESPONSES, fault, faults, weight};

fn parts(interface: Interface, parts: Value) -> Value {
    match interface {
        Interface::ChatCompletions => json!({"messages": [{"role": "user", "content": parts}]}),
        _ => json!({"input": [{"role": "user", "content": parts}]}),
    }
}

#[test]
fn images_are_counted_by_their_detail() {
    let chat = |detail: Value| json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": detail}});
    let response =
        |detail: Value| json!({"type": "input_image", "image_url": "https://x.test/a.png", "detail": detail});
    for (interface, image) in [(CHAT, &chat as &dyn Fn(Value) -> Value), (RESPONSES, &response)] {
        let all =
            json!([image(json!("low")), image(json!("high")), image(json!("auto")), image(json!(null))]);
        let found = weight(interface, parts(interface, all));
        assert_eq!((found.images, found.small_images, found.texts, found.brings), (3, 1, vec![], vec![]));
        let beyond =
            weight(interface, parts(interface, json!([image(json!("original")), image(json!("huge"))])));
        assert_eq!((beyond.images, beyond.brings), (0, vec![Brought::Unknown]));
    }
    let plain = json!([{"type": "image_url", "image_url": "https://x.test/a.png"}]);
    assert_eq!(weight(CHAT, parts(CHAT, plain)).images, 1);
    let odd = json!([{"type": "image_url"}, {"type": "image_url", "image_url": {"url": 1}},
        {"type": "image_url", "image_url": {"url": "x", "detail": 1}}]);
    let at = |index: usize, rest: &str| format!("/messages/0/content/{index}/image_url/{rest}");
    let string = || FieldRule::Type("a string");
    assert_eq!(
        faults(CHAT, parts(CHAT, odd)),
        [(at(0, "url"), string()), (at(1, "url"), string()), (at(2, "detail"), string())]
    );
}

#[test]
fn what_is_brought_from_elsewhere_is_named() {
    let brings = |interface, fields| weight(interface, fields).brings;
    for part in [
        json!({"type": "input_image", "file_id": "file-1"}),
        json!({"type": "input_file", "file_url": "https://x.test/a.pdf"}),
        json!({"type": "input_file", "file_data": "AAAA"}),
    ] {
        assert_eq!(brings(RESPONSES, parts(RESPONSES, json!([part]))), [Brought::File]);
    }
    assert_eq!(
        brings(CHAT, parts(CHAT, json!([{"type": "file", "file": {"file_id": "file-1"}}]))),
        [Brought::File]
    );
    for interface in [CHAT, RESPONSES] {
        let unknown =
            parts(interface, json!([{"type": "video_url", "video_url": {}}, {"type": "something_new"}]));
        assert_eq!(brings(interface, unknown), [Brought::Unknown]);
    }
    for fields in [
        json!({"previous_response_id": "resp_1"}),
        json!({"conversation": {"id": "conv_1"}}),
        json!({"prompt": {"id": "pmpt_1"}}),
        json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
        json!({"input": [{"id": "msg_1"}]}),
    ] {
        assert_eq!(brings(RESPONSES, fields), [Brought::Kept]);
    }
    for kind in [
        "compaction",
        "web_search_call",
        "mcp_call",
        "image_generation_call",
        "computer_call_output",
        "something_new",
    ] {
        assert_eq!(brings(RESPONSES, json!({"input": [{"type": kind, "id": "x"}]})), [Brought::Unknown]);
    }
}

#[test]
fn audio_is_refused_wherever_it_is() {
    let listened = parts(CHAT, json!([{"type": "input_audio", "input_audio": {"data": "AAAA"}}]));
    fault(CHAT, listened, "/messages/0/content/0/type", FieldRule::CostUnbounded);
    let listened = parts(RESPONSES, json!([{"type": "input_audio"}]));
    fault(RESPONSES, listened, "/input/0/content/0/type", FieldRule::CostUnbounded);
    let again = json!({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]});
    fault(CHAT, again, "/messages/0/audio", FieldRule::CostUnbounded);
}

#[test]
fn items_of_a_response_weigh_their_texts() {
    let input = json!([
        {"role": "user", "content": "a"},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": "b", "annotations": [{}], "logprobs": []}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c"},
        {"type": "function_call", "id": "fc_1", "call_id": "d", "name": "e", "arguments": "f"},
        {"type": "function_call_output", "call_id": "g", "output": [{"type": "input_text", "text": "h"}, {"type": "input_image", "image_url": "x"}]},
        {"type": "custom_tool_call", "call_id": "i", "name": "j", "input": "k"},
        {"type": "custom_tool_call_output", "call_id": "l", "output": "m"},
    ]);
    let weight = weight(RESPONSES, json!({"input": input}));
    let expected = ["a", "b", "[]", "c", "d", "e", "f", "h", "g", "i", "j", "k", "m", "l"];
    assert_eq!((weight.texts, weight.parts, weight.images), (expected.map(str::to_owned).to_vec(), 7, 1));
    assert_eq!(weight.brings, []);
    fault(RESPONSES, json!({"input": [{"type": 1}]}), "/input/0/type", FieldRule::Type("a string"));
    fault(RESPONSES, json!({"input": [{"content": "a"}]}), "/input/0/role", FieldRule::Required);
    fault(RESPONSES, json!({"input": {}}), "/input", FieldRule::Type("a string or a list"));
    fault(
        RESPONSES,
        json!({"input": [{"type": "compaction_trigger"}]}),
        "/input/0/type",
        FieldRule::CostUnbounded,
    );
}

#[test]
fn predicted_output_is_set_apart() {
    let found = weight(CHAT, json!({"prediction": {"type": "content", "content": "a"}}));
    assert_eq!((found.predicted.as_str(), found.texts), ("a", vec!["oi".to_owned()]));
    let parts = json!([{"type": "text", "text": "a"}]);
    assert_eq!(
        weight(CHAT, json!({"prediction": {"type": "content", "content": parts}})).predicted,
        parts.to_string()
    );
    fault(CHAT, json!({"prediction": {}}), "/prediction/content", FieldRule::Required);
}

#[test]
fn embeddings_take_texts_and_tokens() {
    let of = |input: Value| weight(EMBEDDINGS, json!({"input": input}));
    let texts = of(json!(["a", "b"]));
    assert_eq!((texts.texts, texts.parts, texts.tokens), (vec!["a".to_owned(), "b".into()], 2, Tokens::ZERO));
    let tokens = of(json!([1, 2, 3]));
    assert_eq!((tokens.texts, tokens.parts, tokens.tokens), (vec![], 1, Tokens::new(3)));
    let lists = of(json!([[1, 2, 3], [4]]));
    assert_eq!((lists.parts, lists.tokens), (2, Tokens::new(4)));
    assert_eq!(of(json!(vec!["a"; 2048])).parts, 2048);
    fault(EMBEDDINGS, json!({"input": vec!["a"; 2049]}), "/input", FieldRule::AtMostItems(2048));
    fault(EMBEDDINGS, json!({"input": []}), "/input", FieldRule::AtLeastItems(1));
    for odd in [json!({}), json!(7), json!([null]), json!([{}]), json!([1, "a"]), json!([1.5]), json!([-1])] {
        let found = faults(EMBEDDINGS, json!({"input": odd}));
        assert!(
            matches!(&found[..], [(pointer, FieldRule::Type(_))] if pointer == "/input"),
            "{odd}: {found:?}"
        );
    }
    for odd in [json!(["a", 1]), json!([[1], "a"]), json!([[1], []]), json!([[1], [1.5]])] {
        let found = faults(EMBEDDINGS, json!({"input": odd}));
        assert!(
            matches!(&found[..], [(pointer, FieldRule::Type(_))] if pointer == "/input/1"),
            "{odd}: {found:?}"
        );
    }
}

#[test]
fn how_embeddings_are_to_be_written_is_checked() {
    assert_eq!(
        weight(EMBEDDINGS, json!({"encoding_format": "base64", "dimensions": 256})),
        weight(EMBEDDINGS, json!({}))
    );
    fault(
        EMBEDDINGS,
        json!({"encoding_format": "hex"}),
        "/encoding_format",
        FieldRule::OneOf(&["float", "base64"]),
    );
    for odd in [json!(0), json!(65_537), json!(1.5), json!("3")] {
        fault(EMBEDDINGS, json!({"dimensions": odd}), "/dimensions", FieldRule::WholeWithin(1, 65_536));
    }
}
