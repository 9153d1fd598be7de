//! The fake provider says what it is told to, and notices who leaves.

use domain::ports::language_model::Interface;
use reqwest::Client;
use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};

async fn ask(client: &Client, provider: &Provider) -> reqwest::Result<reqwest::Response> {
    let url = format!("{}/chat/completions?a=b", provider.url());
    client.post(url).json(&json!({"model": "m"})).send().await
}

#[tokio::test]
async fn one_script_is_for_the_next_request_and_another_for_all_others() {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, canned::chat("Olá", &canned::chat_usage(1, 2)));
    provider.once(Interface::ChatCompletions, Script::json(429, &json!({})).header("retry-after", "7"));
    let client = Client::new();
    let limited = ask(&client, &provider).await.unwrap();
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    for _ in 0..2 {
        let answer: Value = ask(&client, &provider).await.unwrap().json().await.unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], "Olá");
    }
    let requests = provider.requests();
    assert_eq!((requests.len(), &requests[0].body["model"]), (3, &json!("m")));
    assert_eq!((requests[0].path.as_str(), requests[0].query.as_str()), ("/v1/chat/completions", "a=b"));
    let elsewhere = client.post(format!("{}/models", provider.url())).send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 404);
}

#[tokio::test]
async fn a_stream_stops_at_a_pause_and_goes_on_when_it_is_released() {
    let provider = Provider::start().await;
    let script = Script::sse().event(&json!(1)).pause().event(&json!(2)).done();
    provider.on(Interface::ChatCompletions, script);
    let mut answer = ask(&Client::new(), &provider).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: 1\n\n");
    provider.until(|state| state.pauses == 1).await;
    assert_eq!(provider.state().answers, 0);
    provider.release();
    assert_eq!(answer.text().await.unwrap(), "data: 2\n\ndata: [DONE]\n\n");
    assert_eq!(provider.until(|state| state.answers == 1).await.left, 0);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    let provider = Provider::start().await;
    for script in [Script::sse().event(&json!(1)).hang(), Script::sse().event(&json!(1)).pause()] {
        let before = provider.state().left;
        provider.on(Interface::ChatCompletions, script);
        let mut answer = ask(&Client::new(), &provider).await.unwrap();
        answer.chunk().await.unwrap();
        drop(answer);
        provider.until(|state| state.left == before + 1 && state.open == 0).await;
    }
}

#[tokio::test]
async fn answers_break_off_as_they_are_told_to() {
    let provider = Provider::start().await;
    for script in [
        Script::raw().reset(),
        Script::raw().close(),
        Script::sse().event(&json!(1)).reset(),
        Script::sse().event(&json!(1)).close(),
        Script::raw().wire("220 smtp.example ESMTP\r\n").close(),
    ] {
        provider.on(Interface::ChatCompletions, script);
        let outcome = match ask(&Client::new(), &provider).await {
            Ok(answer) => answer.text().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(outcome.is_err());
    }
}

#[tokio::test]
async fn a_body_can_come_in_slices() {
    let provider = Provider::start().await;
    let whole = canned::response_stream(&["Olá, ", "mundo"], &canned::response_usage(3, 4));
    provider.on(Interface::ChatCompletions, whole.clone());
    let expected = ask(&Client::new(), &provider).await.unwrap().text().await.unwrap();
    provider.on(Interface::ChatCompletions, whole.sliced(1, std::time::Duration::ZERO));
    let sliced = ask(&Client::new(), &provider).await.unwrap().text().await.unwrap();
    assert_eq!(sliced, expected);
}
