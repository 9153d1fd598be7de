//! Models and their prices.

use super::Serving;
use crate::clock::Timestamp;
use crate::money::NanoUsd;
use crate::tokens::Tokens;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Completing conversations.
    Chat,
    /// Embedding texts.
    Embeddings,
}

/// A model that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its id, for clients and for the provider.
    pub id: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The tokenizer that counts for it.
    pub tokenizer: String,
    /// Input and output together, in tokens.
    pub context_window: Tokens,
    /// The most output that the model gives.
    pub max_output: Tokens,
    /// Whether it reasons before it answers.
    pub reasoning: bool,
    /// Other names that clients may use for it.
    pub aliases: Vec<String>,
    /// What its provider is asked for when a client uses its id or an alias; `None` is the id.
    pub pinned: Option<String>,
    /// Names of its versions: a client may ask for one, at the model's price, and its provider is asked for just that.
    pub snapshots: Vec<String>,
    /// What images take; `None` for a model that sees none.
    pub images: Option<ImageTokens>,
    /// The providers that serve it; none is the default one.
    pub upstreams: Vec<Serving>,
    /// Its prices over time, oldest first.
    pub prices: Vec<Price>,
}

/// The most input tokens that one image takes, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageTokens {
    /// At any detail but low.
    pub most: Tokens,
    /// At low detail.
    pub low: Tokens,
}

/// What a provider charges for a model from some day on, in nano-dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The name that usage rows keep: the day it became valid.
    pub version: String,
    /// Valid from this moment.
    pub valid_from: Timestamp,
    /// Input.
    pub input: NanoUsd,
    /// Input served from the provider's cache.
    pub cached_input: NanoUsd,
    /// Output.
    pub output: NanoUsd,
    /// Reasoning output; `None` counts as output.
    pub reasoning: Option<NanoUsd>,
}

impl Model {
    /// Every name that clients may use for it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.id].into_iter().chain(&self.aliases).chain(&self.snapshots).map(String::as_str)
    }

    /// What its provider is asked for when a client asks for `name`.
    pub fn provider_name<'a>(&'a self, name: &'a str) -> &'a str {
        if self.snapshots.iter().any(|snapshot| snapshot == name) {
            return name;
        }
        self.pinned.as_deref().unwrap_or(&self.id)
    }

    /// The price in force at `at`; `None` before the first one: then the model cannot be called.
    pub fn price_at(&self, at: Timestamp) -> Option<&Price> {
        self.prices.iter().rev().find(|price| price.valid_from <= at)
    }
}

pub(super) fn check_model(model: &Model, faults: &mut Vec<String>) {
    let id = &model.id;
    if model.prices.is_empty() {
        faults.push(format!("model `{id}`: has no price, so it could never be called"));
    }
    let silent = model.purpose == Purpose::Chat && model.max_output == Tokens::ZERO;
    if model.context_window == Tokens::ZERO || silent {
        faults.push(format!("model `{id}`: context_window and max_output must be more than zero"));
    }
    for pair in model.prices.windows(2) {
        if let [earlier, later] = pair
            && earlier.valid_from == later.valid_from
        {
            faults.push(format!("model `{id}`: two prices are valid from {}", later.version));
        }
    }
}
