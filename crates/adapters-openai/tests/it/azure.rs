//! Azure's dialect.

use adapters_openai::{Kind, OpenAi, OpenAiConfig, SetupError};
use domain::ports::language_model::{Interface, LanguageModel};
use serde_json::{Value, json};
use testkit::provider::{Provider, Received, canned};

use crate::ask::{KEY, config, drain, passed, question};

fn azure(base_url: &str, api_version: Option<&str>) -> OpenAiConfig {
    let kind = Kind::Azure { api_version: api_version.map(str::to_owned) };
    OpenAiConfig { kind, ..config(base_url) }
}

/// What reaches a resource with this base path, for each interface.
async fn sent(base_path: &str, api_version: Option<&str>) -> Vec<Received> {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, canned::chat_stream(&["ok"], &Value::Null));
    provider.on(Interface::Responses, canned::response("ok", &Value::Null));
    provider.on_each(Interface::Embeddings, |received| canned::embeddings(&received.body));
    let config = azure(&format!("{}{base_path}", provider.origin()), api_version);
    let model = OpenAi::new(&config).expect("a client");
    assert_eq!(drain(model.stream(question()).await).await.1, Ok(()));
    model.complete(passed(Interface::Responses, &json!({"input": "a"}))).await.expect("an answer");
    model.complete(passed(Interface::Embeddings, &json!({"input": "a"}))).await.expect("an answer");
    provider.requests()
}

#[tokio::test]
async fn a_resource_has_its_deployments_in_the_path() {
    for base in ["", "/"] {
        let requests = sent(base, Some("2024-10-21")).await;
        let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
        let deployment = "/openai/deployments/gpt-4o-mini";
        assert_eq!(
            paths,
            [
                &format!("{deployment}/chat/completions"),
                "/openai/responses",
                &format!("{deployment}/embeddings")
            ]
        );
        for request in requests {
            assert_eq!(request.query, "api-version=2024-10-21");
            assert_eq!(
                (request.headers["api-key"].as_str(), request.headers.get("authorization")),
                (KEY, None)
            );
            assert_eq!(
                (&request.body["model"], &request.body["user"]),
                (&json!("gpt-4o-mini"), &json!("u-5f7c8ec7"))
            );
        }
    }
}

#[tokio::test]
async fn the_present_interface_is_openais_but_for_the_key() {
    for (version, query) in [(None, ""), (Some("preview"), "api-version=preview")] {
        let requests = sent("/openai/v1/", version).await;
        let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
        assert_eq!(paths, ["/openai/v1/chat/completions", "/openai/v1/responses", "/openai/v1/embeddings"]);
        for request in requests {
            assert_eq!((request.query.as_str(), request.headers["api-key"].as_str()), (query, KEY));
        }
    }
}

#[test]
fn a_resource_needs_a_version() {
    let base = "https://saldo.openai.azure.com";
    assert_eq!(OpenAi::new(&azure(base, None)).err(), Some(SetupError::ApiVersion));
    assert!(OpenAi::new(&azure(base, Some("2024-10-21"))).is_ok());
    assert!(OpenAi::new(&azure(&format!("{base}/openai/v1"), None)).is_ok());
}
