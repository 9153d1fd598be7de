//! How credits are sold.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Env, is_placeholder};

/// How credits are sold.
#[derive(Debug)]
pub enum Billing {
    /// Through Stripe.
    Stripe(Stripe),
    /// Through a simulated checkout; development only.
    Sandbox,
    /// Not at all.
    Off,
}

/// The payment provider.
#[derive(Debug)]
pub struct Stripe {
    /// `STRIPE_SECRET_KEY`.
    pub secret_key: SecretString,
    /// Whether that key moves real money.
    pub livemode: bool,
    /// `STRIPE_WEBHOOK_SECRET`.
    pub webhook_secret: SecretString,
    /// `STRIPE_WEBHOOK_SECRET_PREVIOUS`, while the secret is being replaced.
    pub webhook_secret_previous: Option<SecretString>,
    /// `STRIPE_API_BASE`; `None` is Stripe's own.
    pub api_base: Option<Url>,
    /// `STRIPE_RECONCILE_SECONDS`: how often what no webhook told is looked for.
    pub reconcile_every: Duration,
}

const KEY: &str = "STRIPE_SECRET_KEY";
const PUBLISHABLE: &str = "STRIPE_PUBLISHABLE_KEY";
const WEBHOOK: &str = "STRIPE_WEBHOOK_SECRET";
const PREVIOUS: &str = "STRIPE_WEBHOOK_SECRET_PREVIOUS";
const RECONCILE: &str = "STRIPE_RECONCILE_SECONDS";

/// Stripe whole, or not at all: half of it would take money and grant nothing.
pub(super) fn read(env: &mut Env, production: bool, stand_ins: &mut Vec<String>) -> Billing {
    let key = env.secret(KEY);
    let publishable = env.text(PUBLISHABLE);
    let webhook = env.secret(WEBHOOK);
    let previous = env.secret(PREVIOUS);
    let api_base = api_base(env, production);
    let reconcile_every = Duration::from_secs(u64::from(env.parsed(RECONCILE, 60_u32).clamp(1, 3600)));
    let (key, webhook) = match (key, webhook) {
        (Some(key), Some(webhook)) => (key, webhook),
        (None, None) if publishable.is_none() && previous.is_none() => return nothing(production, stand_ins),
        (key, webhook) => {
            for (name, missing) in [(KEY, key.is_none()), (WEBHOOK, webhook.is_none())] {
                if missing {
                    env.fault(format!("{name} is missing or empty: Stripe is configured by halves"));
                }
            }
            return Billing::Off;
        }
    };
    let livemode = mode(env, production, (KEY, key.expose_secret()), &["sk_", "rk_"]);
    if let Some(publishable) = publishable {
        let other = mode(env, production, (PUBLISHABLE, &publishable), &["pk_"]);
        if let (Some(own), Some(other)) = (livemode, other)
            && own != other
        {
            env.fault(format!("{KEY} and {PUBLISHABLE}: one is live, the other for tests"));
        }
    }
    for (name, secret) in [(WEBHOOK, Some(&webhook)), (PREVIOUS, previous.as_ref())] {
        let Some(text) = secret.map(ExposeSecret::expose_secret) else { continue };
        if text.strip_prefix("whsec_").is_none_or(str::is_empty) || (production && is_placeholder(text)) {
            env.fault(format!("{name}: is no webhook signing secret (whsec_...)"));
        }
    }
    let livemode = livemode.unwrap_or_default();
    if production && !livemode {
        stand_ins
            .push("STRIPE_SECRET_KEY is a test key: credits are sold and NO REAL MONEY moves".to_owned());
    }
    Billing::Stripe(Stripe {
        secret_key: key,
        livemode,
        webhook_secret: webhook,
        webhook_secret_previous: previous,
        api_base,
        reconcile_every,
    })
}

fn nothing(production: bool, stand_ins: &mut Vec<String>) -> Billing {
    if production {
        return Billing::Off;
    }
    stand_ins.push("STRIPE_SECRET_KEY is not set: credits are sold by a SIMULATED checkout".to_owned());
    Billing::Sandbox
}

fn api_base(env: &mut Env, production: bool) -> Option<Url> {
    let url = env.parsed_if_set::<Url>("STRIPE_API_BASE")?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if production && url.scheme() == "http" && !local {
        env.fault("STRIPE_API_BASE: the secret key would travel unencrypted; use https");
    }
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        return Some(url);
    }
    env.fault(format!("STRIPE_API_BASE: `{url}` is not an http or https address"));
    None
}

/// Whether a key is live; a fault when it is no key.
fn mode(env: &mut Env, production: bool, (name, key): (&str, &str), prefixes: &[&str]) -> Option<bool> {
    let rest = prefixes.iter().find_map(|prefix| key.strip_prefix(prefix));
    match rest.filter(|_| !(production && is_placeholder(key))) {
        Some(rest) if rest.starts_with("live_") => Some(true),
        Some(rest) if rest.starts_with("test_") => Some(false),
        _ => {
            let forms: Vec<String> =
                prefixes.iter().flat_map(|p| [format!("{p}live_..."), format!("{p}test_...")]).collect();
            env.fault(format!("{name}: is none of {}", forms.join(", ")));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)], production: bool) -> (Billing, String) {
        let mut env = Env::of(variables.iter().copied());
        let billing = read(&mut env, production, &mut Vec::new());
        (billing, env.into_faults().join("\n"))
    }

    #[test]
    fn nothing_is_a_sandbox_in_development_and_off_in_production() {
        assert!(matches!(load(&[], false), (Billing::Sandbox, faults) if faults.is_empty()));
        assert!(matches!(load(&[], true), (Billing::Off, faults) if faults.is_empty()));
    }

    #[test]
    fn half_of_stripe_is_a_fault_in_development_too() {
        for half in [
            &[(KEY, "sk_test_1234")][..],
            &[(WEBHOOK, "whsec_12345678")],
            &[(KEY, "sk_test_1234"), (WEBHOOK, "  ")],
            &[(PUBLISHABLE, "pk_test_1234")],
        ] {
            assert!(load(half, false).1.contains("by halves"), "{half:?}");
        }
    }

    #[test]
    fn keys_and_secrets_must_look_like_it() {
        let whole = [(KEY, "sk_live_1234"), (WEBHOOK, "whsec_12345678"), (PREVIOUS, "whsec_87654321")];
        let (billing, faults) = load(&whole, true);
        assert!(faults.is_empty(), "{faults}");
        assert!(
            matches!(billing, Billing::Stripe(it) if it.livemode && it.webhook_secret_previous.is_some())
        );
        for (name, value) in [
            (KEY, "sk_live_..."),
            (KEY, "pk_live_1234"),
            (WEBHOOK, "whsec_"),
            (WEBHOOK, "secret"),
            (PREVIOUS, "whsec_"),
            (PUBLISHABLE, "pk_test_1234"),
            ("STRIPE_API_BASE", "ftp://x"),
        ] {
            let changed: Vec<_> =
                whole.iter().filter(|(known, _)| *known != name).copied().chain([(name, value)]).collect();
            assert!(load(&changed, true).1.contains(name), "{name}={value}");
        }
    }
}
