//! How money moves at Stripe, whoever set it going.

use serde_json::{Value, json};

use super::objects::{self, IntentTerms};
use super::problem::Problem;
use super::state::State;

impl State {
    /// A new card, kept for a customer if there is one.
    pub fn new_card(&mut self, customer: Option<&str>) -> String {
        let at = self.now();
        let card = self.put(objects::card(at, customer));
        if customer.is_some() {
            self.announce("payment_method.attached", &card);
        }
        card
    }

    /// A new customer.
    pub fn new_customer(&mut self, email: Option<&str>, name: Option<&str>, metadata: &Value) -> String {
        let at = self.now();
        let customer = self.put(objects::customer(at, email, name, metadata));
        self.announce("customer.created", &customer);
        customer
    }

    /// A new payment intent.
    pub fn open_intent(&mut self, terms: IntentTerms<'_>) -> String {
        let at = self.now();
        let intent = self.put(objects::intent(at, terms));
        self.announce("payment_intent.created", &intent);
        intent
    }

    /// The money of an intent arrives; answers its charge.
    pub fn succeed(&mut self, intent: &str, method: &str) -> String {
        let charge = self.charge(intent, method, false);
        self.edit(intent, |intent| {
            intent["status"] = json!("succeeded");
            intent["amount_received"] = intent["amount"].clone();
            intent["latest_charge"] = json!(charge);
            intent["payment_method"] = json!(method);
            intent["last_payment_error"] = Value::Null;
            intent["next_action"] = Value::Null;
        });
        self.announce("charge.succeeded", &charge);
        self.announce("payment_intent.succeeded", intent);
        charge
    }

    /// The card of an intent is declined.
    pub fn decline(&mut self, intent: &str, method: &str) {
        let charge = self.charge(intent, method, true);
        let error = objects::decline(&charge, self.object(method));
        self.edit(intent, |intent| {
            intent["status"] = json!("requires_payment_method");
            intent["latest_charge"] = json!(charge);
            intent["payment_method"] = Value::Null;
            intent["last_payment_error"] = error;
        });
        self.announce("charge.failed", &charge);
        self.announce("payment_intent.payment_failed", intent);
    }

    fn charge(&mut self, intent: &str, method: &str, failed: bool) -> String {
        let at = self.now();
        let charge = objects::charge(at, self.object(intent), self.object(method), failed);
        self.put(charge)
    }

    /// The charge that a charge's, an intent's, an invoice's or a session's id leads to.
    pub fn charge_of(&self, id: &str) -> Option<String> {
        let object = self.find(id)?;
        let next = match object["object"].as_str()? {
            "charge" => return Some(id.to_owned()),
            "payment_intent" => &object["latest_charge"],
            "checkout.session" if object["invoice"].is_string() => &object["invoice"],
            "checkout.session" => &object["payment_intent"],
            "invoice" => {
                let ties = self.objects.values().rev();
                let mut ties = ties.filter(|tie| tie["object"] == "invoice_payment" && tie["invoice"] == id);
                &ties.next()?["payment"]["payment_intent"]
            }
            _ => return None,
        };
        self.charge_of(next.as_str()?)
    }

    /// Pays back what is asked for, or all that is left; answers the refund.
    pub fn refund(
        &mut self,
        charge: &str,
        minor: Option<i64>,
        reason: Option<&str>,
        metadata: &Value,
    ) -> Result<String, Problem> {
        let left = self.number(charge, "amount") - self.number(charge, "amount_refunded");
        let minor = minor.unwrap_or(left);
        let object = self.object(charge);
        let refused = |code: &str, message: &str| Err(Problem::invalid("charge", code, message));
        if object["paid"] != true {
            return refused("charge_not_refundable", "The charge was not paid.");
        }
        if object["payment_method_details"]["type"] == "boleto" {
            return refused("charge_not_refundable", "Boleto payments cannot be refunded.");
        }
        let disputes = |other: &Value| {
            let holds_money = matches!(other["status"].as_str(), Some("needs_response" | "lost"));
            other["object"] == "dispute" && other["charge"] == charge && holds_money
        };
        if self.objects.values().any(disputes) {
            return refused("charge_disputed", &format!("Charge {charge} has been charged back."));
        }
        if left == 0 {
            let message = format!("Charge {charge} has already been refunded.");
            return refused("charge_already_refunded", &message);
        }
        if minor > left {
            let message = format!("Refund amount ({minor}) is greater than unrefunded amount ({left}).");
            return Err(Problem::contradiction(&message));
        }
        let object = object.clone();
        let at = self.now();
        let refund = self.put(objects::refund(at, &object, minor, reason, metadata));
        let before = self.move_refunded(charge, minor);
        self.announce("refund.created", &refund);
        self.announce_change("charge.refunded", charge, before);
        Ok(refund)
    }

    /// A refund does not reach the customer after all.
    pub fn fail_refund(&mut self, refund: &str) {
        assert_eq!(self.object(refund)["status"], "succeeded", "'{refund}' cannot fail any more");
        let charge = self.text(refund, "charge").unwrap_or_default();
        let minor = self.number(refund, "amount");
        let before = self.edit(refund, |refund| {
            refund["status"] = json!("failed");
            refund["failure_reason"] = json!("expired_or_canceled_card");
        });
        self.move_refunded(&charge, -minor);
        self.announce("refund.failed", refund);
        self.announce_change("refund.updated", refund, before.clone());
        self.announce_change("charge.refund.updated", refund, before);
    }

    fn move_refunded(&mut self, charge: &str, minor: i64) -> Value {
        let refunded = self.number(charge, "amount_refunded") + minor;
        self.edit(charge, |charge| {
            charge["amount_refunded"] = json!(refunded);
            charge["refunded"] = json!(charge["amount"] == charge["amount_refunded"]);
        })
    }
}
