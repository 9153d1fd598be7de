//! Automatic top-up: a pack is bought by itself when credits run low, with a kept card, within the month's cap.

use super::Billing;
use super::news::{Verdict, given_up};
use crate::audit::{self, AuditNote, By, user_target};
use crate::billing::facts::PaymentFacts;
use crate::billing::profile::{BillingProfile, TopUpSettings};
use crate::billing::purchase::{Names, Progress, Purchase, PurchaseKind};
use crate::ids::{PurchaseId, UserId};
use crate::ledger::command::{
    Command, OpenPurchaseRequest, PaymentReceipt, Receipt, Refusal, SetTopUpRequest,
};
use crate::ports::Unavailable;
use crate::ports::ledger::{LedgerError, mixed_up};
use crate::ports::payments::{CardCharge, PaymentError};

use super::FIRST_LOOKUP;
use super::checkout::CheckoutError;

/// The most users served in one turn.
const AT_ONCE: u32 = 100;

impl Billing {
    /// Keeps what a user wants of automatic top-up. It can only be on for customers: there must be a card.
    pub async fn set_top_up(
        &self,
        by: By,
        user: UserId,
        settings: TopUpSettings,
    ) -> Result<BillingProfile, CheckoutError> {
        if self.catalogue.current().plan(settings.plan.as_str()).is_none() {
            return Err(CheckoutError::UnknownPlan);
        }
        if settings.enabled && self.book.profile(user).await?.customer.is_none() {
            return Err(CheckoutError::NoCustomer);
        }
        let now = self.clock.now();
        let about = AuditNote::of(self.ids.as_ref(), by, audit::TOP_UP_SET, user_target(user));
        let act = Command::SetTopUp(SetTopUpRequest { user, settings, now });
        match self.recorder.act(about, act).await? {
            Receipt::Payment(PaymentReceipt::Profile(profile)) => Ok(profile),
            other => Err(mixed_up(&other).into()),
        }
    }

    /// Buys for those who run low; answers what came of each.
    pub async fn top_up(&self) -> Result<Vec<(UserId, Verdict)>, Unavailable> {
        let mut done = Vec::new();
        for user in self.book.low_on_credits(AT_ONCE).await? {
            let profile = self.book.profile(user).await?;
            if let Some(verdict) = self.top_up_one(profile).await {
                done.push((user, verdict));
            }
        }
        Ok(done)
    }

    /// `None` when it was not called for after all.
    async fn top_up_one(&self, profile: BillingProfile) -> Option<Verdict> {
        let customer = profile.customer?;
        let catalogue = self.catalogue.current();
        let plan = catalogue.plan(profile.top_up?.settings.plan.as_str())?;
        let now = self.clock.now();
        let opened = self
            .till
            .open(OpenPurchaseRequest {
                id: PurchaseId::for_user(&profile.user, self.ids.unique()),
                user: profile.user,
                kind: PurchaseKind::TopUp,
                offer: plan.offer(),
                livemode: self.livemode,
                key: None,
                next_lookup: now.at.after(FIRST_LOOKUP),
                now,
            })
            .await;
        let purchase = match opened {
            Ok(receipt) => receipt.purchase,
            Err(LedgerError::Refused(Refusal::TopUpNotDue | Refusal::Closed)) => return None,
            Err(error) => return Some(error.into()),
        };
        // Known before the card is asked, so that it can be looked up should the answer be lost.
        let names = Names { customer: Some(customer.clone()), ..Names::default() };
        if let Err(error) =
            self.observe_known(&purchase, PaymentFacts { names, ..PaymentFacts::default() }).await
        {
            return Some(error.into());
        }
        Some(self.charge(&purchase, customer).await)
    }

    /// Charges the kept card for a top-up that is written down.
    pub(super) async fn charge(&self, purchase: &Purchase, customer: String) -> Verdict {
        let charge = CardCharge {
            purchase: purchase.id,
            user: purchase.user,
            offer: purchase.offer.clone(),
            customer,
        };
        match self.provider.charge_card(charge).await {
            Ok(seen) => self.take("top_up", seen).await,
            Err(PaymentError::Refused(reason)) => {
                match self.observe_known(purchase, given_up(Progress::Failed)).await {
                    Ok(_) => Verdict::Ignored(format!("declined: {reason}")),
                    Err(error) => error.into(),
                }
            }
            // Whether the card was charged is unknown: the reconciler finds out. Never tried again as a new
            // payment.
            Err(PaymentError::Unavailable(cause)) => cause.into(),
        }
    }
}
