//! A way to a model: a provider, and its name for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ports::language_model::{CompletionRequest, ModelError};
use rand::RngExt;
use rand::seq::IndexedRandom;
use tokio::time::{Instant, sleep};

use super::Target;
use super::provider::{Attempt, Provider};
use crate::client::Begun;

/// The longest that a provider is left alone because it asks for it.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long is waited before a connection is tried again, in milliseconds; by chance, so that not all do it at once.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 20..=120;

/// A way to a model.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) priority: u32,
    weight: u32,
    model: Option<String>,
    provider: Arc<Provider>,
    rests_until: Mutex<Option<Instant>>,
}

/// Why there is no answer this way.
#[derive(Debug)]
pub(super) enum Stop {
    /// Nothing was sent; again after this time.
    Waits(Duration),
    /// It failed.
    Failed(ModelError),
}

impl Route {
    pub(super) fn new(provider: Arc<Provider>, target: &Target) -> Self {
        Self {
            priority: target.priority,
            weight: target.weight,
            model: target.model.clone(),
            provider,
            rests_until: Mutex::default(),
        }
    }

    pub(super) fn is_to(&self, provider: &Arc<Provider>) -> bool {
        Arc::ptr_eq(&self.provider, provider)
    }

    /// How long the model rests at this provider, if it does.
    pub(super) fn rests_for(&self, now: Instant) -> Option<Duration> {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(now).filter(|time| !time.is_zero())
    }

    fn rest(&self, time: Duration) {
        let until = Instant::now() + time.min(LONGEST_REST);
        let mut rests_until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        *rests_until = Some(rests_until.map_or(until, |other| other.max(until)));
    }

    /// Sends the request; once more where no connection could be made, and the budget allows it.
    pub(super) async fn begin(
        &self,
        request: &CompletionRequest,
        stream: bool,
    ) -> Result<(Begun, Attempt), Stop> {
        let own;
        let request = match &self.model {
            None => request,
            Some(model) => {
                own = CompletionRequest { provider_model: model.clone(), ..request.clone() };
                &own
            }
        };
        let outcome = self.try_once(request, stream).await;
        let unreachable = matches!(outcome, Err(Stop::Failed(ModelError::Unreachable(_))));
        if !unreachable || !self.provider.may_retry() {
            self.provider.note_traffic();
            return outcome;
        }
        let pause_ms = rand::rng().random_range(PAUSE_MS);
        sleep(Duration::from_millis(pause_ms)).await;
        match self.try_once(request, stream).await {
            // The first failure says more than that it was one too many.
            Err(Stop::Waits(_)) => outcome,
            second => second,
        }
    }

    async fn try_once(&self, request: &CompletionRequest, stream: bool) -> Result<(Begun, Attempt), Stop> {
        if let Some(time) = self.rests_for(Instant::now()) {
            return Err(Stop::Waits(time));
        }
        let call = self.provider.client.prepare(request, stream).map_err(Stop::Failed)?;
        let mut attempt = self.provider.admit().map_err(Stop::Waits)?;
        match call.send().await {
            Ok(begun) => {
                attempt.begun(begun.latency);
                Ok((begun, attempt))
            }
            Err(failure) => {
                attempt.note(Some(&failure.error));
                if let Some(time) = failure.retry_after {
                    self.rest(time);
                }
                Err(Stop::Failed(failure.error))
            }
        }
    }
}

/// Lower priorities first; within one, by chance, as the weights say.
pub(super) fn in_order(routes: &[Arc<Route>]) -> Vec<Arc<Route>> {
    let mut order = Vec::with_capacity(routes.len());
    for same in routes.chunk_by(|a, b| a.priority == b.priority) {
        let mut left: Vec<&Arc<Route>> = same.iter().collect();
        // Fails when nothing is left; no weight is zero.
        while let Ok(chosen) = left.choose_weighted(&mut rand::rng(), |route| route.weight) {
            let chosen = Arc::clone(chosen);
            left.retain(|route| !Arc::ptr_eq(route, &chosen));
            order.push(chosen);
        }
    }
    order
}
