//! The configuration: the environment, read once, checked whole, all faults in one list.

mod alerts;
mod database;
mod env;
mod jwt;
mod observing;
mod proxies;
mod stand_in;
mod stopping;
mod stripe;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use chrono_tz::Tz;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use alerts::{Alerts, Mail};
pub use database::Database;
pub use env::{Env, Secrets};
pub use jwt::{Jwt, TokenKeys};
pub use observing::{Logs, Sampler, Traces};
pub use stopping::Stopping;
pub use stripe::{Billing, Stripe};
pub use tls::TlsFiles;

/// Where the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppEnv {
    /// On a developer's machine: what is missing gets a local stand-in.
    Development,
    /// For customers: what is missing is a reason not to start.
    Production,
}

/// What a configuration is read for: a command does not ask for what it does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Serving: everything.
    Serving,
    /// Printing tokens: what they are signed with.
    Signing,
    /// Working on the books or the catalogue: where they are.
    Books,
}

/// Everything that can be set.
#[derive(Debug)]
pub struct Config {
    /// `APP_ENV`, else `NODE_ENV`.
    pub app_env: AppEnv,
    /// `HOST` and `PORT`.
    pub listen: (IpAddr, u16),
    /// `TLS_CERT_FILE` and `TLS_KEY_FILE`; `None` speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<IpNet>,
    /// `DATABASE_URL`.
    pub database: Database,
    /// `JWT_*`.
    pub jwt: Jwt,
    /// `OPENAI_*`; `None` simulates the models, unless the catalogue has providers for them.
    pub openai: Option<OpenAi>,
    /// `STRIPE_*`.
    pub billing: Billing,
    /// `SMTP_URL`, `MAIL_FROM`, `ADMIN_EMAIL`, `ALERT_WEBHOOK_*`.
    pub alerts: Alerts,
    /// `FRONTEND_URL`, without a slash at its end: where customers come back to.
    pub frontend_url: String,
    /// `OPENAI_MODEL`: the default model, instead of the catalogue's.
    pub default_model: Option<String>,
    /// `CATALOG_FILE`.
    pub catalog_file: Option<PathBuf>,
    /// `REPORT_TIMEZONE`.
    pub report_timezone: Tz,
    /// `SPOOL_DIR`: where settlements are kept while the store is away.
    pub spool_dir: PathBuf,
    /// `CONTENT_RETENTION_DAYS`; 0 never stores texts.
    pub content_retention_days: u32,
    /// `CORS_ORIGINS` and `FRONTEND_URL`: origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// `RATE_LIMIT_*`.
    pub rate_limits: RateLimits,
    /// `METRICS_ADDR`: where figures are read; `None` counts nothing.
    pub metrics: Option<SocketAddr>,
    /// `DRAIN_SECONDS` and `SHUTDOWN_GRACE_SECONDS`.
    pub stopping: Stopping,
    /// Keys that the catalogue names.
    pub secrets: Secrets,
    /// `LOG_FORMAT` and `RUST_LOG`.
    pub logs: Logs,
    /// `OTEL_*`: where traces go; `None` traces nothing.
    pub traces: Option<Traces>,
    /// What stands in for something that is missing, each a sentence to announce.
    pub stand_ins: Vec<String>,
}

/// The model's provider.
#[derive(Debug)]
pub struct OpenAi {
    /// `OPENAI_API_KEY`.
    pub api_key: SecretString,
    /// `OPENAI_BASE_URL`.
    pub base_url: Url,
}

/// Limits that override every plan's; `None` leaves the catalogue's.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimits {
    /// `RATE_LIMIT_RPM`.
    pub requests_per_minute: Option<u32>,
    /// `RATE_LIMIT_TPM`.
    pub tokens_per_minute: Option<u32>,
    /// `RATE_LIMIT_CONCURRENT`.
    pub concurrent: Option<u32>,
    /// `RATE_LIMIT_IP_RPM`: requests per minute and address, before authentication; 0 is unlimited.
    pub per_ip_per_minute: u32,
}

/// The least length of `JWT_SECRET`, in bytes.
const LEAST_SECRET: usize = 32;

