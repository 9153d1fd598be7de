//! Local stand-ins for what development does not set.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::SecretString;

use super::{Database, LEAST_SECRET};

/// A random signing key, kept in a file beside the local data, so that tokens outlive a restart and the
/// command line can sign too.
pub(super) fn jwt_secret(database: &Database, stand_ins: &mut Vec<String>) -> SecretString {
    let path = database.beside("development-jwt-secret");
    let shown = path.display();
    match read_or_make(&path) {
        Ok(secret) => {
            stand_ins.push(format!("JWT_SECRET is not set: tokens are signed with a random key in {shown}"));
            secret.into()
        }
        Err(error) => {
            stand_ins.push(format!(
                "JWT_SECRET is not set, and {shown} cannot be used ({error}): tokens are signed with a random \
                 key that is forgotten when the server stops"
            ));
            random().into()
        }
    }
}

fn read_or_make(path: &Path) -> std::io::Result<String> {
    if let Some(kept) = read(path)? {
        return Ok(kept);
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    // Made under another name and linked into place: of two processes that start at once, one wins whole.
    let draft = path.with_extension(format!("{}", std::process::id()));
    let made = random();
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?
        .write_all(made.as_bytes())?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(made),
        Err(error) => read(path)?.ok_or(error),
    }
}

fn read(path: &Path) -> std::io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(kept) if kept.trim().len() >= LEAST_SECRET => Ok(Some(kept.trim().to_owned())),
        Ok(_) => {
            fs::remove_file(path)?;
            Ok(None)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn random() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}
