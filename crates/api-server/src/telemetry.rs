//! Logs: to standard error, without content; what is printed for people goes to standard output.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Below `info`, the database's driver prints the parameters of every statement: questions, answers, addresses. It
/// stays at `info`, whatever `RUST_LOG` says.
const QUIET: [&str; 2] = ["tokio_postgres=info", "tokio_postgres::query=info"];

/// Starts logging. `RUST_LOG` says how much; `info` by default.
pub fn start(json: bool) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    let quiet = QUIET.iter().filter_map(|directive| directive.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second start (tests run several servers in one process) keeps the first.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}
