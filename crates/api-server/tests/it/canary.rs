//! Canaries: unique words in everything that is private or secret, looked for in all that a server process prints, and
//! in all that its database keeps, before and after its user leaves.

use std::fmt::Write;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use testkit::post::{MailServer, Receiver};
use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::alerts::SECRET as WEBHOOK_SECRET;
use crate::harness::{SECRET as JWT_SECRET, Setup, eventually, prove, read, token};

/// Kept for the user, until they leave.
const PERSONAL: [&str; 8] = [
    "canario-pergunta-51",
    "canario-resposta-52",
    "canario-motivo-53",
    "canario-suspensao-54",
    "canario-chave-55",
    "canario-email-56@example.com",
    "canario-programa-57",
    "canario-usuario-58",
];

/// Never printed and never kept.
const SECRET: [&str; 8] = [
    JWT_SECRET,
    "sk-canario-provedor-61",
    "canario-senha-62",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "canario-endereco-63",
    "canario-token-64",
    "canario-json-65",
    "canario-corpo-67",
];

/// A server process, and all that it has printed.
struct Process {
    child: Child,
    url: String,
    printed: Arc<Mutex<String>>,
}

fn start(setup: &Setup, level: &str) -> Process {
    let mut child = Command::new(env!("CARGO_BIN_EXE_api-server"))
        .env_clear()
        .envs(&setup.variables)
        .env("RUST_LOG", level)
        .current_dir(setup.path("").as_path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let printed = Arc::<Mutex<String>>::default();
    let errors = child.stderr.take().unwrap();
    listen(errors, Arc::clone(&printed));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    let url = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    listen(lines, Arc::clone(&printed));
    Process { child, url, printed }
}

/// Reads all that is printed, so that the server never waits for a full pipe.
fn listen(pipe: impl Read + Send + 'static, printed: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            writeln!(printed.lock().unwrap(), "{}", String::from_utf8_lossy(&line)).unwrap();
        }
    });
}

impl Process {
    /// Ends it, and answers all that it printed.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.printed.lock().unwrap().clone()
    }
}

