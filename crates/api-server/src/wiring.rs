//! Services from configuration: the only place that chooses adapters.

mod alerting;
mod models;
mod selling;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adapters_jwt::{Hs256Config, Hs256Verifier, JwksConfig, JwksVerifier};
use adapters_openai::Tiktoken;
use adapters_postgres::{PostgresOptions, PostgresStore};
use adapters_sqlite::SqliteStore;
use chrono_tz::Tz;
use domain::catalog::{Catalogue, LiveCatalogue};
use domain::clock::Clock;
use domain::ids::{IdSource, InstanceId};
use domain::ports::api_keys::ApiKeyBook;
use domain::ports::audit::{AuditBook, Recorder};
use domain::ports::billing::{Inbox, PurchaseBook, Till};
use domain::ports::books::Books;
use domain::ports::identity::TokenVerifier;
use domain::ports::language_model::{LanguageModel, TokenCounter};
use domain::ports::ledger::{Ledger, Submit};
use domain::ports::notices::Outbox;
use domain::ports::overview::Overview;
use domain::ports::personal::PersonalData;
use domain::ports::reports::Reports;
use domain::ports::statements::Statements;
use domain::ports::upkeep::Upkeep;
use domain::ports::vitals::Vitals;
use domain::services::accounts::Accounts;
use domain::services::alerts::Alerts;
use domain::services::api_keys::{ApiKeys, RecentKeys};
use domain::services::assistant::Assistant;
use domain::services::billing::Billing;
use domain::services::catalogue_log::CatalogueLog;
use domain::services::figures::Figures;
use domain::services::gateway::Gateway;
use domain::services::metering::{Drains, Meter};
use domain::services::privacy::Privacy;
use group_commit::{Observer, Queue};
use ipnet::IpNet;
use secrecy::ExposeSecret;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

pub use models::{LiveModels, models};
pub use selling::Selling;

use crate::catalog;
use crate::clock::{SystemClock, SystemSecrets, TokioTimer, UuidSource};
use crate::config::{Config, Database, TokenKeys};
use crate::http::problem::{Kind, Problem};
use crate::metrics::Metrics;
use crate::metrics::ledger::Batches;
use crate::spool::{Spool, Spooled};
use crate::watched_model::WatchedModel;
use crate::watched_store::WatchedStore;

/// The ports of one store.
#[derive(Clone)]
pub struct Stores {
    /// Changes.
    pub ledger: Arc<dyn Ledger>,
    /// The same, as the one place that takes commands.
    pub submit: Arc<dyn Submit>,
    /// Own books.
    pub statements: Arc<dyn Statements>,
    /// Everybody's books.
    pub books: Arc<dyn Books>,
    /// Figures.
    pub reports: Arc<dyn Reports>,
    /// Lists of everybody's.
    pub overview: Arc<dyn Overview>,
    /// Changes that admins make, each with its entry in the audit log.
    pub recorder: Arc<dyn Recorder>,
    /// The audit log.
    pub audit: Arc<dyn AuditBook>,
    /// Background work.
    pub upkeep: Arc<dyn Upkeep>,
    /// Changes that buying makes.
    pub till: Arc<dyn Till>,
    /// Purchases, subscriptions, notices.
    pub purchases: Arc<dyn PurchaseBook>,
    /// The payment provider's events.
    pub inbox: Arc<dyn Inbox>,
    /// Notices on their way out.
    pub outbox: Arc<dyn Outbox>,
    /// What is personal.
    pub personal: Arc<dyn PersonalData>,
    /// API keys.
    pub api_keys: Arc<dyn ApiKeyBook>,
    /// Figures over all books.
    pub vitals: Arc<dyn Vitals>,
    /// How much waits for the writers.
    pub queues: Vec<Arc<dyn Queue>>,
}

/// What must be shut down in order for a store.
pub enum StoreWriter {
    /// One writer thread.
    Sqlite(adapters_sqlite::Writer),
    /// Some writer tasks.
    Postgres(adapters_postgres::Writers),
}

impl StoreWriter {
    /// Commits what waits, bounded by `patience`.
    pub async fn shutdown(self, patience: Duration) {
        match self {
            Self::Sqlite(writer) => writer.shutdown(patience).await,
            Self::Postgres(writers) => writers.shutdown(patience).await,
        }
    }
}

impl Stores {
    /// Opens a store; its tables are made or brought up to date.
    pub async fn open(database: &Database) -> Result<(Self, StoreWriter), String> {
        Self::open_counted(database, None).await
    }

