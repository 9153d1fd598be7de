//! Reading the catalogue file.

mod upstreams;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use domain::catalog::{Catalogue, CatalogueParts, ImageTokens, Model, Plan, Price, Purpose};
use domain::credits::Credits;
use domain::ledger::account::PlanName;
use domain::ledger::command::PaymentPolicy;
use domain::ledger::limits::{LimitBook, Limits};
use domain::money::{Currency, Money, NanoUsd, parse_decimal};
use domain::ports::language_model::TokenCounter;
use domain::pricing::ChargeRule;
use domain::tokens::Tokens;
use serde::Deserialize;

use crate::clock::to_timestamp;

use upstreams::{ServingFile, UpstreamFile, serving, upstream};

/// The catalogue that is built in.
pub const EMBEDDED: &str = include_str!("../../../catalog.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default_model: String,
    usd_brl: String,
    credits_per_usd: u32,
    charge: Charge,
    #[serde(default)]
    limits: BTreeMap<String, LimitsFile>,
    #[serde(default)]
    billing: BillingFile,
    #[serde(default)]
    plans: Vec<PlanFile>,
    models: Vec<ModelFile>,
    #[serde(default)]
    upstreams: Vec<UpstreamFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Charge {
    assistant: RuleFile,
    insights: RuleFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    credits_per_1000_tokens: u32,
    minimum: u32,
    max_output_tokens: u32,
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u32>,
    concurrent_requests: Option<u32>,
    daily_credits: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    id: String,
    name: String,
    price_brl: String,
    credits: u32,
    expires_after_days: Option<u32>,
    stripe_price: Option<String>,
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct BillingFile {
    #[serde(default)]
    suspend_after_lost_dispute: bool,
    #[serde(default)]
    suspend_on_fraud_warning: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    id: String,
    #[serde(default)]
    purpose: PurposeFile,
    tokenizer: String,
    context_window: u32,
    max_output: u32,
    #[serde(default)]
    reasoning: bool,
    #[serde(default)]
    aliases: Vec<String>,
    pinned: Option<String>,
    #[serde(default)]
    snapshots: Vec<String>,
    image_tokens: Option<u32>,
    image_tokens_low: Option<u32>,
    #[serde(default)]
    upstreams: Vec<ServingFile>,
    #[serde(default)]
    prices: Vec<PriceFile>,
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum PurposeFile {
    #[default]
    Chat,
    Embeddings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    valid_from: String,
    input: String,
    cached_input: String,
    output: String,
    reasoning: Option<String>,
}

/// Reads the catalogue from a file, or the embedded one; all faults at once, each a sentence.
pub fn load(path: Option<&Path>, counter: &dyn TokenCounter) -> Result<Catalogue, Vec<String>> {
    let (name, text) = match path {
        None => ("embedded catalogue".to_owned(), EMBEDDED.to_owned()),
        Some(path) => {
            let name = path.display().to_string();
            match std::fs::read_to_string(path) {
                Ok(text) => (name, text),
                Err(error) => return Err(vec![format!("CATALOG_FILE: {name} cannot be read: {error}")]),
            }
        }
    };
    parse(&text, counter)
        .map_err(|faults| faults.into_iter().map(|fault| format!("{name}: {fault}")).collect())
}

/// Reads a catalogue from TOML text.
pub fn parse(text: &str, counter: &dyn TokenCounter) -> Result<Catalogue, Vec<String>> {
    let file: File = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut faults = Vec::new();
    let models: Vec<Model> = file.models.iter().filter_map(|it| model(it, counter, &mut faults)).collect();
    let plans: Vec<Plan> = file.plans.iter().filter_map(|it| plan(it, &mut faults)).collect();
    let usd_brl_e4 = parse_decimal(&file.usd_brl, 4).unwrap_or_else(|error| {
        faults.push(format!("usd_brl: {error}"));
        1
    });
    let mut upstream_faults = Vec::new();
    let upstreams = file.upstreams.iter().map(|it| upstream(it, &mut upstream_faults)).collect();
    let parts = CatalogueParts {
        plans,
        models,
        upstreams,
        default_model: file.default_model,
        assistant: rule(&file.charge.assistant),
        insights: rule(&file.charge.insights),
        limits: Arc::new(limits(&file.limits)),
        payment_policy: PaymentPolicy {
            suspend_after_lost_dispute: file.billing.suspend_after_lost_dispute,
            suspend_on_fraud_warning: file.billing.suspend_on_fraud_warning,
        },
        usd_brl_e4,
        credits_per_usd: file.credits_per_usd,
    };
    let catalogue = Catalogue::new(parts);
    if let (Err(more), true) = (&catalogue, faults.is_empty()) {
        // What did not parse is missing from the parts, and may be why they do not fit together.
        faults.extend_from_slice(more);
    }
    faults.append(&mut upstream_faults);
    catalogue.ok().filter(|_| faults.is_empty()).ok_or(faults)
}

fn rule(file: &RuleFile) -> ChargeRule {
    ChargeRule {
        credits_per_1000_tokens: file.credits_per_1000_tokens,
        minimum: Credits::whole(file.minimum),
        max_output: Tokens::new(u64::from(file.max_output_tokens)),
    }
}

fn limits(file: &BTreeMap<String, LimitsFile>) -> LimitBook {
    let filled = |own: LimitsFile, base: Limits| Limits {
        requests_per_minute: own.requests_per_minute.unwrap_or(base.requests_per_minute),
        tokens_per_minute: own.tokens_per_minute.unwrap_or(base.tokens_per_minute),
        concurrent: own.concurrent_requests.unwrap_or(base.concurrent),
        daily_credits: own.daily_credits.map_or(base.daily_credits, Credits::whole),
    };
    let default = filled(file.get("default").copied().unwrap_or_default(), Limits::default());
    let others = file.iter().filter(|(plan, _)| *plan != "default");
    let by_plan = others.map(|(plan, own)| (PlanName::new(plan), filled(*own, default))).collect();
    LimitBook { default, by_plan }
}

fn plan(file: &PlanFile, faults: &mut Vec<String>) -> Option<Plan> {
    let price = Money::parse(&file.price_brl, Currency::Brl)
        .map_err(|error| faults.push(format!("plan `{}`: price_brl: {error}", file.id)))
        .ok()?;
    Some(Plan {
        id: file.id.clone(),
        name: file.name.clone(),
        price,
        credits: Credits::whole(file.credits),
        expires_after_days: file.expires_after_days,
        stripe_price: file.stripe_price.clone(),
    })
}

fn model(file: &ModelFile, counter: &dyn TokenCounter, faults: &mut Vec<String>) -> Option<Model> {
    let id = &file.id;
    let faults_before = faults.len();
    if !counter.knows(&file.tokenizer) {
        faults.push(format!("model `{id}`: unknown tokenizer `{}`", file.tokenizer));
    }
    let prices: Vec<Price> = file.prices.iter().filter_map(|it| price(id, it, faults)).collect();
    (faults.len() == faults_before).then(|| Model {
        id: id.clone(),
        purpose: match file.purpose {
            PurposeFile::Chat => Purpose::Chat,
            PurposeFile::Embeddings => Purpose::Embeddings,
        },
        tokenizer: file.tokenizer.clone(),
        context_window: Tokens::new(u64::from(file.context_window)),
        max_output: Tokens::new(u64::from(file.max_output)),
        reasoning: file.reasoning,
        aliases: file.aliases.clone(),
        pinned: file.pinned.clone(),
        snapshots: file.snapshots.clone(),
        upstreams: file.upstreams.iter().map(serving).collect(),
        images: file.image_tokens.map(|most| {
            let tokens = |count: u32| Tokens::new(u64::from(count));
            ImageTokens { most: tokens(most), low: tokens(file.image_tokens_low.unwrap_or(most)) }
        }),
        prices,
    })
}

/// A million dollars for a million tokens: nobody charges that, somebody mistyped.
const ABSURD_PRICE: &str = "1000000";

fn price(model: &str, file: &PriceFile, faults: &mut Vec<String>) -> Option<Price> {
    let faults_before = faults.len();
    let absurd = NanoUsd::parse_usd(ABSURD_PRICE).unwrap_or(NanoUsd::MAX);
    let mut usd = |field: &str, text: &str| match NanoUsd::parse_usd(text) {
        Ok(price) if price < absurd => price,
        Ok(_) => {
            faults.push(format!("model `{model}`: {field}: `{text}` is absurd"));
            NanoUsd::ZERO
        }
        Err(error) => {
            faults.push(format!("model `{model}`: {field}: {error}"));
            NanoUsd::ZERO
        }
    };
    let (input, cached_input) = (usd("input", &file.input), usd("cached_input", &file.cached_input));
    let output = usd("output", &file.output);
    let reasoning = file.reasoning.as_deref().map(|text| usd("reasoning", text));
    let valid_from = NaiveDate::parse_from_str(&file.valid_from, "%Y-%m-%d")
        .map_err(|_| {
            faults.push(format!("model `{model}`: valid_from: `{}` is not YYYY-MM-DD", file.valid_from));
        })
        .ok()?;
    (faults.len() == faults_before).then(|| Price {
        version: file.valid_from.clone(),
        valid_from: to_timestamp(valid_from.and_time(NaiveTime::MIN).and_utc()),
        input,
        cached_input,
        output,
        reasoning,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters_openai::Tiktoken;

    fn faults(change: impl Fn(String) -> String) -> String {
        parse(&change(EMBEDDED.to_owned()), &Tiktoken).unwrap_err().join("\n")
    }

    #[test]
    fn the_embedded_catalogue_is_sound_and_says_what_the_seed_says() {
        let catalogue = parse(EMBEDDED, &Tiktoken).unwrap();
        let plans: Vec<_> = catalogue
            .plans()
            .iter()
            .map(|plan| (plan.id.as_str(), plan.price.minor(), plan.credits.get()))
            .collect();
        assert_eq!(
            plans,
            [("starter", 2900, 5000), ("professional", 7900, 20_000), ("enterprise", 19_900, 100_000)]
        );
        assert_eq!(catalogue.default_model(), "gpt-4o-mini");
        assert_eq!(catalogue.models().count(), 10);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let found = faults(|text| {
            text.replace("\"0.15\"", "\"-0.15\"")
                .replace("\"29.00\"", "\"29.001\"")
                .replace("2024-10-02", "soon")
        });
        for part in
            ["gpt-4o-mini`: input: `-0.15` is negative", "starter`: price_brl", "`soon` is not YYYY-MM-DD"]
        {
            assert!(found.contains(part), "{part} not in {found}");
        }
    }

    #[test]
    fn unknown_words_and_models_are_refused() {
        assert!(faults(|text| text.replace("usd_brl =", "usd_bri =")).contains("usd_bri"));
        assert!(
            faults(|text| text.replace("default_model = \"gpt-4o-mini\"", "default_model = \"x\""))
                .contains("`x`")
        );
        assert!(faults(|text| text.replacen("o200k_base", "o300k", 1)).contains("o300k"));
        assert!(faults(|text| text.replace("\"0.60\"", "\"6000000\"")).contains("absurd"));
    }
}
