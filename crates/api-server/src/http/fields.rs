//! Taking fields out of JSON, each wrong one noted with its place.

use adapters_openai::inbound::fields::as_whole;
use domain::clock::Timestamp;
use domain::services::assistant::question::{FieldFault, FieldRule};
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::clock::from_rfc3339;

/// The fields of a JSON object. `null` counts as absent; fields nobody asks for are ignored.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    base: String,
    faults: Vec<FieldFault>,
}

impl<'a> Fields<'a> {
    /// Of a whole body, which must be an object.
    pub fn of_body(body: &'a Value) -> Result<Self, Problem> {
        match body {
            Value::Object(object) => Ok(Self { object, base: String::new(), faults: Vec::new() }),
            _ => Err(Problem::field("", FieldRule::Type("an object"))),
        }
    }

    fn within(object: &'a Map<String, Value>, base: String) -> Self {
        Self { object, base, faults: Vec::new() }
    }

    /// Notes a fault of a field.
    pub fn fault(&mut self, name: &str, rule: FieldRule) {
        self.faults.push(FieldFault::new(format!("{}/{name}", self.base), rule));
    }

    /// All faults, or what was made of the fields.
    pub fn finish<T>(self, made: T) -> Result<T, Problem> {
        if self.faults.is_empty() { Ok(made) } else { Err(self.faults.into()) }
    }

    /// What was parsed of the fields, or all faults: those found here, then those that parsing found in
    /// other fields.
    pub fn also<T>(mut self, parsed: Result<T, Vec<FieldFault>>) -> Result<T, Problem> {
        let known: Vec<String> = self.faults.iter().map(|fault| fault.pointer.clone()).collect();
        match parsed {
            Ok(made) => self.finish(made),
            Err(more) => {
                self.faults.extend(more.into_iter().filter(|fault| !known.contains(&fault.pointer)));
                Err(self.faults.into())
            }
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &mut self,
        name: &str,
        type_name: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let read = read(value);
        if read.is_none() {
            self.fault(name, FieldRule::Type(type_name));
        }
        read
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        self.typed(name, "a string", Value::as_str)
    }

    /// A number of any sort, as it was written.
    pub fn number(&mut self, name: &str) -> Option<&'a Value> {
        self.typed(name, "a number", |value| value.is_number().then_some(value))
    }

    /// A whole number.
    pub fn whole(&mut self, name: &str) -> Option<i64> {
        self.typed(name, "a whole number", as_whole)
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.typed(name, "true or false", Value::as_bool)
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        self.typed(name, "an object", Value::as_object)
    }

    /// A list of texts; those that are none stand in it as nothing.
    pub fn texts(&mut self, name: &str) -> Option<Vec<Option<&'a str>>> {
        let items = self.typed(name, "a list", Value::as_array)?;
        for (index, _) in items.iter().enumerate().filter(|(_, item)| !item.is_string()) {
            self.fault(&format!("{name}/{index}"), FieldRule::Type("a string"));
        }
        Some(items.iter().map(Value::as_str).collect())
    }

    /// A moment after `now`, written as RFC 3339.
    pub fn future_time(&mut self, name: &str, now: Timestamp) -> Option<Timestamp> {
        let text = self.text(name)?;
        let time = from_rfc3339(text).filter(|time| *time > now);
        if time.is_none() {
            self.fault(name, FieldRule::FutureTime);
        }
        time
    }

    /// Notes a fault when a text is blank or longer than `most` characters, or has a NUL, which not every store can hold.
    pub fn check_text(&mut self, name: &str, text: &str, most: usize) {
        if let Some(rule) = text_fault(text, most) {
            self.fault(name, rule);
        }
    }

    /// Looks into an object field; the faults found there are kept here.
    pub fn inside<T>(&mut self, name: &str, look: impl FnOnce(&mut Fields<'a>) -> T) -> Option<T> {
        let object = self.object(name)?;
        let mut inner = Fields::within(object, format!("{}/{name}", self.base));
        let made = look(&mut inner);
        self.faults.append(&mut inner.faults);
        Some(made)
    }

    /// Looks into each object of a list field; absent is empty.
    pub fn each<T>(&mut self, name: &str, mut look: impl FnMut(&mut Fields<'a>) -> T) -> Vec<T> {
        let Some(items) = self.typed(name, "a list", Value::as_array) else { return Vec::new() };
        let mut made = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Value::Object(object) = item {
                let mut inner = Fields::within(object, format!("{}/{name}/{index}", self.base));
                made.push(look(&mut inner));
                self.faults.append(&mut inner.faults);
            } else {
                self.fault(&format!("{name}/{index}"), FieldRule::Type("an object"));
            }
        }
        made
    }

    /// Notes a fault when a field is absent.
    pub fn require(&mut self, name: &str) {
        if self.get(name).is_none() {
            self.fault(name, FieldRule::Required);
        }
    }
}

/// What is wrong with a text that people write, of at most so many characters.
pub fn text_fault(text: &str, most: usize) -> Option<FieldRule> {
    if text.chars().count() > most {
        Some(FieldRule::AtMostChars(most))
    } else if text.trim().is_empty() {
        Some(FieldRule::NotBlank)
    } else if text.contains('\0') {
        Some(FieldRule::Printable)
    } else {
        None
    }
}
