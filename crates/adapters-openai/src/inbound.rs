//! Reading clients' requests. (To be replaced: the branch of the upstreams has the whole of it.)

use domain::ports::language_model::Interface;
use domain::services::assistant::question::{FieldFault, FieldRule};
use domain::services::gateway::passed::{Brought, PassedRequest, Weight};
use serde_json::Value;

/// Reads a request.
pub fn read(interface: Interface, text: String, body: &Value) -> Result<PassedRequest, Vec<FieldFault>> {
    let Some(model) = body.get("model").and_then(Value::as_str) else {
        return Err(vec![FieldFault::new("/model", FieldRule::Required)]);
    };
    let weight = Weight { choices: 1, brings: vec![Brought::Unknown], ..Weight::default() };
    let stream = body.get("stream") == Some(&Value::Bool(true));
    Ok(PassedRequest { interface, model: model.to_owned(), body: text.into(), stream, weight })
}
