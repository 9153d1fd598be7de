//! The columns that `purchases` and `subscriptions` share: terms, frozen.

use domain::billing::offer::Offer;
use domain::credits::Credits;
use domain::ledger::account::PlanName;
use domain::money::{Currency, Money};

use crate::cell::{Cell, Place};
use crate::error::Corrupt;

/// The terms' columns of a row.
pub struct OfferCells {
    pub plan: Cell,
    pub credits: Cell,
    pub price_minor: Cell,
    pub currency: Cell,
    pub expires_after_days: Cell,
}

impl OfferCells {
    /// The terms of the row at `at`.
    pub fn read(self, at: &Place<'_>) -> Result<Offer, Corrupt> {
        let currency = at.word("currency", &self.currency, "a currency", Currency::from_word)?;
        let price = |minor| Money::new(minor, currency).filter(|price| price.minor() > 0);
        let credits = |amount| Credits::new(amount).ok().filter(|credits| credits.is_positive());
        Ok(Offer {
            plan: PlanName::new(at.text("plan", self.plan)?),
            credits: at.number("credits", &self.credits, "an amount of credits above zero", credits)?,
            price: at.number("price_minor", &self.price_minor, "a price above zero", price)?,
            expires_after_days: at.maybe("expires_after_days", &self.expires_after_days, Place::count)?,
        })
    }
}
