//! What happens to a subscription: begun, renewed, not collected, cancelled.

use chrono::{DateTime, Months};
use domain::clock::Timestamp;
use domain::ports::payments::InvoiceReason;

use super::desk::Desk;
use super::state::{IntentState, Invoice, Stage, Subscription, SubscriptionState, Terms};

impl Desk<'_> {
    /// A subscription's checkout is paid by card: its first period begins.
    pub fn begin_subscription(&mut self, session: &str) {
        let Some(intent) = self.attempt(session, IntentState::Succeeded) else { return };
        let (id, invoice) = (self.fresh("sub"), self.fresh("in"));
        let Some(found) = self.state.sessions.get_mut(session) else { return };
        found.subscription = Some(id.clone());
        found.invoice = Some(invoice.clone());
        let (terms, customer) = (found.terms.clone(), found.customer.clone());
        let period = (self.now, months_after(self.now, 1));
        let subscription = Subscription {
            id: id.clone(),
            terms: terms.clone(),
            customer: customer.clone(),
            state: SubscriptionState::Active,
            cancel_at_period_end: false,
            created: self.now,
            periods: 1,
            period,
            paid_until: period.1,
            latest_invoice: invoice.clone(),
            paid_invoice: invoice.clone(),
            ended_at: None,
        };
        self.state.subscriptions.insert(id.clone(), subscription);
        self.write_invoice(invoice.clone(), &id, (terms, customer), InvoiceReason::Begin, period);
        self.settle_invoice(&invoice, &intent);
        self.come_to(session, Stage::PaidByCard);
        self.keep_card(session);
        self.emit_session("checkout.session.completed", session);
        self.emit_subscription("customer.subscription.created", &id);
        self.emit_invoice("invoice.paid", &invoice);
    }

    /// The next period is paid; or the one that could not be collected, if there is such a one.
    pub fn renew(&mut self, id: &str) {
        let Some(invoice) = self.due_invoice(id) else { return };
        let Some(due) = self.state.invoices.get(&invoice) else { return };
        let (kept, customer, minor) = (due.intent.clone(), due.customer.clone(), due.terms.minor());
        let intent = kept.unwrap_or_else(|| self.new_intent(None, customer, minor, IntentState::Succeeded));
        self.settle_invoice(&invoice, &intent);
        if let Some(subscription) = self.state.subscriptions.get_mut(id) {
            subscription.state = SubscriptionState::Active;
            subscription.paid_until = subscription.period.1;
            subscription.paid_invoice.clone_from(&invoice);
        }
        self.emit_subscription("customer.subscription.updated", id);
        self.emit_invoice("invoice.paid", &invoice);
    }

    /// The next period begins, and cannot be collected; or once more could not be.
    pub fn fail_renewal(&mut self, id: &str) {
        let Some(invoice) = self.due_invoice(id) else { return };
        let Some(due) = self.state.invoices.get(&invoice) else { return };
        let (kept, customer, minor) = (due.intent.clone(), due.customer.clone(), due.terms.minor());
        let intent = kept.unwrap_or_else(|| self.new_intent(None, customer, minor, IntentState::Declined));
        if let Some(due) = self.state.invoices.get_mut(&invoice) {
            due.attempts += 1;
            due.intent = Some(intent.clone());
        }
        if let Some(subscription) = self.state.subscriptions.get_mut(id) {
            subscription.state = SubscriptionState::PastDue;
        }
        self.emit_intent("payment_intent.payment_failed", &intent);
        self.emit_invoice("invoice.payment_failed", &invoice);
        self.emit_subscription("customer.subscription.updated", id);
    }

    pub fn cancel_at_period_end(&mut self, id: &str, cancel: bool) {
        if let Some(subscription) = self.state.subscriptions.get_mut(id) {
            subscription.cancel_at_period_end = cancel;
            self.emit_subscription("customer.subscription.updated", id);
        }
    }

    pub fn cancel_now(&mut self, id: &str) {
        if let Some(subscription) = self.state.subscriptions.get_mut(id) {
            subscription.state = SubscriptionState::Canceled;
            subscription.ended_at = Some(self.now);
            self.emit_subscription("customer.subscription.deleted", id);
        }
    }

    /// The invoice that is to be paid next: one that could not be collected, or that of the next period, which
    /// begins with it.
    fn due_invoice(&mut self, id: &str) -> Option<String> {
        let subscription = self.state.subscriptions.get(id)?;
        let latest = subscription.latest_invoice.clone();
        if self.state.invoices.get(&latest)?.paid_at.is_none() {
            return Some(latest);
        }
        let invoice = self.fresh("in");
        let subscription = self.state.subscriptions.get_mut(id)?;
        subscription.periods += 1;
        // Counted from the first day, so that a subscription of the 31st does not move to the 28th for good.
        let end = months_after(subscription.created, subscription.periods);
        subscription.period = (subscription.period.1, end);
        subscription.latest_invoice.clone_from(&invoice);
        let (period, of) = (subscription.period, (subscription.terms.clone(), subscription.customer.clone()));
        self.write_invoice(invoice.clone(), id, of, InvoiceReason::Cycle, period);
        Some(invoice)
    }

    fn write_invoice(
        &mut self,
        id: String,
        subscription: &str,
        (terms, customer): (Terms, String),
        reason: InvoiceReason,
        period: (Timestamp, Timestamp),
    ) {
        let invoice = Invoice {
            id: id.clone(),
            subscription: subscription.to_owned(),
            terms,
            customer,
            reason,
            period,
            paid_at: None,
            attempts: 0,
            intent: None,
            created: self.now,
        };
        self.state.invoices.insert(id, invoice);
    }

    fn settle_invoice(&mut self, id: &str, intent: &str) {
        self.charge_intent(intent, "card");
        if let Some(invoice) = self.state.invoices.get_mut(id) {
            invoice.intent = Some(intent.to_owned());
            invoice.attempts += 1;
            invoice.paid_at = Some(self.now);
        }
    }
}

/// The same day so many months later, or the last one of that month.
fn months_after(from: Timestamp, months: u32) -> Timestamp {
    let later = DateTime::from_timestamp_micros(from.as_micros())
        .and_then(|time| time.checked_add_months(Months::new(months)));
    later.map_or(from, |time| Timestamp::from_micros(time.timestamp_micros()))
}
