//! Where acts are done: the state, the time and fresh names; and which act can be done when.

use domain::billing::offer::PayMode;
use domain::billing::purchase::ReturnState;
use domain::clock::Timestamp;
use domain::ids::IdSource;
use serde_json::Value;

use super::act::{Act, ActError};
use super::events::Event;
use super::objects;
use super::state::{Charge, Session, Stage, State, Subscription, SubscriptionState};

/// The state, held by one who acts at a moment.
pub struct Desk<'a> {
    pub state: &'a mut State,
    pub ids: &'a dyn IdSource,
    pub now: Timestamp,
}

impl Desk<'_> {
    /// A fresh name with Stripe's prefix for that kind of thing.
    pub fn fresh(&self, prefix: &str) -> String {
        format!("{prefix}_sandbox_{}", hex(&self.ids.unique()))
    }

    /// Something happened to an object.
    pub fn emit(&mut self, kind: &str, object: Value) {
        let event = Event::new(self.fresh("evt"), kind, object, self.now);
        self.state.events.push(event);
    }

    pub fn emit_session(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.state.sessions.get(id).map(objects::session) {
            self.emit(kind, object);
        }
    }

    pub fn emit_intent(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.state.intents.get(id).map(objects::intent) {
            self.emit(kind, object);
        }
    }

    pub fn emit_charge(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.state.charges.get(id).map(objects::charge) {
            self.emit(kind, object);
        }
    }

    pub fn emit_subscription(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.state.subscriptions.get(id).map(objects::subscription) {
            self.emit(kind, object);
        }
    }

    pub fn emit_invoice(&mut self, kind: &str, id: &str) {
        if let Some(object) = self.state.invoices.get(id).map(objects::invoice) {
            self.emit(kind, object);
        }
    }

    /// Closes the checkouts whose time is over.
    pub fn close_overdue(&mut self) {
        let overdue = |session: &&Session| session.stage.is_open() && session.expires_at <= self.now;
        let ids: Vec<String> =
            self.state.sessions.values().filter(overdue).map(|session| session.id.clone()).collect();
        for id in ids {
            self.close(&id, Stage::Expired);
        }
    }

    pub fn act_on_session(&mut self, id: &str, act: Act) -> Result<(), ActError> {
        let session = self.state.sessions.get(id).ok_or(ActError::Unknown)?;
        if !of_session(self.state, session).contains(&act) {
            return Err(ActError::NotNow);
        }
        let charge = self.state.charge_of_session(session).map(|charge| charge.id.clone());
        let subscription = session.subscription.clone();
        match act {
            Act::PayByCard if session.mode == PayMode::Subscription => self.begin_subscription(id),
            Act::PayByCard => self.pay_by_card(id),
            Act::TakeBoleto => self.take_boleto(id),
            Act::PayBoleto => self.pay_boleto(id),
            Act::MissBoleto => self.miss_boleto(id),
            Act::Decline => self.decline(id),
            Act::Fail => {
                self.decline(id);
                self.close(id, Stage::Failed);
            }
            Act::Expire => self.close(id, Stage::Expired),
            other => self.act_on_rest(charge, subscription, other),
        }
        Ok(())
    }

    pub fn act_on_subscription(&mut self, customer: &str, id: &str, act: Act) -> Result<(), ActError> {
        let found = self.state.subscriptions.get(id).filter(|found| found.customer == customer);
        let subscription = found.ok_or(ActError::Unknown)?;
        if !of_subscription(self.state, subscription).contains(&act) {
            return Err(ActError::NotNow);
        }
        let charge = self.state.charge_of_invoice(&subscription.paid_invoice).map(|charge| charge.id.clone());
        self.act_on_rest(charge, Some(id.to_owned()), act);
        Ok(())
    }

    /// What is done with money that was paid, or with a subscription.
    fn act_on_rest(&mut self, charge: Option<String>, subscription: Option<String>, act: Act) {
        match (act, charge, subscription) {
            (Act::RefundAll, Some(charge), _) => self.refund_by_hand(&charge, false),
            (Act::RefundHalf, Some(charge), _) => self.refund_by_hand(&charge, true),
            (Act::Dispute, Some(charge), _) => self.dispute(&charge),
            (Act::WinDispute, Some(charge), _) => self.end_dispute(&charge, ReturnState::Won),
            (Act::LoseDispute, Some(charge), _) => self.end_dispute(&charge, ReturnState::Lost),
            (Act::Renew, _, Some(id)) => self.renew(&id),
            (Act::FailRenewal, _, Some(id)) => self.fail_renewal(&id),
            (Act::CancelAtPeriodEnd, _, Some(id)) => self.cancel_at_period_end(&id, true),
            (Act::Keep, _, Some(id)) => self.cancel_at_period_end(&id, false),
            (Act::CancelNow, _, Some(id)) => self.cancel_now(&id),
            _ => {}
        }
    }
}

/// What can be done with a checkout as it is.
pub fn of_session(state: &State, session: &Session) -> Vec<Act> {
    match (session.stage, &session.subscription) {
        (Stage::Open | Stage::Declined, _) => {
            let boleto = (session.mode == PayMode::Payment).then_some(Act::TakeBoleto);
            let rest = [Act::Fail, Act::Decline, Act::Expire];
            [Act::PayByCard].into_iter().chain(boleto).chain(rest).collect()
        }
        (Stage::BoletoTaken, _) => vec![Act::PayBoleto, Act::MissBoleto],
        (Stage::PaidByCard, Some(id)) => {
            state.subscriptions.get(id).map(|found| of_subscription(state, found)).unwrap_or_default()
        }
        (Stage::PaidByCard, None) => state.charge_of_session(session).map(of_charge).unwrap_or_default(),
        // There are no refunds of boletos, and no disputes.
        (Stage::BoletoPaid | Stage::BoletoMissed | Stage::Failed | Stage::Expired, _) => Vec::new(),
    }
}

/// What can be done with a subscription as it is, and with the money that was last paid for it.
pub fn of_subscription(state: &State, subscription: &Subscription) -> Vec<Act> {
    let own: &[Act] = match (subscription.state, subscription.cancel_at_period_end) {
        (SubscriptionState::Canceled, _) => &[],
        (_, true) => &[Act::Keep, Act::CancelNow],
        (_, false) => &[Act::Renew, Act::FailRenewal, Act::CancelAtPeriodEnd, Act::CancelNow],
    };
    let charge = state.charge_of_invoice(&subscription.paid_invoice);
    own.iter().copied().chain(charge.map(of_charge).unwrap_or_default()).collect()
}

fn of_charge(charge: &Charge) -> Vec<Act> {
    match charge.dispute.as_ref().map(|dispute| dispute.state) {
        Some(ReturnState::Open) => vec![Act::WinDispute, Act::LoseDispute],
        Some(ReturnState::Lost) => Vec::new(),
        seen @ (Some(ReturnState::Won) | None) => {
            let left = charge.left();
            let all = (left > 0).then_some(Act::RefundAll);
            let half = (charge.half() < left).then_some(Act::RefundHalf);
            // A payment is disputed once.
            let dispute = (left > 0 && seen.is_none()).then_some(Act::Dispute);
            [all, half, dispute].into_iter().flatten().collect()
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
