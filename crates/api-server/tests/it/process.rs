//! The real program as a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::harness::Setup;

pub struct Process {
    child: Child,
    pub url: String,
    log: PathBuf,
}

/// The program with the setup's environment and no other, in the setup's directory.
pub fn command(setup: &Setup, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-server"));
    command.args(arguments).env_clear().envs(&setup.variables).current_dir(setup.path("").as_path());
    command
}

/// A server that logs warnings only; its address is the first line that it prints.
pub fn start(setup: &Setup) -> Process {
    start_as(setup, command(setup, &[]).env("RUST_LOG", "warn"))
}

/// A server, started by this command.
pub fn start_as(setup: &Setup, command: &mut Command) -> Process {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let log = setup.path(&format!("log-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let mut child = command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().map(|line| line.unwrap());
    let url = first.as_deref().unwrap_or_default().split_whitespace().find(|word| word.starts_with("http"));
    let Some(url) = url.map(str::to_owned) else {
        panic!("the server did not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
    };
    // The rest is read too, so that the server never waits for a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Process { child, url, log }
}

impl Process {
    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// SIGTERM, and its orderly end; blocks. What it wrote to standard error.
    pub fn stop(self) -> String {
        self.signal("TERM");
        self.stopped()
    }

    /// Its orderly end, after a signal; blocks. What it wrote to standard error.
    pub fn stopped(mut self) -> String {
        let ended = self.child.wait().unwrap();
        let log = self.log();
        assert!(ended.success(), "{ended}: {log}");
        log
    }

    /// SIGKILL: no destructor runs.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A test that fails leaves no server behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