    /// The same, with its batches counted.
    pub async fn open_counted(
        database: &Database,
        metrics: Option<&Metrics>,
    ) -> Result<(Self, StoreWriter), String> {
        let observer = metrics.map(|metrics| Arc::new(Batches::new(metrics)) as Arc<dyn Observer>);
        match database {
            Database::Sqlite(path) => {
                let mut options = adapters_sqlite::Options::default();
                options.commit.observer = observer;
                let (store, writer) =
                    SqliteStore::open(path, options).map_err(|error| format!("{database}: {error}"))?;
                let queues = store.queues();
                Ok((Self::of(Arc::new(store), queues), StoreWriter::Sqlite(writer)))
            }
            Database::Postgres(address) => {
                Self::migrate(database).await?;
                let mut options = PostgresOptions::default();
                options.group_commit.observer = observer;
                let (store, writers) = PostgresStore::connect(address.expose_secret(), options)
                    .await
                    .map_err(|error| format!("{database}: {error}"))?;
                let queues = store.queues();
                Ok((Self::of(Arc::new(store), queues), StoreWriter::Postgres(writers)))
            }
        }
    }

    /// Makes the tables or brings them up to date.
    pub async fn migrate(database: &Database) -> Result<(), String> {
        match database {
            Database::Sqlite(path) => {
                adapters_sqlite::migrate(path).map_err(|error| format!("{database}: {error}"))?;
                Ok(())
            }
            Database::Postgres(address) => adapters_postgres::migrate(address.expose_secret())
                .await
                .map_err(|error| format!("{database}: {error}")),
        }
    }

    fn of<S>(store: Arc<S>, queues: Vec<Arc<dyn Queue>>) -> Self
    where
        S: Submit
            + Statements
            + Books
            + Reports
            + Overview
            + AuditBook
            + Upkeep
            + Till
            + PurchaseBook
            + Inbox
            + Outbox
            + PersonalData
            + ApiKeyBook
            + Vitals
            + 'static,
    {
        Self {
            ledger: store.clone(),
            submit: store.clone(),
            statements: store.clone(),
            books: store.clone(),
            reports: store.clone(),
            overview: store.clone(),
            recorder: store.clone(),
            audit: store.clone(),
            upkeep: store.clone(),
            till: store.clone(),
            purchases: store.clone(),
            inbox: store.clone(),
            outbox: store.clone(),
            personal: store.clone(),
            api_keys: store.clone(),
            vitals: store,
            queues,
        }
    }
}

/// What the whole server shares.
pub struct App {
    /// The assistant.
    pub assistant: Assistant,
    /// Clients' own requests.
    pub gateway: Gateway,
    /// Accounts.
    pub accounts: Accounts,
    /// Writes down which catalogue is in force.
    pub catalogue_log: CatalogueLog,
    /// The admin's figures.
    pub figures: Figures,
    /// Closing accounts.
    pub privacy: Privacy,
    /// Sends notices out.
    pub alerts: Alerts,
    /// SHA-256 of the address of the webhook's endpoint, where there is one.
    pub endpoint: Option<[u8; 32]>,
    /// Settlements on disk.
    pub spool: Spool,
    /// Keys for programs.
    pub api_keys: ApiKeys,
    /// Plans and prices.
    pub catalogue: Arc<LiveCatalogue>,
    /// Who answers.
    pub models: Arc<LiveModels>,
    /// The sale of credits, where there is one.
    pub selling: Option<Selling>,
    /// Wakes the worker of the payment provider's events.
    pub events_came: Notify,
    /// What is counted, where anything is.
    pub metrics: Option<Arc<Metrics>>,
    /// The store.
    pub stores: Stores,
    /// Checks bearer tokens.
    pub tokens: Arc<dyn TokenVerifier>,
    /// The same, where an issuer signs the tokens: its keys are kept fresh.
    pub issuer: Option<Arc<JwksVerifier>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn IdSource>,
    /// Days of reports begin and end here.
    pub report_timezone: Tz,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// This server.
    pub instance: InstanceId,
    /// Whether the server can work.
    pub state: ServerState,
    /// Requests that must end in order even when their client left.
    pub running: TaskTracker,
    /// The runtime they run on: the one that outlives the HTTP workers.
    runtime: tokio::runtime::Handle,
}

