//! Several providers behind one port.

use std::collections::BTreeMap;
use std::time::Duration;

use adapters_openai::{OpenAiConfig, Target, Timeouts, UpstreamConfig, Upstreams};
use domain::clock::Span;
use domain::ports::language_model::{
    CompletionRequest, Interface, LanguageModel, ModelError, UpstreamHealth, UpstreamState,
};
use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};

use crate::ask::{SHORT, config, drain, passed, patient, question};

/// A provider that answers well, with its name.
async fn good(name: &str) -> Provider {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, canned::chat(name, &Value::Null));
    provider
}

/// A provider that answers like this.
async fn bad(script: Script) -> Provider {
    let provider = Provider::start().await;
    provider.on(Interface::ChatCompletions, script);
    provider
}

fn upstream(name: &str, url: &str, timeouts: Timeouts) -> UpstreamConfig {
    UpstreamConfig { name: name.to_owned(), client: OpenAiConfig { timeouts, ..config(url) } }
}

fn target(upstream: &str, priority: u32, weight: u32) -> Target {
    Target { upstream: upstream.to_owned(), priority, weight, model: None }
}

/// The model of [`question`] at these addresses, the first ones first, with names from `0` on.
fn in_order(urls: &[String], timeouts: Timeouts) -> Upstreams {
    let providers: Vec<UpstreamConfig> =
        urls.iter().enumerate().map(|(index, url)| upstream(&index.to_string(), url, timeouts)).collect();
    let targets =
        (0..urls.len()).map(|index| target(&index.to_string(), u32::try_from(index).expect("few"), 1));
    Upstreams::new(&providers, &BTreeMap::from([("gpt-4o-mini".to_owned(), targets.collect())]))
        .expect("upstreams")
}

fn urls(providers: &[&Provider]) -> Vec<String> {
    providers.iter().map(|provider| provider.url()).collect()
}

async fn said(model: &Upstreams) -> Result<String, ModelError> {
    model.complete(question()).await.map(|completion| completion.text)
}

fn health(model: &Upstreams, name: &str) -> UpstreamHealth {
    model.health().into_iter().find(|health| health.name == name).expect("it is there")
}

fn requests(provider: &Provider) -> usize {
    provider.state().requests
}

#[tokio::test]
async fn the_lowest_priority_is_asked_and_the_next_when_it_fails() {
    for status in [401, 402, 403, 404, 408, 409, 429, 500, 502, 503, 504, 529] {
        let first = bad(canned::error(status, "x", "y", "z")).await;
        let (second, third) = (good("second").await, good("third").await);
        let model = in_order(&urls(&[&first, &second, &third]), patient());
        assert_eq!(said(&model).await, Ok("second".into()), "{status}");
        assert_eq!([&first, &second, &third].map(requests), [1, 1, 0], "{status}");
        first.on(Interface::ChatCompletions, canned::chat_stream(&["first"], &Value::Null));
        let (_, end) = drain(model.stream(question()).await).await;
        assert_eq!((end, requests(&first)), (Ok(()), 2));
    }
    let second = good("second").await;
    let model = in_order(&[Provider::nowhere().await, second.url()], patient());
    assert_eq!(said(&model).await, Ok("second".into()));
    assert_eq!(health(&model, "0").last_failure.as_deref(), Some("unreachable"));
}

#[tokio::test]
async fn a_stream_goes_on_to_the_next_before_it_has_begun() {
    let first = bad(canned::error(503, "x", "y", "z")).await;
    let second = bad(canned::chat_stream(&["a", "b"], &Value::Null)).await;
    let model = in_order(&urls(&[&first, &second]), patient());
    let (pieces, end) = drain(model.stream(question()).await).await;
    assert_eq!((crate::ask::text(&pieces).as_str(), end), ("ab", Ok(())));
}

#[tokio::test]
async fn nothing_is_sent_elsewhere_when_the_first_may_have_worked_or_the_request_is_wrong() {
    let second = good("second").await;
    let chat = passed(Interface::ChatCompletions, &json!({"messages": []}));
    let word = || Script::sse().event(&canned::chat_chunk(&json!({"content": "a"}), None));
    let cases = [
        (Script::silent(), question(), "timed out"),
        (Script::raw().reset(), question(), "interrupted"),
        (Script::raw().close(), question(), "interrupted"),
        (Script::body(200, "text/html", "<html>"), question(), "unusable answer"),
        (Script::json(200, &json!({"error": "x"})), question(), "status 200"),
        (word().reset(), chat.clone(), "interrupted"),
        (canned::error(400, "x", "y", "z"), chat.clone(), ""),
        (canned::error(413, "x", "y", "z"), chat.clone(), ""),
        (canned::error(422, "x", "y", "z"), chat, ""),
        (canned::error(400, "x", "y", "z"), question(), ""),
    ];
    for (script, request, words) in cases {
        let first = bad(script.clone()).await;
        let timeouts = Timeouts { first_byte: SHORT, ..patient() };
        let model = in_order(&urls(&[&first, &second]), timeouts);
        assert!(model.complete(request).await.is_err());
        let seen = health(&model, "0");
        assert_eq!(seen.last_failure.unwrap_or_default(), words, "{script:?}");
        assert_eq!((seen.requests, seen.failures), (1, u64::from(!words.is_empty())));
        assert_eq!(seen.state, UpstreamState::Healthy);
    }
    assert_eq!(second.state().connections, 0);
}

