//! Reading: one object, a page of many, and what is shown in full within them.

use serde_json::{Value, json};

use super::form::params;
use super::problem::Problem;
use super::state::State;

/// Objects of one kind: where they are, and by what they can be asked for.
struct Collection {
    path: &'static str,
    noun: &'static str,
    filters: &'static [&'static str],
}

const fn collection(path: &'static str, noun: &'static str, filters: &'static [&'static str]) -> Collection {
    Collection { path, noun, filters }
}

const COLLECTIONS: [Collection; 11] = [
    collection(
        "checkout/sessions",
        "checkout.session",
        &["customer", "payment_intent", "status", "subscription"],
    ),
    collection("customers", "customer", &["email"]),
    collection("payment_methods", "payment_method", &["customer", "type"]),
    collection("payment_intents", "payment_intent", &["customer"]),
    collection("charges", "charge", &["customer", "payment_intent"]),
    collection("refunds", "refund", &["charge", "payment_intent"]),
    collection("disputes", "dispute", &["charge", "payment_intent"]),
    collection("invoices", "invoice", &["customer", "status", "subscription"]),
    collection("invoice_payments", "invoice_payment", &["invoice", "payment", "status"]),
    collection("subscriptions", "subscription", &["customer", "price", "status"]),
    collection("events", "event", &["type", "types"]),
];
/// What every list takes.
const PAGING: [&str; 5] = ["limit", "starting_after", "ending_before", "expand", "created"];

/// Answers a `GET`.
pub(super) fn read(state: &State, path: &str, given: &Value) -> Result<Value, Problem> {
    let unrecognized = || Problem::unrecognized("GET", path);
    let inner = path.strip_prefix("/v1/").ok_or_else(unrecognized)?;
    if let Some(customer) = inner.strip_prefix("customers/").and_then(|rest| rest.split_once('/')) {
        let ("payment_methods", id) = (customer.1, customer.0) else {
            return Err(unrecognized());
        };
        one(state, "customer", id)?;
        let mut given = given.clone();
        given["customer"] = json!(id);
        return page(state, &COLLECTIONS[2], path, &given);
    }
    if let Some(collection) = COLLECTIONS.iter().find(|collection| collection.path == inner) {
        return page(state, collection, path, given);
    }
    let (inner, id) = inner.rsplit_once('/').ok_or_else(unrecognized)?;
    let found = COLLECTIONS.iter().find(|collection| collection.path == inner);
    one(state, found.ok_or_else(unrecognized)?.noun, id)
}

fn one(state: &State, noun: &str, id: &str) -> Result<Value, Problem> {
    let event = || state.events.iter().map(|event| &event.json).find(|event| event["id"] == id);
    let found = if noun == "event" { event() } else { state.find(id) };
    let found = found.filter(|object| object["object"] == noun);
    found.cloned().ok_or_else(|| Problem::no_such(404, noun, id, "id"))
}

/// A page, newest first.
fn page(state: &State, collection: &Collection, path: &str, given: &Value) -> Result<Value, Problem> {
    for name in given.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !collection.filters.contains(&name.as_str()) && !PAGING.contains(&name.as_str()) {
            return Err(Problem::unknown(name));
        }
    }
    if given.get("payment").is_some() {
        params::required(given, "/payment/type")?;
    }
    let limit = params::integer(given, "/limit")?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
    let limit = limit.ok_or_else(|| {
        Problem::invalid("limit", "parameter_invalid_integer", "Limit must be between 1 and 100.")
    })?;
    let mut all: Vec<&Value> = if collection.noun == "event" {
        state.events.iter().map(|event| &event.json).collect()
    } else {
        state.objects.values().filter(|object| object["object"] == collection.noun).collect()
    };
    all.reverse();
    let place = |param: &str| {
        let Some(id) = params::text(given, &format!("/{param}")) else {
            return Ok(None);
        };
        let place = all.iter().position(|object| object["id"] == id);
        place.map(Some).ok_or_else(|| Problem::no_such(400, collection.noun, id, param))
    };
    let (after, before) = (place("starting_after")?, place("ending_before")?);
    let range = after.map_or(0, |place| place + 1)..before.unwrap_or(all.len());
    let within = all.get(range).unwrap_or_default();
    let mut wanted = Vec::new();
    for object in within {
        if fits(object, collection, given)? {
            wanted.push(*object);
        }
    }
    let has_more = wanted.len() > limit;
    // Before a name means just before it.
    let surplus = wanted.len().saturating_sub(limit);
    let skipped = if before.is_some() { surplus } else { 0 };
    let data: Vec<&Value> = wanted.into_iter().skip(skipped).take(limit).collect();
    Ok(json!({ "object": "list", "data": data, "has_more": has_more, "url": path }))
}

