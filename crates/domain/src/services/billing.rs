//! Buying credits: checkout, the provider's events, what is looked up when none come, refunds, automatic top-up.
//!
//! | To find | Look in |
//! |---|---|
//! | opening a checkout, its state, the customer's portal | [`checkout`] |
//! | from a webhook to the books: verify, keep, work off | [`inbox`] |
//! | what a piece of news is about, and what to ask the provider first | [`news`] |
//! | lost webhooks | [`reconciler`] |
//! | paying back | [`refunds`] |
//! | automatic top-up | [`top_up`] |

pub mod checkout;
pub mod inbox;
pub mod news;
pub mod reconciler;
pub mod refunds;
pub mod top_up;

use std::sync::Arc;

use crate::billing::facts::PaymentFacts;
use crate::billing::purchase::Purchase;
use crate::catalog::LiveCatalogue;
use crate::clock::{Clock, Span};
use crate::ids::{GrantId, IdSource, PurchaseId, UserId};
use crate::ledger::account::Actor;
use crate::ledger::command::{ObservePaymentRequest, PaymentReceipt};
use crate::ports::audit::Recorder;
use crate::ports::billing::{Inbox, PurchaseBook, Till};
use crate::ports::ledger::LedgerError;
use crate::ports::payments::{EventReader, PaymentProvider};

/// When a purchase is first looked up if no news came.
pub const FIRST_LOOKUP: Span = Span::from_secs(2 * 60);
/// How long to wait after the first look-up, the second, and every later one.
pub const LOOKUP_WAITS: [Span; 3] =
    [Span::from_secs(10 * 60), Span::from_secs(60 * 60), Span::from_secs(24 * 60 * 60)];

/// Sells credits.
#[derive(Clone)]
pub struct Billing {
    /// Changes of the books.
    pub till: Arc<dyn Till>,
    /// Changes that an admin makes, each with its entry in the audit log.
    pub recorder: Arc<dyn Recorder>,
    /// Reads of them.
    pub book: Arc<dyn PurchaseBook>,
    /// The provider's events.
    pub inbox: Arc<dyn Inbox>,
    /// The provider.
    pub provider: Arc<dyn PaymentProvider>,
    /// Reads what it sends.
    pub reader: Arc<dyn EventReader>,
    /// Plans.
    pub catalogue: Arc<LiveCatalogue>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of purchases and lots.
    pub ids: Arc<dyn IdSource>,
    /// Whether the provider's key moves real money.
    pub livemode: bool,
    /// Where customers come back to.
    pub pages: ReturnPages,
}

/// Where customers come back to from the provider's pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPages {
    /// When a checkout is done.
    pub success: String,
    /// When it was left.
    pub cancel: String,
    /// From the portal.
    pub portal: String,
}

impl Billing {
    /// Takes news of a payment into the books.
    async fn observe(
        &self,
        user: UserId,
        purchase: PurchaseId,
        invoice: Option<String>,
        facts: PaymentFacts,
        actor: Actor,
    ) -> Result<PaymentReceipt, LedgerError> {
        self.till.observe(self.observation(user, purchase, invoice, facts, actor)).await
    }

    fn observation(
        &self,
        user: UserId,
        purchase: PurchaseId,
        invoice: Option<String>,
        facts: PaymentFacts,
        actor: Actor,
    ) -> ObservePaymentRequest {
        ObservePaymentRequest {
            user,
            purchase,
            facts,
            invoice,
            livemode: self.livemode,
            policy: self.catalogue.current().payment_policy(),
            grant: GrantId::from_bytes(self.ids.unique()),
            restore: GrantId::from_bytes(self.ids.unique()),
            actor,
            now: self.clock.now(),
        }
    }

    /// Takes the provider's news of a purchase that we have into the books.
    async fn observe_known(
        &self,
        purchase: &Purchase,
        facts: PaymentFacts,
    ) -> Result<PaymentReceipt, LedgerError> {
        let invoice = purchase.names.invoice.clone();
        self.observe(purchase.user, purchase.id, invoice, facts, Actor::provider()).await
    }
}
