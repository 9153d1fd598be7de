//! Measures what the design promises, side by side with the plain way, and writes `BENCHMARKS.md`.
//!
//! Every pair runs in turns in one go on one machine, so that what else the machine does meets both sides;
//! what counts is the ratio. Afterwards all books are verified: wrong ones are a failure of the run.
//!
//! | To find | Look in |
//! |---|---|
//! | what is asked of every side | `asks`, `callers` |
//! | the sides | `ledger`, `plain_postgres`, `plain_sqlite` |
//! | P1 to P4 | `pairs` |
//! | P8, P11 | `memory`, `startup`, `server` |
//! | the admin's figures on many usage rows (`--only reports`) | `reports` |
//! | CPU and memory, from the operating system | `cpu` |
//! | figures, and what is said of them | `measure`, `sides` |
//! | the page | `report`, `machine` |

mod asks;
mod callers;
mod cpu;
mod database;
mod ledger;
mod machine;
mod measure;
mod memory;
mod options;
mod pairs;
mod plain_postgres;
mod plain_sqlite;
mod report;
mod reports;
mod server;
mod sides;
mod startup;

use std::process::ExitCode;

use clap::Parser;

use options::Options;
use report::Report;

/// Why a benchmark could not be run to its end.
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let mut report = Report::default();
    if let Err(failure) = run(&options, &mut report).await {
        eprintln!("the benchmarks broke off: {failure}");
        return ExitCode::FAILURE;
    }
    match report.faults() {
        0 => ExitCode::SUCCESS,
        count => {
            eprintln!("{count} faults: the books are wrong or requests failed, see above");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options, report: &mut Report) -> Result<()> {
    if options.wants("P1") {
        report.add(pairs::spread_accounts(options).await?);
    }
    if options.wants("P2") {
        report.add(pairs::hot_account(options).await?);
    }
    if options.wants("P3") {
        report.add(pairs::sqlite(options).await?);
    }
    if options.wants("P4") {
        report.add(pairs::alone(options).await?);
    }
    if options.wants("P8") {
        report.add(memory::resident(options).await?);
    }
    if options.wants("P11") {
        report.add(startup::start_to_ready(options).await?);
    }
    if options.names("reports") {
        report.add(reports::on_many_rows(options).await?);
    }
    let page = report.page(options, &machine::describe(options).await?);
    match &options.output {
        Some(path) => std::fs::write(path, page)?,
        None => println!("\n{page}"),
    }
    Ok(())
}
