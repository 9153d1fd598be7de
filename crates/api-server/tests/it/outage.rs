//! Postgres stopped and started under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ports::language_model::Interface;
use serde_json::json;
use testkit::postgres::TestServer;
use testkit::provider::{Provider, Script, canned};

use crate::harness::{Setup, read, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_outage_is_503_and_passes_without_a_wrong_credit() {
    let postgres = TestServer::start().await;
    let url = postgres.create_database("saldo_outage").await;
    let server = Arc::new(Setup::sqlite().with("DATABASE_URL", &url).start().await);
    let user = server.user(1_000_000).await;
    let running = Arc::new(AtomicBool::new(true));
    let load: Vec<_> = (0..8)
        .map(|_| {
            let (server, user, running) = (Arc::clone(&server), user.clone(), Arc::clone(&running));
            tokio::spawn(async move {
                let (mut served, mut away) = (0, 0);
                while running.load(Ordering::Relaxed) {
                    match server.ask(&user, "Oi").send().await.unwrap().status().as_u16() {
                        200 => served += 1,
                        503 => away += 1,
                        other => panic!("{other}"),
                    }
                }
                (served, away)
            })
        })
        .collect();

    until("requests are served", async || server.ask(&user, "Oi").send().await.unwrap().status() == 200)
        .await;
    postgres.stop().await;
    until("the outage is told", async || {
        let answer = server.get("/readyz").send().await.unwrap();
        answer.status() == 503
    })
    .await;
    let (status, problem) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("temporarily_unavailable")));
    assert_eq!(server.get("/livez").send().await.unwrap().status(), 200);
    postgres.start_again().await;
    until("requests are served again", async || {
        server.ask(&user, "Oi").send().await.unwrap().status() == 200
    })
    .await;
    running.store(false, Ordering::Relaxed);
    let (mut served, mut away) = (0_i64, 0);
    for task in load {
        let (s, a) = task.await.unwrap();
        served += s;
        away += a;
    }
    assert!(served > 0 && away > 0, "{served} served, {away} away");
    // What was answered while the store was away is settled from memory; what was refused is returned.
    until("nothing is held any more", async || server.credits(&user).await["held_credits"] == 0).await;
    Arc::try_unwrap(server).ok().expect("nobody else holds the server").finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn row_14_an_answer_given_while_the_store_is_away_is_settled_even_by_the_next_server() {
    let postgres = TestServer::start().await;
    let url = postgres.create_database("saldo_spool").await;
    let provider = Provider::start().await;
    let usage = canned::chat_usage(300, 800);
    // The head first, the body once the store is away.
    let body = canned::chat_body("Olá!", &usage).to_string();
    provider.on(
        Interface::ChatCompletions,
        Script::chunks(200, "application/json").bytes(" ").pause().bytes(body),
    );
    let setup = Setup::sqlite()
        .with("DATABASE_URL", &url)
        .with("OPENAI_BASE_URL", &provider.url())
        .with("OPENAI_API_KEY", "sk-provider-123456")
        .with("SHUTDOWN_GRACE_SECONDS", "1");
    let server = Arc::new(setup.start().await);
    let user = server.user(1000).await;
    let asking = {
        let (server, user) = (Arc::clone(&server), user.clone());
        tokio::spawn(async move { read(server.ask(&user, "Oi").send().await.unwrap()).await })
    };
    provider.until(|state| state.pauses == 1).await;
    postgres.stop().await;
    provider.release();
    let (status, answer) = asking.await.unwrap();
    // What remains follows from the hold's receipt: 1,000 less the 11 that 1,100 tokens are.
    assert_eq!((status, &answer["creditsUsed"], &answer["creditsRemaining"]), (200, &json!(11), &json!(989)));
    let setup = Arc::try_unwrap(server).ok().expect("nobody else holds the server").stop_only().await;
    let spool = setup.path("spool");
    let files = || std::fs::read_dir(&spool).map_or(0, Iterator::count);
    assert_eq!(files(), 1);

    postgres.start_again().await;
    let server = setup.start().await;
    until("the answer is settled", async || {
        let credits = server.credits(&user).await;
        (&credits["used_credits"], &credits["held_credits"]) == (&json!(11), &json!(0))
    })
    .await;
    until("the spool is empty", async || files() == 0).await;
    server.finish().await;
}
