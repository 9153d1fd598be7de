//! What a piece of news is about, and what to ask the provider before it is believed.
//!
//! News only *names* a purchase. Credits, price and owner come from our row; what was refunded is read anew at
//! the provider where it can be, because events come late and in any order.

use super::Billing;
use crate::billing::facts::{DisputeFact, Evidence, InvoiceFacts, PaymentFacts, Refunded, SubscriptionFacts};
use crate::billing::offer::PayMode;
use crate::billing::purchase::{Names, Progress, Purchase, PurchaseKind};
use crate::catalog::Plan;
use crate::clock::Span;
use crate::ids::PurchaseId;
use crate::ledger::account::Actor;
use crate::ledger::command::{ObserveSubscriptionRequest, PaymentReceipt, Refusal};
use crate::ports::Unavailable;
use crate::ports::billing::PurchaseName;
use crate::ports::ledger::LedgerError;
use crate::ports::payments::{Fact, InvoiceReason, InvoiceSighting, ObjectName, PaymentError, Sighting};

/// What came of a piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The books know it.
    Done,
    /// It says nothing to us.
    Ignored(String),
    /// It names nothing that we know; that may change, as news comes in any order.
    Unknown(String),
    /// Something was away; to be tried again.
    Later(String),
    /// A human has to look.
    Parked(String),
}

/// Why news was not taken: how a step says what is to become of it.
type Stop = Verdict;

impl From<Unavailable> for Verdict {
    fn from(cause: Unavailable) -> Self {
        Self::Later(cause.to_string())
    }
}

impl From<LedgerError> for Verdict {
    fn from(error: LedgerError) -> Self {
        match error {
            // It changed between our look at it and the act: look again.
            LedgerError::Refused(refusal @ Refusal::PurchaseUnknown) => Self::Later(refusal.to_string()),
            LedgerError::Refused(refusal) => Self::Parked(refusal.to_string()),
            LedgerError::Unavailable(cause) => cause.into(),
        }
    }
}

/// A month, for an invoice that does not say which period it is for.
const MONTH: Span = Span::from_secs(31 * 86_400);

impl Billing {
    /// Takes what the provider says of an object, in an event of that kind or on being asked.
    pub async fn take(&self, kind: &str, sighting: Sighting) -> Verdict {
        let outcome = match &sighting.fact {
            Fact::Session { mode, evidence } => self.session(&sighting, *mode, evidence.clone()).await,
            Fact::Intent { evidence } => self.intent(&sighting, evidence.clone()).await,
            Fact::Charge { .. } if kind != "charge.refunded" => self.other_charge(&sighting).await,
            Fact::Charge { .. } | Fact::Refund => self.refunded(&sighting).await,
            Fact::Dispute { .. } | Fact::FraudWarning { .. } => self.contested(&sighting).await,
            Fact::Invoice(invoice) => self.invoice(kind, &sighting, invoice).await,
            Fact::Subscription { .. } => self.subscription(&sighting).await,
            Fact::Nothing => Err(Verdict::Ignored("not followed".to_owned())),
        };
        outcome.unwrap_or_else(|stop| stop)
    }

    async fn tell(&self, purchase: &Purchase, facts: PaymentFacts) -> Result<Verdict, Stop> {
        Ok(judged(self.observe_known(purchase, facts).await?))
    }

    /// The first purchase that one of the names leads to, without asking the provider.
    async fn find(&self, sighting: &Sighting) -> Result<Option<Purchase>, Stop> {
        let names = &sighting.names;
        // A later invoice carries its subscription's metadata: that names the first purchase, not its own.
        let own = match &sighting.fact {
            Fact::Invoice(invoice) => invoice.reason == InvoiceReason::Begin,
            _ => true,
        };
        let candidates = [
            names.session.clone().map(PurchaseName::Session),
            names.charge.clone().map(PurchaseName::Charge),
            names.intent.clone().map(PurchaseName::Intent),
            names.invoice.clone().map(PurchaseName::Invoice),
            sighting.purchase.filter(|_| own).map(PurchaseName::Id),
        ];
        for name in candidates.into_iter().flatten() {
            let found = self.book.purchase(name).await?;
            // What was sold in test mode is nothing to a live key.
            if let Some(purchase) = found.filter(|purchase| purchase.livemode == self.livemode) {
                return Ok(Some(purchase));
            }
        }
        Ok(None)
    }