fn fits(object: &Value, collection: &Collection, given: &Value) -> Result<bool, Problem> {
    let created = object["created"].as_i64().unwrap_or_default();
    let holds = |pointer: &str, holds: fn(&i64, &i64) -> bool| {
        let bound = params::integer(given, pointer)?;
        Ok(bound.is_none_or(|bound| holds(&created, &bound)))
    };
    let in_time = holds("/created", i64::eq)?
        && holds("/created/gt", i64::gt)?
        && holds("/created/gte", i64::ge)?
        && holds("/created/lt", i64::lt)?
        && holds("/created/lte", i64::le)?;
    if !in_time {
        return Ok(false);
    }
    Ok(collection.filters.iter().all(|filter| match (*filter, given.get(*filter)) {
        (_, None) => true,
        ("types", Some(types)) => types.as_array().is_some_and(|types| types.contains(&object["type"])),
        ("subscription", Some(id)) if collection.noun == "invoice" => {
            object["parent"]["subscription_details"]["subscription"] == *id
        }
        ("price", Some(id)) => object["items"]["data"][0]["price"]["id"] == *id,
        ("status", Some(all)) if all == "all" => true,
        (_, Some(wanted)) => is_like(&object[*filter], wanted),
    }))
}

fn is_like(value: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(fields) => fields.iter().all(|(name, wanted)| is_like(&value[name], wanted)),
        _ => value == wanted,
    }
}

/// Shows in full what stands at a path such as `payment_intent.latest_charge`, or `data.customer` in a list.
pub(super) fn expand(state: &State, body: &mut Value, wanted: &str) -> Result<(), Problem> {
    let path: Vec<&str> = wanted.split('.').collect();
    if walk(state, body, &path) {
        return Ok(());
    }
    let message = format!("This property cannot be expanded ({wanted}).");
    Err(Problem { status: 400, ..Problem::invalid("expand", "parameter_invalid", &message) })
}

fn walk(state: &State, place: &mut Value, path: &[&str]) -> bool {
    let Some((field, rest)) = path.split_first() else {
        return true;
    };
    if let Value::Array(items) = place {
        return items.iter_mut().all(|item| walk(state, item, path));
    }
    if place.is_null() {
        return true;
    }
    if let Some(list) = hidden_list(state, place, field) {
        place[*field] = list;
    }
    let Some(inner) = place.get_mut(*field) else {
        return false;
    };
    if let Some(id) = inner.as_str() {
        let Some(object) = state.find(id) else {
            return false;
        };
        *inner = object.clone();
    }
    walk(state, inner, rest)
}

/// Lists that an object only has where they are asked for.
fn hidden_list(state: &State, object: &Value, field: &str) -> Option<Value> {
    let id = object["id"].as_str()?;
    let belongs = |other: &&Value| match field {
        "payments" => other["object"] == "invoice_payment" && other["invoice"] == id,
        _ => other["object"] == "refund" && other["charge"] == id,
    };
    let data: Vec<Value> = match (object["object"].as_str()?, field) {
        ("invoice", "payments") | ("charge", "refunds") => {
            state.objects.values().rev().filter(belongs).cloned().collect()
        }
        ("checkout.session", "line_items") => {
            let lines = &state.drafts.get(id)?.lines;
            lines.iter().map(|line| super::objects::checkout_line(state.object(&line.0), line.1)).collect()
        }
        _ => return None,
    };
    Some(json!({ "object": "list", "data": data, "has_more": false, "url": "/v1/" }))
}
