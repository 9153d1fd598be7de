//! How things are, as JSON that people and programs read.

use std::fmt::Write;

/// A JSON object of plain facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditState(String);

impl AuditState {
    /// No facts yet.
    pub fn new() -> Self {
        Self("{}".to_owned())
    }

    /// As a store kept it.
    pub fn stored(json: String) -> Self {
        Self(json)
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With a whole number.
    #[must_use]
    pub fn int(self, name: &str, value: i64) -> Self {
        self.with(name, &value.to_string())
    }

    /// With a text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.with(name, &quoted(value))
    }

    /// With a list of texts.
    #[must_use]
    pub fn list<'a>(self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<String> = values.into_iter().map(quoted).collect();
        self.with(name, &format!("[{}]", values.join(",")))
    }

    /// With a whole number, or nothing.
    #[must_use]
    pub fn maybe_int(self, name: &str, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.int(name, value),
            None => self.with(name, "null"),
        }
    }

    /// With true or false.
    #[must_use]
    pub fn flag(self, name: &str, value: bool) -> Self {
        self.with(name, if value { "true" } else { "false" })
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.pop();
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(value);
        self.0.push('}');
        self
    }
}

/// A JSON string (RFC 8259). A NUL, which not every store can hold, becomes a replacement character.
fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0' => json.push('\u{fffd}'),
            c if c < ' ' => {
                // Writing to a String does not fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_json() {
        let state = AuditState::new()
            .int("total", -5)
            .text("plan", "a\"b\\c\nd\0é")
            .list("suspensions", ["admin", "dispute:x"])
            .list("none", [])
            .flag("on", true)
            .maybe_int("cap", None);
        assert_eq!(
            state.as_str(),
            "{\"total\":-5,\"plan\":\"a\\\"b\\\\c\\u000ad\u{fffd}é\",\"suspensions\":[\"admin\",\"dispute:x\"],\"none\":[],\"on\":true,\"cap\":null}"
        );
        assert_eq!(AuditState::new().as_str(), "{}");
    }
}
