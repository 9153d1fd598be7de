//! A copy of the books, made under load, brought back, and proved.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::Value;

use crate::harness::{Setup, token, until};
use crate::process::{command, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_made_under_load_is_whole_and_a_server_goes_on_from_it() {
    let setup = Setup::sqlite();
    let granted =
        command(&setup, &["credits", "grant", "maria", "100000", "--reason", "teste"]).output().unwrap();
    assert!(granted.status.success());
    let server = start(&setup);
    let client = reqwest::Client::new();
    let (running, done) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (client, url) = (client.clone(), server.url.clone());
            let (running, done) = (Arc::clone(&running), Arc::clone(&done));
            tokio::spawn(async move {
                while running.load(Ordering::Relaxed) {
                    let body = serde_json::json!({ "message": "Oi" });
                    let asked =
                        client.post(format!("{url}/api/ai-assistant")).bearer_auth(token("maria", "user"));
                    assert_eq!(asked.json(&body).send().await.unwrap().status(), 200);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    until("requests are served", async || done.load(Ordering::Relaxed) >= 8).await;
    let copy = setup.path("copy.db");
    let argument = copy.display().to_string();
    let copied = command(&setup, &["backup", &argument]).output().unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let before = done.load(Ordering::Relaxed);
    until("requests are served meanwhile", async || done.load(Ordering::Relaxed) >= before + 4).await;
    running.store(false, Ordering::Relaxed);
    for client in load {
        client.await.unwrap();
    }
    server.kill();

    let again = command(&setup, &["backup", &argument]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "a copy is never replaced");
    let restored = setup.with("DATABASE_URL", &format!("sqlite://{argument}"));
    let verified = command(&restored, &["credits", "verify"]).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let server = start(&restored);
    let credits =
        client.get(format!("{}/api/user/ai-credits", server.url)).bearer_auth(token("maria", "user"));
    let credits: Value = credits.send().await.unwrap().json().await.unwrap();
    let used = credits["used_credits"].as_i64().unwrap();
    assert!(used >= 80 && used <= i64::from(before) * 10, "{credits}");
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn for_postgres_the_right_program_is_named() {
    let setup = Setup::postgres().await;
    let told = command(&setup, &["backup", "copy.db"]).output().unwrap();
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stderr).contains("pg_dump"));
    assert!(!setup.path("copy.db").exists());
}
