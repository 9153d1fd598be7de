//! Lost webhooks: the provider's list of events is read again, and purchases that no news came for are looked up.
//! Runs on every replica; whatever is found is kept or observed once, as if it had come by itself.

use super::news::{Verdict, given_up};
use super::{Billing, LOOKUP_WAITS};
use crate::billing::purchase::{Progress, Purchase, PurchaseKind};
use crate::clock::Span;
use crate::ports::Unavailable;
use crate::ports::payments::{ObjectName, PaymentError};

/// Read again at each turn: events may show up in the list a little late.
const OVERLAP: Span = Span::from_secs(10 * 60);
/// The most pages of the list in one turn; 100 events each.
const MOST_PAGES: u32 = 1000;
/// The most purchases looked up in one turn.
const MOST_LOOKUPS: u32 = 100;
/// After this long without a trace at the provider, a purchase is taken for abandoned. The provider remembers
/// our names for a day, and closes every checkout within one.
const FORGOTTEN: Span = Span::from_secs(25 * 60 * 60);

/// The provider remembers our names for a day; this is well within it.
const REMEMBERED: Span = Span::from_secs(20 * 60 * 60);

/// What one turn found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Events that had not come by webhook.
    pub missed_events: u32,
    /// Purchases that were looked up.
    pub looked_up: u32,
    /// Look-ups that a human has to see, each with its purchase.
    pub parked: Vec<(Purchase, String)>,
}

impl Billing {
    /// Feeds the inbox from the provider's list of events. Answers how many it had not got.
    pub async fn feed(&self) -> Result<u32, Unavailable> {
        let begun = self.clock.now().at;
        let cursor = match self.inbox.cursor().await? {
            Some(cursor) => cursor,
            // Nothing was sold before the oldest purchase.
            None => self.book.oldest_open().await?.unwrap_or(begun),
        };
        let since = cursor.before(OVERLAP);
        let (mut missed, mut from) = (0_u32, None);
        for _ in 0..MOST_PAGES {
            let page = match self.provider.events(since, from).await {
                Ok(page) => page,
                Err(PaymentError::Refused(reason)) => return Err(Unavailable(reason)),
                Err(PaymentError::Unavailable(cause)) => return Err(cause),
            };
            for event in &page.events {
                if self.keep(event).await? {
                    missed = missed.saturating_add(1);
                }
            }
            from = page.next;
            if from.is_none() {
                // Only now: a turn that breaks off is done again whole.
                self.inbox.advance(begun).await?;
                return Ok(missed);
            }
        }
        Ok(missed)
    }

    /// Looks up the purchases whose time for it has come.
    pub async fn look_up_open(&self) -> Result<Reconciled, Unavailable> {
        let now = self.clock.now().at;
        let mut found = Reconciled::default();
        for purchase in self.book.claim_lookups(now, &LOOKUP_WAITS, MOST_LOOKUPS).await? {
            found.looked_up = found.looked_up.saturating_add(1);
            if let Verdict::Parked(reason) = self.look_up(&purchase).await {
                found.parked.push((purchase, reason));
            }
        }
        Ok(found)
    }

    async fn look_up(&self, purchase: &Purchase) -> Verdict {
        let names = &purchase.names;
        let object = match (purchase.kind, &names.session, &names.intent, &names.customer) {
            (PurchaseKind::TopUp, _, Some(intent), _) => Some(ObjectName::Intent(intent.clone())),
            (PurchaseKind::TopUp, _, None, Some(customer)) => {
                Some(ObjectName::IntentOfPurchase { customer: customer.clone(), purchase: purchase.id })
            }
            (_, Some(session), _, _) => Some(ObjectName::Session(session.clone())),
            (_, None, Some(intent), _) => Some(ObjectName::SessionOfIntent(intent.clone())),
            _ => None,
        };
        let seen = match object {
            None => Ok(None),
            Some(object) => self.provider.look_up(object).await,
        };
        match seen {
            Ok(Some(seen)) => {
                let (subscription, invoice) = (seen.names.subscription.clone(), seen.names.invoice.clone());
                let verdict = self.take("lookup", seen).await;
                if purchase.kind == PurchaseKind::Subscription && verdict == Verdict::Done {
                    return self.look_up_invoice(subscription, invoice).await;
                }
                verdict
            }
            Ok(None) if purchase.kind == PurchaseKind::TopUp => self.ask_the_card_again(purchase).await,
            Ok(None) => self.abandon(purchase).await,
            Err(error) => Verdict::Later(error.to_string()),
        }
    }

    /// The provider has no trace of a top-up: its card was never asked. Under the purchase's name that can only
    /// be done once, as long as the provider remembers the name.
    async fn ask_the_card_again(&self, purchase: &Purchase) -> Verdict {
        let now = self.clock.now().at;
        match &purchase.names.customer {
            Some(customer) if now.since(purchase.created_at) < REMEMBERED => {
                self.charge(purchase, customer.clone()).await
            }
            _ => self.abandon(purchase).await,
        }
    }

    /// A subscription's checkout is paid by its first invoice.
    async fn look_up_invoice(&self, subscription: Option<String>, invoice: Option<String>) -> Verdict {
        let Some(invoice) = invoice.filter(|_| subscription.is_some()) else { return Verdict::Done };
        match self.provider.look_up(ObjectName::Invoice(invoice)).await {
            Ok(Some(seen)) => self.take("lookup", seen).await,
            Ok(None) => Verdict::Done,
            Err(error) => Verdict::Later(error.to_string()),
        }
    }

    /// The provider knows nothing of it: given up, but only when it cannot turn up any more.
    async fn abandon(&self, purchase: &Purchase) -> Verdict {
        let now = self.clock.now().at;
        if now.since(purchase.created_at) < FORGOTTEN {
            return Verdict::Later("the provider knows nothing of it yet".to_owned());
        }
        let end = match purchase.kind {
            PurchaseKind::TopUp => Progress::Failed,
            PurchaseKind::Pack | PurchaseKind::Subscription | PurchaseKind::Renewal => Progress::Expired,
        };
        match self.observe_known(purchase, given_up(end)).await {
            Ok(_) => Verdict::Done,
            Err(error) => error.into(),
        }
    }
}
