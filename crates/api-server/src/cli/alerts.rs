//! `api-server alerts`.

use std::time::Duration;

use clap::Subcommand;
use domain::audit::{self, AuditNote, RecordRequest};
use domain::clock::Clock;
use domain::ports::notices::Outbox;

use super::{operator, say};
use crate::clock::{SystemClock, UuidSource, rfc3339};
use crate::config::Config;
use crate::wiring::Stores;

#[derive(Subcommand)]
pub enum Command {
    /// Say how the endpoint of the webhook stands.
    Show,
    /// Send to the endpoint of the webhook again, after it was switched off for failing too long.
    Enable,
}

/// How long the last commits may take.
const FLUSH: Duration = Duration::from_secs(10);

/// Runs a command on alerts.
pub async fn run(config: &Config, command: Command) -> Result<(), Vec<String>> {
    let (stores, writer) = Stores::open(&config.database).await.map_err(|error| vec![error])?;
    let done = match command {
        Command::Show => show(stores.outbox.as_ref()).await,
        Command::Enable => enable(config, &stores).await,
    };
    writer.shutdown(FLUSH).await;
    done.map_err(|error| vec![error])
}

async fn show(outbox: &dyn Outbox) -> Result<(), String> {
    let endpoint = outbox.endpoint().await.map_err(|error| error.to_string())?;
    say(match endpoint {
        None => "no server has had an endpoint yet".to_owned(),
        Some(it) => match (it.disabled_at, it.failing_since) {
            (Some(at), _) => format!("off since {}", rfc3339(at)),
            (None, Some(at)) => format!("failing since {}", rfc3339(at)),
            (None, None) => "well".to_owned(),
        },
    });
    Ok(())
}

async fn enable(config: &Config, stores: &Stores) -> Result<(), String> {
    // Written down first: no crash can hide who did it.
    let note = AuditNote::of(&UuidSource, operator(), audit::WEBHOOK_ENABLE, "webhook".to_owned());
    let now = SystemClock { zone: config.report_timezone }.now();
    let wish = RecordRequest { note, user: None, before: None, after: None, now };
    stores.recorder.record(wish).await.map_err(|error| error.to_string())?;
    stores.outbox.enable_endpoint().await.map_err(|error| error.to_string())?;
    show(stores.outbox.as_ref()).await
}
