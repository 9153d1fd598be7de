//! `GET /metrics`, on a listener of its own: these figures are not for clients.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, get, resource, to};
use actix_web::{App as HttpApp, HttpResponse, HttpServer};

use super::scrape;
use crate::wiring::App;

/// The text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long a reader may take for its request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// A listener that serves.
pub struct Listener {
    /// Where.
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Listener {
    /// Binds the address and serves there.
    pub fn start(address: SocketAddr, app: &Data<App>) -> Result<Self, String> {
        let wrong = |error: std::io::Error| format!("METRICS_ADDR: cannot listen on {address}: {error}");
        let listener = TcpListener::bind(address).map_err(wrong)?;
        let bound = listener.local_addr().map_err(wrong)?;
        let app = app.clone();
        let server = HttpServer::new(move || {
            HttpApp::new()
                .app_data(app.clone())
                .service(resource("/metrics").route(get().to(metrics)))
                .default_service(to(HttpResponse::NotFound))
        })
        .workers(1)
        .client_request_timeout(HEADER_TIMEOUT)
        .disable_signals()
        .listen(listener)
        .map_err(wrong)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { address: bound, handle })
    }

    /// Serves no more.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn metrics(app: Data<App>) -> HttpResponse {
    let app: Arc<App> = app.into_inner();
    match &app.metrics {
        Some(metrics) => {
            HttpResponse::Ok().insert_header((CONTENT_TYPE, TEXT)).body(scrape::render(&app, metrics).await)
        }
        None => HttpResponse::NotFound().finish(),
    }
}