    /// The provider's word on an object as it is now; `None` where it has none, or will not say.
    async fn look(&self, name: ObjectName) -> Result<Option<Sighting>, Stop> {
        match self.provider.look_up(name).await {
            Ok(found) => Ok(found),
            Err(PaymentError::Refused(_)) => Ok(None),
            Err(PaymentError::Unavailable(cause)) => Err(cause.into()),
        }
    }

    async fn session(
        &self,
        sighting: &Sighting,
        mode: PayMode,
        evidence: Option<Evidence>,
    ) -> Result<Verdict, Stop> {
        let Some(purchase) = self.find(sighting).await? else {
            return Err(unknown(sighting, "the session names no purchase of ours"));
        };
        // A subscription's checkout is paid by its invoice: that tells the period, and grants.
        let begun = purchase.kind.mode() == PayMode::Subscription && mode == PayMode::Subscription;
        let evidence = match evidence {
            Some(Evidence::Paid(_)) if begun => Some(Evidence::Unpaid(Progress::Processing)),
            other => other,
        };
        self.tell(&purchase, PaymentFacts { names: sighting.names.clone(), evidence, ..facts() }).await
    }

    async fn intent(&self, sighting: &Sighting, evidence: Option<Evidence>) -> Result<Verdict, Stop> {
        let Some(purchase) = self.find(sighting).await? else {
            return Err(match sighting.purchase {
                Some(_) => unknown(sighting, "the payment intent's purchase is not there"),
                None => Verdict::Ignored("the payment intent names no purchase of ours".to_owned()),
            });
        };
        let news = PaymentFacts { names: sighting.names.clone(), ..facts() };
        match (purchase.kind, evidence) {
            (PurchaseKind::TopUp, evidence) => self.tell(&purchase, PaymentFacts { evidence, ..news }).await,
            (PurchaseKind::Pack, Some(Evidence::Paid(_))) => {
                let told = self.tell(&purchase, news).await?;
                // A second road to the grant, should the session's own event be lost. What was asked for is
                // in the session, so that is what is looked at.
                let session = match (&purchase.names.session, &sighting.names.intent) {
                    (Some(session), _) => self.look(ObjectName::Session(session.clone())).await?,
                    (None, Some(intent)) => self.look(ObjectName::SessionOfIntent(intent.clone())).await?,
                    (None, None) => None,
                };
                match session.as_ref().map(|seen| (&seen.fact, seen)) {
                    Some((Fact::Session { mode, evidence: Some(evidence) }, seen)) => {
                        self.session(seen, *mode, Some(evidence.clone())).await
                    }
                    _ => Ok(told),
                }
            }
            // A declined card is not the end of a checkout: the customer may try another.
            (PurchaseKind::Pack | PurchaseKind::Subscription | PurchaseKind::Renewal, _) => {
                self.tell(&purchase, news).await
            }
        }
    }

    /// A charge that nothing was refunded of: tells how it was paid.
    async fn other_charge(&self, sighting: &Sighting) -> Result<Verdict, Stop> {
        let Some(purchase) = self.find(sighting).await? else {
            return Err(Verdict::Ignored("the charge names no purchase of ours".to_owned()));
        };
        let Fact::Charge { method, .. } = &sighting.fact else { return Ok(Verdict::Done) };
        let facts = PaymentFacts { names: sighting.names.clone(), method: method.clone(), ..facts() };
        self.tell(&purchase, facts).await
    }

    async fn refunded(&self, sighting: &Sighting) -> Result<Verdict, Stop> {
        let purchase = self.find_paid(sighting).await?;
        // The event's own figure may be old by now: the charge is read anew.
        let seen = self.charge_now(&sighting.names).await?;
        let (names, fact) = match &seen {
            Some(seen) => (&seen.names, &seen.fact),
            None => (&sighting.names, &sighting.fact),
        };
        let Fact::Charge { refunded, method } = fact else {
            return Err(Verdict::Later("the charge of the refund cannot be read".to_owned()));
        };
        self.tell(&purchase, refund_facts(names, *refunded, method.clone())).await
    }

    /// The charge that a payment's names lead to, as it is now.
    pub(super) async fn charge_now(&self, names: &Names) -> Result<Option<Sighting>, Stop> {
        // By the intent first: a payment may have charges that failed before the one that counts.
        if let Some(intent) = &names.intent
            && let Some(seen) = self.look(ObjectName::ChargeOfIntent(intent.clone())).await?
        {
            return Ok(Some(seen));
        }
        match &names.charge {
            Some(charge) => self.look(ObjectName::Charge(charge.clone())).await,
            None => Ok(None),
        }
    }

