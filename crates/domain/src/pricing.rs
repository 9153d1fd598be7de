//! What a request may cost, and what it did cost. The only place that rounds: up, once for each request.

use crate::catalog::{Catalogue, Model, Price, Purpose};
use crate::credits::Credits;
use crate::ledger::usage::RequestKind;
use crate::money::NanoUsd;
use crate::tokens::{TokenUsage, Tokens};

/// A request is only worth holding for when it leaves room for this much output.
pub const LEAST_OUTPUT: Tokens = Tokens::new(64);
/// What a provider adds to each message of a conversation, in tokens; overstated rather than under.
pub const MESSAGE_OVERHEAD: Tokens = Tokens::new(4);
/// What a provider adds to a whole conversation, in tokens.
pub const CONVERSATION_OVERHEAD: Tokens = Tokens::new(3);

/// Credits by the thousand tokens, with a least charge: the seed's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChargeRule {
    /// Credits for each 1,000 tokens, input and output alike.
    pub credits_per_1000_tokens: u32,
    /// The least charge.
    pub minimum: Credits,
    /// The most output that is asked of the model.
    pub max_output: Tokens,
}

impl ChargeRule {
    /// The charge for so many tokens: rounded up, at least the minimum.
    pub fn charge(&self, tokens: Tokens) -> Credits {
        let scaled = tokens.get().saturating_mul(u64::from(self.credits_per_1000_tokens));
        let charge = i64::try_from(scaled.div_ceil(1000)).ok().and_then(|credits| Credits::new(credits).ok());
        charge.unwrap_or(Credits::MAX).max(self.minimum)
    }

    /// How many output tokens `held` credits pay for behind `input` tokens.
    pub fn affordable_output(&self, held: Credits, input: Tokens) -> Tokens {
        let paid = u64::try_from(held.get()).unwrap_or(0).saturating_mul(1000);
        let total = paid.checked_div(u64::from(self.credits_per_1000_tokens)).unwrap_or(0);
        Tokens::new(total).less(input)
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
    /// The most output to ask for, whatever is held.
    pub max_output: Tokens,
}

/// The ceiling of a request of `input` tokens. `None` when the model has no room for a useful answer
/// behind that input.
pub fn ceiling(model: &Model, rule: &ChargeRule, input: Tokens) -> Option<Ceiling> {
    let room = model.context_window.less(input);
    if room < LEAST_OUTPUT {
        return None;
    }
    let max_output = rule.max_output.min(model.max_output).min(room);
    Some(Ceiling {
        at_least: rule.charge(input.plus(LEAST_OUTPUT.min(max_output))),
        at_most: rule.charge(input.plus(max_output)),
        tokens: input.plus(max_output),
        max_output,
    })
}

/// What the provider charges: exact in nano-dollars, one division, rounded up once.
pub fn cost(price: &Price, usage: TokenUsage) -> NanoUsd {
    let usage = usage.coherent();
    let part = |tokens: Tokens, per_million: NanoUsd| {
        i128::from(tokens.get()).saturating_mul(i128::from(per_million.get()))
    };
    let reasoning = price.reasoning.unwrap_or(price.output);
    let scaled = part(usage.input.less(usage.cached_input), price.input)
        .saturating_add(part(usage.cached_input, price.cached_input))
        .saturating_add(part(usage.output.less(usage.reasoning), price.output))
        .saturating_add(part(usage.reasoning, reasoning));
    let nanos = scaled.saturating_add(999_999).div_euclid(1_000_000);
    i64::try_from(nanos).ok().and_then(NanoUsd::new).unwrap_or(NanoUsd::MAX)
}

/// A plan whose credits, spent on a model, bring in less than the provider takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BelowCost {
    /// The plan.
    pub plan: String,
    /// The model.
    pub model: String,
    /// The kind of request.
    pub kind: RequestKind,
    /// What 1,000 tokens bring in at the plan's price.
    pub revenue: NanoUsd,
    /// What 1,000 tokens cost at worst, all of them of the dearest kind.
    pub cost: NanoUsd,
}