/// Whether the server can work.
#[derive(Default)]
pub struct ServerState {
    draining: AtomicBool,
    lease: AtomicBool,
    cut: CancellationToken,
}

impl ServerState {
    /// Whether it is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// It is shutting down now.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Cancelled when streams cannot be waited for any longer: their clients count as gone.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Whether its lease is in force.
    pub fn has_lease(&self) -> bool {
        self.lease.load(Ordering::Relaxed)
    }

    /// Notes whether its lease is in force.
    pub fn set_lease(&self, lease: bool) {
        self.lease.store(lease, Ordering::Relaxed);
    }
}

impl App {
    /// Builds everything on an open store.
    pub fn new(config: &Config, stores: Stores, metrics: Option<Arc<Metrics>>) -> Result<Self, Vec<String>> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock { zone: config.report_timezone });
        let ids: Arc<dyn IdSource> = Arc::new(UuidSource);
        let counter: Arc<dyn TokenCounter> = Arc::new(Tiktoken);
        let catalogue = Arc::new(LiveCatalogue::new(catalogue(config, counter.as_ref())?));
        let models = Arc::new(LiveModels::new(models(config, &catalogue.current())?));
        let (tokens, issuer) = tokens(config)?;
        let instance = InstanceId::from_bytes(ids.unique());
        let alerts = alerting::of(config, &stores, &clock)?;
        let selling = selling::of(config, &stores, &catalogue, &clock, &ids)?;
        // Texts may not be kept longer there than anywhere; without texts, a day is long enough.
        let days = config.content_retention_days.max(1);
        let spool = Spool::new(config.spool_dir.clone(), Duration::from_secs(u64::from(days) * 24 * 60 * 60));
        spool.probe().map_err(|error| {
            vec![format!("SPOOL_DIR: {} cannot be written: {error}", config.spool_dir.display())]
        })?;
        let meter = Meter {
            ledger: watched_store(
                config,
                Spooled::new(Arc::clone(&stores.submit), spool.clone()),
                metrics.as_ref(),
            ),
            statements: Arc::clone(&stores.statements),
            model: watched_model(config, Arc::clone(&models) as _, metrics.as_ref()),
            counter,
            catalogue: Arc::clone(&catalogue),
            clock: Arc::clone(&clock),
            timer: Arc::new(TokioTimer),
            ids: Arc::clone(&ids),
            instance,
            keep_texts: config.content_retention_days > 0,
            drains: Drains::default(),
        };
        Ok(Self {
            assistant: Assistant { meter: meter.clone() },
            gateway: Gateway { meter },
            spool,
            accounts: Accounts {
                recorder: Arc::clone(&stores.recorder),
                statements: Arc::clone(&stores.statements),
                clock: Arc::clone(&clock),
                ids: Arc::clone(&ids),
            },
            catalogue_log: CatalogueLog {
                recorder: Arc::clone(&stores.recorder),
                audit: Arc::clone(&stores.audit),
                clock: Arc::clone(&clock),
                ids: Arc::clone(&ids),
            },
            figures: Figures {
                reports: Arc::clone(&stores.reports),
                catalogue: Arc::clone(&catalogue),
                clock: Arc::clone(&clock),
                // Where nothing is sold now, what was sold before was for real.
                livemode: selling.as_ref().is_none_or(|selling| selling.billing.livemode),
            },
            privacy: Privacy {
                recorder: Arc::clone(&stores.recorder),
                personal: Arc::clone(&stores.personal),
                clock: Arc::clone(&clock),
                ids: Arc::clone(&ids),
            },
            alerts,
            endpoint: config.alerts.webhook.as_ref().map(|(address, _)| address.fingerprint()),
            api_keys: ApiKeys {
                recorder: Arc::clone(&stores.recorder),
                book: Arc::clone(&stores.api_keys),
                clock: Arc::clone(&clock),
                ids: Arc::clone(&ids),
                secrets: Arc::new(SystemSecrets),
                recent: RecentKeys::default(),
            },
            catalogue,
            models,
            selling,
            metrics,
            events_came: Notify::new(),
            stores,
            tokens,
            issuer,
            clock,
            ids,
            report_timezone: config.report_timezone,
            trusted_proxies: config.trusted_proxies.clone(),
            instance,
            state: ServerState::default(),
            running: TaskTracker::new(),
            runtime: tokio::runtime::Handle::current(),
        })
    }

    /// Reads the catalogue anew, and the keys that it names, and puts it in force with its providers, for requests that
    /// begin from now on. What was known of how providers do begins anew. With any fault, the one before stays in force.
    pub fn reload(&self, config: &Config) -> Result<(), Vec<String>> {
        let counter = Arc::clone(&self.gateway.meter.counter);
        let catalogue = catalogue(config, counter.as_ref())?;
        self.models.replace(models(config, &catalogue)?);
        self.catalogue.replace(catalogue);
        Ok(())
    }

    /// The sale of credits.
    pub fn billing(&self) -> Result<&Billing, Problem> {
        self.selling.as_ref().map(|selling| &selling.billing).ok_or(Kind::BillingNotConfigured.into())
    }

    /// Whether credits are sold by a simulated checkout.
    pub fn sells_by_sandbox(&self) -> bool {
        self.selling.as_ref().is_some_and(|selling| selling.sandbox.is_some())
    }

    /// Starts work that runs to its end, whoever waits for it.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.running.spawn_on(work.in_current_span(), &self.runtime));
    }

    /// Runs work to its end, whether or not the client waits for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        let task = self.running.spawn_on(work.in_current_span(), &self.runtime);
        task.await.map_err(|error| Problem::because(Kind::Internal, error))
    }
}

