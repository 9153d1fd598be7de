//! A question, and a client to put it with.

use std::time::Duration;

use adapters_openai::{OpenAi, OpenAiConfig, Timeouts};
use domain::ports::language_model::{
    AnswerStream, Ask, Completion, CompletionRequest, Interface, LanguageModel, Message, ModelError, Piece,
    Role,
};
use domain::tokens::Tokens;
use serde_json::Value;
use testkit::provider::{Provider, Script};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub const KEY: &str = "sk-test-0123456789";
pub const PROMPT: &str = "Quanto gastei com alimentação neste mês?";

/// Too short for a server that does not answer, long enough for one that does.
pub const SHORT: Duration = Duration::from_millis(300);
/// Longer than any test takes.
pub const LONG: Duration = Duration::from_mins(1);

pub fn question() -> CompletionRequest {
    let message = |role, text: &str| Message { role, text: text.to_owned() };
    CompletionRequest {
        model: "gpt-4o-mini".into(),
        provider_model: "gpt-4o-mini".into(),
        reasoning: false,
        ask: Ask::Conversation(vec![
            message(Role::System, "Você é um assistente financeiro."),
            message(Role::User, "Oi"),
            message(Role::Assistant, "Olá!"),
            message(Role::User, PROMPT),
        ]),
        max_output: Tokens::new(777),
        user_pseudonym: "u-5f7c8ec7".into(),
    }
}

pub fn config(base_url: &str) -> OpenAiConfig {
    OpenAiConfig::new(base_url.parse().expect("an address"), KEY.into())
}

pub fn patient() -> Timeouts {
    Timeouts { connect: LONG, first_byte: LONG, idle: LONG, total: LONG }
}

pub async fn ask(base_url: &str, timeouts: Timeouts) -> Result<Completion, ModelError> {
    let config = OpenAiConfig { timeouts, ..config(base_url) };
    OpenAi::new(&config).expect("a client").complete(question()).await
}

/// What comes of a server that answers everything in this way.
pub async fn answered(template: ResponseTemplate) -> Result<Completion, ModelError> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).expect(1).mount(&server).await;
    ask(&server.uri(), patient()).await
}

/// What comes of this body, with status 200.
pub async fn answered_json(body: Value) -> Result<Completion, ModelError> {
    answered(ResponseTemplate::new(200).set_body_json(body)).await
}

/// A client's own request.
pub fn passed(interface: Interface, body: &Value) -> CompletionRequest {
    CompletionRequest { ask: Ask::Passed { interface, body: body.to_string().into() }, ..question() }
}

pub fn client(provider: &Provider, timeouts: Timeouts) -> OpenAi {
    let config = OpenAiConfig { timeouts, ..config(&provider.url()) };
    OpenAi::new(&config).expect("a client")
}

/// A stream that has begun, and its provider, at which everything on this interface is answered like this.
pub async fn begun(
    script: Script,
    request: CompletionRequest,
    timeouts: Timeouts,
) -> (Provider, Result<Box<dyn AnswerStream>, ModelError>) {
    let interface = match &request.ask {
        Ask::Conversation(_) => Interface::ChatCompletions,
        Ask::Passed { interface, .. } => *interface,
    };
    let provider = Provider::start().await;
    provider.on(interface, script);
    let stream = client(&provider, timeouts).stream(request).await;
    (provider, stream)
}

/// What a stream gives, and how it ends.
pub async fn drain(
    stream: Result<Box<dyn AnswerStream>, ModelError>,
) -> (Vec<Piece>, Result<(), ModelError>) {
    let mut pieces = Vec::new();
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(error) => return (pieces, Err(error)),
    };
    loop {
        match stream.next().await {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => return (pieces, Ok(())),
            Err(error) => return (pieces, Err(error)),
        }
    }
}

/// What comes of a request to a provider that answers it like this, asked for once.
pub async fn streamed(script: Script, request: CompletionRequest) -> (Vec<Piece>, Result<(), ModelError>) {
    let (provider, stream) = begun(script, request, patient()).await;
    let outcome = drain(stream).await;
    assert_eq!(provider.state().requests, 1);
    outcome
}

/// Everything that was said in these pieces.
pub fn text(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// Everything that the client gets of these pieces.
pub fn frames(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| String::from_utf8(piece.frame.clone()).expect("text")).collect()
}