/// Every plan and model that are sold below cost in the worst case: all tokens of the dearest kind, at
/// the newest price, no minimum charge to help.
pub fn sold_below_cost(catalogue: &Catalogue) -> Vec<BelowCost> {
    let mut findings = Vec::new();
    for plan in catalogue.plans() {
        for model in catalogue.models().filter(|model| model.purpose == Purpose::Chat) {
            let Some(price) = model.prices.last() else { continue };
            for kind in RequestKind::ALL {
                let per_1000 = catalogue.rule(kind).credits_per_1000_tokens;
                let dearest = price.input.max(price.output).max(price.reasoning.unwrap_or(NanoUsd::ZERO));
                let cost = NanoUsd::new(dearest.get().div_euclid(1000)).unwrap_or(NanoUsd::ZERO);
                let revenue = revenue(plan.price.minor(), plan.credits, per_1000, catalogue.usd_brl_e4());
                if revenue < cost {
                    let (plan, model) = (plan.id.clone(), model.id.clone());
                    findings.push(BelowCost { plan, model, kind, revenue, cost });
                }
            }
        }
    }
    findings
}

/// What `credits` of a plan bring in: nano-dollars, rounded down.
fn revenue(price_centavos: i64, plan_credits: Credits, credits: u32, usd_brl_e4: i64) -> NanoUsd {
    // centavos -> reais: / 100; reais -> dollars: * 10^4 / usd_brl_e4; dollars -> nano-dollars: * 10^9
    let scaled =
        i128::from(price_centavos).saturating_mul(i128::from(credits)).saturating_mul(100_000_000_000);
    let divisor = i128::from(plan_credits.get()).saturating_mul(i128::from(usd_brl_e4));
    let nanos = scaled.checked_div(divisor).unwrap_or(0);
    i64::try_from(nanos).ok().and_then(NanoUsd::new).unwrap_or(NanoUsd::ZERO)
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

    fn model(context_window: u64) -> Model {
        Model {
            id: "m".into(),
            purpose: Purpose::Chat,
            tokenizer: "t".into(),
            context_window: Tokens::new(context_window),
            max_output: Tokens::new(16_384),
            reasoning: false,
            prices: vec![],
        }
    }

    #[test]
    fn the_seeds_rule_charges_ten_for_each_thousand_rounded_up() {
        let charge = |tokens| SEED.charge(Tokens::new(tokens)).get();
        assert_eq!(charge(0), 10);
        assert_eq!(charge(1000), 10);
        assert_eq!(charge(1001), 11);
        assert_eq!(charge(1100), 11);
        assert_eq!(charge(2350), 24);
    }

    #[test]
    fn what_is_held_pays_for_the_output_that_is_asked_for() {
        for input in [0, 1, 137, 400, 999] {
            for held in 10..=30 {
                let input = Tokens::new(input);
                let output = SEED.affordable_output(Credits::whole(held), input);
                assert!(SEED.charge(input.plus(output)) <= Credits::whole(held));
            }
        }
    }

    #[test]
    fn twelve_credits_are_enough_to_ask() {
        let ceiling = ceiling(&model(128_000), &SEED, Tokens::new(400)).unwrap();
        assert_eq!((ceiling.at_least.get(), ceiling.at_most.get()), (10, 14));
        assert_eq!(SEED.affordable_output(Credits::whole(12), Tokens::new(400)).get(), 800);
    }

    #[test]
    fn input_that_fills_the_window_has_no_ceiling() {
        assert_eq!(ceiling(&model(1000), &SEED, Tokens::new(937)), None);
        assert_eq!(ceiling(&model(1000), &SEED, Tokens::new(936)).unwrap().max_output, LEAST_OUTPUT);
    }

    #[test]
    fn cost_is_exact_and_rounded_up_once() {
        let usd = |text| NanoUsd::parse_usd(text).unwrap();
        let price = Price {
            version: "v".into(),
            valid_from: Timestamp::default(),
            input: usd("0.15"),
            cached_input: usd("0.075"),
            output: usd("0.60"),
            reasoning: None,
        };
        let usage = TokenUsage {
            input: Tokens::new(1000),
            cached_input: Tokens::new(400),
            output: Tokens::new(500),
            reasoning: Tokens::new(100),
        };
        // 600 * 150 + 400 * 75 + 500 * 600 nano-dollars
        assert_eq!(cost(&price, usage), NanoUsd::new(420_000).unwrap());
        let one = TokenUsage { input: Tokens::new(1), ..TokenUsage::default() };
        assert_eq!(cost(&Price { input: usd("0.000000001"), ..price }, one), NanoUsd::new(1).unwrap());
    }

    #[test]
    fn revenue_follows_the_plan_and_the_exchange_rate() {
        // R$ 29.00 for 5,000 credits at 5.50: 10 credits are 0.010545454 dollars.
        assert_eq!(revenue(2900, Credits::whole(5000), 10, 55_000).get(), 10_545_454);
    }
}
