//! Postgres stopped and started under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::postgres::TestServer;

use crate::harness::{Setup, read};

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

    until("requests are served", || async { server.ask(&user, "Oi").send().await.unwrap().status() == 200 })
        .await;
    postgres.stop().await;
    until("the outage is told", || async {
        let answer = server.get("/readyz").send().await.unwrap();
        answer.status() == 503
    })
    .await;
    let (status, problem) = read(server.ask(&user, "Oi").send().await.unwrap()).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("temporarily_unavailable")));
    assert_eq!(server.get("/livez").send().await.unwrap().status(), 200);
    postgres.start_again().await;
    until("requests are served again", || async {
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
    until("nothing is held any more", || async { server.credits(&user).await["held_credits"] == 0 }).await;
    Arc::try_unwrap(server).ok().expect("nobody else holds the server").finish().await;
}

/// Asks until it is so; a minute is far more than any of it should take.
async fn until<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "not in a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
