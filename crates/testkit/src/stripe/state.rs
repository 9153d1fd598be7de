//! What the fake remembers.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer::{Answer, Received};
use super::event::{Cause, Event};
use super::unix_seconds;

/// A name that was never used: the prefix and 24 letters and digits.
pub(super) fn new_id(prefix: &str) -> String {
    let letters = Uuid::new_v4().simple().to_string();
    format!("{prefix}_{}", &letters[..24])
}

/// What a checkout session holds back from those who read it.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Ids of the prices with their quantities.
    pub lines: Vec<(String, i64)>,
    /// Metadata for the payment intent or the subscription.
    pub metadata: Value,
    /// Whether a card is kept.
    pub keeps_card: bool,
    /// How the intent's method, whichever it is, will be used later.
    pub future_usage: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// By id, oldest first.
    pub objects: Map<String, Value>,
    pub drafts: HashMap<String, Draft>,
    /// Oldest first.
    pub events: Vec<Event>,
    pub requests: Vec<Received>,
    /// Kept answers with the request that they were for, by idempotency key.
    pub kept: HashMap<String, (Received, Answer)>,
    /// Customers whose cards are declined.
    pub declining: HashSet<String>,
    pub failing: (u32, u16),
    pub losing: u32,
    /// The request that is being worked on.
    pub cause: Cause,
    last_second: i64,
}

impl State {
    /// The time in seconds; never before a time that was told already.
    pub fn now(&mut self) -> i64 {
        self.last_second = self.last_second.max(unix_seconds());
        self.last_second
    }

    /// Keeps an object under its id, which it answers.
    pub fn put(&mut self, object: Value) -> String {
        let id = object["id"].as_str().expect("an object has an id").to_owned();
        self.objects.insert(id.clone(), object);
        id
    }

    pub fn find(&self, id: &str) -> Option<&Value> {
        self.objects.get(id)
    }

    /// An object that must be there: a test named it.
    pub fn object(&self, id: &str) -> &Value {
        self.find(id).unwrap_or_else(|| panic!("the fake Stripe has no '{id}'"))
    }

    /// The text of a field, if it is one.
    pub fn text(&self, id: &str, field: &str) -> Option<String> {
        self.object(id)[field].as_str().map(str::to_owned)
    }

    /// The number of a field that must be one.
    pub fn number(&self, id: &str, field: &str) -> i64 {
        self.object(id)[field].as_i64().unwrap_or_else(|| panic!("'{field}' of '{id}' is not a number"))
    }

    /// Changes an object; answers the fields that changed as they were before.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut after = self.object(id).clone();
        change(&mut after);
        let before = self.objects.insert(id.to_owned(), after).unwrap_or_default();
        let after = &self.objects[id];
        let changed =
            before.as_object().into_iter().flatten().filter(|(name, value)| after[*name] != **value);
        Value::Object(changed.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Announces what happened to an object, as it is now.
    pub fn announce(&mut self, kind: &str, id: &str) {
        let object = self.object(id).clone();
        self.announce_of(kind, object);
    }

    /// Announces a change, with what was there before.
    pub fn announce_change(&mut self, kind: &str, id: &str, before: Value) {
        self.announce(kind, id);
        if let Some(event) = self.events.last_mut() {
            event.json["data"]["previous_attributes"] = before;
        }
    }

    /// Announces anything.
    pub fn announce_of(&mut self, kind: &str, object: Value) {
        let at = self.now();
        self.events.push(Event::new(&new_id("evt"), at, kind, object, &self.cause));
    }
}
