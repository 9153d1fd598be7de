//! What a client's own request asks for, and what it is answered, whichever the interface.

use domain::ports::language_model::{CompletionRequest, Finish, Interface};
use domain::tokens::{TokenUsage, Tokens};
use serde_json::Value;

use super::{answers, id, schema, tokens};

/// What is asked, and the answer.
pub(super) struct Asked {
    /// As the client names the model.
    pub(super) model: String,
    /// What the answer's name is made of.
    pub(super) seed: String,
    /// A text, or a call of a tool.
    pub(super) reply: Reply,
    pub(super) usage: TokenUsage,
    pub(super) finish: Finish,
    /// How many choices are wanted, all of them alike.
    pub(super) choices: u64,
    /// Whether a stream of chat completions shows usage.
    pub(super) shows_usage: bool,
}

/// What the model says.
pub(super) enum Reply {
    /// A text.
    Text(String),
    /// A call of a tool that takes JSON, or plain text.
    Call { id: String, name: String, arguments: String, is_custom: bool },
}

impl Asked {
    /// Reads a request, and decides on the answer.
    pub(super) fn read(interface: Interface, body: &Value, request: &CompletionRequest) -> Self {
        let seed = body.to_string();
        let question = question(interface, body);
        let reply = match forced(interface, body) {
            Some(tool) => call(tool, &seed),
            None => Reply::Text(match format(interface, body) {
                Some(wanted) => wanted,
                None => answers::answer(&question),
            }),
        };
        let (reply, finish) = reply.cut(request.max_output);
        let choices = body.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 128);
        let output = tokens::tokens(&reply.said()).times(choices);
        Self {
            model: request.model.clone(),
            usage: tokens::usage(input(interface, body), output),
            reply,
            finish,
            choices,
            shows_usage: body.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)),
            seed,
        }
    }

    /// Everything that counts as output.
    pub(super) fn said(&self) -> String {
        (0..self.choices).map(|_| self.reply.said()).collect()
    }
}

impl Reply {
    fn said(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Call { name, arguments, .. } => format!("{name}{arguments}"),
        }
    }

    /// As much of it as `limit` tokens hold. The name of a tool is always whole.
    fn cut(self, limit: Tokens) -> (Self, Finish) {
        match self {
            Self::Text(text) => {
                let (text, finish) = tokens::cut(text, limit);
                (Self::Text(text), finish)
            }
            Self::Call { id, name, arguments, is_custom } => {
                let (arguments, finish) = tokens::cut(arguments, limit.less(tokens::tokens(&name)));
                (Self::Call { id, name, arguments, is_custom }, finish)
            }
        }
    }
}

/// The last thing that a user said.
fn question(interface: Interface, body: &Value) -> String {
    let said_by_user = |message: &&Value| message["role"] == "user";
    match (interface, &body["input"]) {
        (Interface::Responses, Value::String(text)) => text.clone(),
        (Interface::Responses, input) => list(input).rfind(said_by_user).map_or_else(String::new, content),
        _ => list(&body["messages"]).rfind(said_by_user).map_or_else(String::new, content),
    }
}

fn content(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        parts => list(parts).filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "),
    }
}

fn input(interface: Interface, body: &Value) -> Tokens {
    let messages = if interface == Interface::Responses { &body["input"] } else { &body["messages"] };
    let mut texts: Vec<String> = match messages {
        Value::String(text) => vec![text.clone()],
        messages => list(messages).map(content).collect(),
    };
    texts.extend(body["instructions"].as_str().map(str::to_owned));
    texts.extend(list(&body["tools"]).map(ToString::to_string));
    tokens::of_messages(texts.iter().map(String::as_str))
}

/// The tool that must be called; none where the model may choose: it talks rather than act.
fn forced(interface: Interface, body: &Value) -> Option<Tool> {
    let mut tools = list(&body["tools"]).filter_map(|tool| Tool::read(interface, tool));
    let choice = &body["tool_choice"];
    let wanted = match choice["type"].as_str() {
        Some(kind @ ("function" | "custom")) => {
            let own = choice.get(kind).unwrap_or(choice);
            Some(own["name"].as_str()?)
        }
        _ if *choice == "required" => None,
        _ => {
            let name = body.pointer("/function_call/name")?.as_str()?;
            let function = list(&body["functions"]).find(|function| function["name"] == name)?;
            return Some(Tool {
                name: name.to_owned(),
                parameters: function["parameters"].clone(),
                is_custom: false,
            });
        }
    };
    tools.find(|tool| wanted.is_none_or(|wanted| tool.name == wanted))
}

struct Tool {
    name: String,
    parameters: Value,
    is_custom: bool,
}

impl Tool {
    fn read(interface: Interface, tool: &Value) -> Option<Self> {
        let kind = tool["type"].as_str()?;
        let own = if interface == Interface::Responses { tool } else { &tool[kind] };
        Some(Self {
            name: own["name"].as_str()?.to_owned(),
            parameters: own["parameters"].clone(),
            is_custom: kind == "custom",
        })
    }
}

fn call(tool: Tool, seed: &str) -> Reply {
    let Tool { name, parameters, is_custom } = tool;
    let arguments = match (is_custom, &parameters) {
        (true, _) => format!("{} entrada", schema::SIMULATED),
        (false, Value::Object(_)) => schema::fitting(&parameters).to_string(),
        (false, _) => "{}".to_owned(),
    };
    Reply::Call { id: id("call", seed), name, arguments, is_custom }
}

/// JSON in the format that is wanted, if any is.
fn format(interface: Interface, body: &Value) -> Option<String> {
    let format =
        if interface == Interface::Responses { &body["text"]["format"] } else { &body["response_format"] };
    let wanted = match format["type"].as_str()? {
        "json_object" => serde_json::json!({"resposta": format!("{} um objeto", schema::SIMULATED)}),
        "json_schema" => {
            let schema = format.pointer("/json_schema/schema").or_else(|| format.get("schema"))?;
            schema::fitting(schema)
        }
        _ => return None,
    };
    Some(wanted.to_string())
}

/// The elements of a list; none of what is no list.
pub(super) fn list(value: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
