//! A question, and a client to put it with.

use std::time::Duration;

use adapters_openai::{OpenAi, OpenAiConfig, Timeouts};
use domain::ports::language_model::{
    Ask, Completion, CompletionRequest, LanguageModel, Message, ModelError, Role,
};
use domain::tokens::Tokens;
use serde_json::Value;
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
