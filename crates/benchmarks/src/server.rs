//! The real server as a child process.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Result;
use crate::callers::wrong;

/// How long a server may take to become ready.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// Between two questions whether it is ready.
const POLL: Duration = Duration::from_millis(2);

/// Where a server runs: its program, its working directory and its database.
pub struct Home {
    program: PathBuf,
    directory: PathBuf,
    database_url: String,
}

/// A server that answers.
pub struct Server {
    /// `http://127.0.0.1:port`.
    pub address: String,
    /// From being spawned until it was ready.
    pub started_in: Duration,
    /// Its process.
    pub pid: u32,
    child: Running,
    token: oneshot::Receiver<String>,
}

/// A process that does not outlive us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Home {
    pub fn new(program: &Path, directory: &Path, database_url: &str) -> Result<Self> {
        let program = std::path::absolute(program)?;
        if !program.is_file() {
            return Err(wrong(format!("{}: build it first", program.display())));
        }
        Ok(Self { program, directory: directory.to_owned(), database_url: database_url.to_owned() })
    }

    /// Nothing of our own environment reaches the server.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.directory).env_clear().stdin(Stdio::null());
        command.env("DATABASE_URL", &self.database_url);
        for limit in ["RATE_LIMIT_IP_RPM", "RATE_LIMIT_RPM", "RATE_LIMIT_TPM", "RATE_LIMIT_CONCURRENT"] {
            command.env(limit, "0");
        }
        command
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&self) -> Result<Server> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = format!("http://127.0.0.1:{port}");
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        let begun = Instant::now();
        let mut command = self.command();
        command.env("PORT", port.to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Running(command.spawn()?);
        let token = listen(child.0.stdout.take().ok_or("no standard output")?);
        loop {
            let ready = client.get(format!("{address}/readyz")).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            if let Some(status) = child.0.try_wait()? {
                return Err(wrong(format!("the server ended at once: {status}")));
            }
            if begun.elapsed() > START_PATIENCE {
                return Err(wrong("the server did not become ready"));
            }
            tokio::time::sleep(POLL).await;
        }
        let started_in = begun.elapsed();
        let pid = child.0.id();
        Ok(Server { address, started_in, pid, child, token })
    }

    /// Runs a command line; answers what it printed.
    pub fn cli(&self, arguments: &[&str]) -> Result<std::result::Result<String, String>> {
        let output = self.command().args(arguments).output()?;
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() {
            return Ok(Ok(printed));
        }
        Ok(Err(format!("{printed} {}", String::from_utf8_lossy(&output.stderr).trim())))
    }
}

impl Server {
    /// The demo user's token, which the server prints in development. Once.
    pub async fn token(&mut self) -> Result<String> {
        Ok(timeout(START_PATIENCE, &mut self.token).await?.map_err(|_| "the server printed no token")?)
    }

    /// Asks the server to stop, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status()?;
        if !asked.success() {
            return Err(wrong("the server was gone already"));
        }
        let begun = Instant::now();
        while begun.elapsed() < STOP_PATIENCE {
            match self.child.0.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(wrong(format!("the server ended with {status}"))),
                None => tokio::time::sleep(POLL).await,
            }
        }
        Err(wrong("the server did not stop"))
    }
}

/// Picks the demo user's token out of what the server prints. Reads to the end, so that the server never
/// waits for a reader.
fn listen(stdout: ChildStdout) -> oneshot::Receiver<String> {
    let (found, token) = oneshot::channel();
    thread::spawn(move || {
        let mut found = Some(found);
        for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
            if let Some(token) = line.trim_start().strip_prefix("user ")
                && let Some(found) = found.take()
            {
                // Nobody may want it.
                let _ = found.send(token.trim().to_owned());
            }
        }
    });
    token
}
