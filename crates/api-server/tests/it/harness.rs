//! A server of one's own for each test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use adapters_jwt::{Hs256Config, issue};
use api_server::clock::to_timestamp;
use api_server::config::{Config, Env, Purpose};
use api_server::server::{self, Running};
use api_server::wiring::Stores;
use chrono::Utc;
use domain::services::verification::verify;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const SECRET: &str = "an-integration-test-secret-of-48-bytes-in-length";

/// What a server is started with.
pub struct Setup {
    pub variables: BTreeMap<String, String>,
    /// Directory of the SQLite file, kept as long as the setup.
    directory: tempfile::TempDir,
}

impl Setup {
    /// SQLite in a directory of its own, simulated model, no limits.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("saldo.db").display());
        let spool = directory.path().join("spool").display().to_string();
        let variables = [
            ("SPOOL_DIR", spool.as_str()),
            ("APP_ENV", "development"),
            ("PORT", "0"),
            ("DATABASE_URL", &url),
            ("JWT_SECRET", SECRET),
            ("RATE_LIMIT_IP_RPM", "0"),
            ("RATE_LIMIT_RPM", "0"),
            ("RATE_LIMIT_TPM", "0"),
            ("RATE_LIMIT_CONCURRENT", "0"),
        ];
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self { variables: variables.into_iter().map(own).collect(), directory }
    }

    /// A Postgres database of its own.
    pub async fn postgres() -> Self {
        let migrate = async |url: String| adapters_postgres::migrate(&url).await;
        let database = testkit::postgres::fresh_database(migrate).await;
        Self::sqlite().with("DATABASE_URL", &database.url)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A file path beside the database.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    pub fn config(&self) -> Config {
        let pairs = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Config::load(Env::of(pairs), Purpose::Serving).unwrap()
    }

    pub async fn start(self) -> Server {
        let running = server::start(&self.config()).await.unwrap();
        let (url, stores) = (running.address.clone(), running.stores().clone());
        let metrics = running.metrics.as_ref().map(|listener| listener.address);
        let (stop, stopping) = oneshot::channel();
        let done = tokio::spawn(run(running, stopping));
        Server { url, metrics, stores, client: Client::new(), stop, done, setup: self }
    }
}

async fn run(running: Running, stopping: oneshot::Receiver<()>) {
    running.until(stopping).await.unwrap();
}

pub struct Server {
    pub url: String,
    /// Where figures are read, where they are.
    pub metrics: Option<std::net::SocketAddr>,
    pub stores: Stores,
    pub client: Client,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
    setup: Setup,
}

/// A user of a test, with a token.
#[derive(Clone)]
pub struct User {
    pub sub: String,
    pub token: String,
}

static COUNTER: AtomicU64 = AtomicU64::new(1);

pub fn next_key() -> String {
    format!("key-{}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

pub fn token(sub: &str, role: &str) -> String {
    issue(&Hs256Config::new(SECRET), sub, Some(role), None, to_timestamp(Utc::now()), 3600).unwrap()
}

impl Server {
    /// A user without credits.
    pub fn stranger(&self) -> User {
        let sub = format!("user-{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        User { token: token(&sub, "user"), sub }
    }

    /// A user with credits.
    pub async fn user(&self, credits: i64) -> User {
        let user = self.stranger();
        let given = self.move_credits(&user, credits, &next_key()).await;
        assert_eq!(given.status(), StatusCode::CREATED, "{}", given.text().await.unwrap());
        user
    }

    pub async fn move_credits(&self, user: &User, amount: i64, key: &str) -> Response {
        self.post(&format!("/api/admin/users/{}/credits", user.sub))
            .bearer_auth(token("the-admin", "admin"))
            .header("Idempotency-Key", key)
            .json(&json!({ "amount": amount, "reason": "teste" }))
            .send()
            .await
            .unwrap()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    pub fn ask(&self, user: &User, message: &str) -> RequestBuilder {
        self.post("/api/ai-assistant").bearer_auth(&user.token).json(&json!({ "message": message }))
    }

    pub async fn credits(&self, user: &User) -> Value {
        let answer = self.get("/api/user/ai-credits").bearer_auth(&user.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// Stops in order, after proving that the books add up.
    pub async fn finish(self) {
        prove(&self.stores).await;
        let _ = self.stop.send(());
        self.done.await.unwrap();
    }
}

impl Server {
    /// Stops in order, and keeps the database.
    pub async fn stop_only(self) -> Setup {
        let _ = self.stop.send(());
        self.done.await.unwrap();
        self.setup
    }
}

/// Every invariant holds.
pub async fn prove(stores: &Stores) {
    let now = to_timestamp(Utc::now());
    let found = verify(stores.books.as_ref(), now, domain::clock::Timestamp::default()).await.unwrap();
    assert!(found.is_sound(), "{found}");
}

/// Status and body of an answer, as JSON.
pub async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