    async fn contested(&self, sighting: &Sighting) -> Result<Verdict, Stop> {
        let purchase = self.find_paid(sighting).await?;
        let names = sighting.names.clone();
        let facts = match &sighting.fact {
            Fact::Dispute { id, minor, state } => {
                let dispute =
                    DisputeFact { id: id.clone(), minor: *minor, state: *state, as_of: sighting.as_of };
                PaymentFacts { names, dispute: Some(dispute), ..facts() }
            }
            Fact::FraudWarning { id } => PaymentFacts { names, fraud_warning: Some(id.clone()), ..facts() },
            _ => facts(),
        };
        self.tell(&purchase, facts).await
    }

    /// The purchase that was paid by a charge or payment intent; the provider is asked where our own rows do
    /// not know the name yet.
    async fn find_paid(&self, sighting: &Sighting) -> Result<Purchase, Stop> {
        if let Some(purchase) = self.find(sighting).await? {
            return Ok(purchase);
        }
        let mut roads = Vec::new();
        if let Some(charge) = &sighting.names.charge {
            roads.push(ObjectName::Charge(charge.clone()));
        }
        if let Some(intent) = &sighting.names.intent {
            roads.push(ObjectName::Intent(intent.clone()));
            roads.push(ObjectName::InvoiceOfIntent(intent.clone()));
            roads.push(ObjectName::SessionOfIntent(intent.clone()));
        }
        for road in roads {
            if let Some(seen) = self.look(road).await?
                && let Some(purchase) = self.find(&seen).await?
            {
                return Ok(purchase);
            }
        }
        Err(unknown(sighting, "the charge names no purchase of ours"))
    }

    async fn invoice(
        &self,
        kind: &str,
        sighting: &Sighting,
        invoice: &InvoiceSighting,
    ) -> Result<Verdict, Stop> {
        let (Some(id), Some(subscription)) = (&sighting.names.invoice, &sighting.names.subscription) else {
            return Err(Verdict::Ignored("not a subscription's invoice".to_owned()));
        };
        if kind == "invoice.paid" && invoice.paid.is_none() {
            // An event that leaves out what was paid: the invoice itself may say it.
            return match self.look(ObjectName::Invoice(id.clone())).await? {
                Some(seen) => match &seen.fact {
                    Fact::Invoice(now) if now.paid.is_some() => {
                        Box::pin(self.invoice("lookup", &seen, now)).await
                    }
                    _ => Err(Verdict::Later(format!("invoice {id} does not say what was paid"))),
                },
                None => Err(Verdict::Later(format!("invoice {id} does not say what was paid"))),
            };
        }
        if invoice.paid.is_none() && !invoice.collecting_failed {
            return Err(Verdict::Ignored("neither paid nor failed".to_owned()));
        }
        let known = self.book.purchase(PurchaseName::Invoice(id.clone())).await?;
        let (began, terms) = self.subscription_of(sighting, subscription).await?;
        if let Some(paid) = invoice.paid.as_ref().filter(|_| known.is_none())
            && (invoice.reason == InvoiceReason::Other || paid.minor == 0)
        {
            let paid = paid.minor;
            return Err(Verdict::Parked(format!(
                "invoice {id} is no period's: {paid} paid, nothing granted"
            )));
        }
        let first = matches!(invoice.reason, InvoiceReason::Begin | InvoiceReason::Unsaid)
            && began.kind == PurchaseKind::Subscription
            && began.names.invoice.is_none();
        let target: PurchaseId = match &known {
            Some(purchase) => purchase.id,
            None if first => began.id,
            None => PurchaseId::of_invoice(&began.user, id),
        };
        let minor = invoice.paid.as_ref().map_or_else(|| terms.price.minor(), |paid| paid.minor);
        // The terms as last paid, those it began with, or another plan's, if that was paid in full.
        let offer = if terms.price.minor() == minor {
            terms
        } else if began.offer.price.minor() == minor {
            began.offer.clone()
        } else {
            let catalogue = self.catalogue.current();
            let paid = || catalogue.plan_paid(invoice.price.as_deref(), invoice.plan.as_deref(), minor);
            invoice.whole.then(paid).flatten().map_or(terms, Plan::offer)
        };
        let facts = PaymentFacts {
            names: sighting.names.clone(),
            evidence: invoice.paid.clone().map(Evidence::Paid),
            invoice: Some(InvoiceFacts {
                offer,
                period_end: invoice.period_end.unwrap_or_else(|| sighting.as_of.after(MONTH)),
                collecting_failed: invoice.collecting_failed && invoice.paid.is_none(),
            }),
            ..facts()
        };
        let seen = self.observe(began.user, target, Some(id.clone()), facts, Actor::provider()).await?;
        Ok(judged(seen))
    }

