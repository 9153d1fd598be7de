//! What a request may cost, and what it did cost. The only place that rounds: up, once for each request.
//!
//! - [`tariff`]: from tokens to credits.
//! - [`below_cost`]: what is sold for less than it costs.

pub mod below_cost;
pub mod tariff;

pub use tariff::{ChargeRule, Tariff};

use crate::catalog::{Model, Price, Purpose};
use crate::credits::Credits;
use crate::money::NanoUsd;
use crate::tokens::{TokenUsage, Tokens};

/// A request is only worth holding for when it leaves room for this much output.
pub const LEAST_OUTPUT: Tokens = Tokens::new(64);
/// What a provider adds to each message of a conversation, in tokens; overstated rather than under.
pub const MESSAGE_OVERHEAD: Tokens = Tokens::new(4);
/// What a provider adds to a whole conversation, in tokens.
pub const CONVERSATION_OVERHEAD: Tokens = Tokens::new(3);

/// How far a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Input that is known.
    pub input: Tokens,
    /// Whether more input may come in than is known: then the whole context window counts as input.
    pub brings_more: bool,
    /// Predicted output: billed as output when it does not come true.
    pub predicted: Tokens,
    /// How many answers are made at once; at least 1.
    pub choices: u64,
    /// The most output that is wanted for each of them.
    pub max_output: Tokens,
}

impl Extent {
    /// One answer to so much input.
    pub const fn plain(input: Tokens, max_output: Tokens) -> Self {
        Self { input, brings_more: false, predicted: Tokens::ZERO, choices: 1, max_output }
    }

    /// What the input may come to.
    fn worst_input(&self, model: &Model) -> Tokens {
        if self.brings_more { model.context_window.max(self.input) } else { self.input }
    }

    /// What everything may come to with so much output for each answer.
    fn worst(&self, model: &Model, output: Tokens) -> TokenUsage {
        let output = output.times(self.choices.max(1)).plus(self.predicted.times(self.choices.max(1)));
        TokenUsage { input: self.worst_input(model), output, ..TokenUsage::default() }
    }
}

/// What must be held for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// Pays the input and the least useful output.
    pub at_least: Credits,
    /// Pays the input and all the output that may be asked for.
    pub at_most: Credits,
    /// Input and output tokens at most.
    pub tokens: Tokens,
    /// The most output to ask for, for each answer, whatever is held.
    pub max_output: Tokens,
}

/// The ceiling of a request. `None` when the model has no room for a useful answer behind that input.
pub fn ceiling(model: &Model, price: &Price, tariff: &Tariff, extent: &Extent) -> Option<Ceiling> {
    let silent = model.purpose == Purpose::Embeddings;
    let room =
        if extent.brings_more { model.context_window } else { model.context_window.less(extent.input) };
    if !silent && room < LEAST_OUTPUT {
        return None;
    }
    let max_output = extent.max_output.min(model.max_output).min(room);
    let hold = |output: Tokens| tariff.worst_charge(price, extent.worst(model, output));
    Some(Ceiling {
        at_least: hold(LEAST_OUTPUT.min(max_output)),
        at_most: hold(max_output),
        tokens: extent.worst(model, max_output).total(),
        max_output,
    })
}

/// How many output tokens for each answer `held` credits pay for.
pub fn affordable_output(
    model: &Model,
    price: &Price,
    tariff: &Tariff,
    extent: &Extent,
    held: Credits,
) -> Tokens {
    tariff.affordable_output(price, held, extent.worst(model, Tokens::ZERO), extent.choices.max(1))
}

/// What the provider charges: exact in nano-dollars, one division, rounded up once.
pub fn cost(price: &Price, usage: TokenUsage) -> NanoUsd {
    let nanos = exact_cost(price, usage).saturating_add(999_999).div_euclid(1_000_000);
    i64::try_from(nanos).ok().and_then(NanoUsd::new).unwrap_or(NanoUsd::MAX)
}

