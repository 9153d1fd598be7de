//! Starting, serving, and stopping in order.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::ServerHandle;
use actix_web::http::header::RETRY_AFTER;
use actix_web::middleware::from_fn;
use actix_web::{App as HttpApp, HttpServer, web};
use domain::audit::By;
use domain::ledger::account::Actor;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::{AppEnv, Config, Database, Stopping};
use crate::dashboard::{self, Dashboard};
use crate::http::billing_headers::exposed;
use crate::http::envelope::{X_REQUEST_ID, envelope};
use crate::http::limiter::{IpLimiter, limit_addresses};
use crate::http::problems::render_problems;
use crate::metrics::Metrics;
use crate::metrics::families;
use crate::metrics::http::count_requests;
use crate::metrics::listener::Listener;
use crate::playground::{self, Playground};
use crate::routes::sandbox::{self, Deliver, Sandbox};
use crate::tls::{self, Certificates};
use crate::wiring::{App, StoreWriter, Stores};
use crate::{demo, jobs, routes};

/// How long a client may take for its request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests have to settle once nobody waits for them to end.
const LAST_SETTLES: Duration = Duration::from_secs(5);
/// How long the store's last commits may take at the end.
const FLUSH: Duration = Duration::from_secs(10);

/// A server that is bound and serves.
pub struct Running {
    /// `http://host:port`, or `https://`.
    pub address: String,
    /// Where figures are read, where they are.
    pub metrics: Option<Listener>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    certificates: Option<Arc<Certificates>>,
    handle: ServerHandle,
    app: web::Data<App>,
    jobs: tokio::task::JoinSet<()>,
    writer: StoreWriter,
    stopping: Stopping,
}

/// Opens the store, binds the address, and serves until SIGTERM or SIGINT; then stops in order.
pub async fn serve(config: Config) -> Result<(), Vec<String>> {
    let (stop, stopping) = oneshot::channel();
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| vec![error.to_string()])?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| vec![error.to_string()])?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = stop.send(());
    });
    let running = start(&config).await?;
    announce(&config, &running).await;
    let (app, certificates) = (running.app.clone(), running.certificates.clone());
    tokio::select! {
        ended = running.until(stopping) => ended,
        never = reload_at_hangup(&config, &app, certificates) => match never {},
    }
}