#[tokio::test]
async fn when_all_fail_the_last_one_says_why() {
    let first = bad(canned::error(500, "x", "y", "z")).await;
    let second = bad(canned::error(401, "x", "y", "z")).await;
    let model = in_order(&urls(&[&first, &second]), patient());
    assert_eq!(said(&model).await, Err(ModelError::KeyRefused("y: x".into())));
}

#[tokio::test]
async fn each_provider_has_its_own_name_for_the_model_and_its_own_key() {
    let (first, second) = (bad(canned::error(503, "x", "y", "z")).await, good("second").await);
    let mut providers = [upstream("a", &first.url(), patient()), upstream("b", &second.url(), patient())];
    providers[1].client.api_key = "sk-other-key".into();
    let own = Target { model: Some("deployment-7".into()), ..target("b", 2, 1) };
    let models = BTreeMap::from([("gpt-4o-mini".to_owned(), vec![own, target("a", 1, 1)])]);
    let model = Upstreams::new(&providers, &models).expect("upstreams");
    assert_eq!(said(&model).await, Ok("second".into()));
    assert_eq!(first.requests()[0].body["model"], "gpt-4o-mini");
    let received = &second.requests()[0];
    assert_eq!(
        (&received.body["model"], received.headers["authorization"].as_str()),
        (&json!("deployment-7"), "Bearer sk-other-key")
    );
}

#[tokio::test]
async fn a_model_that_nobody_serves_is_not_asked_for() {
    let provider = good("a").await;
    let model = in_order(&urls(&[&provider]), patient());
    let other = CompletionRequest { model: "gpt-5".into(), ..question() };
    assert!(matches!(model.complete(other).await, Err(ModelError::Unreachable(_))));
    assert_eq!(provider.state().connections, 0);
}

#[tokio::test]
async fn weights_share_out_the_traffic() {
    let providers = [good("light").await, good("heavy").await, good("reserve").await];
    let names = ["light", "heavy", "reserve"];
    let configs: Vec<UpstreamConfig> = providers
        .iter()
        .zip(names)
        .map(|(provider, name)| upstream(name, &provider.url(), patient()))
        .collect();
    let targets = vec![target("light", 1, 1), target("heavy", 1, 3), target("reserve", 2, 1000)];
    let model =
        Upstreams::new(&configs, &BTreeMap::from([("gpt-4o-mini".to_owned(), targets)])).expect("upstreams");
    for _ in 0..400 {
        said(&model).await.expect("an answer");
    }
    let [light, heavy, reserve] = providers.each_ref().map(requests);
    // 300 are expected; 8.7 is one standard deviation.
    assert!((255..=345).contains(&heavy), "{light} {heavy}");
    assert_eq!((light + heavy, reserve), (400, 0));
}

