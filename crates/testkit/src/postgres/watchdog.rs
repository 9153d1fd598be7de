//! Cleaning up after a test process, however it ends.

use std::io;
use std::path::Path;
use std::process::{Child, Stdio};

use super::binaries::{Binaries, RunAs, detached};

/// Waits for the end of its input, then stops the server and deletes its files. The input is a pipe
/// that only the test process holds open, so its end is the end of that process: by return, by panic
/// or by `kill -9`.
const SCRIPT: &str =
    r#"while read -r _; do :; done; "$1" stop -D "$2/data" -m immediate -s; cd /; rm -rf "$2""#;

/// A child process that outlives us for a moment.
#[derive(Debug)]
pub(super) struct Watchdog(Child);

impl Watchdog {
    pub fn watch(binaries: &Binaries, run_as: Option<RunAs>, home: &Path) -> io::Result<Self> {
        let mut command = detached(Path::new("/bin/sh"), run_as, home);
        command.args(["-c", SCRIPT, "watchdog"]).arg(&binaries.pg_ctl).arg(home);
        command.stdin(Stdio::piped()).spawn().map(Self)
    }
}

impl Drop for Watchdog {
    /// Cleans up now.
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
