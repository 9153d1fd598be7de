//! CPU time and memory of processes, as the operating system counts them.

use std::fs;
use std::time::Duration;

/// `/proc` counts in hundredths of a second, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// What `/proc/PID/stat` says of a process.
struct Stat {
    parent: u32,
    /// User and system time.
    own: u64,
    /// The same of children that ended.
    children: u64,
}

fn stat(pid: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(field(1)?).ok()?,
        own: field(11)? + field(12)?,
        children: field(13)? + field(14)?,
    })
}

fn ticks(count: u64) -> Duration {
    TICK * u32::try_from(count).unwrap_or(u32::MAX)
}

/// User and system time of this process so far.
pub fn own() -> Duration {
    stat("self").map_or(Duration::ZERO, |stat| ticks(stat.own))
}

/// User and system time of a process so far.
pub fn of(pid: u32) -> Duration {
    stat(&pid.to_string()).map_or(Duration::ZERO, |stat| ticks(stat.own))
}

/// User and system time so far of a process, its children, and those of its children that ended: what a
/// PostgreSQL server used, by the process that listens.
pub fn of_family(head: u32) -> Duration {
    let Some(first) = stat(&head.to_string()) else { return Duration::ZERO };
    let mut sum = first.own + first.children;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_process = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(stat) = is_process.and_then(stat)
            && stat.parent == head
        {
            sum += stat.own;
        }
    }
    ticks(sum)
}

/// The process that started this PostgreSQL backend; `None` where it is not on this machine.
pub fn parent_of_backend(pid: u32) -> Option<u32> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    if !name.starts_with("postgres") {
        return None;
    }
    stat(&pid.to_string()).map(|stat| stat.parent)
}

/// Resident memory of a process, in bytes: now, and the most it ever had.
pub fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_has_a_parent() {
        let (now, most) = memory(std::process::id()).unwrap();
        assert!(now > 0 && most >= now);
        assert!(stat("self").unwrap().parent > 0);
    }
}
