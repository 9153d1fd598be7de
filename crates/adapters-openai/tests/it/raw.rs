//! A server that says exactly what it is told to, byte by byte.
#![expect(
    clippy::disallowed_methods,
    reason = "a server that is silent for a while is the case; its thread is its own"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What the server does with a connection once it has read the request.
#[derive(Clone)]
pub enum Act {
    /// Say this.
    Say(Vec<u8>),
    /// Do nothing for so long.
    Wait(Duration),
}

pub fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

pub struct RawServer {
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl RawServer {
    /// Reads a request, acts, closes the connection; the same for each connection.
    pub fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, acts, counter) =
                    (stream.expect("a connection"), acts.clone(), Arc::clone(&counter));
                thread::spawn(move || {
                    read_request(&mut stream);
                    counter.fetch_add(1, Ordering::SeqCst);
                    for act in acts {
                        match act {
                            // The client may have left; that is its right.
                            Act::Say(bytes) => drop(stream.write_all(&bytes)),
                            Act::Wait(time) => thread::sleep(time),
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    /// How many requests have arrived.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap_or(0);
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let end = text.find("\r\n\r\n").map(|at| at + 4);
        let length =
            text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
        let is_whole = end.zip(length).is_some_and(|(end, length)| request.len() >= end + length);
        if read == 0 || is_whole {
            return;
        }
    }
}
