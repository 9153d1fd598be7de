//! Clients that leave (rows 8, 9 and 10), and a server that stops.

use futures_util::StreamExt;
use reqwest::Response;
use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{CHAT, chat, server, setup};

fn chunk(text: &str) -> Value {
    canned::chat_chunk(&json!({ "content": text }), None)
}

fn ended(script: Script) -> Script {
    let stop = canned::chat_chunk(&json!({}), Some("stop"));
    script.event(&stop).event(&canned::chat_usage_chunk(&canned::chat_usage(2000, 500))).done()
}

/// Reads the first event, then leaves.
async fn leave(answer: Response) {
    let mut bytes = answer.bytes_stream();
    bytes.next().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn row_8_a_client_that_leaves_mid_stream_pays_for_what_came_and_the_provider_is_stopped() {
    let provider = Provider::start().await;
    provider.on(CHAT, Script::sse().event(&chunk("um dois três")).hang());
    let server = server(&provider).await;
    let user = server.user(1000).await;
    leave(server.chat(&user, json!({ "stream": true })).await).await;
    provider.until(|state| state.left == 1).await;
    let row = server.settled_usage(&user).await;
    assert_eq!(
        (&row["estimated"], &row["outcome"], &row["credits_used"]),
        (&json!(true), &json!("settled"), &json!(1))
    );
    assert!((1..10).contains(&row["output_tokens"].as_u64().unwrap()), "{row}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_9_before_the_first_token_and_of_a_reasoning_model_the_answer_is_read_to_its_usage() {
    for (model, first) in
        [("gpt-4o-mini", json!({ "role": "assistant" })), ("gpt-5-mini", json!({ "content": "um" }))]
    {
        let provider = Provider::start().await;
        let script = Script::sse().event(&canned::chat_chunk(&first, None)).pause().event(&chunk("dois"));
        provider.on(CHAT, ended(script));
        let server = server(&provider).await;
        let user = server.user(5000).await;
        leave(server.chat(&user, json!({ "stream": true, "model": model })).await).await;
        // The server learns that nobody listens when it has something to say, or tries to.
        provider.until(|state| state.pauses == 1).await;
        provider.release();
        let row = server.settled_usage(&user).await;
        assert_eq!((&row["estimated"], &row["tokens_used"]), (&json!(false), &json!(2500)), "{row}");
        server.finish().await;
    }
}

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Closes its end.
    Fin,
    /// Breaks the connection.
    Reset,
    /// Stays, and reads nothing more, until it closes.
    Deaf,
}

/// Sends a request by hand, reads so many bytes of the answer, and leaves.
async fn vanish(address: String, token: String, way: Way, after_bytes: usize) {
    let body = chat(json!({ "stream": true })).to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut seen = 0;
    let mut part = [0; 64];
    while seen < after_bytes {
        match socket.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(count) => seen += count,
        }
    }
    match way {
        Way::Fin => drop(socket),
        Way::Reset => socket.set_zero_linger().unwrap(),
        Way::Deaf => {
            // The stream is far longer than what the sockets buffer; it cannot end while nobody reads.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_at_any_point_leave_nothing_held() {
    let provider = Provider::start().await;
    let word = format!("{} ", "palavra ".repeat(40));
    let words: Vec<&str> = (0..200).map(|_| word.as_str()).collect();
    provider.on(CHAT, canned::chat_stream(&words, &canned::chat_usage(2000, 500)));
    let server = server(&provider).await;
    let user = server.user(1_000_000).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let clients: Vec<_> = (0..48_usize)
        .map(|number| {
            let way = [Way::Fin, Way::Reset, Way::Deaf][number % 3];
            // From before the head to deep in the stream.
            let after_bytes = (number * number * 13) % 60_000;
            tokio::spawn(vanish(address.clone(), user.token.clone(), way, after_bytes))
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let begun = std::time::Instant::now();
    while server.credits(&user).await["held_credits"] != 0 {
        assert!(begun.elapsed().as_secs() < 15, "{}", server.credits(&user).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // Each was charged for something: what came, or what was measured.
    let rows = server.get("/api/user/ai-usage?limit=100").bearer_auth(&user.token).send().await.unwrap();
    let rows: Value = rows.json().await.unwrap();
    let rows = rows["data"].as_array().unwrap();
    assert_eq!(rows.len(), 48);
    assert!(rows.iter().all(|row| row["outcome"] == "settled" && row["credits_used"].as_i64() >= Some(1)));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_settles_what_still_streams_as_if_its_client_had_left() {
    let provider = Provider::start().await;
    provider.on(CHAT, Script::sse().event(&chunk("um dois três")).hang());
    let setup = setup(&provider).with("SHUTDOWN_GRACE_SECONDS", "1");
    let database = setup.config().database;
    let server = setup.start().await;
    let user = server.user(1000).await;
    let answer = server.chat(&user, json!({ "stream": true })).await;
    let mut bytes = answer.bytes_stream();
    bytes.next().await.unwrap().unwrap();
    let id = adapters_jwt::user_id(&user.sub);
    let kept = server.stop_only().await;
    let (stores, writer) = api_server::wiring::Stores::open(&database).await.unwrap();
    let now = api_server::clock::to_timestamp(chrono::Utc::now());
    let view = stores.statements.account(id, now).await.unwrap().unwrap();
    assert_eq!((view.balances.used.get(), view.balances.held.get()), (1, 0));
    writer.shutdown(std::time::Duration::from_secs(5)).await;
    drop((bytes, kept));
}