#[tokio::test]
async fn weights_hold_for_those_who_fail_too() {
    let (down, up) = (bad(canned::error(404, "x", "y", "z")).await, good("up").await);
    let configs = [upstream("down", &down.url(), patient()), upstream("up", &up.url(), patient())];
    let targets = vec![target("down", 1, 1), target("up", 1, 1)];
    let model =
        Upstreams::new(&configs, &BTreeMap::from([("gpt-4o-mini".to_owned(), targets)])).expect("upstreams");
    for _ in 0..100 {
        assert_eq!(said(&model).await, Ok("up".into()));
    }
    // 50 are expected; 5 is one standard deviation.
    assert!((20..=80).contains(&requests(&down)), "{}", requests(&down));
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_tried_once_more() {
    // It takes connections, but speaks no TLS.
    let provider = good("a").await;
    let url = provider.url().replace("http://", "https://");
    let model = in_order(&[url], Timeouts { connect: SHORT, ..patient() });
    assert!(matches!(said(&model).await, Err(ModelError::Unreachable(_))));
    assert_eq!(provider.state().connections, 2);
    assert!(matches!(said(&model).await, Err(ModelError::Unreachable(_))));
    assert_eq!(provider.state().connections, 4);
    // The fifth failure is the last one for a while.
    assert!(matches!(said(&model).await, Err(ModelError::Unreachable(_))));
    assert!(matches!(said(&model).await, Err(ModelError::Resting { .. })));
    assert_eq!((provider.state().connections, health(&model, "0").state), (5, UpstreamState::Broken));
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_and_then_tried() {
    let provider = bad(canned::error(500, "x", "y", "z")).await;
    let model = in_order(&urls(&[&provider]), patient());
    for _ in 0..5 {
        assert!(matches!(said(&model).await, Err(ModelError::Failed { status: 500, .. })));
    }
    let Err(ModelError::Resting { retry_after }) = said(&model).await else { panic!("it was asked") };
    assert!(retry_after <= Span::from_secs(5), "{retry_after:?}");
    let seen = health(&model, "0");
    assert_eq!((seen.state, seen.requests, seen.failures), (UpstreamState::Broken, 5, 5));
    assert!(seen.retry_after.is_some_and(|time| time <= Span::from_secs(5)));
    assert_eq!(requests(&provider), 5, "nothing was sent");

    // One request tries it, and the others wait for what comes of that.
    provider.on(
        Interface::ChatCompletions,
        Script::chunks(200, "application/json")
            .pause()
            .bytes(canned::chat_body("a", &Value::Null).to_string()),
    );
    let begins = tokio::time::Instant::now();
    let trial = loop {
        let mut trial = Box::pin(said(&model));
        tokio::select! {
            outcome = &mut trial => assert!(matches!(outcome, Err(ModelError::Resting { .. })), "{outcome:?}"),
            _ = provider.until(|state| state.pauses == 1) => break trial,
        }
        assert!(begins.elapsed() < Duration::from_secs(15), "it is never tried");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(begins.elapsed() > Duration::from_secs(4), "{:?}", begins.elapsed());
    assert_eq!(health(&model, "0").state, UpstreamState::Trying);
    assert!(matches!(said(&model).await, Err(ModelError::Resting { .. })));
    provider.release();
    assert_eq!(trial.await, Ok("a".into()));
    assert_eq!(health(&model, "0").state, UpstreamState::Healthy);
    assert_eq!(requests(&provider), 6);
}

#[tokio::test]
async fn a_broken_provider_is_passed_over() {
    let (first, second) = (bad(canned::error(500, "x", "y", "z")).await, good("second").await);
    let model = in_order(&urls(&[&first, &second]), patient());
    for _ in 0..20 {
        assert_eq!(said(&model).await, Ok("second".into()));
    }
    assert_eq!([&first, &second].map(requests), [5, 20]);
}

#[tokio::test]
async fn streams_that_break_off_count_and_clients_that_leave_do_not() {
    let word = || Script::sse().event(&canned::chat_chunk(&json!({"content": "a"}), None));
    let provider = bad(word().hang()).await;
    let model = in_order(&urls(&[&provider]), patient());
    for round in 1..=6 {
        let mut stream = model.stream(question()).await.expect("a stream");
        assert!(stream.next().await.expect("a piece").is_some());
        drop(stream);
        provider.until(|state| state.left == round).await;
    }
    provider.on(Interface::ChatCompletions, Script::silent());
    for round in 7..=12 {
        let asked = tokio::time::timeout(Duration::from_millis(100), said(&model)).await;
        assert!(asked.is_err());
        provider.until(|state| state.left == round).await;
    }
    let seen = health(&model, "0");
    assert_eq!((seen.state, seen.requests, seen.failures), (UpstreamState::Healthy, 12, 0));

    provider.on(Interface::ChatCompletions, word().reset());
    for _ in 0..5 {
        let (_, end) = drain(model.stream(question()).await).await;
        assert!(matches!(end, Err(ModelError::Interrupted(_))));
    }
    let seen = health(&model, "0");
    assert_eq!((seen.state, seen.failures), (UpstreamState::Broken, 5));
    assert!(matches!(model.stream(question()).await.err(), Some(ModelError::Resting { .. })));
}

#[tokio::test]
async fn limits_and_refused_keys_break_nothing() {
    for status in [401, 404, 429] {
        let provider = bad(canned::error(status, "x", "y", "z")).await;
        let model = in_order(&urls(&[&provider]), patient());
        for _ in 0..8 {
            assert!(!matches!(said(&model).await, Err(ModelError::Resting { .. })));
        }
        let seen = health(&model, "0");
        assert_eq!((seen.state, seen.failures), (UpstreamState::Healthy, 8));
    }
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_is_left_alone_for_that_model() {
    for status in [429, 503, 529] {
        let provider = good("a").await;
        let models = ["gpt-4o-mini", "gpt-5"].map(|model| (model.to_owned(), vec![target("0", 1, 1)]));
        let model =
            Upstreams::new(&[upstream("0", &provider.url(), patient())], &models.into()).expect("upstreams");
        provider.once(
            Interface::ChatCompletions,
            canned::error(status, "x", "y", "z").header("retry-after", "30"),
        );
        let first = said(&model).await;
        assert!(matches!(first, Err(ModelError::Limited { .. } | ModelError::Failed { .. })), "{first:?}");
        let Err(ModelError::Resting { retry_after }) = said(&model).await else { panic!("it was asked") };
        assert!(retry_after > Span::from_secs(25) && retry_after <= Span::from_secs(30), "{retry_after:?}");
        assert_eq!((requests(&provider), health(&model, "0").state), (1, UpstreamState::Healthy));
        let other = CompletionRequest { model: "gpt-5".into(), ..question() };
        assert!(model.complete(other.clone()).await.is_ok());
        provider.once(
            Interface::ChatCompletions,
            canned::error(429, "x", "y", "z").header("retry-after-ms", "60000"),
        );
        assert!(model.complete(other).await.is_err());
        let seen = health(&model, "0");
        assert_eq!(seen.state, UpstreamState::Resting, "for both models");
        assert!(seen.retry_after.is_some_and(|time| time <= Span::from_secs(30)));
    }
}

#[tokio::test]
async fn a_rest_has_an_end_and_is_a_minute_at_most() {
    let provider = good("a").await;
    let model = in_order(&urls(&[&provider]), patient());
    provider
        .once(Interface::ChatCompletions, canned::error(429, "x", "y", "z").header("retry-after-ms", "150"));
    assert!(said(&model).await.is_err());
    let begins = std::time::Instant::now();
    while matches!(said(&model).await, Err(ModelError::Resting { .. })) {
        assert!(begins.elapsed() < Duration::from_secs(10), "it never ends");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    provider
        .once(Interface::ChatCompletions, canned::error(429, "x", "y", "z").header("retry-after", "86400"));
    assert!(said(&model).await.is_err());
    let Err(ModelError::Resting { retry_after }) = said(&model).await else { panic!("it was asked") };
    assert!(retry_after <= Span::from_secs(60), "{retry_after:?}");
}

#[tokio::test]
async fn where_nobody_is_left_the_soonest_says_when_to_ask_again() {
    let (first, second) = (good("first").await, good("second").await);
    let model = in_order(&urls(&[&first, &second]), patient());
    first.once(Interface::ChatCompletions, canned::error(429, "x", "y", "z").header("retry-after", "50"));
    second.once(Interface::ChatCompletions, canned::error(429, "x", "y", "z").header("retry-after", "20"));
    assert!(matches!(said(&model).await, Err(ModelError::Limited { .. })));
    let Err(ModelError::Resting { retry_after }) = said(&model).await else { panic!("one was asked") };
    assert!(retry_after <= Span::from_secs(20), "{retry_after:?}");
    assert_eq!([&first, &second].map(requests), [1, 1]);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_nobodys_failure() {
    let provider = good("a").await;
    let model = in_order(&urls(&[&provider]), patient());
    for _ in 0..8 {
        let embeddings = passed(Interface::Embeddings, &json!({"input": "a"}));
        assert!(matches!(model.stream(embeddings).await.err(), Some(ModelError::Unusable(_))));
    }
    let seen = health(&model, "0");
    assert_eq!((seen.state, seen.requests, seen.failures), (UpstreamState::Healthy, 0, 0));
}

#[tokio::test]
async fn health_is_told_in_order_with_the_mean_latency() {
    let (first, second) = (good("first").await, good("second").await);
    let model = in_order(&urls(&[&first, &second]), patient());
    for _ in 0..3 {
        said(&model).await.expect("an answer");
    }
    let all = model.health();
    let names: Vec<&str> = all.iter().map(|health| health.name.as_str()).collect();
    assert_eq!(names, ["0", "1"]);
    assert_eq!((all[0].requests, all[0].failures, all[0].last_failure.clone()), (3, 0, None));
    assert!(all[0].latency.is_some_and(|latency| latency > Span::ZERO));
    assert_eq!((all[1].requests, all[1].latency), (0, None));
}

#[tokio::test]
async fn all_faults_of_a_setup_are_told_at_once() {
    let configs = [
        upstream("a", "http://127.0.0.1:1", patient()),
        upstream("a", "http://127.0.0.1:2", patient()),
        upstream("b", "ftp://127.0.0.1", patient()),
    ];
    let targets = vec![target("a", 1, 0), target("b", 1, 1), target("c", 1, 1)];
    let faults = Upstreams::new(&configs, &BTreeMap::from([("m".to_owned(), targets)])).expect_err("faults");
    assert_eq!(faults.len(), 4, "{faults:?}");
    for (fault, words) in faults.iter().zip(["two of that name", "upstream `b`", "weight", "no upstream `c`"])
    {
        assert!(fault.contains(words), "{fault}");
    }
}
