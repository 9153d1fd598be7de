//! What the document says of bodies is what the server takes: each bound is tried on both its sides.
//!
//! OpenAI's interfaces are tried by the fuzzer (`scripts/fuzz-api`): their schemas say what is read of them, not what they are.

use serde_json::{Value, json};

use super::document::{Operation, document, operations, resolved};
use crate::harness::{Server, Setup, next_key, read, token};

/// A value for a place, and whether it fits there.
struct Trial {
    pointer: String,
    value: Option<Value>,
    fits: bool,
}

/// The object schemas on the way to a place, and the places in them.
fn trials(document: &Value, schema: &Value, body: &Value, at: &str, trials: &mut Vec<Trial>) {
    let schema = one_of(document, schema);
    let Some(properties) = schema["properties"].as_object() else { return };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
    for (name, property) in properties {
        let pointer = format!("{at}/{name}");
        let is_required = required.contains(&name.as_str());
        let mut put =
            |value: Option<Value>, fits| trials.push(Trial { pointer: pointer.clone(), value, fits });
        put(None, !is_required);
        put(Some(Value::Null), accepts(document, property, &Value::Null));
        for value in values(document, property) {
            let fits = accepts(document, property, &value);
            put(Some(value), fits);
        }
        match body.pointer(&pointer) {
            Some(Value::Object(_)) => inside(document, property, body, &pointer, trials),
            Some(Value::Array(list)) if list.first().is_some_and(Value::is_object) => {
                let items = one_of(document, property)["items"].clone();
                inside(document, &items, body, &format!("{pointer}/0"), trials);
            }
            _ => {}
        }
    }
}

fn inside(document: &Value, schema: &Value, body: &Value, at: &str, found: &mut Vec<Trial>) {
    trials(document, schema, body, at, found);
}

/// The schema behind a reference, and the one that is not `null` where there are two.
fn one_of<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let schema = resolved(document, schema);
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    match choices.into_iter().find(|it| it["type"] != "null") {
        Some(choice) => resolved(document, choice),
        None => schema,
    }
}

/// Values of every kind, and those on both sides of each bound.
fn values(document: &Value, schema: &Value) -> Vec<Value> {
    let mut values = vec![json!(true), json!("a"), json!(1.5), json!({}), json!([])];
    let leaf = one_of(document, schema);
    let all = leaf["anyOf"].as_array().cloned().unwrap_or_else(|| vec![leaf.clone()]);
    for leaf in all {
        for bound in [&leaf["minimum"], &leaf["maximum"]] {
            if let Some(bound) = bound.as_i64() {
                values.extend([bound - 1, bound, bound + 1].map(|it| json!(it)));
                values.push(json!(format!("{bound}")));
                if let Some(exact) = bound.to_string().parse::<f64>().ok().filter(|_| bound.abs() < 1 << 50) {
                    values.push(json!(exact));
                }
            }
        }
        for length in [&leaf["minLength"], &leaf["maxLength"]] {
            if let Some(length) = length.as_u64() {
                let length = usize::try_from(length).unwrap();
                values.extend([length.saturating_sub(1), length, length + 1].map(|it| json!("é".repeat(it))));
                values.push(json!(" ".repeat(length)));
                values.push(json!(format!("{}\u{7}", "a".repeat(length.saturating_sub(1)))));
            }
        }
        values.extend(leaf["enum"].as_array().cloned().unwrap_or_default());
        if leaf["format"] == "date-time" {
            values.extend(
                ["2999-12-31T23:59:59Z", "2999-12-31T23:59:59.5-03:00", "2999-12-31", "soon"]
                    .map(Value::from),
            );
        }
        let items = &leaf["items"];
        if items.is_object() {
            let words = resolved(document, items)["enum"].as_array().cloned().unwrap_or_default();
            values.push(json!(words.first().into_iter().collect::<Vec<_>>()));
            values.push(json!(["?"]));
            values.push(json!([1]));
            values.push(json!([null]));
        }
    }
    values
}

