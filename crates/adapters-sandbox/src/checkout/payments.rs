//! What happens to a checkout: paid by card or boleto, declined, closed.

use domain::billing::offer::PayMode;

use super::desk::Desk;
use super::state::{Charge, Intent, IntentState, Stage, Terms};

impl Desk<'_> {
    pub fn pay_by_card(&mut self, session: &str) {
        let Some(intent) = self.attempt(session, IntentState::Succeeded) else { return };
        self.charge_intent(&intent, "card");
        self.come_to(session, Stage::PaidByCard);
        self.keep_card(session);
        self.emit_session("checkout.session.completed", session);
    }

    pub fn take_boleto(&mut self, session: &str) {
        let Some(intent) = self.attempt(session, IntentState::AwaitsBoleto) else { return };
        self.come_to(session, Stage::BoletoTaken);
        self.emit_intent("payment_intent.requires_action", &intent);
        self.emit_session("checkout.session.completed", session);
    }

    pub fn pay_boleto(&mut self, session: &str) {
        let Some(intent) = self.attempt(session, IntentState::Succeeded) else { return };
        self.charge_intent(&intent, "boleto");
        self.come_to(session, Stage::BoletoPaid);
        self.emit_session("checkout.session.async_payment_succeeded", session);
    }

    pub fn miss_boleto(&mut self, session: &str) {
        let Some(intent) = self.attempt(session, IntentState::BoletoMissed) else { return };
        self.come_to(session, Stage::BoletoMissed);
        self.emit_intent("payment_intent.payment_failed", &intent);
        self.emit_session("checkout.session.async_payment_failed", session);
    }

    pub fn decline(&mut self, session: &str) {
        let Some(intent) = self.attempt(session, IntentState::Declined) else { return };
        self.come_to(session, Stage::Declined);
        self.emit_intent("payment_intent.payment_failed", &intent);
    }

    /// Closes a checkout that nobody completed.
    pub fn close(&mut self, session: &str, end: Stage) {
        self.come_to(session, end);
        self.emit_session("checkout.session.expired", session);
    }

    /// The payment intent of a checkout comes to a state; it is made at the first attempt to pay.
    pub fn attempt(&mut self, session: &str, state: IntentState) -> Option<String> {
        let found = self.state.sessions.get(session)?;
        if let Some(id) = found.intent.clone() {
            self.state.intents.get_mut(&id)?.state = state;
            return Some(id);
        }
        let (customer, minor) = (found.customer.clone(), found.terms.minor());
        let named = (found.mode == PayMode::Payment).then(|| found.terms.clone());
        let id = self.new_intent(named, customer, minor, state);
        self.state.sessions.get_mut(session)?.intent = Some(id.clone());
        Some(id)
    }

    pub fn new_intent(
        &mut self,
        terms: Option<Terms>,
        customer: String,
        minor: i64,
        state: IntentState,
    ) -> String {
        let id = self.fresh("pi");
        let intent =
            Intent { id: id.clone(), terms, customer, minor, state, charge: None, created: self.now };
        self.state.intents.insert(id.clone(), intent);
        id
    }

    /// A payment intent succeeds with a charge.
    pub fn charge_intent(&mut self, intent: &str, method: &'static str) {
        let id = self.fresh(if method == "card" { "ch" } else { "py" });
        let Some(paid) = self.state.intents.get_mut(intent) else { return };
        paid.state = IntentState::Succeeded;
        paid.charge = Some(id.clone());
        let charge = Charge {
            id: id.clone(),
            intent: intent.to_owned(),
            terms: paid.terms.clone(),
            customer: paid.customer.clone(),
            minor: paid.minor,
            refunded: 0,
            method,
            dispute: None,
            created: self.now,
        };
        self.state.charges.insert(id.clone(), charge);
        self.emit_charge("charge.succeeded", &id);
        self.emit_intent("payment_intent.succeeded", intent);
    }

    pub fn come_to(&mut self, session: &str, stage: Stage) {
        if let Some(session) = self.state.sessions.get_mut(session) {
            session.stage = stage;
        }
    }

    /// The card that a checkout was paid with is kept, where that was agreed.
    pub fn keep_card(&mut self, session: &str) {
        let Some(session) = self.state.sessions.get(session) else { return };
        let agreed = session.keep_card || session.mode == PayMode::Subscription;
        let customer = self.state.customers.entry(session.customer.clone()).or_default();
        customer.card_kept |= agreed;
    }
}
