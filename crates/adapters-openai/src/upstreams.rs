//! Several providers behind one port: each model is asked of those that serve it.
//!
//! - A lower priority goes first; within one, the weights decide by chance.
//! - Until an answer has begun, a request goes on to the next provider where the last one cannot have worked on it: it
//!   could not be reached, refused our key, limits us, or failed with a status of its own. Where that is unknown (a
//!   timeout, a connection that broke) it does not, and neither where the request itself is at fault.
//! - A connection that could not be made is tried once more at the same provider, within a budget of a tenth of the
//!   traffic.
//! - A provider that keeps failing is not asked for a while, then tried with one request; one that asks us to wait is
//!   left alone, for that model. Where nobody is left, nothing is sent.
//!
//! Nothing of this outlives the process, and no two [`Upstreams`] share anything.

mod breaker;
mod provider;
mod route;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::language_model::{
    AnswerStream, Completion, CompletionRequest, LanguageModel, ModelError, Piece, UpstreamHealth,
    UpstreamState,
};
use tokio::time::Instant;

use crate::client::{Begun, OpenAi};
use crate::config::OpenAiConfig;
use crate::error::span;

use provider::{Attempt, Provider};
use route::{Route, Stop};

/// A provider, with a name of its own.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Its name.
    pub name: String,
    /// Where it is, and how it is asked.
    pub client: OpenAiConfig,
}

/// A provider that serves a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The provider's name.
    pub upstream: String,
    /// Lower ones go first.
    pub priority: u32,
    /// Its share among those of the same priority; at least 1.
    pub weight: u32,
    /// Its own name for the model, or for its deployment; `None` is the usual one.
    pub model: Option<String>,
}

/// Asks each model of the providers that serve it.
#[derive(Debug)]
pub struct Upstreams {
    providers: Vec<Arc<Provider>>,
    /// By model; lower priorities first.
    routes: BTreeMap<String, Vec<Arc<Route>>>,
}

impl Upstreams {
    /// These providers, for these models. All faults at once.
    pub fn new(
        providers: &[UpstreamConfig],
        models: &BTreeMap<String, Vec<Target>>,
    ) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut by_name = BTreeMap::new();
        let mut made = Vec::new();
        for config in providers {
            let name = &config.name;
            match OpenAi::new(&config.client) {
                Ok(client) => {
                    let provider = Arc::new(Provider::new(name.clone(), client));
                    if by_name.insert(name.clone(), Arc::clone(&provider)).is_some() {
                        faults.push(format!("upstream `{name}`: there are two of that name"));
                    }
                    made.push(provider);
                }
                Err(error) => faults.push(format!("upstream `{name}`: {error}")),
            }
        }
        let mut routes = BTreeMap::new();
        for (model, targets) in models {
            let mut own: Vec<Arc<Route>> = Vec::new();
            for target in targets {
                let name = &target.upstream;
                match by_name.get(name) {
                    _ if target.weight == 0 => {
                        faults.push(format!(
                            "model `{model}`: upstream `{name}`: weight must be more than zero"
                        ));
                    }
                    Some(provider) => own.push(Arc::new(Route::new(Arc::clone(provider), target))),
                    // Named among the faults already, if it is there at all.
                    None if providers.iter().any(|config| config.name == *name) => {}
                    None => faults.push(format!("model `{model}`: there is no upstream `{name}`")),
                }
            }
            own.sort_by_key(|route| route.priority);
            routes.insert(model.clone(), own);
        }
        if faults.is_empty() { Ok(Self { providers: made, routes }) } else { Err(faults) }
    }

    /// An answer that has begun, and the attempt that it is the outcome of.
    async fn begin(&self, request: &CompletionRequest, stream: bool) -> Result<(Begun, Attempt), ModelError> {
        let routes = self.routes.get(&request.model).map(Vec::as_slice).unwrap_or_default();
        let (mut last, mut soonest) = (None, None::<Duration>);
        for route in route::in_order(routes) {
            match route.begin(request, stream).await {
                Ok(begun) => return Ok(begun),
                Err(Stop::Waits(time)) => soonest = Some(soonest.map_or(time, |other| other.min(time))),
                Err(Stop::Failed(error)) if leaves_others(&error) => last = Some(error),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        Err(match (last, soonest) {
            (Some(error), _) => error,
            (None, Some(time)) => ModelError::Resting { retry_after: span(time) },
            (None, None) => ModelError::Unreachable("no provider serves the model".to_owned()),
        })
    }

    /// Until when all models rest at a provider, if all of them do.
    fn rests_for(&self, provider: &Arc<Provider>, now: Instant) -> Option<Duration> {
        let routes = self.routes.values().flatten();
        let rests: Vec<Option<Duration>> =
            routes.filter(|route| route.is_to(provider)).map(|route| route.rests_for(now)).collect();
        let rests: Option<Vec<Duration>> = rests.into_iter().collect();
        rests?.into_iter().min()
    }
}

/// Whether another provider may be asked after this: the one that failed did no work, and it is not the request that is
/// at fault.
fn leaves_others(error: &ModelError) -> bool {
    match error {
        ModelError::Unreachable(_)
        | ModelError::KeyRefused(_)
        | ModelError::Limited { .. }
        | ModelError::Resting { .. } => true,
        ModelError::Failed { status, .. } => !matches!(status, 200 | 400 | 413 | 422),
        ModelError::Rejected(_)
        | ModelError::Unusable(_)
        | ModelError::TimedOut
        | ModelError::Interrupted(_) => false,
    }
}

#[async_trait]
impl LanguageModel for Upstreams {
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError> {
        let (begun, mut attempt) = self.begin(&request, false).await?;
        let outcome = begun.whole().await;
        attempt.note(outcome.as_ref().err());
        outcome
    }

    async fn stream(&self, request: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
        let (begun, mut attempt) = self.begin(&request, true).await?;
        match begun.stream().await {
            Ok(answer) => Ok(Box::new(Watched { answer, attempt })),
            Err(error) => {
                attempt.note(Some(&error));
                Err(error)
            }
        }
    }

    fn health(&self) -> Vec<UpstreamHealth> {
        let now = Instant::now();
        let of = |provider: &Arc<Provider>| {
            let mut health = provider.health(now);
            if let (UpstreamState::Healthy, Some(time)) = (health.state, self.rests_for(provider, now)) {
                health.state = UpstreamState::Resting;
                health.retry_after = Some(span(time));
            }
            health
        };
        self.providers.iter().map(of).collect()
    }
}

/// A stream whose failure is its provider's.
struct Watched {
    answer: Box<dyn AnswerStream>,
    attempt: Attempt,
}

#[async_trait]
impl AnswerStream for Watched {
    async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
        let outcome = self.answer.next().await;
        self.attempt.note(outcome.as_ref().err());
        outcome
    }
}
