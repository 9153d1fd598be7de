//! Which store, and where.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::Env;

/// The store.
#[derive(Clone)]
pub enum Database {
    /// One file.
    Sqlite(PathBuf),
    /// A server. The address may hold a password.
    Postgres(SecretString),
}

impl Database {
    /// A file or directory beside the local data.
    pub fn beside(&self, name: &str) -> PathBuf {
        match self {
            Self::Sqlite(file) => file.with_file_name(name),
            Self::Postgres(_) => PathBuf::from("data").join(name),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// The store without its password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite file {}", path.display()),
            Self::Postgres(address) => match url::Url::parse(address.expose_secret()) {
                Ok(url) => {
                    let (host, port) = (url.host_str().unwrap_or("localhost"), url.port().unwrap_or(5432));
                    write!(f, "Postgres at {host}:{port}{}", url.path())
                }
                Err(_) => f.write_str("Postgres"),
            },
        }
    }
}

/// `DATABASE_URL`: `sqlite://path` (three slashes before an absolute path), `postgres://` or
/// `postgresql://`.
pub(super) fn read(env: &mut Env, production: bool) -> Database {
    let default = Database::Sqlite(PathBuf::from("data/saldo.db"));
    let Some(address) = env.secret("DATABASE_URL") else {
        if production {
            env.fault("DATABASE_URL is missing: postgres://... or sqlite://path");
        }
        return default;
    };
    let text = address.expose_secret();
    if let Some(path) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
        let path = path.split('?').next().unwrap_or_default();
        if path.is_empty() || path == ":memory:" {
            env.fault("DATABASE_URL: sqlite:// needs the path of a file");
        }
        return Database::Sqlite(PathBuf::from(path));
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        if let Err(error) = url::Url::parse(text) {
            env.fault(format!("DATABASE_URL: {error}"));
        }
        return Database::Postgres(address);
    }
    env.fault("DATABASE_URL: must begin with sqlite://, postgres:// or postgresql://");
    default
}
