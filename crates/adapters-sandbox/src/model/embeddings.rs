//! Embeddings: the same text always has the same one, and texts with words in common have similar ones.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ports::language_model::{Completion, CompletionRequest, Finish, ModelError, Rejection};
use domain::tokens::Tokens;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::asked::list;
use super::tokens;

/// Numbers in an embedding, of large models and of others.
const LARGE: usize = 3_072;
const SMALL: usize = 1_536;

/// Embeds every input of a request.
pub(super) fn answer(request: &CompletionRequest, body: &Value) -> Result<Completion, ModelError> {
    let most = if request.model.contains("large") { LARGE } else { SMALL };
    let wanted = body.get("dimensions").and_then(Value::as_u64);
    let dimensions = wanted.map_or(most, |wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
    if !(1..=most).contains(&dimensions) {
        return Err(ModelError::Rejected(Box::new(Rejection {
            status: 400,
            message: format!("[simulado] 'dimensions' must be from 1 to {most}"),
            kind: Some("invalid_request_error".to_owned()),
            code: None,
            param: Some("dimensions".to_owned()),
        })));
    }
    let as_base64 = body["encoding_format"] == "base64";
    let (mut data, mut input) = (Vec::new(), Tokens::ZERO);
    for (index, (words, tokens)) in inputs(&body["input"]).into_iter().enumerate() {
        input = input.plus(tokens);
        let vector = vector(&words, dimensions);
        let embedding = if as_base64 { json!(STANDARD.encode(bytes(&vector))) } else { numbers(&vector) };
        data.push(json!({"object": "embedding", "index": index, "embedding": embedding}));
    }
    let body = json!({
        "object": "list", "data": data, "model": request.model,
        "usage": {"prompt_tokens": input.get(), "total_tokens": input.get()},
    });
    Ok(Completion {
        text: String::new(),
        body: body.to_string().into_bytes(),
        usage: Some(tokens::usage(input, Tokens::ZERO)),
        finish: Finish::Stop,
    })
}

/// The words of each input, and its tokens.
fn inputs(input: &Value) -> Vec<(Vec<String>, Tokens)> {
    let text = |text: &str| {
        let words = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        (words, tokens::tokens(text))
    };
    let ids = |ids: &Value| {
        let words: Vec<String> = list(ids).map(ToString::to_string).collect();
        let count = Tokens::new(u64::try_from(words.len()).unwrap_or(u64::MAX));
        (words, count)
    };
    match input {
        Value::String(single) => vec![text(single)],
        Value::Array(several) if several.first().is_some_and(Value::is_number) => vec![ids(input)],
        several => list(several).map(|one| one.as_str().map_or_else(|| ids(one), text)).collect(),
    }
}

/// A unit vector: each word has some places of its own, and what meets there adds up.
fn vector(words: &[String], dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0_f32; dimensions];
    for word in words {
        let digest = Sha256::digest(word);
        for place in digest.chunks_exact(4) {
            let place = u32::from_be_bytes([place[0], place[1], place[2], place[3]]);
            let at = usize::try_from(place >> 1).unwrap_or_default() % dimensions;
            vector[at] += if place & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in &mut vector {
            *number /= length;
        }
    } else if let Some(first) = vector.first_mut() {
        *first = 1.0;
    }
    vector
}

fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// With as many digits as are worth it.
fn numbers(vector: &[f32]) -> Value {
    vector.iter().map(|number| (f64::from(*number) * 1e7).round() / 1e7).collect()
}