async fn provider() -> MockServer {
    let provider = MockServer::start().await;
    let answer = json!({
        "choices": [{
            "message": { "role": "assistant", "content": PERSONAL[1] }, "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 200, "completion_tokens": 2 },
    });
    // Some providers quote what they reject.
    let quoted = format!("you sent {} with {}", PERSONAL[0], SECRET[1]);
    let error = json!({ "error": { "message": quoted, "type": "x" } });
    Mock::given(method("POST"))
        .and(body_string_contains("falhe"))
        .respond_with(ResponseTemplate::new(500).set_body_json(error))
        .with_priority(1)
        .mount(&provider)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&provider)
        .await;
    provider
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    nothing_private_is_printed_and_nothing_is_left(Setup::sqlite(), "info").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    nothing_private_is_printed_and_nothing_is_left(Setup::postgres().await, "info").await;
}

/// As much as an operator can ask for.
#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_with_every_line_there_is() {
    nothing_private_is_printed_and_nothing_is_left(Setup::sqlite(), "trace").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_with_every_line_there_is() {
    nothing_private_is_printed_and_nothing_is_left(Setup::postgres().await, "trace").await;
}

async fn nothing_private_is_printed_and_nothing_is_left(setup: Setup, level: &str) {
    let (provider, mail, receiver) = (provider().await, MailServer::start().await, Receiver::start().await);
    let setup = setup
        .with("OPENAI_BASE_URL", &format!("{}/v1", provider.uri()))
        .with("OPENAI_API_KEY", SECRET[1])
        .with("SMTP_URL", &mail.url_for("user", SECRET[2]))
        .with("MAIL_FROM", "no-reply@saldo.test")
        .with("ALERT_WEBHOOK_URL", &format!("{}?key={}", receiver.url(), SECRET[4]))
        .with("ALERT_WEBHOOK_SECRET", WEBHOOK_SECRET);
    let process = start(&setup, level);
    let (user, admin) = (token("canario", "user"), token("boss", "admin"));
    let program = live(&process.url, &user, &admin, &mail, &receiver).await;
    let secrets = || SECRET.into_iter().chain([user.as_str(), admin.as_str(), program.as_str()]);

    let before = dump(&setup).await;
    for word in PERSONAL {
        assert!(has(&before, word), "the dump is blind: {word} is not in it");
    }
    for word in secrets() {
        assert!(!has(&before, word), "{word} is kept");
    }
    let client = Client::new();
    let leaving = client.delete(format!("{}/api/user?forfeit=true", process.url)).bearer_auth(&user);
    assert_eq!(leaving.send().await.unwrap().status(), 204);
    let after = dump(&setup).await;
    for word in PERSONAL.into_iter().chain(secrets()) {
        assert!(!has(&after, word), "{word} is still kept");
    }

    let printed = process.end();
    for line in [": request request_id", "request failed", "notice given up", "notice put off"] {
        assert!(printed.contains(line), "the log is blind: {line:?} is not in it");
    }
    for word in PERSONAL.into_iter().chain(secrets()) {
        let line = printed.lines().find(|line| has(line.as_bytes(), word));
        assert!(line.is_none(), "{word} is printed: {line:?}");
    }
    let (stores, writer) = api_server::wiring::Stores::open(&setup.config().database).await.unwrap();
    prove(&stores).await;
    writer.shutdown(std::time::Duration::from_secs(5)).await;
}

async fn sent(request: RequestBuilder) -> (u16, Value) {
    read(request.send().await.unwrap()).await
}

/// Does everything that could tell: what goes well, and what goes wrong. Answers an API key's text.
async fn live(url: &str, user: &str, admin: &str, mail: &MailServer, receiver: &Receiver) -> String {
    let client = Client::new();
    let at = |path: &str| format!("{url}{path}");
    let as_user = |request: RequestBuilder| request.bearer_auth(user);
    let as_admin = |request: RequestBuilder| request.bearer_auth(admin);
    let credits = as_admin(client.post(at("/api/admin/users/canario/credits")))
        .header("Idempotency-Key", "once")
        .json(&json!({ "amount": 100, "reason": PERSONAL[2] }));
    assert_eq!(sent(credits).await.0, 201);
    let wanted = json!({ "low_balance_threshold": 90, "email": PERSONAL[5], "language": "en" });
    assert_eq!(sent(as_user(client.put(at("/api/user/alerts"))).json(&wanted)).await.0, 200);
    let wrong = json!({ "email": "canario-corpo-67 <x>" });
    assert_eq!(sent(as_user(client.put(at("/api/user/alerts"))).json(&wrong)).await.0, 422);

    // Every way that goes wrong for the letter and for the event.
    mail.refuse(Some(("RCPT", &format!("550 5.1.1 no such user <{}>", PERSONAL[5]))));
    receiver.answer(500);
    let question = json!({
        "message": PERSONAL[0], "systemData": { "nota": PERSONAL[0] },
        "conversationHistory": [{ "role": "user", "content": PERSONAL[0] }],
    });
    let ask = || as_user(client.post(at("/api/ai-assistant"))).header("Idempotency-Key", PERSONAL[4]);
    for _ in 0..2 {
        let (status, answer) = sent(ask().json(&question)).await;
        assert_eq!((status, &answer["response"]), (200, &json!(PERSONAL[1])));
    }
    let other = json!({ "message": format!("{} outra", PERSONAL[0]) });
    assert_eq!(sent(ask().json(&other)).await.0, 422, "the key was used for another request");
    let failing = json!({ "message": format!("{} falhe", PERSONAL[0]) });
    assert_eq!(sent(as_user(client.post(at("/api/ai-assistant"))).json(&failing)).await.0, 502);
    let invalid = json!({ "message": PERSONAL[0], "conversationHistory": [{ "role": PERSONAL[0] }] });
    assert_eq!(sent(as_user(client.post(at("/api/ai-assistant"))).json(&invalid)).await.0, 422);
    let malformed = as_user(client.post(at("/api/ai-assistant"))).body("{\"message\": canario-json-65");
    assert_eq!(sent(malformed).await.0, 400);
    assert_eq!(sent(client.get(at("/api/user/ai-credits")).bearer_auth("canario-token-64")).await.0, 401);
    assert_eq!(sent(client.get(at("/api/canario-corpo-67"))).await.0, 404);
    let wish = json!({ "name": PERSONAL[6] });
    let (status, made) = sent(as_user(client.post(at("/api/user/api-keys"))).json(&wish)).await;
    assert_eq!(status, 201);
    let program = made["key"].as_str().unwrap().to_owned();
    let through = |more: Value| {
        let mut body = json!({
            "model": "gpt-4o-mini", "user": PERSONAL[7],
            "messages": [{ "role": "user", "content": PERSONAL[0] }],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.post(at("/v1/chat/completions")).bearer_auth(&program).json(&body)
    };
    assert_eq!(sent(through(json!({}))).await.0, 200);
    assert_eq!(sent(through(json!({ "max_tokens": PERSONAL[0] }))).await.0, 422);
    // This provider does not stream: whatever becomes of that, it is read to its end.
    through(json!({ "stream": true })).send().await.unwrap().bytes().await.unwrap();
    let wrong_key = format!("{}canario-token-64", &program[..20]);
    assert_eq!(sent(client.get(at("/v1/models")).bearer_auth(wrong_key)).await.0, 401);
    let looking = client.get(at("/admin/users/canario?tab=journal"));
    let page = looking.header("Cookie", format!("saldo_admin={admin}")).send().await.unwrap();
    assert!(page.text().await.unwrap().contains(PERSONAL[2]));
    let suspended =
        as_admin(client.post(at("/api/admin/users/canario/suspend"))).json(&json!({ "reason": PERSONAL[3] }));
    assert_eq!(sent(suspended).await.0, 200);
    assert_eq!(sent(as_user(client.get(at("/api/user/export")))).await.0, 200);
    eventually("the failed event", async || (!receiver.hooks().is_empty()).then_some(())).await;
    eventually("the refused letter", async || (!mail.credentials().is_empty()).then_some(())).await;
    program
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// All that the database keeps: the bytes of the file and its log, or every row of every table.
async fn dump(setup: &Setup) -> Vec<u8> {
    let url = &setup.variables["DATABASE_URL"];
    match url.strip_prefix("sqlite://") {
        Some(path) => ["", "-wal"].iter().flat_map(|end| bytes(Path::new(&format!("{path}{end}")))).collect(),
        None => rows(url).await.into_bytes(),
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

async fn rows(url: &str) -> String {
    let mut connection = AsyncPgConnection::establish(url).await.unwrap();
    let tables = "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<Row> = diesel::sql_query(tables).load(&mut connection).await.unwrap();
    let mut all = String::new();
    for Row { text: table } in tables {
        let every_row = format!("SELECT t::text AS text FROM {table} t");
        let rows: Vec<Row> = diesel::sql_query(every_row).load(&mut connection).await.unwrap();
        for row in rows {
            writeln!(all, "{table}: {}", row.text).unwrap();
        }
    }
    all
}

/// Whether a word is in there: as it is, as bytes in hexadecimal digits, or as a list of bytes.
fn has(haystack: &[u8], word: &str) -> bool {
    let digits = word.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let list = word.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let found = |form: &str| haystack.windows(form.len()).any(|part| part == form.as_bytes());
    [word, &digits, &list].into_iter().any(found)
}
