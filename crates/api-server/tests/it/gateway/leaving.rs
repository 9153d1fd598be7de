//! Clients that leave (rows 8, 9 and 10), and a server that stops.

use futures_util::StreamExt;
use reqwest::Response;
use serde_json::{Value, json};
use testkit::provider::{Provider, Script, canned};

use super::{CHAT, server, setup};

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
