//! Running a streamed answer beside the response that carries it.

use actix_web::{HttpResponse, web};
use domain::services::metering::{AskError, Ended, Live, Metered, Opened, Terms};
use tokio::sync::oneshot;

use crate::http::billing_headers;
use crate::http::headers::IDEMPOTENCY_REPLAYED;
use crate::http::problem::{Kind, Problem};
use crate::http::sse::{self, Client, Render};
use crate::wiring::App;

/// How an interface writes streams.
pub trait Dialect: Send + Sync + 'static {
    /// Writes a piece.
    const RENDER: Render;

    /// The last frames, once it is known how the answer ended. `None`: there is nobody to tell.
    fn end(&self, ended: Ended) -> Option<Vec<u8>>;

    /// All frames of an answer that was given before.
    fn replay(&self, metered: Metered) -> Vec<u8>;
}

/// What the handler waits for: the beginning, or why there is none.
enum Beginning {
    Live(Terms),
    Replay(Vec<u8>),
}

/// Streams what `opening` opens. The work runs on when the client leaves: it settles, whoever listens.
pub async fn respond<D: Dialect>(
    app: &web::Data<App>,
    opening: impl Future<Output = Result<Opened, AskError>> + Send + 'static,
    dialect: D,
) -> Result<HttpResponse, Problem> {
    let (client, frames) = sse::open(D::RENDER, app.state.cut().clone());
    let (begun, beginning) = oneshot::channel();
    app.spawn(async move {
        match opening.await {
            // A handler that is gone has no client either: the work goes on for the books.
            Err(error) => drop(begun.send(Err(error))),
            Ok(Opened::Replay(metered)) => {
                drop(begun.send(Ok(Beginning::Replay(dialect.replay(*metered)))));
            }
            Ok(Opened::Live(live)) => {
                drop(begun.send(Ok(Beginning::Live(live.terms()))));
                run(*live, client, &dialect).await;
            }
        }
    });
    let beginning = beginning
        .await
        .map_err(|_| Problem::because(Kind::Internal, "a stream broke off at its beginning"))?;
    let mut response = HttpResponse::Ok();
    match beginning? {
        Beginning::Live(terms) => {
            billing_headers::of_terms(&mut response, &terms);
            Ok(frames.respond(response))
        }
        Beginning::Replay(events) => {
            response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
            Ok(sse::finished(response, events))
        }
    }
}

async fn run(live: Live, mut client: Client, dialect: &impl Dialect) {
    let ended = live.run(&mut client).await;
    if let Some(frames) = dialect.end(ended) {
        // A client that leaves now has what it paid for.
        let _ = client.send(frames).await;
    }
}
