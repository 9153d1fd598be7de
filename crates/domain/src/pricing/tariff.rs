//! From tokens to credits.

use crate::catalog::Price;
use crate::credits::Credits;
use crate::tokens::{TokenUsage, Tokens};

use super::exact_cost;

/// Millionths of a nano-dollar in a dollar: what [`exact_cost`] counts in.
const EXACT_PER_USD: i128 = 1_000_000_000_000_000;

/// How a kind of request is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tariff {
    /// By the thousand tokens, whatever the model: the seed's rule.
    ByTokens(ChargeRule),
    /// By what the provider charges, at least 1 credit.
    ByCost {
        /// Credits for a dollar.
        credits_per_usd: u32,
    },
}

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

    /// How many tokens `held` credits pay for.
    fn affordable(&self, held: Credits) -> Tokens {
        let paid = u64::try_from(held.get()).unwrap_or(0).saturating_mul(1000);
        Tokens::new(paid.checked_div(u64::from(self.credits_per_1000_tokens)).unwrap_or(0))
    }
}

impl Tariff {
    /// The charge for what was used at this price: exact, one division, rounded up once.
    pub fn charge(&self, price: &Price, usage: TokenUsage) -> Credits {
        match self {
            Self::ByTokens(rule) => rule.charge(usage.total()),
            Self::ByCost { credits_per_usd } => {
                let scaled = exact_cost(price, usage).saturating_mul(i128::from(*credits_per_usd));
                let credits =
                    scaled.saturating_add(EXACT_PER_USD).saturating_sub(1).div_euclid(EXACT_PER_USD);
                let charge = i64::try_from(credits).ok().and_then(|credits| Credits::new(credits).ok());
                charge.unwrap_or(Credits::MAX).max(Credits::whole(1))
            }
        }
    }

    /// The charge for so many tokens, all of them of the dearest kind.
    pub(super) fn worst_charge(&self, price: &Price, usage: TokenUsage) -> Credits {
        self.charge(&dearest(price), usage)
    }

    /// How much more output, for each of `choices` answers, `held` credits pay for behind what is used anyway.
    pub(super) fn affordable_output(
        &self,
        price: &Price,
        held: Credits,
        anyway: TokenUsage,
        choices: u64,
    ) -> Tokens {
        match self {
            Self::ByTokens(rule) => {
                let left = rule.affordable(held).less(anyway.total());
                Tokens::new(left.get().checked_div(choices).unwrap_or(0))
            }
            Self::ByCost { credits_per_usd } => {
                let price = dearest(price);
                let budget = i128::from(held.get()).saturating_mul(EXACT_PER_USD);
                let budget = budget.checked_div(i128::from(*credits_per_usd)).unwrap_or(0);
                let left = budget.saturating_sub(exact_cost(&price, anyway)).max(0);
                let each = i128::from(price.output.get()).saturating_mul(i128::from(choices));
                // What costs nothing is not what limits.
                let output = left.checked_div(each).unwrap_or(i128::from(Tokens::MAX.get()));
                Tokens::new(u64::try_from(output).unwrap_or(u64::MAX))
            }
        }
    }
}

/// The price where every token is of the dearest kind.
fn dearest(price: &Price) -> Price {
    let input = price.input.max(price.cached_input);
    let output = price.reasoning.unwrap_or(price.output).max(price.output);
    Price { input, cached_input: input, output, reasoning: None, ..price.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::money::NanoUsd;

    #[test]
    fn the_seeds_rule_charges_ten_for_each_thousand_rounded_up() {
        let rule = ChargeRule {
            credits_per_1000_tokens: 10,
            minimum: Credits::whole(10),
            max_output: Tokens::new(1000),
        };
        let charge = |tokens| rule.charge(Tokens::new(tokens)).get();
        assert_eq!(charge(0), 10);
        assert_eq!(charge(1000), 10);
        assert_eq!(charge(1001), 11);
        assert_eq!(charge(1100), 11);
        assert_eq!(charge(2350), 24);
    }

    #[test]
    fn a_request_by_cost_is_charged_its_cost_in_credits_rounded_up_and_at_least_one() {
        let usd = |text| NanoUsd::parse_usd(text).unwrap();
        let price = Price {
            version: "v".into(),
            valid_from: Timestamp::default(),
            input: usd("2.50"),
            cached_input: usd("1.25"),
            output: usd("10"),
            reasoning: None,
        };
        let charge = |input, cached, output| {
            let (input, cached_input, output) =
                (Tokens::new(input), Tokens::new(cached), Tokens::new(output));
            let usage = TokenUsage { input, cached_input, output, reasoning: Tokens::ZERO };
            Tariff::ByCost { credits_per_usd: 5000 }.charge(&price, usage).get()
        };
        assert_eq!(charge(0, 0, 0), 1);
        assert_eq!(charge(1, 0, 1), 1);
        // 0.001 dollars are 5 credits.
        assert_eq!(charge(400, 0, 0), 5);
        assert_eq!(charge(401, 0, 0), 6);
        assert_eq!(charge(800, 800, 0), 5);
        assert_eq!(charge(0, 0, 100), 5);
        assert_eq!(charge(1_000_000, 0, 1_000_000), 62_500);
    }
}
