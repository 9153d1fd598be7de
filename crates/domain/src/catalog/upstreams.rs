//! Providers of models, and which of them serve which model.

use std::collections::BTreeSet;

use super::CatalogueParts;
use crate::clock::Span;
use crate::ledger::holds::HOLD_LIFETIME;

/// The provider of models that name none. The environment describes it, unless the catalogue has one of this name.
pub const DEFAULT_UPSTREAM: &str = "openai";

/// What must be left of a hold's life when a request has taken as long as it may: to settle.
const TO_SETTLE: Span = Span::from_secs(60);

/// A provider of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name.
    pub id: String,
    /// Which dialect it speaks.
    pub kind: UpstreamKind,
    /// Where it is.
    pub base_url: String,
    /// The environment variable that has its key; `None` sends no key.
    pub api_key_env: Option<String>,
    /// How long is waited for what.
    pub timeouts: UpstreamTimeouts,
}

/// Which dialect of OpenAI's protocols a provider speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamKind {
    /// OpenAI's, as all compatible servers do.
    OpenAi,
    /// Azure's.
    Azure {
        /// The version of its older interface.
        api_version: Option<String>,
    },
}

/// How long is waited for what; `None` is the adapter's usual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// For a connection.
    pub connect: Option<Span>,
    /// Until the answer begins.
    pub first_byte: Option<Span>,
    /// Between two parts of it.
    pub idle: Option<Span>,
    /// For everything.
    pub total: Option<Span>,
}

/// A provider that serves a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// The provider's id.
    pub upstream: String,
    /// Lower ones are asked first.
    pub priority: u32,
    /// Its share among those of the same priority.
    pub weight: u32,
    /// Its own name for the model or its deployment; `None` is the usual one.
    pub model: Option<String>,
}

impl Serving {
    /// The provider of models that name none.
    pub fn by_default() -> Self {
        Self { upstream: DEFAULT_UPSTREAM.to_owned(), priority: 1, weight: 1, model: None }
    }
}

pub(super) fn check(parts: &CatalogueParts, faults: &mut Vec<String>) {
    let mut ids = BTreeSet::from([DEFAULT_UPSTREAM]);
    let mut own = BTreeSet::new();
    for upstream in &parts.upstreams {
        let id = &upstream.id;
        if id.trim().is_empty() {
            faults.push("upstreams: an id must not be blank".to_owned());
        }
        if !own.insert(id) {
            faults.push(format!("upstreams: two upstreams have the id `{id}`"));
        }
        ids.insert(id);
        if upstream.api_key_env.as_ref().is_some_and(|name| name.trim().is_empty()) {
            faults.push(format!("upstream `{id}`: api_key_env must name a variable, or be left out"));
        }
        let UpstreamTimeouts { connect, first_byte, idle, total } = upstream.timeouts;
        let times = [("connect", connect), ("first_byte", first_byte), ("idle", idle), ("total", total)];
        let most = Span::from_micros(HOLD_LIFETIME.as_micros().saturating_sub(TO_SETTLE.as_micros()));
        for (name, time) in times {
            if time.is_some_and(|time| time == Span::ZERO || time > most) {
                let most = most.as_secs_up();
                faults.push(format!("upstream `{id}`: {name}_seconds must be from 1 to {most}"));
            }
        }
    }
    for model in &parts.models {
        let mut servings = BTreeSet::new();
        for serving in &model.upstreams {
            let (id, name) = (&model.id, &serving.upstream);
            if !ids.contains(name.as_str()) {
                faults.push(format!("model `{id}`: there is no upstream `{name}`"));
            }
            if serving.weight == 0 {
                faults.push(format!("model `{id}`: upstream `{name}`: weight must be more than zero"));
            }
            if !servings.insert((name, &serving.model)) {
                faults.push(format!("model `{id}`: upstream `{name}` is named twice"));
            }
        }
    }
}