    /// The purchase that began a subscription, and the terms that it is on now.
    async fn subscription_of(
        &self,
        sighting: &Sighting,
        id: &str,
    ) -> Result<(Purchase, crate::billing::offer::Offer), Stop> {
        if let Some(subscription) = self.book.subscription(id).await? {
            let began = self.book.purchase(PurchaseName::Id(subscription.purchase)).await?;
            if let Some(purchase) = began {
                return Ok((purchase, subscription.offer));
            }
        }
        let mut named = sighting.purchase;
        if named.is_none() {
            named = self.look(ObjectName::Subscription(id.to_owned())).await?.and_then(|seen| seen.purchase);
        }
        if let Some(name) = named
            && let Some(purchase) = self.book.purchase(PurchaseName::Id(name)).await?
            && purchase.kind == PurchaseKind::Subscription
        {
            let offer = purchase.offer.clone();
            return Ok((purchase, offer));
        }
        Err(unknown(sighting, &format!("subscription {id} is not known")))
    }

    async fn subscription(&self, sighting: &Sighting) -> Result<Verdict, Stop> {
        let Some(id) = sighting.names.subscription.clone() else {
            return Err(Verdict::Ignored("a subscription without an id".to_owned()));
        };
        let (began, _) = self.subscription_of(sighting, &id).await?;
        // Events come in any order: what counts is how it is now.
        let seen = self.look(ObjectName::Subscription(id.clone())).await?;
        let (fact, as_of) =
            seen.as_ref().map_or((&sighting.fact, sighting.as_of), |seen| (&seen.fact, seen.as_of));
        let ended_in_event = matches!(sighting.fact, Fact::Subscription { ended: true, .. });
        let Fact::Subscription { status, cancel_at_period_end, ended } = fact else {
            return Err(Verdict::Later("the subscription cannot be read".to_owned()));
        };
        if began.names.subscription.is_none() {
            let names = Names {
                subscription: Some(id.clone()),
                customer: sighting.names.customer.clone(),
                ..Names::default()
            };
            self.tell(&began, PaymentFacts { names, ..facts() }).await?;
        }
        let news = SubscriptionFacts {
            id,
            status: status.clone(),
            cancel_at_period_end: *cancel_at_period_end,
            ended: *ended || ended_in_event,
            as_of,
        };
        let request = ObserveSubscriptionRequest { user: began.user, facts: news, now: self.clock.now() };
        self.till.observe_subscription(request).await?;
        Ok(Verdict::Done)
    }
}

/// Nothing of ours so far. What claims to be ours ends before a human's eyes, not in silence.
fn unknown(sighting: &Sighting, text: &str) -> Verdict {
    match sighting.purchase {
        Some(_) => Verdict::Later(text.to_owned()),
        None => Verdict::Unknown(text.to_owned()),
    }
}

/// No news at all, to be filled in.
fn facts() -> PaymentFacts {
    PaymentFacts::default()
}

/// News of what was refunded of a charge.
pub(super) fn refund_facts(names: &Names, refunded: Refunded, method: Option<String>) -> PaymentFacts {
    PaymentFacts { names: names.clone(), refunded: Some(refunded), method, ..facts() }
}

/// A complaint needs a human; the books have what can be had.
fn judged(receipt: PaymentReceipt) -> Verdict {
    match receipt {
        PaymentReceipt::Purchase(receipt) => receipt.complaint.map_or(Verdict::Done, Verdict::Parked),
        PaymentReceipt::Complaint(text) => Verdict::Parked(text),
        PaymentReceipt::Subscription(_) | PaymentReceipt::Profile(_) => Verdict::Done,
    }
}

/// News of a checkout or top-up that will never be paid.
pub(super) fn given_up(progress: Progress) -> PaymentFacts {
    PaymentFacts { evidence: Some(Evidence::Unpaid(progress)), ..facts() }
}
