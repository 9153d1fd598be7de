//! Replacing servers under load, behind a balancer that asks `/readyz`: nobody notices.

mod balancer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Setup, prove, token};
use crate::process::{Process, command, start};
use balancer::Balancer;

/// What a client saw: whole answers and streams.
#[derive(Default)]
struct Seen {
    whole: AtomicU32,
    streams: AtomicU32,
}

/// One client after the other request, on connections that it keeps.
async fn go_on(url: String, running: Arc<AtomicBool>, seen: Arc<Seen>) {
    let client = Client::new();
    let ask = |stream: bool| {
        let body = json!({ "message": "Como posso economizar este mês?", "stream": stream });
        client.post(format!("{url}/api/ai-assistant")).bearer_auth(token("maria", "user")).json(&body).send()
    };
    while running.load(Ordering::Relaxed) {
        let answer = ask(false).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.expect("a whole answer");
        assert_eq!(answer["creditsUsed"], 10);
        seen.whole.fetch_add(1, Ordering::Relaxed);
        let streamed = ask(true).await.expect("a stream");
        assert_eq!(streamed.status(), StatusCode::OK);
        let text = streamed.text().await.expect("a stream that is not cut");
        assert!(text.contains("event: done"), "{text}");
        seen.streams.fetch_add(1, Ordering::Relaxed);
    }
}

/// Stops a server in order and starts another in its place; returns once the balancer sends requests there.
async fn replace(setup: &Setup, balancer: &Balancer, old: Process) -> Process {
    let gone = old.url.clone();
    old.signal("TERM");
    until("the balancer turns away", || !balancer.uses(&gone)).await;
    tokio::task::spawn_blocking(move || old.stopped()).await.unwrap();
    let new = tokio::task::block_in_place(|| start(setup));
    balancer.replace(&gone, &new.url);
    until("the balancer turns to the new server", || balancer.uses(&new.url)).await;
    new
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_are_replaced_under_load_without_a_failed_request_or_a_cut_stream() {
    let setup = Setup::postgres().await.with("DRAIN_SECONDS", "1");
    let granted =
        command(&setup, &["credits", "grant", "maria", "1000000", "--reason", "teste"]).output().unwrap();
    assert!(granted.status.success());
    let (one, two) = tokio::task::block_in_place(|| (start(&setup), start(&setup)));
    let balancer = Balancer::start([one.url.clone(), two.url.clone()]).await;
    until("both are ready", || balancer.uses(&one.url) && balancer.uses(&two.url)).await;

    let (running, seen) = (Arc::new(AtomicBool::new(true)), Arc::new(Seen::default()));
    let load: Vec<_> = (0..6)
        .map(|_| tokio::spawn(go_on(balancer.url.clone(), Arc::clone(&running), Arc::clone(&seen))))
        .collect();
    let streams = || seen.streams.load(Ordering::Relaxed);
    until("streams came", || streams() >= 6).await;
    let one = replace(&setup, &balancer, one).await;
    let before = streams();
    until("streams come again", || streams() >= before + 6).await;
    let two = replace(&setup, &balancer, two).await;
    let before = streams();
    until("streams come again", || streams() >= before + 6).await;
    running.store(false, Ordering::Relaxed);
    for client in load {
        client.await.expect("no request failed, and no stream was cut");
    }
    assert!(seen.whole.load(Ordering::Relaxed) >= 18);
    for server in [one, two] {
        tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    }
    let (stores, writer) = api_server::wiring::Stores::open(&setup.config().database).await.unwrap();
    let user = adapters_jwt::user_id("maria");
    let now = domain::clock::Timestamp::default();
    let account = stores.statements.account(user, now).await.unwrap().unwrap();
    let asked = i64::from(seen.whole.load(Ordering::Relaxed) + seen.streams.load(Ordering::Relaxed));
    assert_eq!((account.balances.used.get(), account.balances.held.get()), (asked * 10, 0));
    prove(&stores).await;
    writer.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_says_so_and_still_answers_for_a_while() {
    let setup = Setup::sqlite().with("DRAIN_SECONDS", "3");
    let server = start(&setup);
    let client = Client::new();
    let get = |path: &str| client.get(format!("{}{path}", server.url)).send();
    let ready: Value = get("/readyz").await.unwrap().json().await.unwrap();
    assert_eq!(ready, json!({ "status": "ready", "degraded": [] }));
    let answer = get("/livez").await.unwrap();
    assert!(!answer.headers().contains_key("connection"), "connections are kept");
    let told = Instant::now();
    server.signal("TERM");
    let problem = loop {
        let answer = get("/readyz").await.unwrap();
        if answer.status() == 503 {
            break answer;
        }
        assert!(told.elapsed() < Duration::from_secs(3), "it still says that it is ready");
    };
    assert_eq!(problem.headers()["connection"], "close");
    let problem: Value = problem.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["reasons"]), (&json!("not_ready"), &json!(["shutting down"])));
    let answer = get("/livez").await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["connection"]), (200, &"close".parse().unwrap()));
    tokio::task::spawn_blocking(move || server.stopped()).await.unwrap();
    assert!(told.elapsed() >= Duration::from_secs(3), "{:?}", told.elapsed());
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not in a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