/// What the provider charges, in millionths of a nano-dollar: nothing is rounded.
fn exact_cost(price: &Price, usage: TokenUsage) -> i128 {
    let usage = usage.coherent();
    let part = |tokens: Tokens, per_million: NanoUsd| {
        i128::from(tokens.get()).saturating_mul(i128::from(per_million.get()))
    };
    let reasoning = price.reasoning.unwrap_or(price.output);
    part(usage.input.less(usage.cached_input), price.input)
        .saturating_add(part(usage.cached_input, price.cached_input))
        .saturating_add(part(usage.output.less(usage.reasoning), price.output))
        .saturating_add(part(usage.reasoning, reasoning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    const SEED: ChargeRule = ChargeRule {
        credits_per_1000_tokens: 10,
        minimum: Credits::whole(10),
        max_output: Tokens::new(1000),
    };
    const BY_TOKENS: Tariff = Tariff::ByTokens(SEED);
    const BY_COST: Tariff = Tariff::ByCost { credits_per_usd: 5000 };

    fn model(context_window: u64) -> Model {
        Model {
            id: "m".into(),
            purpose: Purpose::Chat,
            tokenizer: "t".into(),
            context_window: Tokens::new(context_window),
            max_output: Tokens::new(16_384),
            reasoning: false,
            aliases: vec![],
            pinned: None,
            snapshots: vec![],
            upstreams: vec![],
            images: None,
            prices: vec![],
        }
    }

    fn usd(text: &str) -> NanoUsd {
        NanoUsd::parse_usd(text).unwrap()
    }

    fn price() -> Price {
        Price {
            version: "v".into(),
            valid_from: Timestamp::default(),
            input: usd("0.15"),
            cached_input: usd("0.075"),
            output: usd("0.60"),
            reasoning: None,
        }
    }

    fn extent(input: u64) -> Extent {
        Extent::plain(Tokens::new(input), Tokens::new(1000))
    }

    #[test]
    fn what_is_held_pays_for_the_output_that_is_asked_for() {
        for tariff in [BY_TOKENS, BY_COST] {
            for (input, choices, predicted) in [(0, 1, 0), (1, 3, 7), (137, 1, 500), (400, 2, 0), (999, 1, 0)]
            {
                let predicted = Tokens::new(predicted);
                let extent = Extent { predicted, choices, ..extent(input) };
                for held in 10..=60 {
                    let held = Credits::whole(held);
                    let output = affordable_output(&model(128_000), &price(), &tariff, &extent, held);
                    let worst = extent.worst(&model(128_000), output);
                    let floor = extent.worst(&model(128_000), Tokens::ZERO);
                    let pays_nothing = tariff.charge(&price(), floor) > held;
                    assert!(pays_nothing || tariff.charge(&price(), worst) <= held, "{extent:?} {held:?}");
                    let more = extent.worst(&model(128_000), output.plus(Tokens::new(1)));
                    assert!(
                        tariff.charge(&price(), more) > held,
                        "{tariff:?} {extent:?} {held:?} {output:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn twelve_credits_are_enough_to_ask() {
        let extent = extent(400);
        let ceiling = ceiling(&model(128_000), &price(), &BY_TOKENS, &extent).unwrap();
        assert_eq!((ceiling.at_least.get(), ceiling.at_most.get()), (10, 14));
        let twelve = Credits::whole(12);
        assert_eq!(affordable_output(&model(128_000), &price(), &BY_TOKENS, &extent, twelve).get(), 800);
    }

    #[test]
    fn input_that_fills_the_window_has_no_ceiling() {
        let of = |input| ceiling(&model(1000), &price(), &BY_TOKENS, &extent(input));
        assert_eq!(of(937), None);
        assert_eq!(of(936).unwrap().max_output, LEAST_OUTPUT);
    }

    #[test]
    fn every_choice_and_every_unbounded_part_is_held_for() {
        let dear = Price { output: usd("600"), input: usd("150"), ..price() };
        let of = |extent| ceiling(&model(10_000), &dear, &BY_COST, &extent).unwrap().at_most.get();
        let one = of(extent(100));
        assert_eq!(one, (100 * 150 + 1000 * 600) * 5000 / 1_000_000);
        assert_eq!(of(Extent { choices: 3, ..extent(100) }), (100 * 150 + 3000 * 600) * 5000 / 1_000_000);
        let predicted = Tokens::new(50);
        assert_eq!(of(Extent { predicted, ..extent(100) }), one + 50 * 600 * 5000 / 1_000_000);
        let more = Extent { brings_more: true, ..extent(100) };
        assert_eq!(of(more), (10_000 * 150 + 1000 * 600) * 5000 / 1_000_000);
    }

    #[test]
    fn the_dearest_kind_of_token_is_held_for() {
        let odd = Price { cached_input: usd("300"), reasoning: Some(usd("900")), ..price() };
        let ceiling = ceiling(&model(10_000), &odd, &BY_COST, &extent(1000)).unwrap();
        assert_eq!(ceiling.at_most.get(), (300 + 900) * 5);
    }

    #[test]
    fn cost_is_exact_and_rounded_up_once() {
        let usage = TokenUsage {
            input: Tokens::new(1000),
            cached_input: Tokens::new(400),
            output: Tokens::new(500),
            reasoning: Tokens::new(100),
        };
        // 600 * 150 + 400 * 75 + 500 * 600 nano-dollars
        assert_eq!(cost(&price(), usage), NanoUsd::new(420_000).unwrap());
        let one = TokenUsage { input: Tokens::new(1), ..TokenUsage::default() };
        assert_eq!(cost(&Price { input: usd("0.000000001"), ..price() }, one), NanoUsd::new(1).unwrap());
    }
}