impl Config {
    /// Reads and checks everything that `purpose` needs.
    pub fn load(mut env: Env, purpose: Purpose) -> Result<Self, Vec<String>> {
        let app_env = app_env(&mut env);
        let production = app_env == AppEnv::Production;
        let serving = production && purpose == Purpose::Serving;
        let signing = production && purpose != Purpose::Books;
        let mut stand_ins = Vec::new();
        let host = env.parsed("HOST", IpAddr::from([127, 0, 0, 1]));
        let port = port(&mut env);
        let database = database::read(&mut env, production && purpose != Purpose::Signing);
        let jwt = match purpose {
            Purpose::Books => Jwt::unused(),
            Purpose::Serving | Purpose::Signing => {
                jwt::read(&mut env, production, signing, &database, &mut stand_ins)
            }
        };
        let spool_dir = env.text("SPOOL_DIR").map_or_else(|| database.beside("spool"), PathBuf::from);
        let has_catalogue = env.text("CATALOG_FILE").is_some();
        let openai = openai(&mut env, serving, has_catalogue, &mut stand_ins);
        let billing = stripe::read(&mut env, production, &mut stand_ins);
        let alerts = alerts::read(&mut env, production, &mut stand_ins);
        let config = Self {
            app_env,
            listen: (host, port),
            tls: tls::read(&mut env, purpose == Purpose::Serving),
            trusted_proxies: proxies::trusted(&mut env),
            database,
            jwt,
            openai,
            spool_dir,
            billing,
            alerts,
            frontend_url: frontend_url(&env),
            default_model: env.text("OPENAI_MODEL"),
            catalog_file: env.text("CATALOG_FILE").map(PathBuf::from),
            report_timezone: env.parsed("REPORT_TIMEZONE", chrono_tz::America::Sao_Paulo),
            content_retention_days: whole(&mut env, "CONTENT_RETENTION_DAYS", 30, 36_500),
            cors_origins: cors_origins(&mut env, serving),
            rate_limits: RateLimits {
                requests_per_minute: env.parsed_if_set("RATE_LIMIT_RPM"),
                tokens_per_minute: env.parsed_if_set("RATE_LIMIT_TPM"),
                concurrent: env.parsed_if_set("RATE_LIMIT_CONCURRENT"),
                per_ip_per_minute: env.parsed("RATE_LIMIT_IP_RPM", 300),
            },
            metrics: observing::metrics(&mut env),
            stopping: stopping::read(&mut env, production),
            secrets: env.secrets(),
            logs: observing::logs(&mut env, production),
            traces: observing::traces(&mut env),
            stand_ins,
        };
        let faults = env.into_faults();
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }
}

fn port(env: &mut Env) -> u16 {
    let text = env.text("PORT").unwrap_or_else(|| "3001".to_owned());
    text.parse().unwrap_or_else(|_| {
        env.fault(format!("PORT: `{text}` is not a number from 0 to 65535"));
        0
    })
}

fn app_env(env: &mut Env) -> AppEnv {
    let name = if env.text("APP_ENV").is_some() { "APP_ENV" } else { "NODE_ENV" };
    match env.text(name).as_deref() {
        None | Some("development" | "dev" | "test") => AppEnv::Development,
        Some("production" | "prod") => AppEnv::Production,
        Some(other) => {
            env.fault(format!("{name}: `{other}` is neither development nor production"));
            // The stricter of the two, so that a typing error opens nothing.
            AppEnv::Production
        }
    }
}

/// The values that `.env.example` and the seed's document show.
pub(crate) fn is_placeholder(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    ["change-me", "changeme", "your-", "example", "placeholder", "..."]
        .iter()
        .any(|word| lower.contains(word))
}

/// What is missing for models without a provider.
pub(crate) const NO_OPENAI_KEY: &str = "OPENAI_API_KEY não configurada (OPENAI_API_KEY is missing)";

/// Without a key, a catalogue of one's own may still have providers for every model: that is for the wiring to say.
fn openai(
    env: &mut Env,
    production: bool,
    has_catalogue: bool,
    stand_ins: &mut Vec<String>,
) -> Option<OpenAi> {
    let default_url = Url::parse("https://api.openai.com/v1");
    let base_url = match env.parsed_if_set::<Url>("OPENAI_BASE_URL") {
        Some(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
        Some(url) => {
            env.fault(format!("OPENAI_BASE_URL: `{url}` is not an http or https address"));
            None
        }
        None => default_url.ok(),
    };
    match env.secret("OPENAI_API_KEY") {
        Some(key) if production && is_placeholder(key.expose_secret()) => {
            env.fault(
                "OPENAI_API_KEY não configurada: it is a placeholder (OPENAI_API_KEY is not configured)",
            );
            None
        }
        Some(api_key) => base_url.map(|base_url| OpenAi { api_key, base_url }),
        None => {
            let simulated = "OPENAI_API_KEY is not set: a SIMULATED model answers";
            match (production, has_catalogue) {
                (true, true) => {}
                (true, false) => env.fault(NO_OPENAI_KEY),
                (false, true) => stand_ins.push(format!("{simulated}, unless the catalogue has upstreams")),
                (false, false) => stand_ins.push(simulated.to_owned()),
            }
            None
        }
    }
}

/// Where the product's pages are in development, unless `FRONTEND_URL` says otherwise.
const LOCAL_FRONTEND: &str = "http://localhost:5173";

fn frontend_url(env: &Env) -> String {
    let url = env.text("FRONTEND_URL").unwrap_or_else(|| LOCAL_FRONTEND.to_owned());
    url.trim_end_matches('/').to_owned()
}

fn cors_origins(env: &mut Env, production: bool) -> Vec<String> {
    let mut origins = Vec::new();
    match env.text("FRONTEND_URL") {
        Some(url) => {
            // Paths are written behind it.
            if url.contains(['?', '#']) {
                env.fault("FRONTEND_URL must be an address without ? and #");
            }
            origins.extend(origin(env, "FRONTEND_URL", &url));
        }
        None if production => env.fault("FRONTEND_URL is missing: where the product's pages are"),
        None => origins.push(LOCAL_FRONTEND.to_owned()),
    }
    let listed = env.text("CORS_ORIGINS").unwrap_or_default();
    for part in listed.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        origins.extend(origin(env, "CORS_ORIGINS", part));
    }
    origins
}

