//! Paying back, by an admin's hand.

use sha2::{Digest, Sha256};

use super::Billing;
use super::news::refund_facts;
use crate::audit::{self, AuditNote, AuditState, By, RecordRequest};
use crate::billing::facts::{ManualRefund, PaymentFacts};
use crate::billing::purchase::{Names, Progress, Purchase};
use crate::ids::{IdempotencyKey, PurchaseId};
use crate::ledger::command::Command;
use crate::ports::Unavailable;
use crate::ports::billing::PurchaseName;
use crate::ports::ledger::LedgerError;
use crate::ports::payments::{Fact, ObjectName, PaymentError, RefundOrder};
use crate::services::hexadecimal;

/// What an admin wants paid back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// Of which purchase.
    pub purchase: PurchaseId,
    /// How much, in minor units; `None` is all that is left.
    pub minor: Option<i64>,
    /// Whether it was paid back by hand, outside the provider, and is only to be recorded.
    pub manual: bool,
    /// Who.
    pub by: By,
    /// Why.
    pub reason: String,
    /// The name of this act: the same again does nothing again.
    pub key: IdempotencyKey,
}

/// Why nothing was paid back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// No such purchase.
    #[error("no such purchase")]
    Unknown,
    /// It was not paid.
    #[error("the purchase was not paid")]
    NotPaid,
    /// Less than one minor unit, or more than what is left.
    #[error("only {left} minor units are left to pay back")]
    OutOfRange {
        /// What is left.
        left: i64,
    },
    /// All of it went back already.
    #[error("nothing is left to pay back")]
    NothingLeft,
    /// The provider cannot pay back what was paid this way.
    #[error("what was paid by {0} cannot be paid back by the provider")]
    OnlyByHand(String),
    /// The provider said no, or did not answer.
    #[error(transparent)]
    Provider(PaymentError),
    /// The store is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<LedgerError> for RefundError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(_) => Self::Unknown,
            LedgerError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl Billing {
    /// Pays back through the provider, or records what was paid back by hand; the credits follow. Answers the
    /// purchase as it is then.
    pub async fn refund(&self, request: RefundRequest) -> Result<Purchase, RefundError> {
        let name = PurchaseName::Id(request.purchase);
        let purchase = self.book.purchase(name.clone()).await?.ok_or(RefundError::Unknown)?;
        if purchase.progress != Progress::Paid {
            return Err(RefundError::NotPaid);
        }
        let left = purchase.left_minor();
        // What went back beside the provider's refunds. Those it counts itself: a refund that is asked for once
        // more must reach it, to be answered like the first.
        let elsewhere = purchase.returned_minor().saturating_sub(purchase.refunded_minor);
        let most = purchase.offer.price.minor().saturating_sub(elsewhere);
        let out_of_range = request.minor.is_some_and(|minor| minor < 1 || minor > most);
        if !request.manual && elsewhere > 0 && left == 0 {
            return Err(RefundError::NothingLeft);
        }
        if !request.manual && out_of_range {
            return Err(RefundError::OutOfRange { left });
        }
        if request.manual {
            self.record(&purchase, left, request).await?;
        } else {
            // All that is left is the provider's to know, unless some of it went back another way.
            let minor = request.minor.or_else(|| (elsewhere > 0).then_some(left));
            match self.pay_back(&purchase, RefundRequest { minor, ..request }).await {
                // It cannot say so in words that we know.
                Err(RefundError::Provider(PaymentError::Refused(_))) if left == 0 => {
                    return Err(RefundError::NothingLeft);
                }
                paid => paid?,
            }
        }
        self.book.purchase(name).await?.ok_or(RefundError::Unknown)
    }

    async fn record(
        &self,
        purchase: &Purchase,
        left: i64,
        request: RefundRequest,
    ) -> Result<(), RefundError> {
        let key = request.key.as_str().to_owned();
        if purchase.returns.iter().any(|each| each.reference == key) {
            return Ok(());
        }
        if left == 0 {
            return Err(RefundError::NothingLeft);
        }
        let minor = request.minor.unwrap_or(left);
        if !(1..=left).contains(&minor) {
            return Err(RefundError::OutOfRange { left });
        }
        let facts =
            PaymentFacts { manual_refund: Some(ManualRefund { key, minor }), ..PaymentFacts::default() };
        self.observe_refund(purchase, facts, &request, audit::REFUND).await
    }

    /// Takes a refund into the books and into the audit log.
    async fn observe_refund(
        &self,
        purchase: &Purchase,
        facts: PaymentFacts,
        request: &RefundRequest,
        action: &str,
    ) -> Result<(), RefundError> {
        let (invoice, actor) = (purchase.names.invoice.clone(), request.by.actor.clone());
        let act = self.observation(purchase.user, purchase.id, invoice, facts, actor);
        let about = self.note(action, request);
        self.recorder.act(about, Command::ObservePayment(Box::new(act))).await?;
        Ok(())
    }

    fn note(&self, action: &str, request: &RefundRequest) -> AuditNote {
        let target = format!("purchase:{}", request.purchase);
        AuditNote::of(self.ids.as_ref(), request.by.clone(), action, target)
            .because(request.reason.clone())
            .keyed(&request.key)
    }

    /// Writes down that the provider will be asked: if this server dies right after, the money is back and
    /// somebody must be able to tell who wanted that.
    async fn record_asking(&self, purchase: &Purchase, request: &RefundRequest) -> Result<(), RefundError> {
        let state = AuditState::new()
            .text("status", purchase.standing().as_str())
            .int("returned_minor", purchase.returned_minor());
        let asked = AuditState::new().int("asked_minor", request.minor.unwrap_or(purchase.left_minor()));
        let entry = RecordRequest {
            note: self.note(audit::REFUND, request).once(),
            user: Some(purchase.user),
            before: Some(state),
            after: Some(asked),
            now: self.clock.now(),
        };
        Ok(self.recorder.record(entry).await?)
    }

    async fn pay_back(&self, purchase: &Purchase, request: RefundRequest) -> Result<(), RefundError> {
        if let Some(method) = purchase.method.as_deref().filter(|method| *method == "boleto") {
            return Err(RefundError::OnlyByHand(method.to_owned()));
        }
        let names = self.payment_names(purchase).await?;
        let order = RefundOrder {
            purchase: purchase.id,
            names: names.clone(),
            minor: request.minor,
            key: refund_key(purchase.id, &request.key),
        };
        self.record_asking(purchase, &request).await?;
        self.provider.refund(order).await.map_err(RefundError::Provider)?;
        // The event will say so too; the admin should not have to wait for it. If the charge cannot be read
        // now, the event is what tells.
        let seen = self.charge_now(&names).await.unwrap_or_default();
        if let Some(seen) = seen
            && let Fact::Charge { refunded, method } = &seen.fact
        {
            let facts = refund_facts(&seen.names, *refunded, method.clone());
            self.observe_refund(purchase, facts, &request, audit::REFUNDED).await?;
        }
        Ok(())
    }

    /// The names of the payment's parts; the provider is asked when we know neither intent nor charge.
    async fn payment_names(&self, purchase: &Purchase) -> Result<Names, RefundError> {
        let mut names = purchase.names.clone();
        if names.intent.is_none() && names.charge.is_none() {
            let object = match (&names.session, &names.invoice) {
                (_, Some(invoice)) => Some(ObjectName::Invoice(invoice.clone())),
                (Some(session), None) => Some(ObjectName::Session(session.clone())),
                (None, None) => None,
            };
            if let Some(object) = object {
                let seen = self.provider.look_up(object).await.map_err(RefundError::Provider)?;
                names.learn(&seen.map(|seen| seen.names).unwrap_or_default());
            }
        }
        if names.intent.is_none() && names.charge.is_none() {
            let reason = "the provider names no payment for this purchase".to_owned();
            return Err(RefundError::Provider(PaymentError::Refused(reason)));
        }
        Ok(names)
    }
}

/// The name of a refund at the provider, within the length that it takes.
fn refund_key(purchase: PurchaseId, key: &IdempotencyKey) -> String {
    let mut name = hexadecimal(&Sha256::digest(key.as_str().as_bytes()));
    name.truncate(32);
    format!("refund-{purchase}-{name}")
}
