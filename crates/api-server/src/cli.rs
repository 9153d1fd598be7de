//! The command line.

mod alerts;
mod backup;
mod credits;
mod prices;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use domain::audit::By;
use domain::ledger::account::Actor;

use crate::config::{Config, Env, Purpose};
use crate::wiring::Stores;
use crate::{openapi, server, telemetry};

/// Saldo: sell AI by the credit.
///
/// Configured by environment variables (see .env.example); a .env file in the working directory is read too.
#[derive(Parser)]
#[command(name = "api-server", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP (what happens without a command).
    ///
    /// Needs the configuration; in development, nothing: what is missing gets a local stand-in.
    Serve,
    /// Make the tables of the store, or bring them up to date.
    ///
    /// Needs DATABASE_URL. `serve` does it too, at start.
    Migrate,
    /// Print a bearer token, signed with JWT_SECRET.
    ///
    /// In production, for operators; the product's own sign-in makes its users' tokens.
    Token(token::Options),
    /// Look at credits, grant them, verify that the books add up. Needs DATABASE_URL.
    #[command(subcommand)]
    Credits(credits::Command),
    /// Look at the webhook of notices, switch it on again. Needs DATABASE_URL.
    #[command(subcommand)]
    Alerts(alerts::Command),
    /// Copy the books into a new file, while the server goes on (SQLite).
    ///
    /// Needs DATABASE_URL. For PostgreSQL, pg_dump does it: see docs/operations.md.
    Backup(backup::Options),
    /// Print the OpenAPI document of the HTTP interface.
    ///
    /// Needs nothing. A running server has it at /openapi.json, and a page to read it at /docs.
    Openapi,
    /// Check the catalogue's prices. Needs CATALOG_FILE, or checks the embedded catalogue.
    #[command(subcommand)]
    Prices(prices::Command),
}

/// Runs what the command line says. Faults go to standard error, each on a line; the exit code is 0 for
/// success, 1 for a fault, 2 for words that make no sense.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve);
    if matches!(command, Command::Openapi) {
        say(openapi::rendered().trim_end());
        return ExitCode::SUCCESS;
    }
    let config = match Config::load(Env::of_process(), command.purpose()) {
        Ok(config) => config,
        Err(faults) => return fail("the configuration is not right", &faults),
    };
    let serves = matches!(command, Command::Serve);
    let telemetry = match telemetry::start(&config.logs, config.traces.as_ref().filter(|_| serves)) {
        Ok(telemetry) => telemetry,
        Err(faults) => return fail("the configuration is not right", &faults),
    };
    let (what, done) = match command {
        Command::Serve => ("the server stopped", server::serve(config).await),
        Command::Migrate => ("not migrated", migrate(&config).await),
        Command::Token(options) => ("no token", token::print(&config, &options)),
        Command::Credits(command) => ("not done", credits::run(&config, command).await),
        Command::Alerts(command) => ("not done", alerts::run(&config, command).await),
        Command::Backup(options) => ("not copied", backup::run(&config, &options)),
        // Printed above, before the configuration is read.
        Command::Openapi => return ExitCode::SUCCESS,
        Command::Prices(command) => ("prices", prices::run(&config, &command)),
    };
    telemetry.finish().await;
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(faults) => fail(what, &faults),
    }
}

impl Command {
    fn purpose(&self) -> Purpose {
        match self {
            Self::Serve => Purpose::Serving,
            Self::Token(_) => Purpose::Signing,
            Self::Migrate
            | Self::Credits(_)
            | Self::Alerts(_)
            | Self::Backup(_)
            | Self::Prices(_)
            | Self::Openapi => Purpose::Books,
        }
    }
}

/// Who acts here, for the audit log.
fn operator() -> By {
    By { actor: Actor::operator(), via: "command_line".to_owned(), request_id: None }
}

/// Prints a line for people or programs. A reader that has enough (`| head`) ends the program quietly.
pub(crate) fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        let quiet = error.kind() == std::io::ErrorKind::BrokenPipe;
        if !quiet {
            eprintln!("cannot print: {error}");
        }
        std::process::exit(i32::from(!quiet));
    }
}

fn fail(what: &str, faults: &[String]) -> ExitCode {
    eprintln!("{what}:");
    for fault in faults {
        eprintln!("  - {fault}");
    }
    ExitCode::FAILURE
}

async fn migrate(config: &Config) -> Result<(), Vec<String>> {
    Stores::migrate(&config.database).await.map_err(|error| vec![error])?;
    say(format_args!("{}: up to date", config.database));
    Ok(())
}
