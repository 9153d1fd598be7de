//! Where and when it was measured.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;
use std::time::Instant;

use chrono::Utc;

use crate::Result;
use crate::database::Database;
use crate::measure::{Spread, count, number};
use crate::options::Options;

/// What the page says first.
pub struct Machine(Vec<(&'static str, String)>);

impl Machine {
    /// As a list.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(what, is)| format!("- {what}: {is}")).collect()
    }
}

/// Looks around.
pub async fn describe(options: &Options) -> Result<Machine> {
    let cores = std::thread::available_parallelism()?;
    Ok(Machine(vec![
        ("Date", Utc::now().format("%Y-%m-%d %H:%M UTC").to_string()),
        ("Commit", commit()),
        ("Command", command(options)),
        ("Machine", format!("{cores} cores ({}), {}", processor(), memory())),
        ("Disk", format!("a durable write of 8 KiB took {}", durable_write()?)),
        ("Load", format!("{}, our own included; the machine is shared with other work", load())),
        ("Versions", format!("PostgreSQL {}, {}", Database::fresh().await?.version().await?, compiler())),
    ]))
}

fn command(options: &Options) -> String {
    let quick = if options.quick { " --quick" } else { "" };
    let only =
        if options.only.is_empty() { String::new() } else { format!(" --only {}", options.only.join(",")) };
    let (rounds, window) = (options.rounds(), options.window().as_millis());
    format!("`scripts/bench{quick}{only}`: {rounds} rounds, {window} ms for each side")
}

/// The first line that a program prints; `unknown` when there is none.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("GIT_OPTIONAL_LOCKS", "0").output();
    let text = output.ok().filter(|it| it.status.success()).map(|it| it.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().map_or_else(|| "unknown".to_owned(), str::to_owned)
}

fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = said("git", &["status", "--porcelain", "--", ".", ":!BENCHMARKS.md"]);
    if changed == "unknown" || changed.is_empty() { commit } else { format!("{commit}, with changes") }
}

fn compiler() -> String {
    said("rustc", &["--version"])
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |it| it.trim_start_matches([':', '\t', ' ']).to_owned(),
    )
}

fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes: Option<u64> = kibibytes.and_then(|it| it.split_whitespace().next()?.parse().ok());
    kibibytes.map_or_else(
        || "memory unknown".to_owned(),
        |it| format!("{} GiB of memory", number(count(it) / 1_048_576.0, 1)),
    )
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let recent: Vec<&str> = text.split_whitespace().take(3).collect();
    format!("load averages at the end {}", recent.join(", "))
}

/// What one commit costs the disk, at the least: both databases wait for this.
fn durable_write() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let mut file = File::create(directory.path().join("probe"))?;
    let block = [7u8; 8192];
    let mut micros = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        micros.push(count(u64::try_from(begun.elapsed().as_micros())?));
    }
    Ok(format!("{} µs", Spread::of(micros).show(0)))
}
