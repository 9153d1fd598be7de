//! How subscriptions are billed.

use serde_json::{Value, json};

use super::objects::{self, IntentTerms, InvoiceTerms, Line};
use super::state::State;

const DAY_SECONDS: i64 = 86_400;
/// Until the next try of a payment that failed.
const RETRY_SECONDS: i64 = 3 * DAY_SECONDS;

/// Length of a price's period: 30 days, or 365.
pub(super) fn period_seconds(price: &Value) -> i64 {
    if price["recurring"]["interval"] == "year" { 365 * DAY_SECONDS } else { 30 * DAY_SECONDS }
}

impl State {
    /// Price and period of a subscription's item.
    pub fn item(&self, subscription: &str) -> (Value, (i64, i64)) {
        let item = &self.object(subscription)["items"]["data"][0];
        let second = |field: &str| item[field].as_i64().unwrap_or_default();
        (item["price"].clone(), (second("current_period_start"), second("current_period_end")))
    }

    /// Makes and finalizes an invoice, with an intent to pay it if there is anything to pay.
    pub fn bill(&mut self, subscription: &str, reason: &str, period: (i64, i64), lines: Vec<Line>) -> String {
        let at = self.now();
        let object = self.object(subscription).clone();
        let terms = InvoiceTerms { subscription: &object, reason, period, lines };
        let invoice = self.put(objects::invoice(at, &terms));
        self.announce("invoice.created", &invoice);
        self.edit(&invoice, |invoice| {
            invoice["status"] = json!("open");
            invoice["effective_at"] = json!(at);
            invoice["ending_balance"] = json!(invoice["total"].as_i64().unwrap_or_default().min(0));
            invoice["number"] = json!("FAKE-0001");
            invoice["status_transitions"]["finalized_at"] = json!(at);
        });
        self.announce("invoice.finalized", &invoice);
        self.edit(subscription, |subscription| subscription["latest_invoice"] = json!(invoice));
        let minor = self.number(&invoice, "amount_due");
        if minor > 0 {
            let description =
                if reason == "subscription_create" { "Subscription creation" } else { "Subscription update" };
            let intent = self.open_intent(IntentTerms {
                minor,
                currency: object["currency"].as_str().unwrap_or_default(),
                customer: object["customer"].as_str(),
                description: Some(description),
                // A subscription's metadata goes to its invoices, and no further.
                metadata: json!({}),
                method: object["default_payment_method"].as_str(),
                methods: json!(["card"]),
                future_usage: Some("off_session"),
            });
            let tie = objects::invoice_payment(at, self.object(&invoice), &intent);
            self.put(tie);
        }
        invoice
    }

    /// Id of the tie to the payment of an invoice, and of the intent.
    fn payment_of(&self, invoice: &str) -> Option<(String, String)> {
        let mut objects = self.objects.values();
        let tie = objects.find(|tie| tie["object"] == "invoice_payment" && tie["invoice"] == invoice)?;
        let intent = tie["payment"]["payment_intent"].as_str()?;
        Some((tie["id"].as_str()?.to_owned(), intent.to_owned()))
    }

    /// The card that a subscription's invoices are paid with.
    fn card_of(&self, invoice: &str) -> String {
        let parent = &self.object(invoice)["parent"]["subscription_details"]["subscription"];
        let subscription = parent.as_str().unwrap_or_default();
        self.text(subscription, "default_payment_method").expect("a subscription has a card")
    }

    /// Collects an open invoice.
    pub fn pay_invoice(&mut self, invoice: &str) {
        assert_eq!(self.object(invoice)["status"], "open", "'{invoice}' cannot be paid");
        let at = self.now();
        let payment = self.payment_of(invoice);
        if let Some((tie, intent)) = &payment {
            let card = self.card_of(invoice);
            self.succeed(intent, &card);
            self.edit(tie, |tie| {
                tie["status"] = json!("paid");
                tie["amount_paid"] = tie["amount_requested"].clone();
                tie["status_transitions"]["paid_at"] = json!(at);
            });
        }
        self.edit(invoice, |invoice| {
            let tries = invoice["attempt_count"].as_i64().unwrap_or_default();
            invoice["attempt_count"] = json!(tries + i64::from(payment.is_some()));
            invoice["status"] = json!("paid");
            invoice["attempted"] = json!(true);
            invoice["auto_advance"] = json!(false);
            invoice["amount_paid"] = invoice["amount_due"].clone();
            invoice["amount_remaining"] = json!(0);
            invoice["next_payment_attempt"] = Value::Null;
            invoice["status_transitions"]["paid_at"] = json!(at);
        });
        self.announce("invoice.paid", invoice);
        self.announce("invoice.payment_succeeded", invoice);
        if let Some((tie, _)) = payment {
            self.announce("invoice_payment.paid", &tie);
        }
    }

    /// Fails to collect an open invoice; it will be tried again.
    pub fn fail_invoice(&mut self, invoice: &str) {
        assert_eq!(self.object(invoice)["status"], "open", "'{invoice}' cannot fail");
        let at = self.now();
        let (_, intent) = self.payment_of(invoice).expect("an open invoice has an intent");
        let card = self.card_of(invoice);
        self.decline(&intent, &card);
        self.edit(invoice, |invoice| {
            let tries = invoice["attempt_count"].as_i64().unwrap_or_default();
            invoice["attempt_count"] = json!(tries + 1);
            invoice["attempted"] = json!(true);
            invoice["next_payment_attempt"] = json!(at + RETRY_SECONDS);
        });
        self.announce("invoice.payment_failed", invoice);
    }

    /// Sets the state of a subscription, if it is another.
    pub fn set_status(&mut self, subscription: &str, status: &str) {
        let before = self.edit(subscription, |object| object["status"] = json!(status));
        if before["status"].is_string() {
            self.announce_change("customer.subscription.updated", subscription, before);
        }
    }
}
