//! `api-server prices check`.

use adapters_openai::Tiktoken;
use clap::Subcommand;
use domain::pricing::below_cost::sold_below_cost;

use super::say;
use crate::config::Config;
use crate::wiring::catalogue;

#[derive(Subcommand)]
pub enum Command {
    /// Check the catalogue, and list every plan and model that are sold below cost in the worst case.
    Check {
        /// Exit with 1 when something is sold below cost.
        #[arg(long)]
        strict: bool,
    },
}

/// Runs a command on prices.
pub fn run(config: &Config, command: &Command) -> Result<(), Vec<String>> {
    let Command::Check { strict } = command;
    let catalogue = catalogue(config, &Tiktoken)?;
    let findings = sold_below_cost(&catalogue);
    let (plans, models) = (catalogue.plans().len(), catalogue.models().count());
    say(format_args!("{plans} plans, {models} models; the catalogue is sound."));
    if findings.is_empty() {
        say(format_args!("Nothing is sold below cost."));
        return Ok(());
    }
    say(format_args!("Sold below cost when all tokens are of the dearest kind (dollars for 1,000 tokens):"));
    for found in &findings {
        let (plan, model, kind) = (&found.plan, &found.model, found.kind.as_str());
        say(format_args!(
            "  {plan:<14} {model:<16} {kind:<10} brings {:<12} costs {}",
            found.revenue.to_string(),
            found.cost
        ));
    }
    if *strict { Err(vec![format!("{} combinations are sold below cost", findings.len())]) } else { Ok(()) }
}
