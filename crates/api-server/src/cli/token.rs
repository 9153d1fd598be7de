//! `api-server token`.

use chrono::Utc;
use clap::Args;

use super::say;
use crate::clock::to_timestamp;
use crate::config::{Config, TokenKeys};
use crate::wiring::token_config;

#[derive(Args)]
pub struct Options {
    /// Who the token is for: a UUID, or any other string.
    #[arg(long)]
    sub: String,
    /// What they may do: `user` or `admin`.
    #[arg(long, default_value = "user", value_parser = ["user", "admin"])]
    role: String,
    /// Scopes instead of a role, separated by spaces: `ai:use credits:read`.
    #[arg(long, conflicts_with = "role")]
    scope: Option<String>,
    /// How long it lasts: `90s`, `15m`, `1h`, `30d`.
    #[arg(long, default_value = "1h", value_parser = seconds)]
    ttl: u64,
}

/// Prints a token, and nothing else. Where an issuer signs the tokens, there is nothing to sign with.
pub fn print(config: &Config, options: &Options) -> Result<(), Vec<String>> {
    if matches!(config.jwt.keys, TokenKeys::Published(_)) {
        return Err(vec![
            "JWT_JWKS_URL is set: tokens come from that issuer, and only it can sign them".to_owned(),
        ]);
    }
    let now = to_timestamp(Utc::now());
    let role = options.scope.is_none().then_some(options.role.as_str());
    let scope = options.scope.as_deref();
    let token = adapters_jwt::issue(&token_config(config), &options.sub, role, scope, now, options.ttl)
        .map_err(|error| vec![error.to_string()])?;
    say(token);
    Ok(())
}

/// A year.
const LONGEST_SECS: u64 = 365 * 24 * 60 * 60;

fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit {
        "s" | "" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err("use a number with s, m, h or d, such as 1h".to_owned()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|seconds| (1..=LONGEST_SECS).contains(seconds))
        .ok_or_else(|| "must be from 1 second to 365 days, such as 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_to_live_have_units_and_bounds() {
        assert_eq!((seconds("90s"), seconds("15m"), seconds("2d")), (Ok(90), Ok(900), Ok(172_800)));
        for bad in ["", "h", "0s", "-1h", "1w", "366d", "99999999999999999999d", "1.5h"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
