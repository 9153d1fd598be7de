//! `api-server backup`.

use std::path::PathBuf;

use clap::Args;

use super::say;
use crate::config::{Config, Database};

#[derive(Args)]
pub struct Options {
    /// The new file; one that exists is left alone.
    file: PathBuf,
}

/// Copies the books.
pub fn run(config: &Config, options: &Options) -> Result<(), Vec<String>> {
    let file = &options.file;
    match &config.database {
        Database::Sqlite(path) => {
            adapters_sqlite::backup(path, file).map_err(|error| vec![error.to_string()])?;
            say(format_args!("{}: copied to {}", config.database, file.display()));
            Ok(())
        }
        Database::Postgres(_) => {
            Err(vec![format!("{}: pg_dump copies it (docs/operations.md)", config.database)])
        }
    }
}
