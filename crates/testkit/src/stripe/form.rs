//! Forms as Stripe reads them: `a[b][0]=c` is a nested object with a list in it.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// The parameters of a form or a query, nested; every leaf is text. The error is the key that makes no sense.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut root = Map::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        let placed = path(&key).is_some_and(|path| insert(&mut root, &path, &value));
        if !placed {
            return Err(key.into_owned());
        }
    }
    let listed = root.into_iter().map(|(name, value)| match name.as_str() {
        // Its keys are the caller's, even where they look like a list's.
        "metadata" => (name, value),
        _ => (name, with_lists(value)),
    });
    Ok(Value::Object(listed.collect()))
}

/// `a[b][]` in its parts: `a`, `b`, nothing.
fn path(key: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = key.split_once('[') else {
        return Some(vec![key]);
    };
    let mut parts = vec![first];
    parts.extend(rest.strip_suffix(']')?.split("]["));
    let sound = !first.is_empty() && parts.iter().all(|part| !part.contains(['[', ']']));
    sound.then_some(parts)
}

fn insert(place: &mut Map<String, Value>, path: &[&str], value: &str) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    let name = if first.is_empty() { place.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        return !matches!(place.insert(name, value.into()), Some(Value::Object(_)));
    }
    let inner = place.entry(name).or_insert_with(|| Value::Object(Map::new()));
    inner.as_object_mut().is_some_and(|inner| insert(inner, rest, value))
}

/// Objects whose keys are 0, 1, 2 and so on become lists.
fn with_lists(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    let is_list = fields.keys().enumerate().all(|(index, key)| *key == index.to_string());
    if is_list {
        return fields.into_iter().map(|(_, value)| with_lists(value)).collect();
    }
    let inner = |(name, value): (String, Value)| {
        if name == "metadata" { (name, value) } else { (name, with_lists(value)) }
    };
    Value::Object(fields.into_iter().map(inner).collect())
}

/// What was given as parameters, read with Stripe's complaints.
pub(super) mod params {
    use serde_json::{Map, Value};

    use super::super::problem::Problem;

    /// The text at a JSON pointer; an empty text is none.
    pub fn text<'a>(params: &'a Value, pointer: &str) -> Option<&'a str> {
        params.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub fn required<'a>(params: &'a Value, pointer: &str) -> Result<&'a str, Problem> {
        text(params, pointer).ok_or_else(|| Problem::missing(&name(pointer)))
    }

    pub fn integer(params: &Value, pointer: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = text(params, pointer) else {
            return Ok(None);
        };
        let wrong = |_| {
            let message = format!("Invalid integer: {text}");
            Problem::invalid(&name(pointer), "parameter_invalid_integer", &message)
        };
        text.parse().map(Some).map_err(wrong)
    }

    /// A whole number above zero.
    pub fn amount(params: &Value, pointer: &str) -> Result<Option<i64>, Problem> {
        let amount = integer(params, pointer)?;
        if amount.is_some_and(|amount| amount < 1) {
            let message = "This value must be greater than or equal to 1.";
            return Err(Problem::invalid(&name(pointer), "parameter_invalid_integer", message));
        }
        Ok(amount)
    }

    pub fn flag(params: &Value, pointer: &str) -> bool {
        text(params, pointer) == Some("true")
    }

    /// Metadata within Stripe's limits: 50 keys of 40 characters, values of 500.
    pub fn metadata(params: &Value, pointer: &str) -> Result<Value, Problem> {
        let Some(given) = params.pointer(pointer) else {
            return Ok(Value::Object(Map::new()));
        };
        let limited = given.as_object().filter(|given| {
            let short = |(key, value): (&String, &Value)| {
                key.chars().count() <= 40 && value.as_str().is_some_and(|value| value.chars().count() <= 500)
            };
            given.len() <= 50 && given.iter().all(short)
        });
        match limited {
            Some(_) => Ok(given.clone()),
            None => Err(Problem::invalid(&name(pointer), "parameter_invalid", "Metadata is out of limits.")),
        }
    }

    /// `/a/b/0` as clients write it: `a[b][0]`.
    pub fn name(pointer: &str) -> String {
        let mut parts = pointer.trim_start_matches('/').split('/');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |name, part| format!("{name}[{part}]"))
    }
}
