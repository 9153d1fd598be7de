//! The command line.

mod credits;
mod prices;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Env, Purpose};
use crate::wiring::Stores;
use crate::{server, telemetry};

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
    /// Check the catalogue's prices. Needs CATALOG_FILE, or checks the embedded catalogue.
    #[command(subcommand)]
    Prices(prices::Command),
}

/// Runs what the command line says. Faults go to standard error, each on a line; the exit code is 0 for
/// success, 1 for a fault, 2 for words that make no sense.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve);
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
            Self::Migrate | Self::Credits(_) | Self::Prices(_) => Purpose::Books,
        }
    }
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
