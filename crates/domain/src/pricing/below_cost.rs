//! What is sold for less than it costs.

use crate::catalog::{Catalogue, Purpose};
use crate::credits::Credits;
use crate::ledger::usage::RequestKind;
use crate::money::NanoUsd;

use super::Tariff;

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
        for model in catalogue.models() {
            let Some(price) = model.prices.last() else { continue };
            let embeds = model.purpose == Purpose::Embeddings;
            for kind in
                RequestKind::ALL.into_iter().filter(|kind| (*kind == RequestKind::Embeddings) == embeds)
            {
                let dearest = price.input.max(price.output).max(price.reasoning.unwrap_or(NanoUsd::ZERO));
                let cost = NanoUsd::new(dearest.get().div_euclid(1000)).unwrap_or(NanoUsd::ZERO);
                let of = |credits| revenue(plan.price.minor(), plan.credits, credits, catalogue.usd_brl_e4());
                let revenue = match catalogue.tariff(kind) {
                    Tariff::ByTokens(rule) => of(rule.credits_per_1000_tokens),
                    Tariff::ByCost { credits_per_usd } => share_of_a_dollar(of(credits_per_usd), cost),
                };
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

/// What is brought in for `cost`, where a dollar of cost brings in `for_a_dollar`; rounded down.
fn share_of_a_dollar(for_a_dollar: NanoUsd, cost: NanoUsd) -> NanoUsd {
    let scaled = i128::from(for_a_dollar.get()).saturating_mul(i128::from(cost.get()));
    i64::try_from(scaled.div_euclid(1_000_000_000)).ok().and_then(NanoUsd::new).unwrap_or(NanoUsd::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revenue_follows_the_plan_and_the_exchange_rate() {
        // R$ 29.00 for 5,000 credits at 5.50: 10 credits are 0.010545454 dollars.
        assert_eq!(revenue(2900, Credits::whole(5000), 10, 55_000).get(), 10_545_454);
    }

    #[test]
    fn what_is_charged_by_cost_brings_in_its_share() {
        let usd = |text| NanoUsd::parse_usd(text).unwrap();
        assert_eq!(share_of_a_dollar(usd("1.80"), usd("0.01")), usd("0.018"));
    }
}
