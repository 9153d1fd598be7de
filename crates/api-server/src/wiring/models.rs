//! Who answers: the providers of the catalogue, the one of the environment, or a simulation.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use adapters_openai::{Kind, OpenAiConfig, Target, Timeouts, UpstreamConfig, Upstreams};
use adapters_sandbox::{SandboxConfig, SandboxModel};
use async_trait::async_trait;
use domain::catalog::{Catalogue, DEFAULT_UPSTREAM, Serving, Upstream, UpstreamKind, UpstreamTimeouts};
use domain::clock::Span;
use domain::ports::language_model::{
    AnswerStream, Completion, CompletionRequest, LanguageModel, ModelError, UpstreamHealth,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::{AppEnv, Config, NO_OPENAI_KEY, is_placeholder};

/// How long each piece of a simulated stream takes: long enough to be seen.
const SIMULATED_PACE: Duration = Duration::from_millis(20);

/// The models of a catalogue. All faults at once. Nothing is shared with what was made before.
pub fn models(config: &Config, catalogue: &Catalogue) -> Result<Arc<dyn LanguageModel>, Vec<String>> {
    if catalogue.upstreams().is_empty() && config.openai.is_none() {
        if config.app_env == AppEnv::Production {
            return Err(vec![NO_OPENAI_KEY.to_owned()]);
        }
        let simulated = SandboxConfig { pace: SIMULATED_PACE, ..SandboxConfig::default() };
        return Ok(Arc::new(SandboxModel::new(simulated)));
    }
    let mut faults = Vec::new();
    let mut providers: Vec<UpstreamConfig> =
        catalogue.upstreams().iter().filter_map(|it| provider(config, it, &mut faults)).collect();
    let has_default = catalogue.upstreams().iter().any(|upstream| upstream.id == DEFAULT_UPSTREAM);
    if let (Some(openai), false) = (&config.openai, has_default) {
        let client = OpenAiConfig::new(openai.base_url.clone(), openai.api_key.clone());
        providers.push(UpstreamConfig { name: DEFAULT_UPSTREAM.to_owned(), client });
    }
    let mut targets = BTreeMap::new();
    for model in catalogue.models() {
        let servings = match model.upstreams.as_slice() {
            [] => vec![Serving::by_default()],
            own => own.to_vec(),
        };
        let is_by_default = servings.iter().any(|serving| serving.upstream == DEFAULT_UPSTREAM);
        if is_by_default && !has_default && config.openai.is_none() {
            let id = &model.id;
            faults.push(format!("model `{id}`: its provider is that of OPENAI_API_KEY, which is not set"));
        }
        targets.insert(model.id.clone(), servings.into_iter().map(target).collect());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Arc::new(Upstreams::new(&providers, &targets)?))
}

fn provider(config: &Config, upstream: &Upstream, faults: &mut Vec<String>) -> Option<UpstreamConfig> {
    let id = &upstream.id;
    let mut fault = |fault: String| faults.push(format!("upstream `{id}`: {fault}"));
    let key = match &upstream.api_key_env {
        None => Some(SecretString::default()),
        Some(name) => match config.secrets.read(name) {
            Ok(Some(key)) if config.app_env == AppEnv::Production && is_placeholder(key.expose_secret()) => {
                fault(format!("{name} is a placeholder"));
                None
            }
            Ok(Some(key)) => Some(key),
            Ok(None) => {
                fault(format!("{name} is not set (nor {name}_FILE)"));
                None
            }
            Err(why) => {
                fault(why);
                None
            }
        },
    };
    let base_url = Url::parse(&upstream.base_url).map_err(|error| fault(format!("base_url: {error}"))).ok();
    let kind = match &upstream.kind {
        UpstreamKind::OpenAi => Kind::OpenAi,
        UpstreamKind::Azure { api_version } => Kind::Azure { api_version: api_version.clone() },
    };
    let client =
        OpenAiConfig { base_url: base_url?, api_key: key?, kind, timeouts: timeouts(upstream.timeouts) };
    Some(UpstreamConfig { name: id.clone(), client })
}

fn timeouts(own: UpstreamTimeouts) -> Timeouts {
    let usual = Timeouts::default();
    let time = |own: Option<Span>, usual: Duration| {
        own.map_or(usual, |span| Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or_default()))
    };
    Timeouts {
        connect: time(own.connect, usual.connect),
        first_byte: time(own.first_byte, usual.first_byte),
        idle: time(own.idle, usual.idle),
        total: time(own.total, usual.total),
    }
}

fn target(serving: Serving) -> Target {
    let Serving { upstream, priority, weight, model } = serving;
    Target { upstream, priority, weight, model }
}

/// The models in force. They can be replaced while the server runs; a request keeps to those that it began with.
pub struct LiveModels(RwLock<Arc<dyn LanguageModel>>);

impl LiveModels {
    /// With these in force.
    pub fn new(models: Arc<dyn LanguageModel>) -> Self {
        Self(RwLock::new(models))
    }

    /// Puts others in force, for requests that begin from now on.
    pub fn replace(&self, models: Arc<dyn LanguageModel>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = models;
    }

    fn current(&self) -> Arc<dyn LanguageModel> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl LanguageModel for LiveModels {
    async fn complete(&self, request: CompletionRequest) -> Result<Completion, ModelError> {
        self.current().complete(request).await
    }

    async fn stream(&self, request: CompletionRequest) -> Result<Box<dyn AnswerStream>, ModelError> {
        self.current().stream(request).await
    }

    fn health(&self) -> Vec<UpstreamHealth> {
        self.current().health()
    }
}
