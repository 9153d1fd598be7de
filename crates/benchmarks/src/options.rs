//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Runs the benchmarks of Saldo and writes their results.
#[derive(Debug, Parser)]
#[command(name = "benchmarks")]
pub struct Options {
    /// Few and short rounds, to see whether everything works. The figures mean little.
    #[arg(long)]
    pub quick: bool,
    /// Where the page is written; without it, to standard output.
    #[arg(long)]
    pub output: Option<PathBuf>,
    /// The server whose memory and start are measured.
    #[arg(long, default_value = "target/release/api-server")]
    pub api_server: PathBuf,
    /// Only these, for example `P1,P4`.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// How many usage rows the reports are measured on. They are measured only when they are named: `--only reports`.
    #[arg(long, default_value_t = 1_000_000)]
    pub usage_rows: u32,
    /// Paired rounds of each comparison.
    #[arg(long)]
    rounds: Option<u64>,
    /// How long one side of a round runs, in milliseconds.
    #[arg(long)]
    window_ms: Option<u64>,
}

impl Options {
    /// Whether this benchmark is to be run.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// Whether this benchmark, which is not one of all, is to be run.
    pub fn names(&self, name: &str) -> bool {
        !self.only.is_empty() && self.wants(name)
    }

    /// Paired rounds of each comparison.
    pub fn rounds(&self) -> u64 {
        self.rounds.unwrap_or(if self.quick { 2 } else { 5 })
    }

    /// How long one side of a round runs.
    pub fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms.unwrap_or(if self.quick { 300 } else { 2000 }))
    }

    /// How long the server is under load.
    pub fn load(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 10 })
    }

    /// How often the server is started.
    pub fn starts(&self) -> usize {
        if self.quick { 2 } else { 10 }
    }
}