/// The catalogue with what the environment overrides.
pub fn catalogue(config: &Config, counter: &dyn TokenCounter) -> Result<Catalogue, Vec<String>> {
    let catalogue = catalog::load(config.catalog_file.as_deref(), counter)?;
    let limits = config.rate_limits;
    let catalogue = catalogue.with_limits(|plan| {
        plan.requests_per_minute = limits.requests_per_minute.unwrap_or(plan.requests_per_minute);
        plan.tokens_per_minute = limits.tokens_per_minute.unwrap_or(plan.tokens_per_minute);
        plan.concurrent = limits.concurrent.unwrap_or(plan.concurrent);
    });
    match &config.default_model {
        None => Ok(catalogue),
        Some(id) => catalogue.with_default_model(id).ok_or_else(|| {
            vec![format!("OPENAI_MODEL: `{id}` is no chat model of the catalogue, so it has no price")]
        }),
    }
}

/// How tokens are checked and, on the command line, minted. Where an issuer signs them, there is no secret, and
/// nothing can be minted.
pub fn token_config(config: &Config) -> Hs256Config {
    let secret = match &config.jwt.keys {
        TokenKeys::Secret(secret) => secret.expose_secret(),
        TokenKeys::Published(_) | TokenKeys::None => "",
    };
    Hs256Config {
        issuer: config.jwt.issuer.clone(),
        audience: config.jwt.audience.clone(),
        ..Hs256Config::new(secret.as_bytes())
    }
}

type Tokens = (Arc<dyn TokenVerifier>, Option<Arc<JwksVerifier>>);

/// One verifier for one family of keys; the second is the first, where its keys must be kept fresh.
fn tokens(config: &Config) -> Result<Tokens, Vec<String>> {
    match &config.jwt.keys {
        TokenKeys::Published(url) => {
            let verifier = JwksVerifier::new(JwksConfig {
                issuer: config.jwt.issuer.clone(),
                audience: config.jwt.audience.clone(),
                ..JwksConfig::new(url.clone())
            });
            let verifier = Arc::new(verifier.map_err(|error| vec![format!("JWT_JWKS_URL: {error}")])?);
            Ok((verifier.clone(), Some(verifier)))
        }
        TokenKeys::Secret(_) | TokenKeys::None => {
            let verifier =
                Hs256Verifier::new(token_config(config)).map_err(|error| vec![error.to_string()])?;
            Ok((Arc::new(verifier), None))
        }
    }
}

/// The store itself, where nobody looks on.
fn watched_store(config: &Config, store: Spooled, metrics: Option<&Arc<Metrics>>) -> Arc<dyn Ledger> {
    if is_watched(config) {
        Arc::new(WatchedStore::new(Arc::new(store), metrics.cloned()))
    } else {
        Arc::new(store)
    }
}

/// The model itself, where nobody looks on.
fn watched_model(
    config: &Config,
    model: Arc<dyn LanguageModel>,
    metrics: Option<&Arc<Metrics>>,
) -> Arc<dyn LanguageModel> {
    if is_watched(config) { Arc::new(WatchedModel::new(model, metrics.cloned())) } else { model }
}

fn is_watched(config: &Config) -> bool {
    config.metrics.is_some() || config.traces.is_some()
}
