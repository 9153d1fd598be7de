//! Copying the books while servers go on.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{RunQueryDsl, sql_query};

use crate::connection::{File, OpenError, make};

/// How long a copy waits for those who write.
const PATIENCE: Duration = Duration::from_secs(30);

/// Copies the books at `path` into the new file `to`, as they stand at one moment; servers may go on meanwhile. When it
/// answers, the copy is whole and on the disk. An existing file is left alone, and nothing is left of a copy that failed.
pub fn backup(path: &Path, to: &Path) -> Result<(), OpenError> {
    let file = File::new(path, PATIENCE)?;
    let mut connection = file.connect_to_copy()?;
    let target = File::new(to, PATIENCE)?;
    let failed = |source: io::Error| OpenError::File { path: target.path().to_owned(), source };
    // For its owner alone, like the books themselves; SQLite takes an empty file for a new one.
    let made = make(target.path()).map_err(failed)?;
    let copied = sql_query("VACUUM INTO ?")
        .bind::<Text, _>(target.name())
        .execute(&mut connection)
        .map_err(|source| file.failed(source))
        .and_then(|_| made.sync_all().and_then(|()| sync_directory(target.path())).map_err(failed));
    if copied.is_err() {
        let _ = fs::remove_file(target.path());
    }
    copied
}

/// The file's name is on the disk too.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations;

    #[test]
    fn a_copy_is_whole_for_its_owner_alone_and_never_replaces_a_file() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let [books, copy] = ["saldo.db", "copy.db"].map(|name| directory.path().join(name));
        assert!(matches!(backup(&books, &copy), Err(OpenError::Gone(_))));
        assert!(!copy.exists());
        migrations::migrate(&books).expect("made");
        backup(&books, &copy).expect("copied");
        assert_eq!(migrations::pending(&copy).expect("read"), [""; 0]);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&copy).expect("there"));
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&copy, "something of value").expect("written");
        assert!(backup(&books, &copy).is_err());
        assert_eq!(fs::read(&copy).expect("read"), b"something of value");
        let nowhere = directory.path().join("no/such/place.db");
        assert!(backup(&books, &nowhere).is_err());
    }
}
