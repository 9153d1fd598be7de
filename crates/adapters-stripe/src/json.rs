//! Reading JSON whose every field may be missing or of another type: then it is not there, and that is all.
//!
//! Fields are named by JSON pointers, such as `/parent/subscription_details/subscription`.

use domain::clock::Timestamp;
use domain::ids::PurchaseId;
use serde_json::Value;

/// The key of our metadata that names the purchase.
pub(crate) const PURCHASE: &str = "purchase_id";
/// The key of our metadata that names the plan.
pub(crate) const PLAN: &str = "plan_id";

/// A text; an empty one is none.
pub(crate) fn text(object: &Value, pointer: &str) -> Option<String> {
    let text = object.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// The name of another object, which may stand there itself.
pub(crate) fn name(object: &Value, pointer: &str) -> Option<String> {
    text(object, pointer).or_else(|| text(object, &format!("{pointer}/id")))
}

/// A yes; anything else is no.
pub(crate) fn says(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

/// An amount in minor units, never negative.
pub(crate) fn amount(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer)?.as_i64().filter(|minor| *minor >= 0)
}

/// A time, in seconds since the Unix epoch.
pub(crate) fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    let seconds = amount(object, pointer)?;
    seconds.checked_mul(1_000_000).map(Timestamp::from_micros)
}

/// The elements of a list; `pointer` names the list, or an object with the list under `data`.
pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    let list = object.pointer(pointer).and_then(|it| it.get("data").unwrap_or(it).as_array());
    list.map_or(&[], Vec::as_slice)
}

/// A purchase's id.
pub(crate) fn purchase(object: &Value, pointer: &str) -> Option<PurchaseId> {
    object.pointer(pointer)?.as_str()?.parse().ok()
}

/// The purchase that the object's own metadata names.
pub(crate) fn own_purchase(object: &Value) -> Option<PurchaseId> {
    purchase(object, &format!("/metadata/{PURCHASE}"))
}
