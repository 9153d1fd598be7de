//! HTTP/1.1 over loopback, as far as scripts need it: requests are read whole, answers are said step by step.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::script::Step;
use super::{Received, Shared, State};

/// The longest head of a request.
const MOST_HEAD_BYTES: usize = 64 * 1024;

/// Serves until it is dropped; its connections end with it.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Counts a connection as open for as long as it lives.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        shared.state.send_modify(|state| {
            state.connections += 1;
            state.open += 1;
        });
        Self(shared)
    }

    fn note(&self, change: impl FnOnce(&mut State)) {
        self.0.state.send_modify(change);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.note(|state| state.open -= 1);
    }
}

/// How an answer ended.
enum End {
    /// The next request may come.
    Over,
    /// The connection is done with.
    Closed,
    /// The connection is to break (RST).
    Broken,
    /// The client closed it.
    Left,
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let open = Open::new(Arc::clone(&shared));
    let _ = stream.set_nodelay(true);
    let (mut reader, mut writer) = stream.into_split();
    let mut early = Vec::new();
    while let Ok(Some(received)) = read_request(&mut reader, &mut early).await {
        let script = shared.script(received);
        open.note(|state| state.requests += 1);
        let end = tokio::select! {
            end = play(script.play(), &mut writer, &open) => end.unwrap_or(End::Left),
            () = left(&mut reader) => End::Left,
        };
        match end {
            End::Over => open.note(|state| state.answers += 1),
            End::Closed => return open.note(|state| state.answers += 1),
            End::Broken => {
                // Whole again, since a half that is dropped says goodbye in order.
                if let Ok(stream) = reader.reunite(writer) {
                    let _ = stream.set_zero_linger();
                }
                return open.note(|state| state.answers += 1);
            }
            End::Left => return open.note(|state| state.left += 1),
        }
    }
}

/// Ends when the client closes the connection; never when it sends something.
async fn left(reader: &mut OwnedReadHalf) {
    if let Ok(1..) = reader.peek(&mut [0]).await {
        std::future::pending::<()>().await;
    }
}

async fn play(steps: Vec<Step>, writer: &mut OwnedWriteHalf, open: &Open) -> io::Result<End> {
    for step in steps {
        match step {
            Step::Wire(bytes) | Step::Body(bytes) => writer.write_all(&bytes).await?,
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Pause => {
                open.note(|state| state.pauses += 1);
                // Never closed, so there is always a permit to wait for.
                if let Ok(permit) = open.0.releases.acquire().await {
                    permit.forget();
                }
            }
            Step::Hang => std::future::pending().await,
            Step::Reset => return Ok(End::Broken),
            Step::Close => return Ok(End::Closed),
        }
    }
    Ok(End::Over)
}

/// The next request; `None` where the connection ends instead. What came too early of the one after it is kept.
async fn read_request(reader: &mut OwnedReadHalf, early: &mut Vec<u8>) -> io::Result<Option<Received>> {
    let mut bytes = std::mem::take(early);
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > MOST_HEAD_BYTES || reader.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let target = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: std::collections::BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        if reader.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    *early = bytes.split_off(head_end + length);
    let body = bytes.split_off(head_end);
    Ok(Some(Received {
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        bytes: body,
    }))
}
