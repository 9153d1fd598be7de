//! Work for those who read figures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::metrics::{Metrics, scrape};
use crate::wiring::App;

/// How often what was measured is summed up.
const SUM_UP: Duration = Duration::from_secs(5);
/// How often the books are read, at most.
const BOOKS: Duration = Duration::from_secs(30);
/// Reading the books may take one part in so many of this job's time.
const SHARE: u32 = 100;

/// Starts the jobs of a server that counts.
pub(super) fn start(jobs: &mut JoinSet<()>, app: &actix_web::web::Data<App>) {
    let Some(metrics) = &app.metrics else { return };
    jobs.spawn(sum_up(Arc::clone(metrics)));
    jobs.spawn(read_books(app.clone().into_inner(), Arc::clone(metrics)));
}

async fn sum_up(metrics: Arc<Metrics>) {
    loop {
        tokio::time::sleep(SUM_UP).await;
        metrics.sum_up();
    }
}

/// Reads every account, so it rests the longer the more there are.
async fn read_books(app: Arc<App>, metrics: Arc<Metrics>) {
    let mut well = true;
    loop {
        let begun = Instant::now();
        let read = scrape::read_books(&app, &metrics).await;
        super::note(&app, "figures", read, &mut well);
        tokio::time::sleep(BOOKS.max(begun.elapsed() * SHARE)).await;
    }
}
