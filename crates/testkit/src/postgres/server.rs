//! One PostgreSQL server in a temporary directory.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use super::binaries::{self, Binaries, RunAs, detached};
use super::watchdog::Watchdog;

/// The port was free when we looked; somebody else may take it before the server does.
const PORT_TRIES: usize = 5;
const PORT_PAUSE: Duration = Duration::from_millis(200);
/// Fast instead of durable: a machine that loses power loses the test too.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = off
full_page_writes = off
synchronous_commit = on
max_wal_size = 4GB
timezone = 'UTC'
log_min_messages = warning
";

/// A PostgreSQL server of one's own, on 127.0.0.1. Stopped and deleted when dropped, and when the
/// process ends without dropping it. Every method panics with what is wrong.
#[derive(Clone, Debug)]
pub struct TestServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    binaries: Binaries,
    run_as: Option<RunAs>,
    home: PathBuf,
    port: u16,
    _watchdog: Watchdog,
}

impl TestServer {
    /// Initialises and starts a server.
    pub async fn start() -> Self {
        Self(Arc::new(blocking(Inner::start).await))
    }

    /// Kills the server as a crash would: connections break, nothing is flushed.
    pub async fn stop(&self) {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.pg_ctl(&["stop", "-m", "immediate"])).await;
    }

    /// Starts the stopped server again, on the same port and data.
    pub async fn start_again(&self) {
        for last in (0..PORT_TRIES).rev() {
            let inner = Arc::clone(&self.0);
            let started = blocking(move || {
                let result = inner.pg_ctl(&START);
                if last == 0 { result.map(|()| true) } else { Ok(result.is_ok()) }
            });
            if started.await {
                return;
            }
            tokio::time::sleep(PORT_PAUSE).await;
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The URL of a database of this name, whether there is one or not.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.0.port)
    }

    /// Creates an empty database and answers its URL.
    pub async fn create_database(&self, name: &str) -> String {
        super::databases::run(&self.url("postgres"), &format!("CREATE DATABASE {name}")).await;
        self.url(name)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => value,
        Ok(Err(reason)) => panic!("{reason}"),
        Err(broken) => panic!("{broken}"),
    }
}

const START: [&str; 4] = ["start", "-w", "-t", "60"];

impl Inner {
    fn start() -> Result<Self, String> {
        let binaries = binaries::find()?;
        let describe = |error: io::Error| format!("the directory of the test server: {error}");
        let home = tempfile::Builder::new().prefix("saldo-postgres-").tempdir().map_err(describe)?.keep();
        // A file of ours belongs to us: this tells who we are without asking the C library.
        let root = fs::metadata(&home).map_err(describe)?.uid() == 0;
        let run_as = if root { Some(RunAs::unprivileged()?) } else { None };
        if let Some(RunAs { uid, gid }) = run_as {
            chown(&home, Some(uid), Some(gid)).map_err(describe)?;
        }
        // From here on everything is cleaned up, whatever fails.
        let watchdog = Watchdog::watch(&binaries, run_as, &home)
            .map_err(|error| format!("/bin/sh does not start: {error}"))?;
        let mut inner = Self { binaries, run_as, home, port: 0, _watchdog: watchdog };
        inner.initialise()?;
        for last in (0..PORT_TRIES).rev() {
            inner.port = free_port().map_err(|error| format!("no free port: {error}"))?;
            match inner.configure().and_then(|()| inner.pg_ctl(&START)) {
                Ok(()) => break,
                Err(reason) if last == 0 => return Err(reason),
                Err(_) => {}
            }
        }
        Ok(inner)
    }

    fn initialise(&self) -> Result<(), String> {
        let mut command = self.command(&self.binaries.initdb);
        command.arg("-D").arg(self.home.join("data"));
        command.args(["-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        run(command)
    }

    /// Written next to the data by whoever we are; the server only reads it.
    fn configure(&self) -> Result<(), String> {
        let settings = format!("{SETTINGS}port = {}\n", self.port);
        fs::write(self.home.join("data/postgresql.auto.conf"), settings)
            .map_err(|error| format!("the settings of the test server: {error}"))
    }

    fn pg_ctl(&self, args: &[&str]) -> Result<(), String> {
        let mut command = self.command(&self.binaries.pg_ctl);
        command.args(args).arg("-D").arg(self.home.join("data")).arg("-l").arg(self.log());
        run(command).map_err(|reason| {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(10).collect();
            format!("{reason}\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
        })
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    fn command(&self, program: &Path) -> Command {
        detached(program, self.run_as, &self.home)
    }
}

fn run(mut command: Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Not `output()`: the server inherits what it is started with, and a pipe would stay open.
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

fn free_port() -> io::Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|address| address.port())
}
