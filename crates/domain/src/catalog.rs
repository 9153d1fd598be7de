//! The catalogue: plans, models with their prices, charge rules, limits. Plain data that is checked once.

mod live;
mod models;
mod upstreams;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use live::LiveCatalogue;
pub use models::{ImageTokens, Model, Price, Purpose};
pub use upstreams::{DEFAULT_UPSTREAM, Serving, Upstream, UpstreamKind, UpstreamTimeouts};

use crate::billing::offer::Offer;
use crate::credits::Credits;
use crate::ledger::account::PlanName;
use crate::ledger::command::PaymentPolicy;
use crate::ledger::limits::LimitBook;
use crate::ledger::usage::RequestKind;
use crate::money::Money;
use crate::pricing::{ChargeRule, Tariff};
use crate::tokens::Tokens;

/// A plan that customers buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its id, as clients name it.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it costs.
    pub price: Money,
    /// The credits that come with it.
    pub credits: Credits,
    /// Days after which a pack's credits expire; `None` is never. A subscription's follow its period.
    pub expires_after_days: Option<u32>,
    /// The payment provider's own price for a month of it; without one, the price above is sent along.
    pub stripe_price: Option<String>,
}

impl Plan {
    /// Its terms, to be frozen in a purchase.
    pub fn offer(&self) -> Offer {
        Offer {
            plan: PlanName::new(&self.id),
            credits: self.credits,
            price: self.price,
            expires_after_days: self.expires_after_days,
        }
    }
}

/// Everything a catalogue says, before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueParts {
    /// The plans.
    pub plans: Vec<Plan>,
    /// The models.
    pub models: Vec<Model>,
    /// Their providers.
    pub upstreams: Vec<Upstream>,
    /// The model of requests that name none.
    pub default_model: String,
    /// What assistant requests cost.
    pub assistant: ChargeRule,
    /// What insights cost.
    pub insights: ChargeRule,
    /// Limits of each plan.
    pub limits: Arc<LimitBook>,
    /// What happens after lost disputes and fraud warnings.
    pub payment_policy: PaymentPolicy,
    /// Reais for a dollar, in ten-thousandths.
    pub usd_brl_e4: i64,
    /// Credits for a dollar of provider cost, where requests are charged by cost.
    pub credits_per_usd: u32,
}

/// A checked catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    parts: CatalogueParts,
    models: BTreeMap<String, Arc<Model>>,
    /// The id of each model, by every name that clients may use.
    names: BTreeMap<String, String>,
}

