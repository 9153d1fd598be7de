//! Money that goes back: refunds and disputes.

use domain::billing::purchase::{Names, ReturnState};
use domain::ids::PurchaseId;
use domain::ports::payments::{PaymentError, RefundOrder};

use super::desk::{Desk, hex};
use super::objects;
use super::state::{Dispute, Refund, State};

impl Desk<'_> {
    /// A refund that was ordered through the port. Once for its key.
    pub fn refund(&mut self, order: RefundOrder) -> Result<(), PaymentError> {
        let refused = |reason: &str| Err(PaymentError::Refused(reason.to_owned()));
        if self.state.refunds.contains_key(&order.key) {
            return Ok(());
        }
        let Some(charge) = named_charge(self.state, &order.names) else {
            return refused("the sandbox knows no such charge");
        };
        let minor = order.minor.unwrap_or_else(|| charge.left());
        if charge.method == "boleto" {
            return refused("boleto payments cannot be refunded");
        }
        if charge.dispute.as_ref().is_some_and(|dispute| dispute.state != ReturnState::Won) {
            return refused("the charge is disputed");
        }
        if minor < 1 || minor > charge.left() {
            return refused("the amount is more than what is left of the charge");
        }
        let charge = charge.id.clone();
        self.pay_back(&charge, minor, Some(order.purchase), order.key);
        Ok(())
    }

    /// A refund that somebody clicked. As one made in Stripe's dashboard, it names no purchase.
    pub fn refund_by_hand(&mut self, charge: &str, half: bool) {
        let Some(found) = self.state.charges.get(charge) else { return };
        let minor = if half { found.half().min(found.left()) } else { found.left() };
        let key = hex(&self.ids.unique());
        self.pay_back(charge, minor, None, key);
    }

    fn pay_back(&mut self, charge: &str, minor: i64, purchase: Option<PurchaseId>, key: String) {
        let id = self.fresh("re");
        let Some(found) = self.state.charges.get_mut(charge) else { return };
        found.refunded += minor;
        let refund = Refund {
            id,
            charge: charge.to_owned(),
            intent: found.intent.clone(),
            purchase,
            minor,
            created: self.now,
        };
        let object = objects::refund(&refund);
        self.state.refunds.insert(key, refund);
        self.emit_charge("charge.refunded", charge);
        self.emit("refund.created", object);
    }

    /// The payer disputes what is left of a charge.
    pub fn dispute(&mut self, charge: &str) {
        let id = self.fresh("dp");
        let now = self.now;
        let Some(found) = self.state.charges.get_mut(charge) else { return };
        found.dispute = Some(Dispute { id, minor: found.left(), state: ReturnState::Open, created: now });
        self.emit_dispute("charge.dispute.created", charge);
        self.emit_dispute("charge.dispute.funds_withdrawn", charge);
    }

    pub fn end_dispute(&mut self, charge: &str, end: ReturnState) {
        let found = self.state.charges.get_mut(charge).and_then(|charge| charge.dispute.as_mut());
        let Some(dispute) = found else { return };
        dispute.state = end;
        self.emit_dispute("charge.dispute.closed", charge);
        if end == ReturnState::Won {
            self.emit_dispute("charge.dispute.funds_reinstated", charge);
        }
    }

    fn emit_dispute(&mut self, kind: &str, charge: &str) {
        if let Some(object) = self.state.charges.get(charge).and_then(objects::dispute) {
            self.emit(kind, object);
        }
    }
}

/// The charge that the names of a payment lead to.
fn named_charge<'a>(state: &'a State, names: &Names) -> Option<&'a super::state::Charge> {
    let by_charge = names.charge.as_ref().and_then(|id| state.charges.get(id));
    by_charge.or_else(|| state.charge_of(names.intent.as_ref()?))
}
