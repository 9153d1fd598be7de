//! Several providers, from the catalogue.

use std::fs;

use adapters_openai::Tiktoken;
use api_server::catalog::EMBEDDED;
use api_server::wiring::{App, Stores, catalogue, models};
use domain::ports::language_model::{
    Ask, CompletionRequest, Interface, LanguageModel, Message, ModelError, Role, UpstreamState,
};
use domain::tokens::Tokens;
use serde_json::json;
use testkit::provider::{Provider, canned};

use crate::harness::{Setup, read, token};

/// The embedded catalogue with these upstreams, of which every model is served by `servings`.
fn catalog(upstreams: &str, servings: &str) -> String {
    let text = EMBEDDED.replace("[[models]]\n", &format!("[[models]]\nupstreams = {servings}\n"));
    format!("{text}\n{upstreams}\n")
}

fn entry(id: &str, provider: &Provider, key: &str) -> String {
    format!("[[upstreams]]\nid = \"{id}\"\nbase_url = \"{}\"\napi_key_env = \"{key}\"\n", provider.url())
}

fn with_catalog(setup: Setup, text: &str) -> Setup {
    let path = setup.path("catalog.toml");
    fs::write(&path, text).unwrap();
    setup.with("CATALOG_FILE", path.to_str().unwrap())
}

async fn answering(text: &str) -> Provider {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, canned::chat(text, &canned::chat_usage(300, 20)));
    provider
}

