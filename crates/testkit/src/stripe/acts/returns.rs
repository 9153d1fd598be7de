//! Money on its way back.

use serde_json::json;

use crate::stripe::objects;
use crate::stripe::state::State;
use crate::stripe::{Event, FakeStripe};

impl FakeStripe {
    /// Somebody refunds a part of a payment at the dashboard. Takes the id of a charge or of an intent;
    /// answers the refund's id.
    pub async fn refund(&self, charge_or_intent: &str, minor: i64) -> (String, Vec<Event>) {
        let act = |state: &mut State| {
            let charge = state.paid_charge(charge_or_intent);
            let refund = state.refund(&charge, Some(minor), Some("requested_by_customer"), &json!({}));
            refund.unwrap_or_else(|problem| panic!("'{charge}' cannot be refunded: {}", problem.error))
        };
        self.act(act).await
    }

    /// A refund does not reach the customer: the charge counts as not refunded by so much again.
    pub async fn fail_refund(&self, refund: &str) -> Vec<Event> {
        self.act(|state| state.fail_refund(refund)).await.1
    }

    /// The bank takes a payment back, until the dispute is closed. Answers the dispute's id.
    pub async fn dispute(&self, charge: &str, minor: i64) -> (String, Vec<Event>) {
        let act = |state: &mut State| {
            let dispute = state.open_dispute(charge, minor, false);
            state.announce("charge.dispute.funds_withdrawn", &dispute);
            dispute
        };
        self.act(act).await
    }

    /// The bank asks about a payment, and takes nothing back yet. Answers the dispute's id; closed it is
    /// `warning_closed`.
    pub async fn inquire(&self, charge: &str, minor: i64) -> (String, Vec<Event>) {
        self.act(|state| state.open_dispute(charge, minor, true)).await
    }

    /// A dispute ends: `won`, `lost` or `warning_closed`.
    pub async fn close_dispute(&self, dispute: &str, status: &str) -> Vec<Event> {
        assert!(matches!(status, "won" | "lost" | "warning_closed"), "a dispute does not end as '{status}'");
        let act = |state: &mut State| {
            let before = state.edit(dispute, |dispute| dispute["status"] = json!(status));
            state.announce_change("charge.dispute.closed", dispute, before);
            if status == "won" {
                state.announce("charge.dispute.funds_reinstated", dispute);
            }
        };
        self.act(act).await.1
    }

    /// The card's issuer warns of fraud.
    pub async fn early_fraud_warning(&self, charge: &str) -> Vec<Event> {
        let act = |state: &mut State| {
            let charge = state.paid_charge(charge);
            let at = state.now();
            let warning = objects::early_fraud_warning(at, state.object(&charge));
            let warning = state.put(warning);
            state.announce("radar.early_fraud_warning.created", &warning);
        };
        self.act(act).await.1
    }
}

impl State {
    fn paid_charge(&self, id: &str) -> String {
        self.charge_of(id).unwrap_or_else(|| panic!("'{id}' was not paid"))
    }

    fn open_dispute(&mut self, charge: &str, minor: i64, inquiry: bool) -> String {
        let charge = self.paid_charge(charge);
        let object = self.object(&charge).clone();
        assert_eq!(object["payment_method_details"]["type"], "card", "only cards are disputed");
        let at = self.now();
        let dispute = self.put(objects::dispute(at, &object, minor, inquiry));
        self.announce("charge.dispute.created", &dispute);
        self.edit(&charge, |charge| charge["disputed"] = json!(true));
        dispute
    }
}
