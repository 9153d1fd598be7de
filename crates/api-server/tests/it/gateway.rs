//! OpenAI's interfaces, over real sockets on both sides: a fake provider behind, a plain HTTP client before.

mod errors;
mod leaving;
mod limits;
mod policy;
mod prices;
mod replays;
mod streams;
mod whole;

use domain::ports::language_model::Interface;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use testkit::provider::Provider;

use crate::harness::{Server, Setup, User, read};

/// A server whose models are this provider's.
pub async fn server(provider: &Provider) -> Server {
    setup(provider).start().await
}

pub fn setup(provider: &Provider) -> Setup {
    Setup::sqlite().with("OPENAI_BASE_URL", &provider.url()).with("OPENAI_API_KEY", "sk-provider-123456")
}

/// A conversation of one message, with more fields.
pub fn chat(more: Value) -> Value {
    let mut body =
        json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": "Quanto gastei?" }] });
    merge(&mut body, more);
    body
}

pub fn merge(body: &mut Value, more: Value) {
    let (Value::Object(body), Value::Object(more)) = (body, more) else { panic!("objects") };
    body.extend(more);
}

impl Server {
    pub fn v1(&self, user: &User, path: &str, body: &Value) -> RequestBuilder {
        self.post(&format!("/v1/{path}")).bearer_auth(&user.token).json(body)
    }

    pub async fn chat(&self, user: &User, more: Value) -> Response {
        self.v1(user, "chat/completions", &chat(more)).send().await.unwrap()
    }

    /// The latest usage row of a user.
    pub async fn last_usage(&self, user: &User) -> Value {
        let usage = self.get("/api/user/ai-usage").bearer_auth(&user.token).send().await.unwrap();
        read(usage).await.1["data"][0].clone()
    }

    /// Waits until nothing is held, and answers the latest usage row.
    pub async fn settled_usage(&self, user: &User) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let credits = self.credits(user).await;
            let row = self.last_usage(user).await;
            if credits["held_credits"] == 0 && !row.is_null() {
                return row;
            }
            assert!(begun.elapsed().as_secs() < 20, "{credits} {row}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// The JSON of each event of a stream; comments are left out.
pub fn events(text: &str) -> Vec<String> {
    text.split("\n\n")
        .filter_map(|event| {
            let data: Vec<_> = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            (!data.is_empty()).then(|| data.join("\n"))
        })
        .collect()
}

/// All of a stream that begins well.
pub async fn stream_text(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    answer.text().await.unwrap()
}

pub const CHAT: Interface = Interface::ChatCompletions;