/// Takes the catalogue and the certificate in anew at each SIGHUP, for as long as the server runs.
async fn reload_at_hangup(config: &Config, app: &App, certificates: Option<Arc<Certificates>>) -> Infallible {
    match signal(SignalKind::hangup()) {
        Ok(mut hangup) => {
            while hangup.recv().await.is_some() {
                match app.reload(config) {
                    Ok(()) => {
                        tracing::info!("the catalogue was read anew and is in force");
                        note_catalogue(app, Actor::operator(), "sighup").await;
                    }
                    Err(faults) => {
                        tracing::error!(?faults, "the catalogue is not right; the one before stays in force");
                    }
                }
                if let Some(certificates) = &certificates {
                    tls::log(certificates.reload().map(|()| true));
                }
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGHUP cannot be heard: a new catalogue needs a restart, a certificate a minute");
        }
    }
    std::future::pending().await
}

/// Has the audit log say which catalogue is in force from now on.
async fn note_catalogue(app: &App, actor: Actor, via: &str) {
    let by = By { actor, via: via.to_owned(), request_id: None };
    if let Err(cause) = app.catalogue_log.note(by, &app.catalogue.current()).await {
        tracing::error!(%cause, "the audit log could not be told which catalogue is in force");
    }
}

/// Starts a server; it serves until it is stopped.
pub async fn start(config: &Config) -> Result<Running, Vec<String>> {
    let metrics = metrics(config)?;
    let opened = Stores::open_counted(&config.database, metrics.as_deref()).await;
    let (stores, writer) = opened.map_err(|error| vec![error])?;
    let app = web::Data::new(App::new(config, stores, metrics)?);
    let limiter = web::Data::new(IpLimiter::new(config.rate_limits.per_ip_per_minute));
    jobs::take_lease(&app).await.map_err(|cause| vec![cause.to_string()])?;
    note_catalogue(&app, Actor::system(), "start").await;
    let listener = TcpListener::bind(config.listen).map_err(|error| {
        let (host, port) = config.listen;
        vec![format!("cannot listen on {host}:{port}: {error}")]
    })?;
    let address = listener.local_addr().map_err(|error| vec![error.to_string()])?;
    let certificates = config.tls.clone().map(Certificates::load).transpose().map_err(|fault| vec![fault])?;
    let certificates = certificates.map(Arc::new);
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let address = format!("{scheme}://{address}");
    let sandbox = sandbox_pages(&app, &address);
    let playground = Playground::new(config).map(web::Data::new);
    let origins = config.cors_origins.clone();
    let shared = (app.clone(), limiter.clone(), web::Data::new(Dashboard::new(config)));
    let server = HttpServer::new(move || {
        HttpApp::new()
            .app_data(shared.0.clone())
            .app_data(shared.1.clone())
            .app_data(shared.2.clone())
            .configure(|routes| {
                if let Some(sandbox) = &sandbox {
                    routes.app_data(sandbox.clone());
                    sandbox::register(routes);
                }
            })
            .configure(|routes| {
                if let Some(playground) = &playground {
                    routes.app_data(playground.clone());
                    playground::register(routes);
                }
            })
            .configure(dashboard::register)
            .configure(routes::register)
            .wrap(from_fn(limit_addresses))
            .wrap(from_fn(render_problems))
            .wrap(cors(&origins))
            .wrap(from_fn(count_requests))
            .wrap(from_fn(envelope))
    })
    .client_request_timeout(HEADER_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(config.stopping.grace.as_secs())
    .tls_handshake_timeout(HEADER_TIMEOUT)
    .disable_signals();
    let server = match &certificates {
        Some(certificates) => {
            let tls = certificates.server_config().map_err(|fault| vec![fault])?;
            server.listen_rustls_0_23(listener, tls)
        }
        None => server.listen(listener),
    };
    let server = server.map_err(|error| vec![error.to_string()])?.run();
    let metrics = config.metrics.map(|at| Listener::start(at, &app)).transpose();
    let metrics = metrics.map_err(|error| vec![error])?;
    let mut jobs = jobs::start(&app, &limiter, config.content_retention_days);
    if let Some(certificates) = &certificates {
        jobs.spawn(tls::keep_fresh(Arc::clone(certificates)));
    }
    Ok(Running {
        address,
        certificates,
        metrics,
        handle: server.handle(),
        server: tokio::spawn(server),
        app,
        jobs,
        writer,
        stopping: config.stopping,
    })
}

/// What is counted, where somebody is to read it.
fn metrics(config: &Config) -> Result<Option<Arc<Metrics>>, Vec<String>> {
    let Some(_) = config.metrics else { return Ok(None) };
    let metrics = Metrics::new().map_err(|error| vec![format!("METRICS_ADDR: {error}")])?;
    let store = match config.database {
        Database::Sqlite(_) => "sqlite",
        Database::Postgres(_) => "postgres",
    };
    metrics.gauge(&families::BUILD, [env!("CARGO_PKG_VERSION"), store]).set(1.0);
    Ok(Some(Arc::new(metrics)))
}

/// The pages of the simulated checkout, where that is what sells. Their events take the webhook's way.
fn sandbox_pages(app: &web::Data<App>, address: &str) -> Option<web::Data<Sandbox>> {
    let checkout = app.selling.as_ref()?.sandbox.clone()?;
    // A browser on this machine finds a server that listens everywhere at the loopback address.
    checkout.set_page_base(&address.replacen("0.0.0.0", "127.0.0.1", 1));
    let at = app.clone();
    let deliver: Deliver = Arc::new(move |event| {
        let app = at.clone();
        Box::pin(async move {
            let received = routes::billing::receive(&app, &event.signature, &event.body).await;
            received.map_err(|problem| problem.to_string())
        })
    });
    Some(web::Data::new(Sandbox { checkout, deliver, zone: app.report_timezone }))
}

impl Running {
    /// The ports of its store.
    pub fn stores(&self) -> &Stores {
        &self.app.stores
    }

    /// Serves until told to stop (or until the listener breaks), then stops in order: a time in which balancers turn
    /// to others, no new connections, running requests to their end, the last commits, the end of the lease.
    pub async fn until(mut self, stop: oneshot::Receiver<()>) -> Result<(), Vec<String>> {
        let mut broken = tokio::select! {
            _ = stop => None,
            ended = &mut self.server => Some(ended),
        };
        tracing::info!("shutting down");
        self.app.state.drain();
        if broken.is_none() {
            broken = tokio::select! {
                () = tokio::time::sleep(self.stopping.drain) => None,
                ended = &mut self.server => Some(ended),
            };
        }
        // Requests whose clients left still settle; one grace for these and for those that are waited for.
        self.app.running.close();
        let ended = async {
            self.handle.stop(true).await;
            self.app.running.wait().await;
        };
        if tokio::time::timeout(self.stopping.grace, ended).await.is_err() {
            // What still streams is settled as if its client had left.
            self.app.gateway.meter.drains.close();
            self.app.state.cut().cancel();
            if tokio::time::timeout(LAST_SETTLES, self.app.running.wait()).await.is_err() {
                tracing::warn!("some requests did not end in time; their holds expire by themselves");
            }
        }
        self.jobs.shutdown().await;
        let now = self.app.clock.now().at;
        if let Err(cause) = self.app.stores.upkeep.end_lease(self.app.instance, now).await {
            tracing::warn!(%cause, "the lease could not be ended; it runs out by itself");
        }
        self.writer.shutdown(FLUSH).await;
        // The last to go: until here, figures say how the end goes.
        if let Some(metrics) = self.metrics {
            metrics.stop().await;
        }
        match broken {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(vec![format!("the server broke off: {error}")]),
            Some(Err(error)) => Err(vec![format!("the server broke off: {error}")]),
        }
    }
}

fn cors(origins: &[String]) -> Cors {
    let start = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "DELETE"])
        // SDKs bring many of their own.
        .allow_any_header()
        .expose_headers([X_REQUEST_ID, RETRY_AFTER].into_iter().chain(exposed()))
        .max_age(3600);
    origins.iter().fold(start, |cors, origin| cors.allowed_origin(origin))
}

async fn announce(config: &Config, running: &Running) {
    println!("Saldo serves on {} ({})", running.address, config.database);
    for stand_in in &config.stand_ins {
        println!("  ! {stand_in}");
    }
    if config.app_env == AppEnv::Development
        && let Err(error) = demo::welcome(&running.app, config, &running.address).await
    {
        println!("  ! no demo user: {error}");
    }
}