/// Whether a value fits a schema, as far as our schemas go.
fn accepts(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolved(document, schema);
    for (word, least) in [("oneOf", 1), ("anyOf", 1)] {
        if let Some(choices) = schema[word].as_array() {
            return choices.iter().filter(|choice| accepts(document, choice, value)).count() >= least;
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.contains(value);
    }
    let is_kind = |kind: &str| match (kind, value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("string", Value::String(_))
        | ("number", Value::Number(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        ("integer", Value::Number(number)) => number.as_f64().is_some_and(|it| it.fract() == 0.0),
        _ => false,
    };
    let fits_kind = match &schema["type"] {
        Value::String(kind) => is_kind(kind),
        Value::Array(kinds) => kinds.iter().any(|kind| is_kind(kind.as_str().unwrap())),
        _ => true,
    };
    let below = |bound: &Value, value: f64| bound.as_f64().is_some_and(|bound| value < bound);
    let above = |bound: &Value, value: f64| bound.as_f64().is_some_and(|bound| value > bound);
    fits_kind
        && match value {
            Value::Number(number) => {
                let number = number.as_f64().unwrap();
                !below(&schema["minimum"], number) && !above(&schema["maximum"], number)
            }
            Value::String(text) => {
                let length = f64::from(u32::try_from(text.chars().count()).unwrap());
                let blank = text.trim().is_empty() && schema["pattern"].is_string();
                let one_line = schema["pattern"].as_str().is_some_and(|it| it.contains("x1f"));
                let odd = one_line && text.chars().any(char::is_control);
                let time =
                    schema["format"] != "date-time" || chrono::DateTime::parse_from_rfc3339(text).is_ok();
                !below(&schema["minLength"], length)
                    && !above(&schema["maxLength"], length)
                    && !blank
                    && !odd
                    && time
            }
            Value::Array(list) => {
                let length = f64::from(u32::try_from(list.len()).unwrap());
                !below(&schema["minItems"], length)
                    && list.iter().all(|item| accepts(document, &schema["items"], item))
            }
            Value::Object(object) => {
                let needed = schema["required"].as_array().into_iter().flatten();
                needed.into_iter().all(|name| object.contains_key(name.as_str().unwrap()))
            }
            Value::Null | Value::Bool(_) => true,
        }
}

/// The body with another value at a place.
fn changed(body: &Value, trial: &Trial) -> Value {
    let mut body = body.clone();
    let (parent, name) = trial.pointer.rsplit_once('/').unwrap();
    let object = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match &trial.value {
        Some(value) => drop(object.insert(name.to_owned(), value.clone())),
        None => drop(object.remove(name)),
    }
    body
}

/// Whether the place was refused: a fault there, or within.
fn faults(answer: &Value, pointer: &str) -> Vec<String> {
    let all = answer["errors"].as_array().into_iter().flatten().map(|it| it["pointer"].as_str().unwrap());
    all.filter(|it| *it == pointer || it.starts_with(&format!("{pointer}/"))).map(str::to_owned).collect()
}

async fn try_all(server: &Server, document: &Value, operation: &Operation, schema: &Value) -> usize {
    let mut found = Vec::new();
    for body in operation.bodies().into_values() {
        let mut here = Vec::new();
        trials(document, schema, &body, "", &mut here);
        found.extend(here.into_iter().map(|trial| (body.clone(), trial)));
    }
    for (body, trial) in &found {
        let body = changed(body, trial);
        let user = token(&format!("tries-{}", next_key()), "admin");
        let request = operation.request(document, server).bearer_auth(user).json(&body);
        let (status, answer) = read(request.send().await.unwrap()).await;
        let what = format!("{} {} := {:?}: {status} {answer}", operation.name(), trial.pointer, trial.value);
        let at = faults(&answer, &trial.pointer);
        if trial.fits {
            let allowed = operation.refused.contains(&trial.pointer);
            assert!(at.is_empty() || allowed, "fits and is refused: {what}");
            assert_ne!(status, 400, "{what}");
        } else {
            assert_eq!(status, 422, "does not fit and is taken: {what}");
            assert!(!at.is_empty(), "it is not said that it does not fit: {what}");
        }
        assert!(status < 500, "{what}");
    }
    found.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bound_of_each_body_is_where_the_document_says() {
    let server = Setup::sqlite().start().await;
    let document = document();
    let mut tried = 0;
    for operation in operations(&document) {
        let schema = operation.body_schema(&document).filter(|_| !operation.path.starts_with("/v1/"));
        if let Some(schema) = schema {
            tried += try_all(&server, &document, &operation, schema).await;
        }
    }
    assert!(tried > 400, "only {tried}");
    server.finish().await;
}