fn question() -> CompletionRequest {
    CompletionRequest {
        model: "gpt-4o-mini".into(),
        provider_model: "gpt-4o-mini".into(),
        reasoning: false,
        ask: Ask::Conversation(vec![Message { role: Role::User, text: "Oi".into() }]),
        max_output: Tokens::new(10),
        user_pseudonym: "u".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_on_to_the_next_provider_and_admins_see_why() {
    let (down, up) = (Provider::start().await, answering("Recomendo poupar.").await);
    down.on(Interface::ChatCompletions, canned::error(503, "server_error", "overloaded", "segredo"));
    let setup = Setup::sqlite();
    let key_file = setup.path("key");
    fs::write(&key_file, "sk-from-a-file\n").unwrap();
    let upstreams = entry("first", &down, "FIRST_KEY") + &entry("second", &up, "SECOND_KEY");
    let servings = "[{ id = \"second\", priority = 2, model = \"deployment-7\" }, { id = \"first\" }]";
    let setup = with_catalog(setup, &catalog(&upstreams, servings))
        .with("FIRST_KEY", "sk-first")
        .with("SECOND_KEY_FILE", key_file.to_str().unwrap());
    let server = setup.start().await;
    let user = server.user(100).await;
    let (status, answer) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!((status, &answer["response"]), (200, &json!("Recomendo poupar.")), "{answer}");
    assert_eq!(down.requests()[0].headers["authorization"], "Bearer sk-first");
    let received = &up.requests()[0];
    assert_eq!(received.headers["authorization"], "Bearer sk-from-a-file");
    assert_eq!(received.body["model"], "deployment-7");

    let asked = server.get("/api/admin/upstreams").bearer_auth(&user.token).send().await.unwrap();
    assert_eq!(asked.status().as_u16(), 403);
    let asked =
        server.get("/api/admin/upstreams").bearer_auth(token("the-admin", "admin")).send().await.unwrap();
    let (status, seen) = read(asked).await;
    assert_eq!(status, 200, "{seen}");
    let latency = seen["data"][1]["latency_ms"].clone();
    assert!(latency.is_u64(), "{seen}");
    let expected = json!({"data": [
        {"id": "first", "state": "healthy", "requests": 1, "failures": 1, "last_failure": "status 503",
            "retry_after": null, "latency_ms": null},
        {"id": "second", "state": "healthy", "requests": 1, "failures": 0, "last_failure": null,
            "retry_after": null, "latency_ms": latency},
    ]});
    assert_eq!(seen, expected);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_providers_rest_the_client_is_told_when_to_ask_again() {
    let provider = answering("ok").await;
    let text = catalog(&entry("only", &provider, "KEY"), "[{ id = \"only\" }]");
    let server = with_catalog(Setup::sqlite(), &text).with("KEY", "sk-1").start().await;
    let user = server.user(100).await;
    let limited = canned::error(429, "requests", "rate_limit_exceeded", "z").header("retry-after", "30");
    provider.once(Interface::ChatCompletions, limited);
    assert_eq!(server.ask(&user, "Oi").send().await.unwrap().status().as_u16(), 503);
    let resting = server.ask(&user, "Oi").send().await.unwrap();
    let wait: u32 = resting.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((25..=30).contains(&wait), "{wait}");
    let (status, body) = read(resting).await;
    assert_eq!((status, &body["code"]), (503, &json!("ai_unavailable")));
    assert_eq!(provider.state().requests, 1);
    assert_eq!(server.credits(&user).await["available_credits"], 100);
    server.finish().await;
}

#[tokio::test]
async fn without_upstreams_the_environment_says_who_answers() {
    let health = |setup: &Setup| {
        let config = setup.config();
        models(&config, &catalogue(&config, &Tiktoken).unwrap()).map(|models| models.health())
    };
    let simulated = health(&Setup::sqlite()).unwrap();
    assert_eq!((simulated[0].name.as_str(), simulated[0].state), ("sandbox", UpstreamState::Simulated));
    let one = health(&Setup::sqlite().with("OPENAI_API_KEY", "sk-1")).unwrap();
    assert_eq!((one.len(), one[0].name.as_str(), one[0].state), (1, "openai", UpstreamState::Healthy));
    let provider = answering("a").await;
    let own = with_catalog(Setup::sqlite(), &catalog(&entry("own", &provider, "KEY"), "[{ id = \"own\" }]"));
    let both = health(&own.with("KEY", "sk-1").with("OPENAI_API_KEY", "sk-1")).unwrap();
    let names: Vec<&str> = both.iter().map(|health| health.name.as_str()).collect();
    assert_eq!(names, ["own", "openai"]);
}

#[tokio::test]
async fn an_upstream_of_the_default_name_is_the_default() {
    let (own, other) = (answering("own").await, answering("other").await);
    let setup = with_catalog(Setup::sqlite(), &format!("{EMBEDDED}\n{}", entry("openai", &own, "KEY")));
    let setup =
        setup.with("KEY", "sk-1").with("OPENAI_API_KEY", "sk-2").with("OPENAI_BASE_URL", &other.url());
    let config = setup.config();
    let models = models(&config, &catalogue(&config, &Tiktoken).unwrap()).unwrap();
    assert_eq!(models.complete(question()).await.unwrap().text, "own");
    assert_eq!(models.health().len(), 1);
}

#[tokio::test]
async fn every_fault_of_the_providers_is_told_at_once() {
    let provider = answering("a").await;
    let upstreams = entry("a", &provider, "MISSING_KEY")
        + &entry("b", &provider, "BOTH_KEY")
        + &format!("{}kind = \"azure\"\n", entry("c", &provider, "GOOD_KEY"));
    let text = catalog(&upstreams, "[{ id = \"a\" }, { id = \"openai\" }]");
    let setup = with_catalog(Setup::sqlite(), &text)
        .with("BOTH_KEY", "sk-1")
        .with("BOTH_KEY_FILE", "/nowhere")
        .with("GOOD_KEY", "sk-very-secret");
    let config = setup.config();
    let faults = models(&config, &catalogue(&config, &Tiktoken).unwrap()).err().unwrap().join("\n");
    for part in [
        "upstream `a`: MISSING_KEY is not set",
        "BOTH_KEY and BOTH_KEY_FILE",
        "model `gpt-5`: its provider is that of OPENAI_API_KEY",
    ] {
        assert!(faults.contains(part), "{part} not in {faults}");
    }
    assert!(!faults.contains("sk-very-secret") && !format!("{config:?}").contains("sk-very-secret"));
    let setup = with_catalog(Setup::sqlite(), &catalog(&upstreams, "[{ id = \"c\" }]"));
    let setup = setup.with("MISSING_KEY", "sk-1").with("BOTH_KEY", "sk-1").with("GOOD_KEY", "sk-1");
    let config = setup.config();
    let faults = models(&config, &catalogue(&config, &Tiktoken).unwrap()).err().unwrap().join("\n");
    assert!(faults.contains("upstream `c`: the provider needs an api_version"), "{faults}");
}

#[tokio::test]
async fn production_needs_a_provider_for_every_model_and_no_placeholders() {
    let provider = answering("a").await;
    let production = |text: &str| {
        with_catalog(Setup::sqlite(), text)
            .with("APP_ENV", "production")
            .with("FRONTEND_URL", "https://app.test")
            .with("KEY", "sk-1")
    };
    let outcome = |setup: Setup| {
        let config = setup.config();
        models(&config, &catalogue(&config, &Tiktoken).unwrap()).map(|models| models.health().len())
    };
    let upstream = entry("own", &provider, "KEY");
    assert_eq!(outcome(production(&catalog(&upstream, "[{ id = \"own\" }]"))), Ok(1));
    let placeholder = production(&catalog(&upstream, "[{ id = \"own\" }]")).with("KEY", "change-me");
    assert_eq!(outcome(placeholder), Err(vec!["upstream `own`: KEY is a placeholder".to_owned()]));
    let missing = outcome(production(EMBEDDED)).unwrap_err();
    assert!(missing[0].contains("OPENAI_API_KEY não configurada"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_can_be_replaced_while_the_server_runs() {
    let (old, new) = (answering("old").await, answering("new").await);
    let setup = with_catalog(Setup::sqlite(), &catalog(&entry("a", &old, "KEY"), "[{ id = \"a\" }]"))
        .with("KEY", "sk-1");
    let config = setup.config();
    let (stores, writer) = Stores::open(&config.database).await.unwrap();
    let app = App::new(&config, stores, None).unwrap();
    let said = async || app.models.complete(question()).await.map(|completion| completion.text);
    assert_eq!(said().await, Ok("old".to_owned()));

    let path = setup.path("catalog.toml");
    fs::write(&path, catalog(&entry("b", &new, "OTHER_KEY"), "[{ id = \"b\" }]")).unwrap();
    let faults = app.reload(&config).unwrap_err();
    assert!(faults[0].contains("OTHER_KEY is not set"), "{faults:?}");
    assert_eq!(said().await, Ok("old".to_owned()), "the ones before stay in force");

    fs::write(&path, catalog(&entry("b", &new, "KEY"), "[{ id = \"b\" }]")).unwrap();
    app.reload(&config).unwrap();
    assert_eq!(said().await, Ok("new".to_owned()));
    let unknown = CompletionRequest { model: "nobody".into(), ..question() };
    assert!(matches!(app.models.complete(unknown).await, Err(ModelError::Unreachable(_))));
    writer.shutdown(std::time::Duration::from_secs(5)).await;
}
