//! The least JSON that fits a simple schema.

use serde_json::{Map, Value, json};

/// What every text says.
pub(super) const SIMULATED: &str = "[simulado]";
/// How deeply schemas are followed; one that has itself in it ends here.
const DEPTH: usize = 16;
/// The longest text or list that is made because a schema wants it long.
const LONGEST: u64 = 1_000;

/// A value that fits the schema, as far as that is simple.
pub(super) fn fitting(schema: &Value) -> Value {
    value(schema, schema, DEPTH)
}

fn value(schema: &Value, root: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    let given = schema.get("const").or_else(|| schema.get("default")).or_else(|| schema.get("enum")?.get(0));
    if let Some(given) = given {
        return given.clone();
    }
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        let target = pointer.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, |target| value(target, root, depth));
    }
    for any in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(any).and_then(|list| list.get(0)) {
            return value(first, root, depth);
        }
    }
    let kind = schema.get("type");
    let kind = kind.and_then(|kind| kind.get(0)).or(kind).and_then(Value::as_str);
    match kind {
        Some("string") => Value::String(text(schema)),
        Some("integer" | "number") => number(schema),
        Some("boolean") => Value::Bool(false),
        Some("array") => array(schema, root, depth),
        Some("null") => Value::Null,
        Some("object") => object(schema, root, depth),
        _ if schema.get("properties").is_some() => object(schema, root, depth),
        _ => Value::String(SIMULATED.to_owned()),
    }
}

/// What is required of an object; everything where that is not said.
fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let required = schema.get("required").and_then(Value::as_array);
    let fields = properties
        .iter()
        .filter(|(name, _)| required.is_none_or(|required| required.iter().any(|it| it == name.as_str())))
        .map(|(name, schema)| (name.clone(), value(schema, root, depth)));
    Value::Object(fields.collect())
}

fn array(schema: &Value, root: &Value, depth: usize) -> Value {
    let least = whole(schema, "minItems").unwrap_or(0).min(LONGEST);
    let items = schema.get("items").unwrap_or(&Value::Null);
    (0..least).map(|_| value(items, root, depth)).collect()
}

fn text(schema: &Value) -> String {
    let formatted = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("date") => "2026-01-01",
        Some("time") => "00:00:00Z",
        Some("duration") => "P1D",
        Some("email") => "simulado@example.com",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("uri" | "url") => "https://example.com/simulado",
        _ => SIMULATED,
    };
    let least = whole(schema, "minLength").unwrap_or(0).min(LONGEST);
    let most = whole(schema, "maxLength").unwrap_or(u64::MAX);
    let chars = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let missing = chars(least).saturating_sub(formatted.chars().count());
    format!("{formatted}{}", ".".repeat(missing)).chars().take(chars(most)).collect()
}

/// Zero, or the nearest number that the bounds allow.
fn number(schema: &Value) -> Value {
    let bound = |name: &str| schema.get(name).filter(|bound| bound.is_number());
    let whole_bound = |name: &str| bound(name).and_then(Value::as_i64);
    let least = bound("minimum")
        .cloned()
        .or_else(|| whole_bound("exclusiveMinimum").map(|it| json!(it.saturating_add(1))));
    let most = bound("maximum")
        .cloned()
        .or_else(|| whole_bound("exclusiveMaximum").map(|it| json!(it.saturating_sub(1))));
    let sign = |number: &Value| number.as_f64().unwrap_or_default();
    match (least, most) {
        (Some(least), _) if sign(&least) > 0.0 => least,
        (_, Some(most)) if sign(&most) < 0.0 => most,
        _ => json!(0),
    }
}

fn whole(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}
