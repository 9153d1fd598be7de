//! Tools that a model may call.

use domain::services::assistant::question::FieldRule;
use serde_json::Value;

use super::Reading;

impl Reading {
    /// Definitions of tools. Only such that the client runs: what the provider runs has prices of its own.
    pub(super) fn tools(&mut self, tools: &Value) {
        let Some(tools) = tools.as_array() else { return self.wrong_type("tools", "a list") };
        for (index, tool) in tools.iter().enumerate() {
            let at = format!("/tools/{index}");
            let Value::Object(object) = tool else {
                self.fault(at, FieldRule::Type("an object"));
                continue;
            };
            match self.kind(&at, object) {
                Some("function" | "custom") => {
                    self.weight.parts += 1;
                    self.texts_in(object, &["strict"]);
                }
                Some(_) => self.fault(format!("{at}/type"), FieldRule::CostUnbounded),
                None => {}
            }
        }
    }

    /// Definitions in the older form.
    pub(super) fn functions(&mut self, functions: &Value) {
        let Some(functions) = functions.as_array() else { return self.wrong_type("functions", "a list") };
        for function in functions {
            self.weight.parts += 1;
            self.text_of(function);
        }
    }
}
