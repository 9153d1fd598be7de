//! `api-server credits`.

use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use domain::clock::Clock;
use domain::credits::Credits;
use domain::ids::{IdSource, IdempotencyKey, UserId};
use domain::services::accounts::{Accounts, MOST_BY_HAND, ManualCredits};
use domain::services::verification::verify;

use super::{operator, say};
use crate::clock::{SystemClock, UuidSource, rfc3339};
use crate::config::{Config, Database};
use crate::jobs::retention;
use crate::wiring::Stores;

#[derive(Subcommand)]
pub enum Command {
    /// Show an account and its latest journal entries.
    Show {
        /// The user: a UUID, or what stands as `sub` in their token.
        user: String,
        /// How many journal entries.
        #[arg(long, default_value_t = 20)]
        entries: u32,
    },
    /// Grant credits (or take them, with a negative amount).
    Grant {
        /// The user: a UUID, or what stands as `sub` in their token.
        user: String,
        /// How many; negative takes them.
        #[arg(allow_negative_numbers = true)]
        amount: i64,
        /// Why: kept beside the journal.
        #[arg(long)]
        reason: String,
        /// A name for this act: the same again does nothing again. Random without it.
        #[arg(long)]
        key: Option<String>,
    },
    /// Prove that every balance follows from the journal; exits with 1 and names the account otherwise.
    Verify,
}

/// How long the last commits may take.
const FLUSH: Duration = Duration::from_secs(10);

/// Runs a command on credits.
pub async fn run(config: &Config, command: Command) -> Result<(), Vec<String>> {
    // Looking must not make books where there are none: a mistyped path is a fault, not an empty account.
    let looks = !matches!(command, Command::Grant { .. });
    if let (true, Database::Sqlite(path)) = (looks, &config.database)
        && !path.exists()
    {
        return Err(vec![format!("{}: there is no such file", config.database)]);
    }
    let (stores, writer) = Stores::open(&config.database).await.map_err(|error| vec![error])?;
    let done = match command {
        Command::Show { user, entries } => show(config, &stores, &user, entries).await,
        Command::Grant { user, amount, reason, key } => {
            grant(config, &stores, &user, amount, reason, key).await
        }
        Command::Verify => prove(config, &stores).await,
    };
    writer.shutdown(FLUSH).await;
    done.map_err(|error| vec![error])
}

fn accounts(config: &Config, stores: &Stores) -> Accounts {
    Accounts {
        recorder: Arc::clone(&stores.recorder),
        statements: Arc::clone(&stores.statements),
        clock: Arc::new(SystemClock { zone: config.report_timezone }),
        ids: Arc::new(UuidSource),
    }
}

async fn show(config: &Config, stores: &Stores, user: &str, entries: u32) -> Result<(), String> {
    let user = known(user)?;
    let view = accounts(config, stores).view(user).await.map_err(|error| error.to_string())?;
    let sums = view.balances;
    say(format_args!("user       {user}"));
    say(format_args!("plan       {}", view.plan.as_str()));
    say(format_args!("available  {}", sums.available));
    say(format_args!(
        "total      {}   used {}   held {}   owed {}",
        sums.total, sums.used, sums.held, sums.owed
    ));
    say(format_args!("suspended  {}", if view.suspended { "yes" } else { "no" }));
    let lines = stores.statements.journal(user, None, entries).await.map_err(|error| error.to_string())?;
    for line in lines {
        let entry = line.entry;
        say(format_args!(
            "{:>6}  {}  {:<9} {:>10}  balance {:>10}  {}  by {}{}",
            entry.seq,
            rfc3339(entry.at),
            entry.kind.as_str(),
            entry.amount.get(),
            entry.balance_after.get(),
            entry.source,
            entry.actor.as_str(),
            line.note.map(|note| format!("  \"{}\"", note.escape_debug())).unwrap_or_default(),
        ));
    }
    Ok(())
}

async fn grant(
    config: &Config,
    stores: &Stores,
    user: &str,
    amount: i64,
    reason: String,
    key: Option<String>,
) -> Result<(), String> {
    let user = known(user)?;
    let amount = Credits::new(amount)
        .ok()
        .filter(|it| it.get() != 0 && it.get().abs() <= MOST_BY_HAND.get())
        .ok_or_else(|| format!("AMOUNT must be a whole number other than zero, at most {MOST_BY_HAND}"))?;
    if reason.trim().is_empty() {
        return Err("--reason must not be blank".to_owned());
    }
    let key = key.unwrap_or_else(|| uuid::Uuid::from_bytes(UuidSource.unique()).to_string());
    let key = IdempotencyKey::parse(&key).map_err(|error| format!("--key: {error}"))?;
    let by = operator();
    let asked = ManualCredits { user, amount, reason, expires_at: None, key };
    let (view, repeated) =
        accounts(config, stores).move_by_hand(by, asked).await.map_err(|error| error.to_string())?;
    let done = if repeated { "was done before" } else { "done" };
    say(format_args!("{done}: {user} has {} credits available", view.balances.available));
    Ok(())
}

async fn prove(config: &Config, stores: &Stores) -> Result<(), String> {
    let now = SystemClock { zone: config.report_timezone }.now().at;
    // A day's allowance: the purge runs every hour, on whole days where the store keeps partitions.
    let texts_before = now.before(retention(config.content_retention_days.saturating_add(1)));
    let found = verify(stores.books.as_ref(), now, texts_before).await.map_err(|error| error.to_string())?;
    say(&found);
    if found.is_sound() { Ok(()) } else { Err("the books do not add up".to_owned()) }
}

fn known(user: &str) -> Result<UserId, String> {
    if user.trim().is_empty() || user.len() > 255 {
        return Err("USER must be a UUID or the `sub` of a token".to_owned());
    }
    Ok(adapters_jwt::user_id(user))
}