/// `scheme://host[:port]` of an address, as browsers send it.
fn origin(env: &mut Env, name: &str, text: &str) -> Option<String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Some(url.origin().ascii_serialization())
        }
        _ => {
            env.fault(format!("{name}: `{text}` is not an http or https address"));
            None
        }
    }
}

fn whole(env: &mut Env, name: &str, default: u32, most: u32) -> u32 {
    let value = env.parsed(name, default);
    if value > most {
        env.fault(format!("{name}: {value} is more than {most}"));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn production_lists_everything_that_is_missing() {
        let faults =
            Config::load(Env::of([("APP_ENV", "production")]), Purpose::Serving).unwrap_err().join("\n");
        for name in ["JWT_SECRET", "OPENAI_API_KEY não configurada", "DATABASE_URL", "FRONTEND_URL"] {
            assert!(faults.contains(name), "{name} not in {faults}");
        }
    }

    #[test]
    fn production_starts_with_what_it_needs() {
        let config = Config::load(
            Env::of([
                ("NODE_ENV", "production"),
                ("JWT_SECRET", SECRET),
                ("OPENAI_API_KEY", "sk-abc"),
                ("DATABASE_URL", "postgresql://u:p@db/saldo"),
                ("FRONTEND_URL", "https://app.test/path"),
            ]),
            Purpose::Serving,
        )
        .unwrap();
        assert_eq!(config.app_env, AppEnv::Production);
        assert_eq!(config.cors_origins, ["https://app.test"]);
        assert!(config.stand_ins.is_empty());
    }

    #[test]
    fn every_fault_is_listed_at_once() {
        let faults = Config::load(
            Env::of([
                ("APP_ENV", "staging"),
                ("PORT", "70000"),
                ("FRONTEND_URL", "https://app.test/?from=saldo"),
                ("HOST", "localhost"),
                ("JWT_SECRET", "short"),
                ("DATABASE_URL", "mysql://x"),
                ("REPORT_TIMEZONE", "Mars/Olympus"),
                ("CORS_ORIGINS", "not an address"),
                ("RATE_LIMIT_RPM", "-1"),
                ("LOG_FORMAT", "xml"),
                ("METRICS_ADDR", "localhost:9464"),
                ("DRAIN_SECONDS", "301"),
                ("SHUTDOWN_GRACE_SECONDS", "soon"),
                ("TLS_CERT_FILE", "/no/such/file"),
                ("TRUSTED_PROXIES", "10.0.0.0/33"),
                ("OPENAI_BASE_URL", "ftp://x"),
                ("CONTENT_RETENTION_DAYS", "99999999"),
            ]),
            Purpose::Serving,
        )
        .unwrap_err()
        .join("\n");
        for name in [
            "APP_ENV",
            "PORT",
            "FRONTEND_URL must be",
            "HOST",
            "JWT_SECRET",
            "DATABASE_URL",
            "REPORT_TIMEZONE",
            "CORS_ORIGINS",
            "RATE_LIMIT_RPM",
            "LOG_FORMAT",
            "METRICS_ADDR",
            "DRAIN_SECONDS",
            "SHUTDOWN_GRACE_SECONDS",
            "TLS_KEY_FILE",
            "TRUSTED_PROXIES",
            "OPENAI_BASE_URL",
            "CONTENT_RETENTION_DAYS",
        ] {
            assert!(faults.contains(name), "{name} not in {faults}");
        }
    }

    #[test]
    fn a_command_asks_for_what_it_needs_and_no_more() {
        let load = |purpose, variables: &[(&'static str, &'static str)]| {
            let production = [("APP_ENV", "production")];
            Config::load(Env::of(production.iter().chain(variables).copied()), purpose).map(|_| ())
        };
        assert_eq!(load(Purpose::Books, &[("DATABASE_URL", "postgres://db/saldo")]), Ok(()));
        assert_eq!(load(Purpose::Signing, &[("JWT_SECRET", SECRET)]), Ok(()));
        assert!(load(Purpose::Books, &[]).unwrap_err().join("").contains("DATABASE_URL"));
        assert!(load(Purpose::Signing, &[]).unwrap_err().join("").contains("JWT_SECRET"));
    }

    #[test]
    fn secrets_do_not_show() {
        let env = Env::of([("JWT_SECRET", SECRET), ("OPENAI_API_KEY", "sk-very-secret")]);
        let shown = format!("{:?}", Config::load(env, Purpose::Serving).unwrap());
        assert!(!shown.contains(SECRET) && !shown.contains("sk-very-secret"));
    }
}
