//! Finding PostgreSQL's programs, and a user that may run them.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const DEBIAN: &str = "/usr/lib/postgresql";
const MISSING: &str = "Postgres tests need a server: install PostgreSQL so that `initdb` and `pg_ctl` are on \
     PATH or under /usr/lib/postgresql/*/bin (Debian: apt-get install postgresql), or set TEST_POSTGRES_URL \
     to a server where databases may be created.";

/// The programs of one installed version.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    pub initdb: PathBuf,
    pub pg_ctl: PathBuf,
}

/// The programs on PATH, else Debian's newest; says what to install when there are none.
pub(super) fn find() -> Result<Binaries, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).collect::<Vec<_>>();
    on_path.into_iter().chain(debian_newest_first()).find_map(|dir| in_dir(&dir)).ok_or(MISSING.to_owned())
}

fn in_dir(dir: &Path) -> Option<Binaries> {
    let (initdb, pg_ctl) = (dir.join("initdb"), dir.join("pg_ctl"));
    (initdb.is_file() && pg_ctl.is_file()).then_some(Binaries { initdb, pg_ctl })
}

fn debian_newest_first() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, dir)| dir).collect()
}

/// Whom the server runs as, where that is not ourselves: PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunAs {
    pub uid: u32,
    pub gid: u32,
}

impl RunAs {
    /// `postgres` or `nobody`, by the first of them that there is.
    pub fn unprivileged() -> Result<Self, String> {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"].into_iter().find_map(|name| Self::in_passwd(&users, name)).ok_or_else(|| {
            "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as: run \
             the tests as another user, or set TEST_POSTGRES_URL."
                .to_owned()
        })
    }

    fn in_passwd(users: &str, name: &str) -> Option<Self> {
        let fields: Vec<&str> = users
            .lines()
            .map(|line| line.split(':').collect())
            .find(|fields: &Vec<&str>| fields[0] == name)?;
        Some(Self { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
    }
}

/// A program in a process group of its own (a Ctrl-C in the terminal is not for it), away from our
/// input and output (which others may wait on), as the given user.
pub(super) fn detached(program: &Path, run_as: Option<RunAs>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(RunAs { uid, gid }) = run_as {
        command.uid(uid).gid(gid);
    }
    // A locale that is not installed, or settings for another server, must not reach this one.
    command.env("LC_ALL", "C");
    for variable in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGOPTIONS"] {
        command.env_remove(variable);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_in_passwd() {
        let users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/usr/sbin/nologin\n";
        assert_eq!(RunAs::in_passwd(users, "nobody"), Some(RunAs { uid: 65534, gid: 65533 }));
        assert_eq!(RunAs::in_passwd(users, "postgres"), None);
    }
}