impl Catalogue {
    /// Checks the parts; all faults at once.
    pub fn new(mut parts: CatalogueParts) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        for model in &mut parts.models {
            model.prices.sort_by_key(|price| price.valid_from);
            models::check_model(model, &mut faults);
        }
        let models: BTreeMap<String, Arc<Model>> =
            parts.models.iter().map(|model| (model.id.clone(), Arc::new(model.clone()))).collect();
        let mut names = BTreeMap::new();
        for model in &parts.models {
            for name in model.names() {
                if names.insert(name.to_owned(), model.id.clone()).is_some() {
                    faults.push(format!("models: two models have the name `{name}`"));
                }
            }
        }
        if !models.get(&parts.default_model).is_some_and(|model| model.purpose == Purpose::Chat) {
            faults.push(format!("default_model: there is no chat model `{}`", parts.default_model));
        }
        upstreams::check(&parts, &mut faults);
        let mut plan_ids = BTreeSet::new();
        let mut prices = BTreeSet::new();
        for plan in &parts.plans {
            if !plan_ids.insert(&plan.id) {
                faults.push(format!("plans: two plans have the id `{}`", plan.id));
            }
            if plan.id == PlanName::free().as_str() {
                faults.push("plan `free`: that is the plan of those who bought none".to_owned());
            }
            if let Some(price) = &plan.stripe_price
                && !prices.insert(price)
            {
                faults.push(format!("plan `{}`: another plan has the stripe_price `{price}`", plan.id));
            }
            if plan.expires_after_days == Some(0) {
                faults.push(format!("plan `{}`: expires_after_days must be more than zero", plan.id));
            }
            if !plan.credits.is_positive() || plan.price.minor() == 0 {
                faults.push(format!("plan `{}`: price and credits must be more than zero", plan.id));
            }
        }
        for plan in parts.limits.by_plan.keys().filter(|plan| !plan_ids.contains(&plan.as_str().to_owned())) {
            faults.push(format!("limits: there is no plan `{}`", plan.as_str()));
        }
        for (name, rule) in [("assistant", &parts.assistant), ("insights", &parts.insights)] {
            if rule.credits_per_1000_tokens == 0 || rule.max_output == Tokens::ZERO {
                faults.push(format!("charge.{name}: must be more than zero"));
            }
        }
        if parts.usd_brl_e4 <= 0 || parts.credits_per_usd == 0 {
            faults.push("usd_brl and credits_per_usd must be more than zero".to_owned());
        }
        if faults.is_empty() { Ok(Self { parts, models, names }) } else { Err(faults) }
    }

    /// A model by a name that clients may use: its id, an alias, a snapshot.
    pub fn model(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.get(self.names.get(name)?)
    }

    /// All models, by id.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values().map(|model| &**model)
    }

    /// The providers, in the order of the file; not the one that the environment describes.
    pub fn upstreams(&self) -> &[Upstream] {
        &self.parts.upstreams
    }

    /// The model of requests that name none.
    pub fn default_model(&self) -> &str {
        &self.parts.default_model
    }

    /// A model that completes conversations, by a name that clients may use.
    pub fn chat_model(&self, name: &str) -> Option<&Arc<Model>> {
        self.model(name).filter(|model| model.purpose == Purpose::Chat)
    }

    /// The same catalogue with another default model; `None` when it has no such chat model.
    pub fn with_default_model(mut self, id: &str) -> Option<Self> {
        self.chat_model(id)?;
        id.clone_into(&mut self.parts.default_model);
        Some(self)
    }

    /// The same catalogue with other limits for every plan.
    #[must_use]
    pub fn with_limits(mut self, change: impl Fn(&mut crate::ledger::limits::Limits)) -> Self {
        let mut limits = (*self.parts.limits).clone();
        change(&mut limits.default);
        limits.by_plan.values_mut().for_each(change);
        self.parts.limits = Arc::new(limits);
        self
    }

    /// The plans, in the order of the file.
    pub fn plans(&self) -> &[Plan] {
        &self.parts.plans
    }

    /// A plan by its id.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.parts.plans.iter().find(|plan| plan.id == id)
    }

    /// The plan that an invoice pays, when it is not the one that its subscription began with: by the
    /// provider's price; by the name that the subscription carries, if the amount is its price; or the only
    /// plan with that price.
    pub fn plan_paid(&self, price: Option<&str>, name: Option<&str>, minor: i64) -> Option<&Plan> {
        let costs = |plan: &&Plan| plan.price.minor() == minor;
        let plans = &self.parts.plans;
        let by_price =
            price.and_then(|price| plans.iter().find(|plan| plan.stripe_price.as_deref() == Some(price)));
        let by_name = || name.and_then(|name| self.plan(name)).filter(costs);
        let by_amount = || {
            let mut same = plans.iter().filter(costs);
            same.next().filter(|_| same.next().is_none())
        };
        by_price.or_else(by_name).or_else(by_amount)
    }

    /// What happens after lost disputes and fraud warnings.
    pub fn payment_policy(&self) -> PaymentPolicy {
        self.parts.payment_policy
    }

    /// What a kind of request costs.
    pub fn tariff(&self, kind: RequestKind) -> Tariff {
        match kind {
            RequestKind::Assistant => Tariff::ByTokens(self.parts.assistant),
            RequestKind::Insights => Tariff::ByTokens(self.parts.insights),
            RequestKind::ChatCompletions | RequestKind::Responses | RequestKind::Embeddings => {
                Tariff::ByCost { credits_per_usd: self.parts.credits_per_usd }
            }
        }
    }

    /// Limits of each plan.
    pub fn limits(&self) -> &Arc<LimitBook> {
        &self.parts.limits
    }

    /// Reais for a dollar, in ten-thousandths.
    pub fn usd_brl_e4(&self) -> i64 {
        self.parts.usd_brl_e4
    }

    /// Credits for a dollar of provider cost.
    pub fn credits_per_usd(&self) -> u32 {
        self.parts.credits_per_usd
    }
}
