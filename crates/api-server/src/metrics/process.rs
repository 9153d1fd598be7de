//! The process as the operating system sees it: Linux's `/proc/self`. Elsewhere these figures are absent.

use std::fmt::Write;
use std::fs;

use super::families::{self, Family};

/// The kernel counts processor time in hundredths of a second, on every Linux that there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Their lines.
pub fn render() -> String {
    let mut text = String::new();
    let _ = lines(&mut text);
    text
}

/// Ends at the first thing that cannot be read.
fn lines(text: &mut String) -> Option<()> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    line(text, &families::RESIDENT, field(&status, "VmRSS:")? * 1024.0);
    line(text, &families::VIRTUAL, field(&status, "VmSize:")? * 1024.0);
    line(text, &families::THREADS, field(&status, "Threads:")?);
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in brackets and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let rest: Vec<f64> = rest.split_whitespace().skip(1).map(|word| word.parse().unwrap_or(0.0)).collect();
    line(text, &families::CPU, (rest.get(10)? + rest.get(11)?) / TICKS_PER_SECOND);
    line(text, &families::STARTED, boot_time()? + rest.get(18)? / TICKS_PER_SECOND);
    // One of them is the directory that is being read.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    line(text, &families::OPEN_FILES, u32::try_from(open).ok()?.into());
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    line(text, &families::MOST_FILES, field(&limits, "Max open files")?);
    Some(())
}

fn line(text: &mut String, family: &Family, value: f64) {
    let Family { name, help, kind, .. } = family;
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}\n{name} {value}\n", kind.as_str());
}

/// The first number after a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// When the machine was started.
fn boot_time() -> Option<f64> {
    field(&fs::read_to_string("/proc/stat").ok()?, "btime")
}
