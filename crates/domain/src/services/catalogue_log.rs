//! The audit log says when servers began to work by another catalogue: what is sold, and what requests cost.

use std::sync::Arc;

use crate::audit::{self, AuditNote, AuditState, By, RecordRequest};
use crate::catalog::Catalogue;
use crate::clock::Clock;
use crate::ids::{AuditId, IdSource};
use crate::ledger::usage::RequestKind;
use crate::ports::audit::{AuditBook, AuditFilter, Recorder};
use crate::ports::ledger::LedgerError;
use crate::pricing::Tariff;

/// What its entries are about.
const TARGET: &str = "catalogue";
/// Kinds of requests with a rule of their own.
const RULED: [RequestKind; 3] = [RequestKind::Assistant, RequestKind::Insights, RequestKind::ChatCompletions];

/// Writes changes of the catalogue down.
#[derive(Clone)]
pub struct CatalogueLog {
    /// Writes.
    pub recorder: Arc<dyn Recorder>,
    /// Reads what was written before.
    pub audit: Arc<dyn AuditBook>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of entries.
    pub ids: Arc<dyn IdSource>,
}

impl CatalogueLog {
    /// Writes down that this catalogue is in force, unless the latest entry says so; answers whether it wrote. Servers
    /// that begin together with the same new catalogue make one entry.
    pub async fn note(&self, by: By, catalogue: &Catalogue) -> Result<bool, LedgerError> {
        let filter = AuditFilter { target: Some(TARGET.to_owned()), ..AuditFilter::default() };
        let latest = self.audit.audit(filter, None, 1).await?.pop();
        let (last, before) = latest.map_or((None, None), |entry| (Some(entry.note.id), entry.after));
        let after = Some(state(catalogue));
        if before == after {
            return Ok(false);
        }
        let note = AuditNote::of(self.ids.as_ref(), by, audit::CATALOGUE_CHANGE, TARGET.to_owned());
        let note = following(note, last);
        let now = self.clock.now();
        self.recorder.record(RecordRequest { note, user: None, before, after, now }).await?;
        Ok(true)
    }
}

/// Under an id that follows from the entry before, so that the same step is written once.
fn following(note: AuditNote, last: Option<AuditId>) -> AuditNote {
    let key = Some(last.map_or_else(|| "first".to_owned(), |id| id.to_string()));
    AuditNote { key: None, ..AuditNote { key, ..note }.once() }
}

/// What the log keeps of a catalogue.
fn state(catalogue: &Catalogue) -> AuditState {
    let plans: Vec<String> = catalogue
        .plans()
        .iter()
        .map(|plan| {
            let (credits, price) = (plan.credits.get(), plan.price);
            format!("{}: {credits} credits for {} {}", plan.id, price.minor(), price.currency().as_str())
        })
        .collect();
    let prices: Vec<String> = catalogue
        .models()
        .flat_map(|model| {
            model.prices.iter().map(|price| {
                let reasoning = price.reasoning.unwrap_or(price.output);
                let (input, cached, output) = (price.input, price.cached_input, price.output);
                format!(
                    "{} from {}: {input} in, {cached} cached, {output} out, {reasoning} thought",
                    model.id, price.version
                )
            })
        })
        .collect();
    let rules: Vec<String> = RULED
        .iter()
        .map(|kind| {
            let rule = match catalogue.tariff(*kind) {
                Tariff::ByTokens(rule) => {
                    format!(
                        "{} for 1000 tokens, at least {}",
                        rule.credits_per_1000_tokens,
                        rule.minimum.get()
                    )
                }
                Tariff::ByCost { credits_per_usd } => format!("{credits_per_usd} for a dollar"),
            };
            format!("{}: {rule}", kind.as_str())
        })
        .collect();
    AuditState::new()
        .list("plans", plans.iter().map(String::as_str))
        .list("charges", rules.iter().map(String::as_str))
        .list("usd_per_million_tokens", prices.iter().map(String::as_str))
        .text("default_model", catalogue.default_model())
        .int("usd_brl_e4", catalogue.usd_brl_e4())
}
