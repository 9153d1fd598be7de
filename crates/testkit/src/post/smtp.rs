//! A fake mail server: it takes letters in the clear, and says no when it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::{Mail, listen};

/// A mail server on a loopback port.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Shared {
    letters: Vec<Mail>,
    credentials: Vec<String>,
    /// What it says to this command instead, such as `RCPT`.
    refusal: Option<(&'static str, String)>,
}

impl MailServer {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = listen(None).await;
        let address = listener.local_addr().expect("a bound port");
        let shared = Arc::<Mutex<Shared>>::default();
        let task = tokio::spawn(serve(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, task }
    }

    /// `smtp://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The same, with a user and a password.
    pub fn url_for(&self, user: &str, password: &str) -> String {
        format!("smtp://{user}:{password}@{}", self.address)
    }

    /// Answers a command with a refusal from now on, such as `RCPT` with `550 no such user`; `None` for no more.
    pub fn refuse(&self, refusal: Option<(&'static str, &str)>) {
        lock(&self.shared).refusal = refusal.map(|(command, reply)| (command, reply.to_owned()));
    }

    /// The letters that it took, oldest first.
    pub fn letters(&self) -> Vec<Mail> {
        lock(&self.shared).letters.clone()
    }

    /// What came with `AUTH PLAIN`, still in base64.
    pub fn credentials(&self) -> Vec<String> {
        lock(&self.shared).credentials.clone()
    }

    /// Stops: connections are refused.
    pub async fn stop(&self) {
        self.task.abort();
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Starts again on the same port.
    pub async fn start_again(&mut self) {
        let listener = listen(Some(self.address)).await;
        self.task = tokio::spawn(serve(listener, Arc::clone(&self.shared))).abort_handle();
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // A connection that breaks is the client's news, not ours.
                connections.spawn(converse(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, shared: Arc<Mutex<Shared>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut mail = Mail { from: String::new(), to: Vec::new(), raw: String::new() };
    stream.write_all(b"220 fake mail server\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let refusal = lock(&shared).refusal.clone().filter(|(refused, _)| *refused == command);
        if let Some((_, reply)) = refusal {
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
            continue;
        }
        let in_brackets = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match command.as_str() {
            "EHLO" => stream.write_all(b"250-fake\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n").await?,
            "AUTH" => {
                let sent = line.split_whitespace().nth(2).unwrap_or_default().to_owned();
                lock(&shared).credentials.push(sent);
                stream.write_all(b"235 come in\r\n").await?;
            }
            "MAIL" => {
                mail.from = in_brackets();
                stream.write_all(b"250 ok\r\n").await?;
            }
            "RCPT" => {
                mail.to.push(in_brackets());
                stream.write_all(b"250 ok\r\n").await?;
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                mail.raw = letter(&mut stream).await?;
                lock(&shared).letters.push(mail.clone());
                stream.write_all(b"250 taken\r\n").await?;
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => stream.write_all(b"250 ok\r\n").await?,
        }
    }
}

/// Reads to the lonely dot.
async fn letter(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut raw = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(raw);
        }
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
