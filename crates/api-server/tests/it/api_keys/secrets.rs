//! What proves a key: who is let in by it, and where it must not be found.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use domain::api_keys::Credential;
use domain::ids::ApiKeyId;
use reqwest::Client;
use serde_json::json;
use testkit::postgres::TestServer;

use super::KEYS;
use crate::harness::{Setup, read, token};

#[tokio::test(flavor = "multi_thread")]
async fn bad_keys_of_every_kind_are_401() {
    let server = Setup::sqlite().start().await;
    let user = server.user(100).await;
    let (_, program) = server.key(&user, json!({ "name": "n" })).await;
    let text = &program.token;
    let unknown = Credential::new(ApiKeyId::from_bytes([9; 16]), [1; 32]);
    let id = Credential::parse(text).unwrap().id;
    let forged = Credential::new(id, [1; 32]);
    for bad in [
        "sk-saldo-".to_owned(),
        "sk-saldo-abc".to_owned(),
        text[..text.len() - 1].to_owned(),
        text.to_lowercase(),
        format!("{text}x"),
        text.replace("sk-saldo-", "sk-other-"),
        unknown.reveal(),
        forged.reveal(),
    ] {
        let answer = server.get("/api/user/ai-credits").bearer_auth(&bad).send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"saldo\"", "{bad}");
        let (status, body) = read(answer).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthorized")), "{bad}");
        assert!(!body.to_string().contains(&bad), "{body}");
    }
    assert_eq!(server.look(text).await.0, 200);
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_store_is_away_a_key_is_neither_good_nor_bad() {
    let postgres = TestServer::start().await;
    let url = postgres.create_database("saldo_keys_outage").await;
    let server = Setup::sqlite().with("DATABASE_URL", &url).start().await;
    let user = server.user(100).await;
    let (_, program) = server.key(&user, json!({ "name": "n" })).await;
    assert_eq!(server.look(&program.token).await.0, 200);
    postgres.stop().await;
    let until = async |expected: u16| {
        let begun = Instant::now();
        loop {
            let (status, code) = server.look(&program.token).await;
            assert!([200, 503].contains(&status), "{status} {code}");
            if status == expected {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "never {expected}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until(503).await;
    // Where no scope is asked for and nothing is read, only the way in can fail.
    let plans = async |token: &str| {
        server.get("/api/billing/plans").bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    let never_seen = Credential::new(ApiKeyId::from_bytes([9; 16]), [1; 32]);
    assert_eq!(plans(&never_seen.reveal()).await, 503);
    assert_eq!(plans(&program.token[..80]).await, 401, "mistyped: nobody has to be asked");
    // A token is checked without asking anybody; whether its account is closed cannot be known now.
    let own = server.look(&user.token).await;
    assert_eq!(own.0, 503, "{}", own.1);
    postgres.start_again().await;
    until(200).await;
    assert_eq!(plans(&never_seen.reveal()).await, 401);
    server.finish().await;
}

/// Everything that a key can go through, with all logging on; then the log and the database are searched.
#[tokio::test(flavor = "multi_thread")]
async fn no_part_of_a_secret_is_logged_or_stored() {
    let setup = Setup::sqlite();
    let log = setup.path("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_api-server"))
        .env_clear()
        .envs(&setup.variables)
        .env("RUST_LOG", "trace")
        .current_dir(setup.path("").as_path())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().expect("the server says where it is").unwrap();
    let url = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));

    let (client, user) = (Client::new(), token("maria", "user"));
    let at = |path: &str| format!("{url}{path}");
    let wish = json!({ "name": "n", "spend_cap": 15 });
    let made = client.post(at(KEYS)).bearer_auth(&user).json(&wish).send().await.unwrap();
    let (_, made) = read(made).await;
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let mistyped = format!("{}x", &key[..key.len() - 1]);
    for token in [key, &mistyped] {
        let body = json!({ "message": "oi" });
        client.post(at("/api/ai-assistant")).bearer_auth(token).json(&body).send().await.unwrap();
        client.get(at("/api/user/ai-credits")).bearer_auth(token).send().await.unwrap();
        client.get(at(KEYS)).bearer_auth(token).send().await.unwrap();
        client.get(at("/readyz")).bearer_auth(token).send().await.unwrap();
    }
    let ended = client.delete(at(&format!("{KEYS}/{id}"))).bearer_auth(&user).send().await.unwrap();
    assert_eq!(ended.status(), 204);
    let refused = client.get(at("/api/user/ai-credits")).bearer_auth(key).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    child.kill().unwrap();
    child.wait().unwrap();

    let secret = &key[made["prefix"].as_str().unwrap().len() + 11..];
    let logged = std::fs::read_to_string(&log).unwrap();
    assert!(logged.contains(&format!("the API key {id} is revoked or expired")), "{logged}");
    for part in secret.as_bytes().chunks(11).map(|part| std::str::from_utf8(part).unwrap()) {
        assert!(part.len() < 6 || !logged.contains(part), "{part} is in the log");
    }
    for name in ["saldo.db", "saldo.db-wal"] {
        let stored = std::fs::read(setup.path(name)).unwrap_or_default();
        let found = |part: &[u8]| stored.windows(part.len()).any(|window| window == part);
        assert!(!found(&secret.as_bytes()[..11]) && !found(key.as_bytes()), "{name}");
    }
}
