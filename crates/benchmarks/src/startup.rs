//! P11: from starting the server to its being ready, on a database that is migrated already.

use crate::Result;
use crate::database::Database;
use crate::measure::{Spread, millis};
use crate::options::Options;
use crate::report::{Section, Target};
use crate::server::Home;

/// P11.
pub async fn start_to_ready(options: &Options) -> Result<Section> {
    let mut section = Section::new("P11", "From starting the process to GET /readyz answering 200");
    let directory = tempfile::Builder::new().prefix("saldo-benchmark-").tempdir()?;
    let sqlite = format!("sqlite://{}", directory.path().join("saldo.db").display());
    let postgres = Database::fresh().await?;
    for (store, url) in [("SQLite", sqlite.as_str()), ("Postgres", postgres.url())] {
        let home = Home::new(&options.api_server, directory.path(), url)?;
        // Migrates, makes the demo user, and brings the program into memory.
        home.start().await?.stop().await?;
        let mut times = Vec::new();
        for _ in 0..options.starts() {
            let server = home.start().await?;
            times.push(millis(server.started_in));
            server.stop().await?;
        }
        match home.cli(&["credits", "verify"])? {
            Ok(sentence) => section.line(format!("Verified, {store}: {sentence}.\n")),
            Err(found) => section.fault(format!("{store}: {found}")),
        }
        let what = format!("{} starts on {store}", times.len());
        section.verdict(&what, Target::Within(300.0, "ms"), Spread::of(times));
    }
    section.line("Asked every 2 ms; all starts but the first, which migrates.\n");
    Ok(section)
}
